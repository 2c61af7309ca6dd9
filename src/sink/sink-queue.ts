import type { LogRecord } from '../model/records.js';
import type { AlertSink } from './alert-sink.js';

interface Waiting {
  readonly records: readonly LogRecord[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Stands before one sink, so that a slow one holds up nobody else. Bounded: what does not fit is dropped and counted.
 * What waits while the sink works is handed over together.
 */
export class SinkQueue {
  readonly #sink: AlertSink;
  readonly #mostRecords: number;
  #waiting: Waiting[] = [];
  #records = 0;
  #working: Promise<void> | undefined;
  /** Records that did not fit. */
  overflowed = 0;
  /** Records that the sink did not take. */
  failed = 0;

  constructor(sink: AlertSink, mostRecords: number) {
    this.#sink = sink;
    this.#mostRecords = mostRecords;
  }

  /** Records that wait or are being taken. */
  get length(): number {
    return this.#records;
  }

  /** Never waits: what does not fit is dropped and counted. */
  offer(records: readonly LogRecord[]): void {
    if (this.#records + records.length > this.#mostRecords) {
      this.overflowed += records.length;
      return;
    }
    // The sink's health tells of a failure, and it is counted.
    this.put(records).catch(() => undefined);
  }

  /** Resolves when the sink has taken the records; rejects with its error. Knows no bound: the caller waits. */
  put(records: readonly LogRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject });
      this.#records += records.length;
      this.#working ??= this.#work().finally(() => (this.#working = undefined));
    });
  }

  /** Resolves when the queue is empty. */
  async drained(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0);
      const records = taken.length === 1 ? taken[0]!.records : taken.flatMap((one) => one.records);
      try {
        await this.#sink.publish(records);
        for (const { resolve } of taken) resolve();
      } catch (error) {
        this.failed += records.length;
        for (const { reject } of taken) reject(error as Error);
      }
      this.#records -= records.length;
    }
  }
}
