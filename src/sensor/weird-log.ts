import type { LayerStack } from '../decode/layers.js';
import { IP, LIMITED_BY_NAMES, ROW } from '../decode/layers.js';
import type { DecoderName } from '../decode/verdicts.js';
import { VERDICT, VERDICTS } from '../decode/verdicts.js';
import type { ConnectionId, WeirdEvent } from '../model/records.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { formatAddress } from '../wire/address.js';
import type { Counters } from './counters.js';
import type { Identities } from './identities.js';
import type { PacketScene } from './packet-scene.js';

/** Zeek's Weird::sampling_threshold, _rate and _duration. */
export const SAMPLING = { threshold: 25, rate: 1000, seconds: 600 } as const;

/* Names of Zeek's analyzers. */
const ZEEK_SOURCE: Readonly<Record<DecoderName, string>> = {
  ip: 'IPTUNNEL',
  packet: 'IPTUNNEL',
  link: 'ETHERNET',
  'ipv6-extension': 'IP',
  udp: 'UDP',
  tcp: 'TCP',
  icmp: 'ICMP',
  gre: 'GRE',
  vxlan: 'VXLAN',
  teredo: 'TEREDO',
  mpls: 'MPLS',
  geneve: 'GENEVE',
  ayiya: 'AYIYA',
  gtp: 'GTPV1',
  l2tp: 'L2TP',
  etherip: 'ETHERIP',
  gue: 'GUE',
  tzsp: 'TZSP',
  broker: 'BROKER',
};
/** Weirds of a connection for Zeek, which says nothing of tunnels in their names. */
const OF_CONNECTIONS: ReadonlySet<number> = new Set([
  VERDICT.bad_TCP_checksum,
  VERDICT.bad_UDP_checksum,
  VERDICT.bad_ICMP_checksum,
]);
const REPORTED: ReadonlySet<string> = new Set(['truncated', 'malformed', 'weird', 'limit']);

/** Turns what decoders say of packets into `weird` events. */
export interface WeirdLog {
  readonly size: number;
  readonly evictions: number;
  /** Reports what the packet's decoders noted and how they ended. */
  report(scene: PacketScene): void;
  /** Reports something about the packet that no decoder raised. */
  reportNamed(scene: PacketScene, name: string, detail: string | undefined): void;
}

/**
 * Turns verdicts into `weird` events: with Zeek's names and sampling (25 of a name and pair, then 1 in 1000, counted
 * anew after 10 minutes). What only the snap length caused is no weird.
 */
export class ExtendedWeirdLog implements WeirdLog {
  readonly #table: BoundedTable;
  readonly #counters: Counters;
  readonly #sensor: string;
  readonly #emit: (event: WeirdEvent) => void;
  readonly #identities: Identities;
  #seen = new Uint32Array(0);
  #since = new Float64Array(0);

  constructor(
    capacity: number,
    counters: Counters,
    sensor: string,
    emit: (event: WeirdEvent) => void,
    identities: Identities,
  ) {
    this.#counters = counters;
    this.#sensor = sensor;
    this.#emit = emit;
    this.#identities = identities;
    this.#table = new BoundedTable({
      keyWords: 3,
      capacity,
      onGrow: (slots) => {
        this.#seen = grown(this.#seen, new Uint32Array(slots));
        this.#since = grown(this.#since, new Float64Array(slots));
      },
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get evictions(): number {
    return this.#table.evictions;
  }

  report(scene: PacketScene): void {
    const { stack } = scene;
    for (let i = 0; i < stack.notes; i++) {
      this.#one(scene, stack.note[i]!, stack.noteDepth[i]!, undefined);
    }
    const { family } = VERDICTS[stack.verdict]!;
    if (!REPORTED.has(family) || (family === 'truncated' && stack.cutBySnapLength)) return;
    const detail =
      family === 'truncated'
        ? `needed ${stack.needed} octets, had ${stack.had} (limited by ${LIMITED_BY_NAMES[stack.failedLimit]!})`
        : undefined;
    this.#one(scene, stack.verdict, stack.encapsulations, detail);
  }

  reportNamed(scene: PacketScene, name: string, detail: string | undefined): void {
    this.#write(scene, name, detail, 'TIME', -1);
  }

  /** Says, once, that checksums are not judged where a network card fills them in. */
  reportOffload(scene: PacketScene, sender: string): void {
    const detail = `wrong checksums of ${sender} are as a sending host leaves them to its network card; such are not counted as wrong`;
    this.#write(scene, 'checksum_offload', detail, 'IP', 0);
  }

  #one(scene: PacketScene, verdict: number, depth: number, detail: string | undefined): void {
    const { name, decoder } = VERDICTS[verdict]!;
    if (!this.#isSampled(scene.stack, verdict, depth, scene.seconds)) {
      this.#counters.weirdsSampledOut++;
      return;
    }
    // What an encapsulation says of the IP header in it counts as outside of it.
    const enclosing = OF_CONNECTIONS.has(verdict) ? 0 : decoder === 'ip' ? depth - 1 : depth;
    const source = decoder === 'ip' && depth === 0 ? 'IP' : ZEEK_SOURCE[decoder];
    // Teredo's own headers are read before the encapsulation is opened.
    const level = decoder === 'teredo' ? depth : depth - 1;
    this.#write(scene, `${name}${enclosing >= 1 ? '_in_tunnel' : ''}`, detail, source, level);
  }

  #write(scene: PacketScene, name: string, detail: string | undefined, source: string, level: number): void {
    this.#counters.weirds++;
    const tunnel = level >= 0 && level < scene.levels ? scene.tunnel[level]! : scene.flowTunnel;
    this.#emit({
      time: scene.time,
      uid: tunnel < 0 ? undefined : this.#identities.tunnelUid(tunnel),
      connection: tunnel < 0 ? hosts(scene.stack, level) : this.#identities.tunnelConnection(tunnel),
      name,
      detail,
      source,
      captureFile: scene.captureFile,
      packetNumber: scene.number,
      sensor: this.#sensor,
    });
  }

  #isSampled(stack: LayerStack, verdict: number, depth: number, now: number): boolean {
    const ip = depth > 0 ? stack.outerIp[depth - 1]! : stack.ip;
    const { key } = this.#table;
    key[0] = (verdict << 8) | depth;
    key[1] = ip < 0 ? 0 : stack.word(ip, IP.SRC + 3);
    key[2] = ip < 0 ? 0 : stack.word(ip, IP.DST + 3);
    let slot = this.#table.find();
    if (slot < 0) {
      slot = this.#table.insert(now);
      this.#seen[slot] = 0;
      this.#since[slot] = now;
    } else {
      this.#table.touch(slot, now);
      if (now - this.#since[slot]! > SAMPLING.seconds) {
        this.#seen[slot] = 0;
        this.#since[slot] = now;
      }
    }
    const seen = ++this.#seen[slot]!;
    return seen <= SAMPLING.threshold || (seen - SAMPLING.threshold) % SAMPLING.rate === 0;
  }
}

/* The outer pair of an encapsulation that is no tunnel (yet), or of the packet itself. */
function hosts(stack: LayerStack, level: number): ConnectionId | undefined {
  return hostsOf(stack, level >= 0 && level < stack.encapsulations ? stack.outerIp[level]! : stack.ip);
}

/** The addresses of an IP layer as a connection without ports; undefined for no layer (-1). */
export function hostsOf(stack: LayerStack, ip: number): ConnectionId | undefined {
  if (ip < 0) return undefined;
  return { origHost: host(stack, ip, IP.SRC), origPort: 0, respHost: host(stack, ip, IP.DST), respPort: 0 };
}

function host(stack: LayerStack, ip: number, at: number): string {
  const row = ip * ROW + at;
  const { words } = stack;
  return formatAddress(words[row]!, words[row + 1]!, words[row + 2]!, words[row + 3]!);
}
