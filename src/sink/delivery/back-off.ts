export interface RetryOptions {
  /** Milliseconds before the first repetition. */
  readonly initialMs: number;
  /** Milliseconds that no wait exceeds. */
  readonly maxMs: number;
  /** Milliseconds between attempts while credentials or configuration are wrong: seldom, so that no account is locked. */
  readonly stoppedMs: number;
}

/**
 * Milliseconds to wait after the n-th failure in a row, from 1: doubled each time, capped, and spread over the upper half
 * so that many sensors do not come back to a broker at the same moment.
 */
export function backOffMs(failures: number, { initialMs, maxMs }: RetryOptions, random: number): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random;
}
