/** What to do with logs that the folder holds already. */
export const EXISTING_LOGS = ['refuse', 'replace', 'append'] as const;
export type ExistingLogs = (typeof EXISTING_LOGS)[number];

/** When written records are made to survive a loss of power. */
export const FSYNC_POLICIES = ['never', 'interval', 'always'] as const;
export type FsyncPolicy = (typeof FSYNC_POLICIES)[number];

export interface FileSinkOptions {
  readonly existing: ExistingLogs;
  /** Whether records that cannot be written reject `publish`, or are counted while the rest goes on. */
  readonly onFailure: 'reject' | 'count';
  /** Octets that a file may have before the next begins; a batch is never split. Undefined: no limit. */
  readonly rotateBytes: number | undefined;
  /** Milliseconds after which the next file begins, counted from the Unix epoch, so that an hour begins at :00 UTC. */
  readonly rotateIntervalMs: number | undefined;
  /** Whether rotated files are compressed with gzip. */
  readonly compress: boolean;
  /** Milliseconds that a rotated file stays as it is, for readers that have not come to its end. */
  readonly compressDelayMs: number;
  /** Rotated files that are kept of each log. */
  readonly keepFiles: number;
  /** Octets of rotated files that are kept, of all logs together. */
  readonly keepBytes: number;
  readonly fsync: FsyncPolicy;
  /** Milliseconds between two syncs, with `fsync: interval`. */
  readonly fsyncIntervalMs: number;
  /** Octets that must stay free on the file system; below them nothing is written. */
  readonly minFreeBytes: number;
  /** Records that may wait for a slow disk; more are counted as lost, or rejected. */
  readonly maxWaitingRecords: number;
  readonly onEvent: (event: FileSinkEvent) => void;
  /** Wall clock, in milliseconds of the Unix epoch. */
  readonly clock: () => number;
}

/** What an operator should hear of. */
export interface FileSinkEvent {
  readonly kind: 'failed' | 'recovered' | 'torn-line' | 'moved-away' | 'removed' | 'housekeeping-failed';
  readonly message: string;
}

export interface FileSinkStatus {
  /** Records that are in the files. */
  readonly written: number;
  /** Records that are not in the files, or not known to be. */
  readonly lost: number;
  /** Files that were rotated. */
  readonly rotated: number;
  /** Rotated files that were removed to keep to `keepFiles` and `keepBytes`. */
  readonly removed: number;
  /** Octets of all rotated files that are kept. */
  readonly rotatedBytes: number;
}

/** For a sensor that runs for years. `minFreeBytes` is above the spool's, so that files stop first and alerts last. */
export const LIVE_FILES: Omit<FileSinkOptions, 'onEvent'> = {
  existing: 'append',
  onFailure: 'count',
  rotateBytes: 128 * 1024 * 1024,
  rotateIntervalMs: 60 * 60 * 1000,
  compress: true,
  compressDelayMs: 5 * 60 * 1000,
  keepFiles: 720,
  keepBytes: 4 * 1024 * 1024 * 1024,
  fsync: 'interval',
  fsyncIntervalMs: 1000,
  minFreeBytes: 256 * 1024 * 1024,
  maxWaitingRecords: 65_536,
  clock: Date.now,
};

/** For `replay`: a folder without logs, or whose logs are replaced; every fault ends the run. */
export function replayFiles(overwrite: boolean): FileSinkOptions {
  return {
    ...LIVE_FILES,
    existing: overwrite ? 'replace' : 'refuse',
    onFailure: 'reject',
    rotateBytes: undefined,
    rotateIntervalMs: undefined,
    compress: false,
    fsync: 'never',
    minFreeBytes: 0,
    onEvent: () => undefined, // every event of these options is also a rejection
  };
}
