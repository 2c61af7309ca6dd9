import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { SEVERITIES } from '../../model/severity.js';
import { crc32c } from './crc32c.js';
import type { RecordPlace } from './record-codec.js';
import { findMarker, recordAt } from './record-codec.js';

/*
 * A segment file: a header, then records.
 *
 *     "CHSPOOL1" (8) | first sequence (8) | records that were dropped from it (4) | 0 (8) | CRC-32C of all before (4)
 */
const MAGIC = Buffer.from('CHSPOOL1');
const FIRST = 8;
const DROPPED = FIRST + 8;
const HEADER_CRC = DROPPED + 12;
export const SEGMENT_HEADER = HEADER_CRC + 4;
const WORD = 0x100000000;
const NAME_DIGITS = 16;

/** What is known of a segment file. */
export interface Segment {
  readonly path: string;
  /** Sequence that the file's name and header begin with. */
  readonly first: number;
  /** Highest sequence in the file, `first - 1` when it holds none. */
  last: number;
  /** Records in the file. */
  records: number;
  readonly bySeverity: Float64Array;
  /** Records that the full spool made room of. */
  dropped: number;
  bytes: number;
  /** Records in the file that were not read for delivery yet. */
  unread: number;
  /** Raised when the file is rewritten, so that readers look for their place again. */
  generation: number;
}

export function segmentPath(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(NAME_DIGITS, '0')}.seg`);
}

/** First sequence of a segment file by its name, or undefined. */
export function segmentFirst(name: string): number | undefined {
  const match = /^(\d{16})\.seg$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function newSegment(folder: string, first: number): Segment {
  return {
    path: segmentPath(folder, first),
    first,
    last: first - 1,
    records: 0,
    bySeverity: new Float64Array(SEVERITIES.length),
    dropped: 0,
    unread: 0,
    bytes: SEGMENT_HEADER,
    generation: 0,
  };
}

export function segmentHeader(first: number, dropped: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER);
  MAGIC.copy(header);
  header.writeUInt32LE(first % WORD, FIRST);
  header.writeUInt32LE(Math.floor(first / WORD), FIRST + 4);
  header.writeUInt32LE(dropped, DROPPED);
  header.writeUInt32LE(crc32c(header, 0, HEADER_CRC), HEADER_CRC);
  return header;
}

/** Records dropped from a segment, by its header; undefined when the header is damaged. */
function droppedOf(header: Buffer, first: number): number | undefined {
  if (header.length < SEGMENT_HEADER || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (header.readUInt32LE(HEADER_CRC) !== crc32c(header, 0, HEADER_CRC)) return undefined;
  const own = header.readUInt32LE(FIRST) + header.readUInt32LE(FIRST + 4) * WORD;
  return own === first ? header.readUInt32LE(DROPPED) : undefined;
}

/** What a scan saw beside records. */
export interface ScanResult {
  readonly segment: Segment;
  /** Offset behind the last good record. */
  readonly goodEnd: number;
  /** Octets behind it: a torn tail, when this is the last segment. */
  readonly tailBytes: number;
  /** Runs of damaged octets between good records. */
  readonly damagedRuns: number;
  readonly isHeaderDamaged: boolean;
}

const CHUNK = 1024 * 1024;

/** Called for each good record, with the buffer that it lies in. */
export type OnRecord = (bytes: Buffer, place: RecordPlace) => void;

export interface RecordScan {
  /** Offset behind the last good record. */
  readonly goodEnd: number;
  readonly end: number;
  /** Runs of damaged octets between good records. */
  readonly damagedRuns: number;
}

/** Reads a segment file from `from` on, record by record; damage is skipped to the next good one. */
export async function scanRecords(path: string, from: number, onRecord: OnRecord): Promise<RecordScan> {
  const walk = new RecordWalk(from, onRecord);
  for await (const chunk of createReadStream(path, { start: from, highWaterMark: CHUNK })) {
    walk.take(chunk as Buffer);
  }
  return walk.finish();
}

/** Finds records in octets that come in chunks. Memory is bounded by a chunk and the longest record. */
class RecordWalk {
  readonly #onRecord: OnRecord;
  #buffer: Buffer = Buffer.alloc(0);
  #base: number;
  #goodEnd: number;
  #damagedRuns = 0;
  #isInDamage = false;

  constructor(from: number, onRecord: OnRecord) {
    this.#base = from;
    this.#goodEnd = from;
    this.#onRecord = onRecord;
  }

  take(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    this.#walk(false);
  }

  finish(): RecordScan {
    const end = this.#base + this.#buffer.length;
    this.#walk(true);
    // Damage at the very end is the tail, not a run between records.
    const damagedRuns = this.#isInDamage ? this.#damagedRuns - 1 : this.#damagedRuns;
    return { goodEnd: this.#goodEnd, end, damagedRuns };
  }

  #walk(isFinal: boolean): void {
    const buffer = this.#buffer;
    let at = 0;
    while (at < buffer.length) {
      const place = recordAt(buffer, at, buffer.length);
      if (typeof place === 'object') {
        this.#isInDamage = false;
        at = place.end;
        this.#goodEnd = this.#base + at;
        this.#onRecord(buffer, place);
        continue;
      }
      // What reaches past the end may become whole with the next chunk; at the end of the file it never will.
      if (place === 'incomplete' && !isFinal) break;
      if (!this.#isInDamage) this.#damagedRuns++;
      this.#isInDamage = true;
      const next = findMarker(buffer, at + 1, buffer.length);
      at = next >= 0 ? next : isFinal ? buffer.length : Math.max(at + 1, buffer.length - 3);
    }
    this.#buffer = buffer.subarray(at);
    this.#base += at;
  }
}

/** Scans a whole segment file and counts what is in it. */
export async function scanSegment(folder: string, first: number): Promise<ScanResult> {
  const segment = newSegment(folder, first);
  const header = await readHeader(segment.path);
  const dropped = droppedOf(header, first);
  segment.dropped = dropped ?? 0;
  const { goodEnd, end, damagedRuns } = await scanRecords(segment.path, SEGMENT_HEADER, (_bytes, place) => {
    if (place.sequence > segment.last) countIn(segment, place);
  });
  segment.bytes = end;
  // A file shorter than its header is a segment that was just begun.
  const isHeaderDamaged = dropped === undefined && header.length === SEGMENT_HEADER;
  return { segment, goodEnd, tailBytes: Math.max(0, end - goodEnd), damagedRuns, isHeaderDamaged };
}

/** Counts a record as held by the segment. */
export function countIn(
  segment: Segment,
  place: { readonly sequence: number; readonly severity: number },
): void {
  segment.last = place.sequence;
  segment.records++;
  segment.unread++;
  segment.bySeverity[place.severity]! += 1;
}

async function readHeader(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path, { start: 0, end: SEGMENT_HEADER - 1 }))
    chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
