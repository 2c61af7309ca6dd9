import { SEVERITIES } from '../../model/severity.js';
import { replaceFile } from './durable-file.js';
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
  let dropped = 0;
  // A segment is small (spool.segmentBytes): what is kept of it fits memory.
  const kept: Buffer[] = [];
  await scanRecords(segment.path, SEGMENT_HEADER, (buffer, place) => {
    if (place.severity === severity) dropped++;
    else kept.push(Buffer.from(buffer.subarray(place.at, place.end)));
  });
  const content = Buffer.concat([segmentHeader(segment.first, segment.dropped + dropped), ...kept]);
  await replaceFile(segment.path, content);
  segment.records -= dropped;
  segment.unread -= dropped;
  segment.bySeverity[severity] = 0;
  segment.dropped += dropped;
  segment.bytes = content.length;
  segment.generation++;
  return dropped;
}
