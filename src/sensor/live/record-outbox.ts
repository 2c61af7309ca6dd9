import type { LogName, LogRecord } from '../../model/records.js';
import { LOG_NAMES } from '../../model/records.js';

export interface OutboxLimits {
  /** Records of one batch at most. */
  readonly batchRecords: number;
  /** Batches that may be on their way. */
  readonly mostUnacknowledged: number;
  /** Records that may wait for their turn. */
  readonly mostWaiting: number;
}

export const OUTBOX_LIMITS: OutboxLimits = { batchRecords: 512, mostUnacknowledged: 32, mostWaiting: 50_000 };

/** Other logs may fill this share of the room; the rest is for notices alone. */
const SHARE_OF_OTHERS = 0.75;

/**
 * Records on their way from the analysis to the main thread. Adding never waits: so many batches may be unacknowledged,
 * so many records may wait behind them, and what is more is dropped and counted, other logs before notices.
 */
export class RecordOutbox {
  readonly dropped = Object.fromEntries(LOG_NAMES.map((log) => [log, 0])) as Record<LogName, number>;
  readonly #post: (records: readonly LogRecord[]) => void;
  readonly #limits: OutboxLimits;
  readonly #onEmpty: (() => void)[] = [];
  #mostWaiting: number;
  #waiting: LogRecord[] = [];
  readonly #unacknowledged: number[] = [];

  constructor(post: (records: readonly LogRecord[]) => void, limits: OutboxLimits = OUTBOX_LIMITS) {
    this.#post = post;
    this.#limits = limits;
    this.#mostWaiting = limits.mostWaiting;
  }

  /** Records that it can hold at most, on their way or waiting. */
  get capacity(): number {
    const { batchRecords, mostUnacknowledged, mostWaiting } = this.#limits;
    return batchRecords * mostUnacknowledged + mostWaiting;
  }

  /** Records that main has not acknowledged. */
  get length(): number {
    return this.#waiting.length + this.#unacknowledged.reduce((sum, count) => sum + count, 0);
  }

  add(record: LogRecord): void {
    const room = record.log === 'notice' ? this.#mostWaiting : this.#mostWaiting * SHARE_OF_OTHERS;
    if (this.#waiting.length < room) this.#waiting.push(record);
    else this.dropped[record.log]++;
  }

  /** Posts what may be posted. */
  flush(): void {
    const { batchRecords, mostUnacknowledged } = this.#limits;
    let from = 0;
    while (from < this.#waiting.length && this.#unacknowledged.length < mostUnacknowledged) {
      const batch = this.#waiting.slice(from, from + batchRecords);
      from += batch.length;
      this.#unacknowledged.push(batch.length);
      this.#post(batch);
    }
    if (from > 0) this.#waiting = this.#waiting.slice(from);
    if (this.length === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  acknowledged(): void {
    this.#unacknowledged.shift();
    this.flush();
  }

  /** At the end nothing more comes from the wire, and what the analysis closes is bounded by its own tables. */
  liftLimit(): void {
    this.#mostWaiting = Infinity;
  }

  /** Resolves when main has acknowledged everything. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
      this.flush();
    });
  }
}
