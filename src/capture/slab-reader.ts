import { CaptureError } from './capture-error.js';
import type { OnPackets } from './packet-batch.js';
import { PacketBatch } from './packet-batch.js';
import { Slab } from './slab.js';

/** A slab with records in its first octets. */
export interface FilledSlab {
  readonly buffer: ArrayBuffer;
  readonly octets: number;
}

interface Reader {
  readonly onPackets: OnPackets;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Hands slabs to a reader, one at a time and in order, and gives each back when it was read. */
export class SlabReader {
  readonly #giveBack: (buffer: ArrayBuffer) => void;
  readonly #batch = new PacketBatch();
  /** Never more than there are slabs. */
  readonly #waiting: FilledSlab[] = [];
  #reader: Reader | undefined;
  #nextNumber = 1;
  #isBusy = false;
  #isOver = false;
  #hasEnded = false;

  constructor(giveBack: (buffer: ArrayBuffer) => void) {
    this.#giveBack = giveBack;
  }

  /** Whether nothing will be read any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Reads until `finish`. Rejects with what `onPackets` throws or rejects with. */
  read(onPackets: OnPackets): Promise<void> {
    if (this.#reader !== undefined || this.#hasEnded)
      return Promise.reject(new CaptureError('closed', 'A live capture is read once; open it anew.'));
    return new Promise((resolve, reject) => {
      this.#reader = { onPackets, resolve, reject };
      this.#goOn();
    });
  }

  add(slab: FilledSlab): void {
    if (this.#hasEnded) return;
    this.#waiting.push(slab);
    this.#goOn();
  }

  /** No slab will be added; `read` ends when all were read. */
  finish(): void {
    this.#isOver = true;
    if (this.#reader === undefined) this.#hasEnded = true;
    this.#goOn();
  }

  /** Ends now. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#waiting.length = 0;
    this.#reader?.reject(error);
  }

  #goOn(): void {
    while (this.#reader !== undefined && !this.#isBusy && !this.#hasEnded) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        if (!this.#isOver) return;
        this.#hasEnded = true;
        this.#reader.resolve();
      } else {
        this.#handOver(this.#reader, next);
      }
    }
  }

  #handOver({ onPackets }: Reader, { buffer, octets }: FilledSlab): void {
    try {
      new Slab(buffer).list(octets, this.#batch);
      this.#batch.firstNumber = this.#nextNumber;
      this.#nextNumber += this.#batch.count;
      const pending = onPackets(this.#batch, 0, this.#batch.count);
      if (pending === undefined) {
        this.#giveBack(buffer);
        return;
      }
      this.#isBusy = true;
      pending.then(
        () => {
          this.#isBusy = false;
          this.#giveBack(buffer);
          this.#goOn();
        },
        (error: unknown) => this.fail(error),
      );
    } catch (error) {
      this.fail(error);
    }
  }
}
