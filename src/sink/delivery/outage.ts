import type { SinkHealth } from '../alert-sink.js';

/** A time during which a sink could not deliver. */
export interface Outage {
  readonly event: 'began' | 'ended';
  /** Why it began. */
  readonly reason: string;
  /** Seconds since it began; 0 when it begins. */
  readonly seconds: number;
  /** Records that wait for delivery. */
  readonly waiting: number;
}

/** What is kept of an outage that was told, until its end is. */
export interface ToldOutage {
  /** Epoch time in ms at which it began. */
  readonly sinceMs: number;
  readonly reason: string;
}

/**
 * Tells outages from blips: one begins when a sink has not delivered for `afterMs`, or at once when somebody has to mend
 * something, and ends when it delivers again.
 */
export class OutageWatch {
  readonly #afterMs: number;
  readonly #onOutage: (outage: Outage) => void;
  readonly #health: () => SinkHealth;
  #since: number | undefined;
  #isTold = false;
  #reason = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(afterMs: number, health: () => SinkHealth, onOutage: (outage: Outage) => void) {
    this.#afterMs = afterMs;
    this.#health = health;
    this.#onOutage = onOutage;
  }

  /** Goes on with an outage that an earlier run told and did not see the end of. */
  resume({ sinceMs, reason }: ToldOutage): void {
    this.#since = performance.now() - Math.max(0, Date.now() - sinceMs);
    this.#reason = reason;
    this.#isTold = true;
  }

  /** Looks at the health again; called whenever it may have changed. */
  check(): void {
    const { state, reason, spool } = this.#health();
    if (state === 'closed') {
      clearTimeout(this.#timer);
      return;
    }
    if (state === 'healthy' || state === 'starting') {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (this.#isTold && state === 'healthy') {
        const seconds = (performance.now() - this.#since!) / 1000;
        this.#isTold = false;
        this.#onOutage({ event: 'ended', reason: this.#reason, seconds, waiting: spool?.waiting ?? 0 });
      }
      if (state === 'healthy') this.#since = undefined;
      return;
    }
    this.#since ??= performance.now();
    this.#reason = reason ?? state;
    if (this.#isTold) return;
    const wait = state === 'stopped' ? 0 : this.#since + this.#afterMs - performance.now();
    if (wait <= 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#isTold = true;
      this.#onOutage({ event: 'began', reason: this.#reason, seconds: 0, waiting: spool?.waiting ?? 0 });
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.check();
      }, wait).unref();
    }
  }
}
