import type { Severity } from './severity.js';

/** Packet time: seconds and nanoseconds of the Unix epoch. */
export interface PacketTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The two endpoints of a connection or tunnel, in Zeek's sense of originator and responder. */
export interface ConnectionId {
  readonly origHost: string;
  readonly origPort: number;
  readonly respHost: string;
  readonly respPort: number;
}

/* New names go behind the others: a spool keeps the place in this list. */
export const LOG_NAMES = [
  'notice',
  'tunnel',
  'weird',
  'reporter',
  'stats',
  'capture_loss',
  'teredo',
] as const;
export type LogName = (typeof LOG_NAMES)[number];

/** Where an alert's packet is to be found. */
export interface PacketReference {
  readonly captureFile: string;
  /** Frame number in that file, from 1, as Wireshark counts. */
  readonly packetNumber: number;
  /** Only the first fragment of the datagram came. */
  readonly isIncomplete: boolean;
  readonly vlan: readonly number[];
  readonly origMac: string | undefined;
  readonly respMac: string | undefined;
}

/** The tunnel that an alert is about. */
export interface TunnelReference {
  readonly uid: string;
  readonly kind: string;
  readonly path: string;
  readonly depth: number;
  readonly outer: ConnectionId;
  readonly outerCommunityId: string | undefined;
  /** Endpoints of the outermost tunnel around this one; undefined when this is the outermost. */
  readonly outermost: ConnectionId | undefined;
}

export interface TeredoReference {
  readonly server: string;
  readonly client: string;
  readonly clientPort: number;
}

/** A finding that passed exceptions and suppression: what becomes one notice. */
export interface Alert {
  readonly id: string;
  readonly time: PacketTime;
  readonly rule: {
    readonly id: string;
    readonly rev: number;
    readonly title: string;
    readonly note: string;
    readonly severity: Severity;
    readonly attack: readonly string[];
    /** Seconds for which further alerts of this key are merged. */
    readonly suppressFor: number;
  };
  readonly uid: string;
  readonly connection: ConnectionId;
  /** `tcp`, `udp`, `icmp` or `unknown_transport`. */
  readonly transport: string;
  readonly communityId: string | undefined;
  readonly message: string;
  readonly sub: string | undefined;
  /** Findings of this key that were suppressed since its last alert. */
  readonly suppressed: number;
  readonly tunnel: TunnelReference;
  readonly teredo: TeredoReference | undefined;
  /** Absent when the alert is about a tunnel that ended. */
  readonly packet: PacketReference | undefined;
  readonly sensor: string;
}

export type TunnelAction = 'DISCOVER' | 'CLOSE' | 'EXPIRE';

export interface TunnelEvent {
  readonly time: PacketTime;
  readonly uid: string;
  readonly connection: ConnectionId;
  /** Zeek's `Tunnel::` type without the module: IP, TEREDO, GRE, VXLAN. */
  readonly zeekType: string;
  readonly action: TunnelAction;
  readonly kind: string;
  readonly depth: number;
  readonly parentUid: string | undefined;
  readonly direction: string;
  /** Set on CLOSE and EXPIRE. */
  readonly totals:
    | {
        readonly durationSeconds: number;
        readonly origPackets: number;
        readonly origBytes: number;
        readonly respPackets: number;
        readonly respBytes: number;
      }
    | undefined;
  readonly communityId: string | undefined;
  readonly vlan: readonly number[];
  readonly sensor: string;
}

export interface WeirdEvent {
  readonly time: PacketTime;
  readonly uid: string | undefined;
  readonly connection: ConnectionId | undefined;
  readonly name: string;
  readonly detail: string | undefined;
  readonly source: string | undefined;
  readonly captureFile: string;
  readonly packetNumber: number;
  readonly sensor: string;
}

/** What the sensor has to say about itself, as Zeek does in reporter.log. */
export interface ReporterEvent {
  readonly time: PacketTime;
  readonly level: 'INFO' | 'WARNING' | 'ERROR';
  readonly message: string;
  /** The part of the sensor that says it. */
  readonly location: string;
  readonly sensor: string;
}

/** What the sensor did in an interval; counts are of the interval, where nothing else is said. */
export interface StatsEvent {
  /** End of the interval, wall clock. */
  readonly time: PacketTime;
  readonly seconds: number;
  /** Memory of the process now, in octets. */
  readonly residentBytes: number;
  readonly packets: number;
  readonly bytes: number;
  /** Lost on the way to the analysis, as far as is known; see CaptureLossEvent. Undefined without live captures. */
  readonly droppedPackets: number | undefined;
  /** Passed the capture filters, dropped ones included. Undefined without live captures. */
  readonly linkPackets: number | undefined;
  /** Wall clock minus the time of the newest packet, now. Undefined before the first packet. */
  readonly lagSeconds: number | undefined;
  /** Octets of fragments that wait for the rest, now. */
  readonly fragmentBytes: number;
  readonly tunnelPackets: number;
  readonly duplicatePackets: number;
  /** Entries now. */
  readonly activeTunnels: number;
  readonly activeFlows: number;
  readonly tunnels: number;
  readonly flows: number;
  /** Entries that made room for others. */
  readonly evictions: number;
  readonly alerts: number;
  readonly suppressed: number;
  readonly weirds: number;
  /** Finished records that did not fit into a queue before a sink. */
  readonly droppedRecords: number;
  readonly sensor: string;
}

/** Kinds of drops; not every driver can tell them all. */
export const DROP_KINDS = ['kernel', 'interface', 'ring_full', 'unread'] as const;
export type DropKind = (typeof DROP_KINDS)[number];

/** Packets of one interface that were lost in an interval before anybody looked at them. */
export interface CaptureLossEvent {
  /** End of the interval, wall clock. */
  readonly time: PacketTime;
  readonly seconds: number;
  readonly interface: string;
  /** Sum of the drops that are known. */
  readonly lost: number;
  /** Packets that there were: passed the filter, or dropped before it. At least `lost`. */
  readonly expected: number;
  /** 0 to 100; a lower bound where a kind of drop is not known. */
  readonly percentLost: number;
  /** By kind; absent where the driver cannot tell. */
  readonly drops: Readonly<Partial<Record<DropKind, number>>>;
  readonly sensor: string;
}

/** What a record may be keyed or routed by. */
export interface RecordKeys {
  readonly uid: string | undefined;
  readonly communityId: string | undefined;
  /** The two outer addresses, lower text first, so that both directions of a tunnel have one key. */
  readonly outerPair: string | undefined;
  readonly sensor: string;
}

/** One finished line for a log, without its line end. */
export interface LogRecord {
  readonly log: LogName;
  readonly time: PacketTime;
  /** Severity of a notice; `informational` for other logs. */
  readonly severity: Severity;
  readonly keys: RecordKeys;
  readonly json: string;
}

/** The key of an unordered pair of hosts. */
export function hostPair(connection: ConnectionId): string {
  const { origHost, respHost } = connection;
  return origHost < respHost ? `${origHost} ${respHost}` : `${respHost} ${origHost}`;
}
