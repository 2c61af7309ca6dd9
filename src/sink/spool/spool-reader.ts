import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { SpooledRecord } from './record-codec.js';
import { decodeRecord, findMarker, MAX_BODY, RECORD_HEADER, recordAt } from './record-codec.js';
import type { Segment } from './segment.js';
import { SEGMENT_HEADER } from './segment.js';

const CHUNK = 1024 * 1024;

export interface ReaderEvents {
  /** Called with each record's sequence the moment it is read. */
  readonly onRecord: (sequence: number) => void;
  /** Called with the last sequence of a run of records that are not there, and how many of them were dropped. */
  readonly onGap: (last: number, dropped: number, damaged: number) => void;
}

/**
 * Reads the durable records of the segments in order, from a sequence on. What is missing between two records is
 * reported as a gap: dropped, as far as the segment's header accounts for it, otherwise damaged.
 */
export class SpoolReader {
  /** Sequence that is wanted next. */
  next: number;
  readonly #segments: () => readonly Segment[];
  readonly #events: ReaderEvents;
  /** Dropped records that segments account for and no gap has shown yet. */
  #budget: number;
  #segment: Segment | undefined;
  #generation = -1;
  #offset = 0;
  #handle: FileHandle | undefined;
  #handlePath = '';
  #buffer = Buffer.alloc(0);

  constructor(next: number, budget: number, segments: () => readonly Segment[], events: ReaderEvents) {
    this.next = next;
    this.#budget = budget;
    this.#segments = segments;
    this.#events = events;
  }

  /** Up to `most` records that are durable now; none when there are none. */
  async read(most: number): Promise<SpooledRecord[]> {
    const records: SpooledRecord[] = [];
    while (records.length < most) {
      const segment = this.#locate();
      if (segment === undefined) break;
      const before = records.length;
      await this.#readFrom(segment, most, records);
      if (records.length === before && !this.#leaveIfDone(segment)) break;
    }
    return records;
  }

  /** Dropped records that lie ahead, as the headers of segments tell. */
  get droppedAhead(): number {
    const ahead = this.#segments().filter((segment) => segment !== this.#segment && this.#isFresh(segment));
    return ahead.reduce((sum, segment) => sum + segment.dropped, this.#budget);
  }

  /** Goes on behind records whose file is gone. */
  skipTo(next: number): void {
    this.next = next;
    this.#budget = 0;
    this.#segment = undefined;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  /* The segment that holds the next wanted record or what comes behind it. */
  #locate(): Segment | undefined {
    const segments = this.#segments();
    const current = this.#segment;
    if (current !== undefined && segments.includes(current) && current.generation === this.#generation)
      return current;
    const segment = segments.findLast((one) => one.first <= this.next) ?? segments[0];
    if (segment === undefined) return undefined;
    if (segment !== current) this.#budget += this.#isFresh(segment) ? segment.dropped : 0;
    this.#segment = segment;
    this.#generation = segment.generation;
    this.#offset = SEGMENT_HEADER;
    this.#buffer = Buffer.alloc(0);
    return segment;
  }

  /* Whether the reader comes to a segment for the first time; the one that it starts in is in the first budget. */
  #isFresh(segment: Segment): boolean {
    return segment.first >= this.next;
  }

  async #readFrom(segment: Segment, most: number, records: SpooledRecord[]): Promise<void> {
    const durableEnd = segment.bytes;
    const readEnd = this.#offset + this.#buffer.length;
    if (readEnd < durableEnd) {
      const handle = await this.#open(segment);
      const length = Math.min(Math.max(CHUNK, this.#buffer.length), durableEnd - readEnd);
      const chunk = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(chunk, 0, length, readEnd);
      const got = chunk.subarray(0, bytesRead);
      this.#buffer = this.#buffer.length === 0 ? got : Buffer.concat([this.#buffer, got]);
      if (segment.generation !== this.#generation) return;
    }
    const isFinal = this.#offset + this.#buffer.length >= durableEnd;
    let at = 0;
    while (at < this.#buffer.length && records.length < most) {
      const place = recordAt(this.#buffer, at, this.#buffer.length);
      if (typeof place === 'object') {
        at = place.end;
        if (place.sequence < this.next) continue;
        this.#reportGap(place.sequence - 1);
        records.push(decodeRecord(this.#buffer, place));
        segment.unread--;
        this.#events.onRecord(place.sequence);
        this.next = place.sequence + 1;
        continue;
      }
      const mayGrow = this.#buffer.length - at <= MAX_BODY + RECORD_HEADER;
      if (place === 'incomplete' && !isFinal && mayGrow) break;
      const marker = findMarker(this.#buffer, at + 1, this.#buffer.length);
      at = marker >= 0 ? marker : isFinal ? this.#buffer.length : Math.max(at + 1, this.#buffer.length - 3);
    }
    this.#buffer = this.#buffer.subarray(at);
    this.#offset += at;
  }

  /* Goes on to the next segment once nothing more can come in this one. */
  #leaveIfDone(segment: Segment): boolean {
    const segments = this.#segments();
    const following = segments[segments.indexOf(segment) + 1];
    const isRead = this.#offset + this.#buffer.length >= segment.bytes;
    if (segment.generation !== this.#generation || !isRead) return true;
    // What was counted in and cannot be read turned out damaged.
    segment.unread = 0;
    if (following === undefined) {
      this.#reportGap(segment.last);
      return false;
    }
    this.#segment = following;
    this.#generation = following.generation;
    this.#offset = SEGMENT_HEADER;
    this.#buffer = Buffer.alloc(0);
    this.#reportGap(following.first - 1);
    this.#budget = following.dropped;
    return true;
  }

  /* Everything from `next` to `last` is not there. */
  #reportGap(last: number): void {
    const missing = last - this.next + 1;
    if (missing <= 0) return;
    const dropped = Math.min(missing, this.#budget);
    this.#budget -= dropped;
    this.next = last + 1;
    this.#events.onGap(last, dropped, missing - dropped);
  }

  async #open(segment: Segment): Promise<FileHandle> {
    const path = `${segment.path}#${segment.generation}`;
    if (this.#handle === undefined || this.#handlePath !== path) {
      await this.#handle?.close();
      this.#handle = undefined;
      this.#handle = await open(segment.path, 'r');
      this.#handlePath = path;
    }
    return this.#handle;
  }
}
