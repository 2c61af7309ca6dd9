import type { FrameView } from '../wire/frame.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import { UDP_PORT } from '../wire/numbers.js';
import { decodeAyiya } from './ayiya.js';
import { decodeGeneve } from './geneve.js';
import { decodeGtp } from './gtp.js';
import { decodeGue } from './gue.js';
import { decodeL2tp } from './l2tp.js';
import type { LayerStack } from './layers.js';
import { CARRIER } from './layers.js';
import { decodeTzsp } from './tzsp.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';
import { decodeVxlan } from './vxlan.js';

const ANSWERS_FROM_ITS_PORT: ReadonlySet<number> = new Set([CARRIER.ayiya, CARRIER.l2tp, CARRIER.gtp]);

/** Carriers over UDP that are known by their port. Teredo is not: it has evidence of its own, on any port. */
export class UdpCarriers {
  readonly #byPort = new Uint8Array(65_536);
  readonly #isBroker = new Uint8Array(65_536);

  constructor(vxlanPorts: readonly number[], mirrors: readonly MirrorTransport[] = []) {
    if (mirrors.includes('tzsp')) this.#byPort[UDP_PORT.TZSP] = CARRIER.tzsp;
    this.#byPort[UDP_PORT.GENEVE] = CARRIER.geneve;
    this.#byPort[UDP_PORT.AYIYA] = CARRIER.ayiya;
    this.#byPort[UDP_PORT.L2TP] = CARRIER.l2tp;
    this.#byPort[UDP_PORT.GTP_U] = CARRIER.gtp;
    this.#byPort[UDP_PORT.GUE] = CARRIER.gue;
    this.#isBroker[UDP_PORT.TSP] = 1;
    this.#isBroker[UDP_PORT.HEARTBEAT] = 1;
    for (const port of vxlanPorts) this.#byPort[port] = CARRIER.vxlan;
  }

  /**
   * The carrier of a datagram between two ports; 0 when there is none. A sender of VXLAN, GENEVE or GUE picks its own port
   * by hash, and a mirror has any, so theirs is that of the destination; the others answer from the port they were asked on.
   */
  of(sourcePort: number, destinationPort: number): number {
    const byDestination = this.#byPort[destinationPort]!;
    if (byDestination !== 0) return byDestination;
    const bySource = this.#byPort[sourcePort]!;
    return ANSWERS_FROM_ITS_PORT.has(bySource) ? bySource : 0;
  }

  /** Whether a tunnel broker is talked to on this port. */
  isBroker(port: number): boolean {
    return this.#isBroker[port] !== 0;
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
    return this.#byPort[port] !== 0 || this.isBroker(port);
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
    case CARRIER.tzsp:
      return decodeTzsp(frame, at, end, stack);
    case CARRIER.gue:
      return decodeGue(frame, at, end, stack);
    default:
      return VERDICT.not_ip;
  }
}
