import type { LogRecord } from '../model/records.js';

/** Where finished records go. */
export interface AlertSink {
  open(): Promise<void>;
  /** Resolves when the records are as safe as this sink promises; rejects with a SinkError. */
  publish(batch: readonly LogRecord[]): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A sink that cannot go on, in one sentence that says what to do. */
export class SinkError extends Error {
  override readonly name = 'SinkError';
}
