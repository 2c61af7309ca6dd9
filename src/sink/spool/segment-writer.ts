import type { FileHandle } from 'node:fs/promises';
import { open, rm } from 'node:fs/promises';
import { syncFolder, writeAll } from './durable-file.js';
import type { Segment } from './segment.js';
import { newSegment, segmentHeader } from './segment.js';

/** Appends to the last segment, and begins the next when it is full. */
export class SegmentWriter {
  readonly #folder: string;
  readonly #segments: Segment[];
  readonly #segmentBytes: number;
  #handle: FileHandle | undefined;
  /** Octets that were appended. */
  written = 0;

  constructor(folder: string, segments: Segment[], segmentBytes: number) {
    this.#folder = folder;
    this.#segments = segments;
    this.#segmentBytes = segmentBytes;
  }

  /**
   * Writes octets behind the last good record and syncs them; `first` is the sequence of their first record. Returns the
   * segment that holds them, whose counts the caller raises. A write that fails leaves nothing behind.
   */
  async append(bytes: Buffer, first: number): Promise<Segment> {
    let segment = this.#segments.at(-1);
    if (segment === undefined || this.#handle === undefined || segment.bytes >= this.#segmentBytes) {
      segment = await this.roll(first);
    }
    const handle = this.#handle!;
    try {
      await writeAll(handle, bytes, segment.bytes);
      await handle.datasync();
    } catch (error) {
      await handle.truncate(segment.bytes);
      throw error;
    }
    segment.bytes += bytes.length;
    this.written += bytes.length;
    return segment;
  }

  /** Begins a new segment with sequence `first`. */
  async roll(first: number): Promise<Segment> {
    await this.close();
    const segment = newSegment(this.#folder, first);
    const handle = await open(segment.path, 'wx', 0o640);
    try {
      await writeAll(handle, segmentHeader(first, 0), 0);
      await handle.sync();
      await syncFolder(this.#folder);
    } catch (error) {
      await handle.close();
      await rm(segment.path, { force: true });
      throw error;
    }
    this.#handle = handle;
    this.#segments.push(segment);
    return segment;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
