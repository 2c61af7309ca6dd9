import type { LogRecord } from '../../model/records.js';
import type { AlertSink, SinkHealth } from '../alert-sink.js';
import type { SpoolEvent, SpoolOptions } from '../spool/spool-types.js';
import { Spool } from '../spool/spool.js';
import { DeadLetters } from './dead-letters.js';
import type { DeliveryOptions } from './deliverer.js';
import { Deliverer } from './deliverer.js';
import type { Outage } from './outage.js';
import { OutageWatch } from './outage.js';
import type { Transport } from './transport.js';

export interface SpooledSinkOptions {
  readonly folder: string;
  readonly spool: Omit<SpoolOptions, 'onEvent'>;
  readonly delivery: DeliveryOptions;
  /** Octets that dead letters may take on disk. */
  readonly deadLetterBytes: number;
  /** Milliseconds without delivery after which it is an outage. */
  readonly outageAfterMs: number;
  /** Milliseconds that `close` waits for what is on its way. */
  readonly closeMs: number;
}

export const DEFAULT_SPOOLED: Omit<SpooledSinkOptions, 'folder' | 'spool' | 'delivery'> = {
  deadLetterBytes: 64 * 1024 * 1024,
  outageAfterMs: 10_000,
  closeMs: 5000,
};

export const DEFAULT_DELIVERY_WINDOW = { windowRecords: 20_000, windowBytes: 32 * 1024 * 1024 } as const;

export interface SpooledSinkEvents {
  readonly onSpool: (event: SpoolEvent) => void;
  readonly onOutage: (outage: Outage) => void;
  /** A record went to the dead letters in the file `path`. */
  readonly onDeadLetter: (record: LogRecord, reason: string, path: string) => void;
}

/**
 * A sink whose other side may be away: `publish` resolves when the records are durable in the spool, and a deliverer
 * carries them on when it can. Every accepted record is acknowledged, dead-lettered, or dropped by the spool's policy,
 * and counted as one of these.
 */
export class SpooledSink<Message> implements AlertSink {
  readonly #transport: Transport<Message>;
  readonly #options: SpooledSinkOptions;
  readonly #events: SpooledSinkEvents;
  readonly #outages: OutageWatch;
  #spool: Spool | undefined;
  #deliverer: Deliverer<Message> | undefined;
  #deadLetters: DeadLetters | undefined;
  /** Why records cannot be accepted now. */
  #refusal: string | undefined;
  #isClosed = false;
  readonly #flushed: (() => void)[] = [];

  constructor(transport: Transport<Message>, options: SpooledSinkOptions, events: SpooledSinkEvents) {
    this.#transport = transport;
    this.#options = options;
    this.#events = events;
    this.#outages = new OutageWatch(
      options.outageAfterMs,
      () => this.health(),
      (outage) => events.onOutage(outage),
    );
  }

  /** Recovers the spool and begins to deliver; the other side need not be there. Rejects with a SpoolError. */
  async open(): Promise<void> {
    const { folder, spool, delivery, deadLetterBytes } = this.#options;
    this.#spool = await Spool.open(folder, { ...spool, onEvent: (event) => this.#events.onSpool(event) });
    const deadLetters = new DeadLetters(folder, deadLetterBytes);
    this.#deadLetters = deadLetters;
    this.#deliverer = new Deliverer(this.#spool, this.#transport, deadLetters, delivery, {
      onState: () => this.#outages.check(),
      onSettled: () => this.#tellFlushed(),
      onDeadLetter: (record, reason) => this.#events.onDeadLetter(record, reason, deadLetters.path),
    });
    this.#deliverer.start();
  }

  /** Resolves when the records are durable. Rejects with a SpoolError; then none of them is accepted. */
  async publish(batch: readonly LogRecord[]): Promise<void> {
    try {
      await this.#opened.append(batch);
      this.#refusal = undefined;
    } catch (error) {
      this.#refusal = (error as Error).message;
      throw error;
    }
  }

  /** Resolves when nothing waits any more, or the sink is closed. With the other side away that may take for ever. */
  async flush(): Promise<void> {
    while (!this.#isClosed && this.#opened.status.waiting > 0) {
      await new Promise<void>((resolve) => this.#flushed.push(resolve));
    }
  }

  /** Ends delivery; what was not delivered stays in the spool for the next time. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#deliverer?.stop(this.#options.closeMs);
    await this.#spool?.close();
    await this.#deliverer?.ended();
    await this.#deadLetters?.close();
    this.#outages.check();
    for (const resolve of this.#flushed.splice(0)) resolve();
  }

  health(): SinkHealth {
    const spool = this.#spool?.status;
    if (this.#isClosed) return { state: 'closed', reason: undefined, spool };
    if (this.#refusal !== undefined) return { state: 'failed', reason: this.#refusal, spool };
    return { ...(this.#deliverer?.state ?? { state: 'starting', reason: undefined }), spool };
  }

  get #opened(): Spool {
    if (this.#spool === undefined) throw new Error('The sink was not opened.');
    return this.#spool;
  }

  #tellFlushed(): void {
    if (this.#flushed.length === 0 || this.#opened.status.waiting > 0) return;
    for (const resolve of this.#flushed.splice(0)) resolve();
  }
}
