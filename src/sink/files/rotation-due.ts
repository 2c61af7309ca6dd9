import type { FileSinkOptions } from './file-sink-options.js';
import type { LogFile } from './log-file.js';

/**
 * Whether a file is of an earlier interval, or would be too large with `more` octets. Intervals are counted from the Unix
 * epoch, so that hours and days begin on the hour and at midnight UTC, whenever the process began. An empty file stays.
 */
export function isRotationDue(
  { bytes, datedMs }: Pick<LogFile, 'bytes' | 'datedMs'>,
  more: number,
  { rotateBytes, rotateIntervalMs }: Pick<FileSinkOptions, 'rotateBytes' | 'rotateIntervalMs'>,
  now: number,
): boolean {
  if (bytes === 0) return false;
  if (rotateBytes !== undefined && more > 0 && bytes + more > rotateBytes) return true;
  if (rotateIntervalMs === undefined) return false;
  return Math.floor(now / rotateIntervalMs) !== Math.floor(datedMs / rotateIntervalMs);
}
