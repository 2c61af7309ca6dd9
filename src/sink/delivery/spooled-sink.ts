import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogRecord } from '../../model/records.js';
import type { AlertSink, SinkHealth } from '../alert-sink.js';
import { SinkError } from '../alert-sink.js';
import type { SpoolEvent, SpoolOptions } from '../spool/spool-types.js';
import { Spool } from '../spool/spool.js';
import { DeadLetters } from './dead-letters.js';
import type { DeliveryOptions } from './deliverer.js';
import { Deliverer } from './deliverer.js';
import type { Outage, ToldOutage } from './outage.js';
import { OutageWatch } from './outage.js';
import type { Transport } from './transport.js';

export interface SpooledSinkOptions {
  /** Name of the sink, for messages. */
  readonly name: string;
  readonly folder: string;
  readonly spool: Omit<SpoolOptions, 'onEvent'>;
  readonly delivery: DeliveryOptions;
  /** Octets that dead letters may take on disk. */
  readonly deadLetterBytes: number;
  /** Milliseconds without delivery after which it is an outage. */
  readonly outageAfterMs: number;
  /** Milliseconds that `close` waits for what is on its way. */
  readonly closeMs: number;
  /**
   * Set in a replay: `publish` waits while the spool is half full instead of letting it drop records, `flush` waits until all
   * is delivered, and both give up after so many milliseconds without progress. Undefined when live.
   */
  readonly patienceMs?: number;
}

export const DEFAULT_SPOOLED: Omit<SpooledSinkOptions, 'name' | 'folder' | 'spool' | 'delivery'> = {
  deadLetterBytes: 64 * 1024 * 1024,
  outageAfterMs: 10_000,
  closeMs: 5000,
};

export const DEFAULT_DELIVERY_WINDOW = { windowRecords: 20_000, windowBytes: 32 * 1024 * 1024 } as const;

/* With credentials or configuration wrong, waiting helps only while other lanes still deliver. */
const STOPPED_PATIENCE_MS = 2000;
const POLL_MS = 200;
const OUTAGE_FILE = 'outage.json';
/** Records that a replay hands to the spool before it looks again whether there is room. */
const PATIENT_RECORDS = 1000;

export interface SpooledSinkEvents {
  readonly onSpool: (event: SpoolEvent) => void;
  readonly onOutage: (outage: Outage) => void;
  /** Old letters, so many octets, made room for new ones. */
  readonly onLettersDiscarded: (bytes: number, path: string) => void;
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
  readonly #watchers = new Set<() => void>();

  constructor(transport: Transport<Message>, options: SpooledSinkOptions, events: SpooledSinkEvents) {
    this.#transport = transport;
    this.#options = options;
    this.#events = events;
    this.#outages = new OutageWatch(
      options.outageAfterMs,
      () => this.health(),
      (outage) => this.#tellOutage(outage),
    );
  }

  /** Recovers the spool and begins to deliver; the other side need not be there. Rejects with a SpoolError. */
  async open(): Promise<void> {
    const { folder, spool, delivery, deadLetterBytes } = this.#options;
    this.#spool = await Spool.open(folder, { ...spool, onEvent: (event) => this.#events.onSpool(event) });
    const deadLetters = new DeadLetters(folder, deadLetterBytes, (bytes) =>
      this.#events.onLettersDiscarded(bytes, deadLetters.path),
    );
    this.#deadLetters = deadLetters;
    this.#deliverer = new Deliverer(this.#spool, this.#transport, deadLetters, delivery, {
      onState: () => this.#outages.check(),
      onSettled: () => this.#tellWatchers(),
      onDeadLetter: (record, reason) => this.#events.onDeadLetter(record, reason, deadLetters.path),
    });
    const told = this.#toldOutage();
    if (told !== undefined) this.#outages.resume(told);
    this.#deliverer.start();
  }

  /* The end of an outage must be told even when another process saw its beginning. */
  #tellOutage(outage: Outage): void {
    const path = join(this.#options.folder, OUTAGE_FILE);
    try {
      if (outage.event === 'ended') rmSync(path, { force: true });
      else
        writeFileSync(path, JSON.stringify({ sinceMs: Date.now(), reason: outage.reason }), { mode: 0o640 });
    } catch (error) {
      const message = `${path} cannot be written: ${(error as Error).message}.`;
      this.#events.onSpool({ kind: 'failed', message });
    }
    this.#events.onOutage(outage);
  }

  #toldOutage(): ToldOutage | undefined {
    try {
      const told = JSON.parse(readFileSync(join(this.#options.folder, OUTAGE_FILE), 'utf8')) as ToldOutage;
      return Number.isFinite(told.sinceMs) && typeof told.reason === 'string' ? told : undefined;
    } catch {
      return undefined; // none, or one whose writing was cut off: then its end is not told
    }
  }

  /** Resolves when the records are durable. Rejects with a SpoolError; then none of them is accepted. */
  async publish(batch: readonly LogRecord[]): Promise<void> {
    const { patienceMs, spool } = this.#options;
    const hasRoom = (): boolean => {
      const { bytes, waiting } = this.#opened.status;
      return bytes < spool.maxBytes / 2 || waiting === 0;
    };
    const step = patienceMs === undefined ? batch.length : PATIENT_RECORDS;
    for (let from = 0; from < batch.length; from += step) {
      if (patienceMs !== undefined) await this.#until(hasRoom, patienceMs);
      await this.#accept(step >= batch.length ? batch : batch.slice(from, from + step));
    }
  }

  async #accept(batch: readonly LogRecord[]): Promise<void> {
    try {
      await this.#opened.append(batch);
      this.#setRefusal(undefined);
    } catch (error) {
      this.#setRefusal((error as Error).message);
      throw error;
    }
  }

  #setRefusal(refusal: string | undefined): void {
    if (refusal === this.#refusal) return;
    this.#refusal = refusal;
    this.#outages.check();
  }

  /** Resolves when nothing waits any more, or the sink is closed. Rejects with a SinkError when patience ends. */
  async flush(): Promise<void> {
    await this.#until(() => this.#opened.status.waiting === 0, this.#options.patienceMs ?? Infinity);
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
    this.#tellWatchers();
  }

  health(): SinkHealth {
    const spool = this.#spool?.status;
    const lost = spool === undefined ? 0 : spool.dropped + spool.damaged + spool.refused;
    if (this.#isClosed) return { state: 'closed', reason: undefined, spool, lost };
    if (this.#refusal !== undefined) return { state: 'failed', reason: this.#refusal, spool, lost };
    return { ...(this.#deliverer?.state ?? { state: 'starting', reason: undefined }), spool, lost };
  }

  get #opened(): Spool {
    if (this.#spool === undefined) throw new Error('The sink was not opened.');
    return this.#spool;
  }

  /* Waits for a condition that deliveries bring about. What needs mending by hand is not waited for. */
  async #until(isDone: () => boolean, patienceMs: number): Promise<void> {
    let seen = -1;
    let since = performance.now();
    while (!this.#isClosed && !isDone()) {
      const { waiting, accepted } = this.#opened.status;
      const { state, reason } = this.health();
      if (accepted - waiting !== seen) {
        seen = accepted - waiting;
        since = performance.now();
      }
      const limit = state === 'stopped' ? Math.min(STOPPED_PATIENCE_MS, patienceMs) : patienceMs;
      if (performance.now() - since > limit) {
        throw new SinkError(
          `Sink ${this.#options.name}: ${waiting} records were not delivered. ${reason ?? 'There was no progress.'} They stay in the spool ${this.#options.folder}; the next run that uses it sends them.`,
        );
      }
      await this.#settledOrSoon();
    }
  }

  #settledOrSoon(): Promise<void> {
    return new Promise((resolve) => {
      const tell = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(tell);
        resolve();
      };
      const timer = setTimeout(tell, POLL_MS);
      this.#watchers.add(tell);
    });
  }

  #tellWatchers(): void {
    for (const tell of [...this.#watchers]) tell();
  }
}
