import type { LayerStack } from '../decode/layers.js';
import { CARRIER, IPPROTO, LAYER } from '../decode/layers.js';
import { VERDICTS } from '../decode/verdicts.js';
import type { LogRecord, PacketTime, TunnelAction } from '../model/records.js';
import { TUNNEL_KINDS } from '../model/vocabulary.js';
import { grown } from '../state/bounded-table.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import { tunnelRecord } from '../zeek/tunnel-record.js';
import type { Identities } from './identities.js';
import type { PacketScene } from './packet-scene.js';
import type { TunnelLog } from './tunnel-log.js';

/** Zeek's Tunnel::expiration_interval. */
const EXPIRATION_SECONDS = 3600;
/** Zeek's Tunnel::max_changes_per_connection. */
export const MOST_CHANGES = 5;

const ZEEK_TYPE: Readonly<Record<number, string>> = {
  [CARRIER.ip]: 'IP',
  [CARRIER.teredo]: 'TEREDO',
  [CARRIER.gre]: 'GRE',
  [CARRIER.vxlan]: 'VXLAN',
  [CARRIER.geneve]: 'GENEVE',
  [CARRIER.ayiya]: 'AYIYA',
  [CARRIER.gtp]: 'GTPv1',
};

export interface ZeekTunnelLogParts {
  readonly tunnels: TunnelTable;
  readonly identities: Identities;
  readonly sensor: string;
  readonly emit: (record: LogRecord) => void;
  /** A flow changed its tunnels more often than Zeek follows. */
  readonly onTooManyChanges: (scene: PacketScene, flow: number) => void;
}

/**
 * The life of tunnels as Zeek writes it: DISCOVER with the first connection inside, for all tunnels around it, so that a
 * tunnel of bubbles is never written; CLOSE when the UDP flow of the tunnel ends; EXPIRE when no new connection came for
 * an hour, after which the next one is another DISCOVER.
 */
export class ZeekTunnelLog implements TunnelLog {
  readonly #parts: ZeekTunnelLogParts;
  /** Second of the last connection by tunnel, the oldest first: Zeek's Tunnel::active. No more than there are tunnels. */
  readonly #active = new Map<number, number>();
  /* Columns by flow: which tunnels were around its last packet, and how often that changed. */
  #around = new Uint32Array(0);
  #changes = new Uint8Array(0);

  constructor(parts: ZeekTunnelLogParts) {
    this.#parts = parts;
  }

  discovered(): void {
    // A tunnel without a connection is not written.
  }

  carried(scene: PacketScene, level: number, isNewFlow: boolean): void {
    const flow = scene.flow[level]!;
    if (!isConnection(scene.stack, scene.transport[level]!, level)) return;
    if (flow >= this.#around.length) this.#grow(flow + 1);
    const around = this.#tunnelsAround(scene, level);
    if (isNewFlow) this.#changes[flow] = 0;
    else if (around === this.#around[flow]) return;
    else if (this.#changes[flow]! >= MOST_CHANGES) {
      this.#parts.onTooManyChanges(scene, flow);
      this.#around[flow] = around;
      return;
    } else this.#changes[flow]!++;
    this.#around[flow] = around;
    for (let i = 0; i <= level; i++) this.#register(scene.tunnel[i]!, scene.time);
  }

  ended(slot: number, time: PacketTime): void {
    if (!this.#active.delete(slot)) return;
    this.#write(slot, time, this.#parts.tunnels.isUdp(slot) ? 'CLOSE' : 'EXPIRE');
  }

  cutOff(slot: number, time: PacketTime): void {
    if (this.#parts.tunnels.isUdp(slot)) this.ended(slot, time);
  }

  expire(now: number): void {
    for (const [slot, last] of this.#active) {
      if (now - last < EXPIRATION_SECONDS) return;
      this.#active.delete(slot);
      this.#write(slot, { seconds: now, nanoseconds: 0 }, 'EXPIRE');
    }
  }

  #register(slot: number, time: PacketTime): void {
    if (!this.#active.delete(slot)) this.#write(slot, time, 'DISCOVER');
    this.#active.set(slot, time.seconds);
  }

  #tunnelsAround(scene: PacketScene, level: number): number {
    const { id } = this.#parts.tunnels;
    let around = 0;
    for (let i = 0; i <= level; i++) around = (Math.imul(around, 0x01000193) ^ id[scene.tunnel[i]!]!) >>> 0;
    return around;
  }

  #grow(least: number): void {
    const slots = Math.max(1024, least * 2);
    this.#around = grown(this.#around, new Uint32Array(slots));
    this.#changes = grown(this.#changes, new Uint8Array(slots));
  }

  #write(slot: number, time: PacketTime, action: TunnelAction): void {
    const { tunnels, identities, sensor, emit } = this.#parts;
    const event = {
      time,
      uid: identities.tunnelUid(slot),
      connection: identities.tunnelConnection(slot),
      zeekType: ZEEK_TYPE[tunnels.carrier[slot]!]!,
      action,
      kind: TUNNEL_KINDS[tunnels.kind[slot]!]!,
      depth: tunnels.level[slot]!,
      parentUid: undefined,
      direction: '',
      totals: undefined,
      communityId: identities.tunnelCommunityId(slot),
      vlan: [],
      sensor,
    };
    emit(tunnelRecord(event, 'strict'));
  }
}

/* Whether Zeek makes a connection of the packet: one with a whole transport header, that is not the end of a chain. */
function isConnection(stack: LayerStack, transport: number, level: number): boolean {
  const kind = stack.kind[transport];
  if (kind === LAYER.nonext) return false;
  if (kind === LAYER.ipproto && stack.word(transport, IPPROTO.PROTOCOL) === IP_PROTOCOL.ESP) return false;
  const isLast = level === stack.encapsulations - 1;
  return !(isLast && VERDICTS[stack.verdict]!.family === 'truncated');
}
