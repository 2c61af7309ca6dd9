import type { Config } from '../../config/definition/configuration.js';
import type { CaptureStats } from '../../capture/live-source.js';
import type { LogName, LogRecord } from '../../model/records.js';

/* What the main thread and the thread of the analysis tell each other. All of it can be cloned. */

/** What the analysis thread needs of the configuration. */
export type AnalysisConfig = Pick<
  Config,
  'sensor' | 'interfaces' | 'capture' | 'rules' | 'lists' | 'site' | 'maxDepth' | 'vxlanPorts' | 'limits'
>;

/** With what the thread is started. */
export interface AnalysisTask {
  readonly config: AnalysisConfig;
  /** Seed of uids, one for each start of the sensor. */
  readonly seed: number;
}

/** From main to the analysis. */
export type Order =
  /** Asks for a sign of life. */
  | { readonly kind: 'ping'; readonly id: number }
  /** A batch of records was taken. */
  | { readonly kind: 'ack' }
  /** Reads rules and lists again and sets filters; all or nothing. */
  | { readonly kind: 'reload'; readonly id: number; readonly config: AnalysisConfig }
  /** Stops capturing, finishes, hands over all records. */
  | { readonly kind: 'stop' };

/** From the analysis to main. */
export type News =
  | { readonly kind: 'ready'; readonly state: AnalysisState }
  | { readonly kind: 'records'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'sign'; readonly id: number; readonly state: AnalysisState }
  | { readonly kind: 'reloaded'; readonly id: number; readonly fault: Fault | undefined }
  | { readonly kind: 'interface'; readonly event: InterfaceEvent }
  | { readonly kind: 'stopped'; readonly state: AnalysisState }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface InterfaceEvent {
  readonly event: 'lost' | 'still-lost' | 'returned';
  readonly label: string;
  readonly reason: string;
}

/** An error that crossed the threads. */
export interface Fault {
  readonly message: string;
  /** `source`: rules, lists or filters have to be mended; `capture`: the surroundings; `bug`: neither. */
  readonly sort: 'source' | 'capture' | 'bug';
}

export interface InterfaceState {
  readonly label: string;
  readonly name: string;
  /** Whether it is there and captured from. */
  readonly isCapturing: boolean;
  /** The filter in force. */
  readonly filter: string;
  /** Number of BPF instructions that it has, when the driver tells. */
  readonly instructions: number | undefined;
  /** What the automatic filter hides, in sentences. */
  readonly hides: readonly string[];
  readonly stats: CaptureStats;
}

/** The analysis at one moment. Counts are from the start of the thread. */
export interface AnalysisState {
  readonly interfaces: readonly InterfaceState[];
  readonly rules: number;
  readonly packets: number;
  readonly wireBytes: number;
  readonly tunnelPackets: number;
  readonly cutBySnapLength: number;
  readonly duplicates: number;
  readonly timeBackwards: number;
  readonly unsupportedLinks: number;
  readonly weirds: number;
  readonly weirdsSampledOut: number;
  readonly alerts: number;
  readonly suppressed: number;
  /** Entries that state tables hold now. */
  readonly tunnels: number;
  readonly flows: number;
  /** Entries that made room for others, of all tables. */
  readonly evictions: number;
  /** Milliseconds that the latest packet was behind the clock when it was analysed; 0 when none came of late. */
  readonly lagMs: number;
  /** Highest lag since the last sign. */
  readonly mostLagMs: number;
  /** Records that wait for the main thread, posted or not. */
  readonly recordsWaiting: number;
  /** Records that did not fit into the queue to the main thread. */
  readonly recordsDropped: Readonly<Record<LogName, number>>;
}
