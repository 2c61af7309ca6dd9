const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

/** A fault that is being waited out. */
export class BackOff {
  readonly #clock: () => number;
  #reason: string | undefined;
  #waitMs = FIRST_MS;
  #retryAt = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Why nothing is written, one sentence; undefined while all is well. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Whether it is too early to try again. */
  get isWaiting(): boolean {
    return this.#reason !== undefined && this.#clock() < this.#retryAt;
  }

  /** Notes a fault. Returns whether it is a new one. The wait doubles each time, from a second to a minute. */
  failed(reason: string): boolean {
    const isNew = this.#reason === undefined;
    this.#reason = reason;
    this.#retryAt = this.#clock() + this.#waitMs;
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_MS);
    return isNew;
  }

  /** Ends the waiting. The next fault waits as long as this one would have, until something was written. */
  over(): void {
    this.#reason = undefined;
  }

  written(): void {
    this.#reason = undefined;
    this.#waitMs = FIRST_MS;
  }
}
