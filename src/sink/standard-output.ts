import type { Writable } from 'node:stream';
import type { LogRecord } from '../model/records.js';
import { withPath } from '../zeek/json-line.js';
import type { AlertSink, SinkHealth } from './alert-sink.js';
import { SinkError } from './alert-sink.js';

/** All records on one stream, each with `_path` first. A reader that goes away ends the run quietly. */
export class StandardOutput implements AlertSink {
  readonly #stream: Writable;
  #fault: NodeJS.ErrnoException | undefined;
  #lost = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#fault = error;
    });
  }

  /** Whether the reader closed the pipe (`| head`). */
  get isReaderGone(): boolean {
    return this.#fault?.code === 'EPIPE';
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async publish(batch: readonly LogRecord[]): Promise<void> {
    if (batch.length === 0) return;
    const text = batch.map((record) => `${withPath(record.log, record.json)}\n`).join('');
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (!error) {
          resolve();
          return;
        }
        this.#lost += batch.length;
        reject(new SinkError(`Standard output cannot be written: ${error.message}.`, { cause: error }));
      });
    });
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  health(): SinkHealth {
    const fault = this.#fault;
    return fault === undefined
      ? { state: 'healthy', reason: undefined, spool: undefined, lost: this.#lost }
      : {
          state: 'failed',
          reason: `Standard output cannot be written: ${fault.message}.`,
          spool: undefined,
          lost: this.#lost,
        };
  }
}
