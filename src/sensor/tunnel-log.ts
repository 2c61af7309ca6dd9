import type { LogRecord, PacketTime, TunnelAction } from '../model/records.js';
import { DIRECTIONS, KIND, TUNNEL_KINDS } from '../model/vocabulary.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { tunnelRecord } from '../zeek/tunnel-record.js';
import type { Identities } from './identities.js';
import type { PacketScene } from './packet-scene.js';

/** Writes the life of tunnels, from what it is told of them. */
export interface TunnelLog {
  /** A tunnel was seen for the first time. */
  discovered(slot: number, time: PacketTime, parentUid: string | undefined): void;
  /** Encapsulation `level` of the packet at hand carries a packet of an inner flow. */
  carried(scene: PacketScene, level: number, isNewFlow: boolean): void;
  /** A tunnel ended by silence, or to make room for another. */
  ended(slot: number, time: PacketTime): void;
  /** The input ended, and the tunnel was open. */
  cutOff(slot: number, time: PacketTime): void;
  /** Packet time is `now` (seconds). */
  expire(now: number): void;
}

/** DISCOVER with the first packet, then CLOSE (over UDP) or EXPIRE (all others). */
export class ExtendedTunnelLog implements TunnelLog {
  readonly #tunnels: TunnelTable;
  readonly #identities: Identities;
  readonly #sensor: string;
  readonly #emit: (record: LogRecord) => void;

  constructor(
    tunnels: TunnelTable,
    identities: Identities,
    sensor: string,
    emit: (record: LogRecord) => void,
  ) {
    this.#tunnels = tunnels;
    this.#identities = identities;
    this.#sensor = sensor;
    this.#emit = emit;
  }

  discovered(slot: number, time: PacketTime, parentUid: string | undefined): void {
    this.#write(slot, time, 'DISCOVER', parentUid);
  }

  carried(): void {
    // Whatever a tunnel carries, its first packet told of it.
  }

  ended(slot: number, time: PacketTime): void {
    this.#write(slot, time, this.#tunnels.isUdp(slot) ? 'CLOSE' : 'EXPIRE', undefined);
  }

  cutOff(slot: number, time: PacketTime): void {
    // A tunnel over UDP is a connection and closes; other tunnels get no second line at the end, as in Zeek.
    if (this.#tunnels.isUdp(slot)) this.#write(slot, time, 'CLOSE', undefined);
  }

  expire(): void {
    // The tunnel table tells what ends.
  }

  #write(slot: number, time: PacketTime, action: TunnelAction, parentUid: string | undefined): void {
    const tunnels = this.#tunnels;
    const kind = tunnels.kind[slot]!;
    const vlan: number[] = [];
    if (tunnels.vlan[slot]! > 0) vlan.push(tunnels.vlan[slot]! - 1);
    if (tunnels.innerVlan[slot]! > 0) vlan.push(tunnels.innerVlan[slot]! - 1);
    this.#emit(
      tunnelRecord({
        time,
        uid: this.#identities.tunnelUid(slot),
        connection: this.#identities.tunnelConnection(slot),
        zeekType: zeekType(kind),
        action,
        kind: TUNNEL_KINDS[kind]!,
        depth: tunnels.level[slot]!,
        parentUid,
        direction: DIRECTIONS[tunnels.direction[slot]!]!,
        totals: action === 'DISCOVER' ? undefined : this.#totals(slot),
        communityId: this.#identities.tunnelCommunityId(slot),
        vlan,
        sensor: this.#sensor,
      }),
    );
  }

  #totals(slot: number): {
    durationSeconds: number;
    origPackets: number;
    origBytes: number;
    respPackets: number;
    respBytes: number;
  } {
    const tunnels = this.#tunnels;
    const { traffic } = tunnels;
    const seconds = traffic.lastSeconds(slot) - tunnels.firstSeconds[slot]!;
    const nanoseconds = traffic.lastNanoseconds(slot) - tunnels.firstNanoseconds[slot]!;
    return {
      durationSeconds: Math.max(0, (seconds * 1e9 + nanoseconds) / 1e9),
      origPackets: traffic.packets(slot, true),
      origBytes: traffic.bytes(slot, true),
      respPackets: traffic.packets(slot, false),
      respBytes: traffic.bytes(slot, false),
    };
  }
}

/* Zeek's Tunnel::Type. It calls every IP-in-IP tunnel "IP"; our finer kind goes in a key of its own. */
function zeekType(kind: number): string {
  switch (kind) {
    case KIND.teredo:
    case KIND['raw-ipv6-in-udp']:
      return 'TEREDO';
    case KIND.gre:
      return 'GRE';
    case KIND.vxlan:
      return 'VXLAN';
    case KIND.geneve:
      return 'GENEVE';
    case KIND.ayiya:
      return 'AYIYA';
    case KIND['gtp-u']:
      return 'GTPv1';
    default:
      return 'IP';
  }
}
