import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SEVERITIES } from '../../model/severity.js';
import { syncFolder, writeAll } from './durable-file.js';
import type { Segment } from './segment.js';
import { scanRecords, SEGMENT_HEADER, segmentHeader } from './segment.js';

/** What the spool does when it is full. Never "block": a sensor must not stop for its sink. */
export const SPOOL_POLICIES = ['drop-lowest-severity', 'drop-oldest'] as const;
export type SpoolPolicy = (typeof SPOOL_POLICIES)[number];

/** Least severity of which the segments hold records, or -1. */
export function lowestSeverity(segments: readonly Segment[]): number {
  for (let severity = 0; severity < SEVERITIES.length; severity++) {
    if (segments.some((segment) => segment.bySeverity[severity]! > 0)) return severity;
  }
  return -1;
}

/**
 * Rewrites a segment without its records of one severity, and returns how many these were. The new file replaces the old
 * one as a whole; its header says how many records it lost.
 */
export async function compactSegment(segment: Segment, severity: number): Promise<number> {
  const next = `${segment.path}.next`;
  const handle = await open(next, 'w', 0o640);
  let dropped = 0;
  let bytes = SEGMENT_HEADER;
  try {
    // A segment is small (spool.segmentBytes): what is kept of it fits memory.
    const kept: Buffer[] = [];
    await scanRecords(segment.path, SEGMENT_HEADER, (buffer, place) => {
      if (place.severity === severity) dropped++;
      else kept.push(Buffer.from(buffer.subarray(place.at, place.end)));
    });
    const block = Buffer.concat(kept);
    await writeAll(handle, block, SEGMENT_HEADER);
    bytes += block.length;
    await writeAll(handle, segmentHeader(segment.first, segment.dropped + dropped), 0);
    await handle.sync();
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(next, segment.path);
  await syncFolder(dirname(segment.path));
  segment.records -= dropped;
  segment.unread -= dropped;
  segment.bySeverity[severity] = 0;
  segment.dropped += dropped;
  segment.bytes = bytes;
  segment.generation++;
  return dropped;
}
