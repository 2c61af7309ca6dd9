import { readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Committed } from './committed-file.js';
import { NOTHING_COMMITTED, readCommitted } from './committed-file.js';
import type { Segment } from './segment.js';
import { scanRecords, scanSegment, SEGMENT_HEADER, segmentFirst } from './segment.js';
import type { SpoolOptions } from './spool-types.js';

/** What an earlier process left. */
export interface Recovered {
  readonly segments: Segment[];
  readonly committed: Committed;
  readonly nextSequence: number;
  readonly unsettled: number;
  /** Dropped records of the segment that the reader starts in, as far as they lie ahead. */
  readonly droppedBudget: number;
  /** Epoch time in ms since which the oldest of them waits, as its file says. */
  readonly waitingSince: number | undefined;
}

/** Reads what an earlier process left: cuts a torn tail, keeps everything before it, skips damage and says so. */
export async function recover(folder: string, onEvent: SpoolOptions['onEvent']): Promise<Recovered> {
  const names = await readdir(folder);
  for (const name of names.filter((one) => one.endsWith('.next')))
    await rm(join(folder, name), { force: true });
  const firsts = names
    .map(segmentFirst)
    .filter((first) => first !== undefined)
    .sort((a, b) => a - b);
  let committed = await readCommitted(folder);
  if (committed === undefined) {
    onEvent({
      kind: 'damaged',
      message: `The file of settled records in ${folder} is damaged; everything in the spool is sent again.`,
    });
    committed = { ...NOTHING_COMMITTED, settled: (firsts[0] ?? 1) - 1 };
  }
  const { settled } = committed;
  const segments: Segment[] = [];
  let unsettled = 0;
  let droppedBudget = 0;
  let waitingSince: number | undefined;
  for (const first of firsts) {
    const { segment, goodEnd, tailBytes, damagedRuns, isHeaderDamaged } = await scanSegment(folder, first);
    const isLast = first === firsts.at(-1);
    if (isLast && tailBytes > 0) {
      await truncate(segment.path, Math.max(goodEnd, SEGMENT_HEADER));
      segment.bytes = Math.max(goodEnd, SEGMENT_HEADER);
      onEvent({
        kind: 'recovered',
        message: `${tailBytes} octets of an incomplete write were cut from ${segment.path}; all records before them are kept.`,
      });
    }
    if (isHeaderDamaged) {
      onEvent({
        kind: 'damaged',
        message: `The header of ${segment.path} is damaged; its records are kept.`,
      });
    }
    const damagedPlaces = damagedRuns + (isLast || tailBytes === 0 ? 0 : 1);
    if (damagedPlaces > 0) {
      onEvent({
        kind: 'damaged',
        message: `${segment.path} is damaged in ${damagedPlaces} places; the records there are lost, all others are kept.`,
      });
    }
    // A segment that was begun and never written to would be begun again under the same name.
    if (isLast && segment.records === 0 && segment.dropped === 0) {
      await rm(segment.path);
      continue;
    }
    const ahead = await recordsBehind(segment, settled);
    segment.unread = ahead;
    unsettled += ahead;
    if (ahead > 0) waitingSince ??= (await stat(segment.path)).mtimeMs;
    if (segment.first <= settled) {
      const missingBehind = Math.min(settled, segment.last) - segment.first + 1 - (segment.records - ahead);
      droppedBudget = Math.max(0, segment.dropped - missingBehind);
    }
    segments.push(segment);
  }
  // Also of a segment that was removed because nothing was in it: its sequence must not come again.
  const highest = segments.reduce(
    (most, segment) => Math.max(most, segment.last, segment.first - 1),
    (firsts.at(-1) ?? 1) - 1,
  );
  if (unsettled > 0)
    onEvent({ kind: 'recovered', message: `${unsettled} records of an earlier run wait in ${folder}.` });
  return {
    segments,
    committed,
    nextSequence: Math.max(highest, settled) + 1,
    unsettled,
    droppedBudget,
    waitingSince,
  };
}

/* Records of a segment behind a sequence. */
async function recordsBehind(segment: Segment, sequence: number): Promise<number> {
  if (segment.last <= sequence) return 0;
  if (segment.first > sequence) return segment.records;
  let count = 0;
  await scanRecords(segment.path, SEGMENT_HEADER, (_bytes, place) => {
    if (place.sequence > sequence) count++;
  });
  return count;
}
