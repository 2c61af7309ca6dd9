import type { SpooledRecord } from '../spool/record-codec.js';
import type { DeliveryError, Outgoing } from './transport.js';

export interface Item<Message> {
  readonly record: SpooledRecord;
  readonly outgoing: Outgoing<Message>;
}

export interface BatchLimits {
  readonly batchRecords: number;
  readonly batchBytes: number;
  readonly lingerMs: number;
}

/** Messages that must stay in order: a queue of which one batch at a time is on its way. */
export class Lane<Message> {
  readonly key: string;
  #queue: Item<Message>[] = [];
  #bytes = 0;
  /* When the oldest message that waits came, in milliseconds of the caller's clock. */
  #since = 0;
  #limit = Infinity;
  /** Whether a batch is on its way. */
  isBusy = false;
  /** Runs out when a batch is due: after lingering, or after a failure. */
  timer: NodeJS.Timeout | undefined;
  /** Failed sends in a row, and why the last one failed. */
  failures = 0;
  fault: DeliveryError | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get length(): number {
    return this.#queue.length;
  }

  push(item: Item<Message>, nowMs: number): void {
    if (this.#queue.length === 0) this.#since = nowMs;
    this.#queue.push(item);
    this.#bytes += item.outgoing.bytes;
  }

  /** Milliseconds until a batch is due; 0 when it is. */
  dueIn(limits: BatchLimits, nowMs: number): number {
    const isFull = this.#queue.length >= limits.batchRecords || this.#bytes >= limits.batchBytes;
    return isFull ? 0 : Math.max(0, this.#since + limits.lingerMs - nowMs);
  }

  /** Takes the next batch out of the queue: at least one message, and no more than the limits allow. */
  take(limits: BatchLimits, nowMs: number): Item<Message>[] {
    const most = Math.min(limits.batchRecords, this.#limit, this.#queue.length);
    let count = 0;
    let bytes = 0;
    while (count < most) {
      const next = this.#queue[count]!.outgoing.bytes;
      if (count > 0 && bytes + next > limits.batchBytes) break;
      bytes += next;
      count++;
    }
    this.#since = nowMs;
    this.#bytes -= bytes;
    return this.#queue.splice(0, count);
  }

  /** Puts a batch that was not taken back in front. */
  putBack(batch: readonly Item<Message>[]): void {
    this.#queue = [...batch, ...this.#queue];
    for (const { outgoing } of batch) this.#bytes += outgoing.bytes;
  }

  /** The next batch is half of one that was refused, until one is taken. */
  narrow(refused: number): void {
    this.#limit = Math.max(1, Math.floor(refused / 2));
  }

  succeeded(): void {
    this.#limit *= 2;
    this.failures = 0;
    this.fault = undefined;
  }

  failed(error: DeliveryError): void {
    this.failures++;
    this.fault = error;
  }

  /** Everything that waits; the lane is empty then, and its failures are forgotten. */
  empty(): Item<Message>[] {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.#bytes = 0;
    this.failures = 0;
    this.fault = undefined;
    return this.#queue.splice(0);
  }
}
