import type { MessagePort } from 'node:worker_threads';
import type { LiveOptions } from '../../capture/live-options.js';
import type { Config } from '../../config/definition/configuration.js';
import type { CaptureStats } from '../../capture/live-source.js';
import type { LogName, LogRecord } from '../../model/records.js';
import type { AnalysisSnapshot } from '../../observe/sensor-snapshot.js';

/* What the main thread and the thread of the analysis tell each other. All of it can be cloned or transferred. */

/** What the analysis thread needs of the configuration. */
export type AnalysisConfig = Pick<
  Config,
  | 'sensor'
  | 'interfaces'
  | 'capture'
  | 'rules'
  | 'lists'
  | 'site'
  | 'profile'
  | 'maxDepth'
  | 'vxlanPorts'
  | 'census'
  | 'checksums'
  | 'limits'
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
  /** Asks for a capture of the driver `cap`, which only the main thread can have. */
  | { readonly kind: 'open-cap'; readonly port: MessagePort; readonly options: LiveOptions }
  | { readonly kind: 'stopped'; readonly state: AnalysisState }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface InterfaceEvent {
  /** Gone, still gone, there again; there and down or without carrier, up again; or nobody can tell whether. */
  readonly event: 'lost' | 'still-lost' | 'returned' | 'link-down' | 'link-up' | 'link-unknown';
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
  /** Number of rules in force. */
  readonly rules: number;
  readonly analysis: Omit<AnalysisSnapshot, 'answerAgeSeconds'>;
  /** Highest number of seconds that a packet was behind the clock when it was analysed, since the last sign. */
  readonly mostLagSeconds: number;
  /** Records that did not fit into the queue to the main thread. */
  readonly recordsDropped: Readonly<Record<LogName, number>>;
}
