import type { UsualTunnel } from '../decode/usual-tunnel.js';
import type { FlowTable } from '../flow/flow-table.js';
import type { Site } from '../tunnel/site.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { MAPPED_WORD } from '../wire/address.js';
import type { FrameView } from '../wire/frame.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import type { Counters } from './counters.js';
import type { Judge } from './judge.js';
import type { MirrorDuplicates } from './mirror-duplicates.js';
import type { PacketScene } from './packet-scene.js';

/* A mark: 12 bits of KIND_EVIDENCE, one of these two, 5 bits of the tunnel's kind, 11 of the time or 8 of the hop limit: 30
   in all, because V8 makes an object of a larger number. */
const MARK = { fromOriginator: 4096, fromResponder: 8192, KIND_AT: 14, VARYING_AT: 19, TIME: 0x7ff } as const;
/**
 * Seconds after which a packet of a Teredo flow is looked at again: half the time that a relay of a client is remembered, so
 * that the memory of who met whom does not end while they talk.
 */
const TEREDO_LOOK_SECONDS = 15;

/**
 * What the judgement of a packet depends on beside its flow and the version of the site: what is known of the tunnel, and
 * of a tunnel not over UDP the hop limit inside, because a packet that comes by again with a lower one may be in a loop (S11). 0
 * when rules ask about every packet. `now` is the time of all state, in seconds.
 */
export function markOf(
  tunnel: number,
  fromOriginator: boolean,
  hopLimit: number,
  tunnels: TunnelTable,
  judge: Judge,
  now: number,
): number {
  const kind = tunnels.kind[tunnel]!;
  if (judge.asksEveryPacket(kind)) return 0;
  // The tunnel may have ended and come back since, as another kind or opened by the other end.
  const side = fromOriginator ? MARK.fromOriginator : MARK.fromResponder;
  const varying = tunnels.isUdp(tunnel) ? (now / TEREDO_LOOK_SECONDS) & MARK.TIME : hopLimit;
  return (varying << MARK.VARYING_AT) | (kind << MARK.KIND_AT) | tunnels.evidence[tunnel]! | side;
}

export interface KnownFlowsParts {
  readonly usual: UsualTunnel;
  readonly tunnels: TunnelTable;
  readonly flows: FlowTable;
  readonly site: Site;
  readonly judge: Judge;
  readonly duplicates: MirrorDuplicates;
  readonly scene: PacketScene;
  readonly counters: Counters;
}

/* Offsets in IPv4, UDP or TCP, IPv6. */
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const DESTINATION_PORT = 2;
const HOP_LIMIT = 7;
const IPV6_SOURCE = 8;
/* Words of an address. The scratch words hold outer source and destination, then the inner ones. */
const ADDRESS = 4;
const OUTER_V4 = 3;

/**
 * Counts usual packets of flows that violated nothing without decoding them: what they say was said by an earlier packet
 * with the same addresses and ports, and the mark that it left tells that nothing which matters has changed since. All
 * else that a packet does, it does here as everywhere: copies of a mirror, ages of tunnel and flow, counters.
 */
export class KnownFlows {
  readonly #parts: KnownFlowsParts;
  readonly #usual: UsualTunnel;
  readonly #outer = Uint32Array.of(0, 0, MAPPED_WORD, 0, 0, 0, MAPPED_WORD, 0);
  readonly #inner = new Uint32Array(2 * ADDRESS);

  constructor(parts: KnownFlowsParts) {
    this.#parts = parts;
    this.#usual = parts.usual;
  }

  /** Counts an Ethernet frame when it belongs to such a flow. False when it must be looked at; nothing has changed then. */
  count(
    frame: FrameView,
    at: number,
    end: number,
    wireEnd: number,
    seconds: number,
    nanoseconds: number,
    now: number,
  ): boolean {
    const usual = this.#usual;
    if (!usual.read(frame, at, end, wireEnd)) return false;
    const { tunnels, flows, site, judge, duplicates, scene, counters } = this.#parts;
    const tunnel = this.#findTunnel(frame);
    if (tunnel < 0) return false;
    const flow = this.#findFlow(frame, tunnel);
    if (flow < 0) return false;
    const hopLimit = frame.bytes[usual.inner + HOP_LIMIT]!;
    const mark = markOf(tunnel, tunnels.fromOriginator, hopLimit, tunnels, judge, now);
    if (mark === 0 || !flows.isNoted(flow, mark, site.version)) return false;
    counters.undecoded++;
    scene.seconds = seconds;
    scene.nanoseconds = nanoseconds;
    if (duplicates.isCopyOf(frame, usual.ip, usual.headersEnd, usual.end, seconds, nanoseconds)) {
      counters.duplicates++;
      return true;
    }
    counters.tunnelPackets++;
    tunnels.count(tunnel, usual.innerLength, seconds, nanoseconds, now);
    flows.count(flow, usual.innerLength, seconds, nanoseconds, now);
    return true;
  }

  #findTunnel({ view }: FrameView): number {
    const { ip, udp } = this.#usual;
    const outer = this.#outer;
    outer[OUTER_V4] = view.getUint32(ip + IPV4_SOURCE);
    outer[ADDRESS + OUTER_V4] = view.getUint32(ip + IPV4_DESTINATION);
    const { tunnels } = this.#parts;
    if (udp < 0) return tunnels.find(outer, 0, ADDRESS, 0, 0, IP_PROTOCOL.IPV6);
    const source = view.getUint16(udp);
    return tunnels.find(outer, 0, ADDRESS, source, view.getUint16(udp + DESTINATION_PORT), IP_PROTOCOL.UDP);
  }

  #findFlow({ view }: FrameView, tunnel: number): number {
    const { inner: ip, transport, transportKind } = this.#usual;
    const inner = this.#inner;
    for (let i = 0; i < 2 * ADDRESS; i++) inner[i] = view.getUint32(ip + IPV6_SOURCE + 4 * i);
    const { tunnels, flows } = this.#parts;
    const source = view.getUint16(transport);
    const destination = view.getUint16(transport + DESTINATION_PORT);
    return flows.find(inner, 0, ADDRESS, source, destination, transportKind, tunnels, tunnel);
  }
}
