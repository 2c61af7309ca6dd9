import { LINK_TYPE } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { CARRIER, LAYER, STEP } from './layers.js';
import { pushPorts, UDP_HEADER } from './udp.js';
import { decodeUdpCarrier } from './udp-carriers.js';
import type { UdpCarriers } from './udp-carriers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';
import { decodeTeredoAsZeek, isTeredoToZeek } from './zeek-teredo.js';

/** What Zeek knows of the UDP flow that a datagram belongs to. */
export interface UdpSession {
  /** Enters the datagram at these layers into its flow; the rest is about that flow. */
  enter(stack: LayerStack, ipLayer: number, udpLayer: number): void;
  readonly responderPort: number;
  /** A datagram broke the rules of its tunnel protocol: none of the flow is opened any more. */
  readonly isViolated: boolean;
  /** Both sides sent datagrams that kept them. */
  readonly isConfirmed: boolean;
  violate(): void;
  /** The datagram that was entered keeps the rules. */
  keep(): void;
}

const LAYER_OF_CARRIER: Readonly<Record<number, number>> = {
  [CARRIER.teredo]: LAYER.teredo,
  [CARRIER.vxlan]: LAYER.vxlan,
  [CARRIER.geneve]: LAYER.geneve,
  [CARRIER.ayiya]: LAYER.ayiya,
  [CARRIER.gtp]: LAYER.gtp,
};

/** UDP header as Zeek reads it: the datagram ends where the IP packet does, whatever the UDP length says. */
export function decodeUdpAsZeek(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < UDP_HEADER) return out.fail(VERDICT.truncated_UDP, LAYER.udp, at, UDP_HEADER, end - at);
  pushPorts(frame, at, end, out);
  out.goOn(STEP.udpPayload, 0, at + UDP_HEADER);
  return VERDICT.ok;
}

/** Opens what Zeek takes for a tunnel over UDP: by the responder's port, otherwise Teredo by its looks. */
export class ZeekUdp {
  readonly #session: UdpSession;
  readonly #carriers: UdpCarriers;
  readonly #maxDepth: number;

  constructor(session: UdpSession, carriers: UdpCarriers, maxDepth: number) {
    this.#session = session;
    this.#carriers = carriers;
    this.#maxDepth = maxDepth;
  }

  /** The payload of the datagram that is the last layer. */
  decodePayload(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
    const session = this.#session;
    session.enter(stack, stack.ip, stack.count - 1);
    const carrier = this.#carrierOf(frame, at, end);
    if (carrier === 0 || session.isViolated) {
      stack.stop();
      return VERDICT.ok;
    }
    if (stack.encapsulations >= this.#maxDepth) {
      stack.failedLayerKind = LAYER_OF_CARRIER[carrier]!;
      return VERDICT.exceeded_tunnel_max_depth;
    }
    const verdict =
      carrier === CARRIER.teredo
        ? decodeTeredoAsZeek(frame, at, end, stack)
        : decodeUdpCarrier(carrier, frame, at, end, stack);
    if (verdict !== VERDICT.ok) {
      // Weird only where both sides spoke Teredo before: otherwise it may be anything.
      if (carrier === CARRIER.teredo && session.isConfirmed && verdict !== VERDICT.not_teredo)
        stack.carrierComplaint = verdict;
      session.violate();
      stack.stop();
      return VERDICT.ok;
    }
    session.keep();
    if (stack.step === STEP.stop) return verdict;
    stack.open(carrier, stack.count - 1, stack.nextAt);
    if (stack.step === STEP.link) stack.selector = LINK_TYPE.ETHERNET;
    return verdict;
  }

  #carrierOf(frame: FrameView, at: number, end: number): number {
    const byPort = this.#carriers.ofResponder(this.#session.responderPort);
    if (byPort !== 0) return byPort;
    return isTeredoToZeek(frame, at, end) ? CARRIER.teredo : 0;
  }
}
