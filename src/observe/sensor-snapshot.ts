import type { PacketTime } from '../model/records.js';
import type { Severity } from '../model/severity.js';
import type { SinkState } from '../model/sink-state.js';

/*
 * Everything that metrics, health and the interval logs are made of, as plain numbers at one moment. Whoever runs the
 * sensor fills it; nothing here knows where a number comes from. Counts only grow, until what counts them starts anew.
 */

/** `stopping` from the signal on; nothing is captured any more. */
export const LIFE_STATES = ['starting', 'running', 'stopping'] as const;
export type LifeState = (typeof LIFE_STATES)[number];

/** A count, or `unknown` where the driver cannot tell. */
export type KnownCount = number | 'unknown';

/** One interface; the counts are those of a live source's `stats()`. */
export interface CaptureSnapshot {
  readonly interface: string;
  readonly isOpen: boolean;
  /** Why it is not open, one sentence. */
  readonly reason: string | undefined;
  /** Passed the filter, dropped ones included. */
  readonly received: number;
  /** Lost because the kernel's ring was full. */
  readonly kernelDrops: KnownCount;
  /** Lost by the interface or its driver. */
  readonly interfaceDrops: KnownCount;
  /** Lost because the analysis did not keep up. */
  readonly ringFull: KnownCount;
  /** Received and not taken when the capture ended or the interface went away. */
  readonly unread: KnownCount;
  /** Handed to the analysis. */
  readonly delivered: number;
  /** Octets of those on the wire; undefined where nobody counts them by interface. */
  readonly bytes: number | undefined;
  /** Times that the interface went away. */
  readonly interruptions: number;
}

/** A bounded table: tunnels, flows, suppression keys and so on. */
export interface TableSnapshot {
  readonly name: string;
  readonly size: number;
  readonly capacity: number;
  /** Entries that made room for others. */
  readonly evictions: number;
}

export interface AnalysisSnapshot {
  /** Seconds since the analysis thread last answered; what was counted may be that old. */
  readonly answerAgeSeconds: number;
  readonly packets: number;
  /** Octets on the wire. */
  readonly bytes: number;
  readonly tunnelPackets: number;
  readonly duplicates: number;
  /** Packets that ended for lack of captured octets. */
  readonly cutPackets: number;
  /** Headers and transports whose checksum was found wrong. */
  readonly badChecksums: number;
  /** Packets by family of their verdict; the families are a closed list of the decoder. */
  readonly verdictFamilies: Readonly<Record<string, number>>;
  /** Tunnels found, by kind; the kinds are a closed list. */
  readonly tunnelsByKind: Readonly<Record<string, number>>;
  /** Inner connections found. */
  readonly flows: number;
  /** Among them tables named `tunnels` and `flows`. */
  readonly tables: readonly TableSnapshot[];
  /** Octets of fragments that wait for the rest. */
  readonly fragmentBytes: number;
  readonly alerts: Readonly<Record<Severity, number>>;
  readonly suppressed: number;
  /** Findings that an exception of a rule took out. */
  readonly excepted: number;
  readonly weirds: number;
  readonly weirdsSampledOut: number;
  /** Wall clock minus the time of the newest packet; undefined before the first. */
  readonly lagSeconds: number | undefined;
  /** Finished records between analysis and sinks. */
  readonly queue: { readonly records: number; readonly capacity: number; readonly dropped: number };
}

export interface RulesSnapshot {
  readonly loaded: number;
  /** Reloads that went well. */
  readonly reloads: number;
  /** Reloads after which the old rules stayed in force. */
  readonly failedReloads: number;
  /** Seconds of the epoch of the last load that went well. */
  readonly loadedAtSeconds: number;
}

/** As the sink hub tells it; see SinkHub.healths. */
export interface SinkSnapshot {
  readonly name: string;
  readonly type: string;
  readonly state: SinkState;
  readonly reason: string | undefined;
  readonly queued: number;
  readonly overflowed: number;
  readonly failed: number;
  readonly lost: number;
  readonly spool: SpoolSnapshot | undefined;
}

/** The counts of a spool are of its whole life, over restarts. */
export interface SpoolSnapshot {
  readonly accepted: number;
  readonly acknowledged: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly damaged: number;
  readonly waiting: number;
  readonly refused: number;
  readonly resent: number;
  readonly bytes: number;
  readonly ageSeconds: number;
}

export interface ProcessSnapshot {
  /** Seconds of the epoch. */
  readonly startedAtSeconds: number;
  /** Seconds since then on a clock that nobody sets. */
  readonly uptimeSeconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** Longest time that the main thread's event loop was late since the snapshot before. */
  readonly eventLoopDelaySeconds: number;
}

/** What the HTTP server did. */
export interface HttpSnapshot {
  readonly requests: number;
  /** Requests that ended with an error of ours. */
  readonly failures: number;
  /** Connections over the cap. */
  readonly refusedConnections: number;
}

export interface SensorSnapshot {
  /** Wall clock. */
  readonly time: PacketTime;
  readonly sensor: string;
  readonly version: string;
  readonly state: LifeState;
  readonly captures: readonly CaptureSnapshot[];
  readonly analysis: AnalysisSnapshot;
  readonly rules: RulesSnapshot;
  readonly sinks: readonly SinkSnapshot[];
  readonly process: ProcessSnapshot;
  /** Undefined when there is no HTTP server. */
  readonly http: HttpSnapshot | undefined;
}
