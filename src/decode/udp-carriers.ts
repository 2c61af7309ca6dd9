import type { FrameView } from '../wire/frame.js';
import { UDP_PORT } from '../wire/numbers.js';
import { decodeAyiya } from './ayiya.js';
import { decodeGeneve } from './geneve.js';
import { decodeGtp } from './gtp.js';
import { decodeL2tp } from './l2tp.js';
import type { LayerStack } from './layers.js';
import { CARRIER } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';
import { decodeVxlan } from './vxlan.js';

/** Carriers over UDP that are known by their port. Teredo is not: it has evidence of its own, on any port. */
export class UdpCarriers {
  readonly #byPort = new Uint8Array(65_536);

  constructor(vxlanPorts: readonly number[]) {
    this.#byPort[UDP_PORT.GENEVE] = CARRIER.geneve;
    this.#byPort[UDP_PORT.AYIYA] = CARRIER.ayiya;
    this.#byPort[UDP_PORT.L2TP] = CARRIER.l2tp;
    this.#byPort[UDP_PORT.GTP_U] = CARRIER.gtp;
    for (const port of vxlanPorts) this.#byPort[port] = CARRIER.vxlan;
  }

  /**
   * The carrier of a datagram between two ports; 0 when there is none. A sender of VXLAN or GENEVE picks its own port by
   * hash, so theirs is that of the destination; the others answer from the port they were asked on.
   */
  of(sourcePort: number, destinationPort: number): number {
    const byDestination = this.#byPort[destinationPort]!;
    if (byDestination !== 0) return byDestination;
    const bySource = this.#byPort[sourcePort]!;
    return bySource === CARRIER.vxlan || bySource === CARRIER.geneve ? 0 : bySource;
  }

  /** The carrier that Zeek opens when the responder of a flow has this port; 0 when there is none. It knows no L2TP. */
  ofResponder(port: number): number {
    if (port === UDP_PORT.TEREDO) return CARRIER.teredo;
    if (port === UDP_PORT.GTP_C) return CARRIER.gtp;
    const carrier = this.#byPort[port]!;
    return carrier === CARRIER.l2tp ? 0 : carrier;
  }

  /** Whether a datagram to or from this port must be looked at. */
  watches(port: number): boolean {
    return this.#byPort[port] !== 0;
  }
}

/** Reads the header of a carrier. The step that it leaves is `stop` when nothing is carried (a keep-alive). */
export function decodeUdpCarrier(
  carrier: number,
  frame: FrameView,
  at: number,
  end: number,
  stack: LayerStack,
): Verdict {
  switch (carrier) {
    case CARRIER.vxlan:
      return decodeVxlan(frame, at, end, stack);
    case CARRIER.geneve:
      return decodeGeneve(frame, at, end, stack);
    case CARRIER.ayiya:
      return decodeAyiya(frame, at, end, stack);
    case CARRIER.l2tp:
      return decodeL2tp(frame, at, end, stack);
    case CARRIER.gtp:
      return decodeGtp(frame, at, end, stack);
    default:
      return VERDICT.not_ip;
  }
}
