import type { LogRecord } from '../model/records.js';
import type { SinkState } from '../model/sink-state.js';
import type { SpoolStatus } from './spool/spool-types.js';

/** Where finished records go. */
export interface AlertSink {
  open(): Promise<void>;
  /** Resolves when the records are as safe as this sink promises; rejects with a SinkError. */
  publish(batch: readonly LogRecord[]): Promise<void>;
  /** Resolves when everything that was published has reached its place, as far as this sink can tell. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Begins its files anew, after somebody moved them away; sinks without files have none. */
  reopen?(): Promise<void>;
  /** How the sink is now; cheap. */
  health(): SinkHealth;
}

export interface SinkHealth {
  readonly state: SinkState;
  /** Why it is not healthy, one sentence. */
  readonly reason: string | undefined;
  /** Records that were handed over since the start and will not reach their place; with a spool, in its whole life. */
  readonly lost: number;
  /** Counts of the spool, for sinks that have one. */
  readonly spool: SpoolStatus | undefined;
}

/** A sink that cannot go on, in one sentence that says what to do. */
export class SinkError extends Error {
  override readonly name: string = 'SinkError';
  /** One for each thing that went wrong. */
  readonly sentences: readonly string[];

  constructor(message: string | readonly string[], options?: ErrorOptions) {
    const sentences = typeof message === 'string' ? [message] : message;
    super(sentences.join('\n'), options);
    this.sentences = sentences;
  }
}
