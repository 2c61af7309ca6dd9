export const CHECK_STATUSES = ['ok', 'warning', 'failed'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** One thing that was looked at, and what was found. */
export interface CheckItem {
  /** What was looked at: `rules`, `interface eth1`, `sink kafka`. */
  readonly item: string;
  readonly status: CheckStatus;
  /** A sentence; what to do when it is not ok. */
  readonly reason: string;
  /** Configuration, rules, lists or a filter have to be mended, not their surroundings. */
  readonly isSource: boolean;
}

/** The filter of an interface, as `check` prints it. */
export interface CheckedFilter {
  readonly interface: string;
  readonly text: string;
  /** Undefined where the capture driver is not there to count them. */
  readonly instructions: number | undefined;
  /** What is never seen for it, in sentences. */
  readonly hides: readonly string[];
}

export interface CheckReport {
  readonly items: readonly CheckItem[];
  readonly filters: readonly CheckedFilter[];
}

export function ok(item: string, reason: string): CheckItem {
  return { item, status: 'ok', reason, isSource: false };
}

export function warning(item: string, reason: string): CheckItem {
  return { item, status: 'warning', reason, isSource: false };
}

export function failed(item: string, reason: string, isSource = false): CheckItem {
  return { item, status: 'failed', reason, isSource };
}
