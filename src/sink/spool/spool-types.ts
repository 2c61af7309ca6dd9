import type { SpoolPolicy } from './make-room.js';

export interface SpoolOptions {
  /** Octets that segments may take together. */
  readonly maxBytes: number;
  /** Octets of a segment, after which the next begins. */
  readonly segmentBytes: number;
  readonly policy: SpoolPolicy;
  /** Records after which a group is written and synced at once. */
  readonly commitRecords: number;
  /** Milliseconds after which a smaller group is. */
  readonly commitMs: number;
  /** Milliseconds after which settled records are noted on disk. */
  readonly settleMs: number;
  /** Octets that must stay free on the file system; below them the spool does not grow. */
  readonly minFreeBytes: number;
  readonly onEvent: (event: SpoolEvent) => void;
}

export const DEFAULT_SPOOL: Omit<SpoolOptions, 'onEvent'> = {
  maxBytes: 1024 * 1024 * 1024,
  segmentBytes: 16 * 1024 * 1024,
  policy: 'drop-lowest-severity',
  commitRecords: 512,
  commitMs: 20,
  settleMs: 200,
  minFreeBytes: 64 * 1024 * 1024,
};

/** What an operator should hear of. */
export interface SpoolEvent {
  readonly kind: 'recovered' | 'damaged' | 'dropped' | 'low-space' | 'failed';
  readonly message: string;
}

/** All counts follow from sequence numbers: `accepted = acknowledged + deadLettered + dropped + damaged + waiting`. */
export interface SpoolStatus {
  /** Records that were durable when `append` resolved. */
  readonly accepted: number;
  readonly acknowledged: number;
  readonly deadLettered: number;
  readonly dropped: number;
  readonly damaged: number;
  readonly waiting: number;
  /** Records that were never accepted, because the disk was full. */
  readonly refused: number;
  readonly resent: number;
  readonly bytes: number;
  /** Seconds since the oldest waiting record was accepted; 0 when none waits. */
  readonly ageSeconds: number;
  /** Every record up to this sequence is settled. */
  readonly settled: number;
}
