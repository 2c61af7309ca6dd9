import type { LogRecord, PacketTime, TunnelAction } from '../model/records.js';
import { DIRECTIONS, KIND, TUNNEL_KINDS } from '../model/vocabulary.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { tunnelRecord } from '../zeek/tunnel-record.js';
import type { Identities } from './identities.js';

/** Writes the life of tunnels: DISCOVER, then CLOSE (over UDP) or EXPIRE (all others) as Zeek has them. */
export class TunnelLog {
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

  discover(slot: number, time: PacketTime, parentUid: string | undefined): void {
    this.#write(slot, time, 'DISCOVER', parentUid);
  }

  close(slot: number, time: PacketTime): void {
    this.#write(slot, time, 'CLOSE', undefined);
  }

  expire(slot: number, time: PacketTime): void {
    this.#write(slot, time, 'EXPIRE', undefined);
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
