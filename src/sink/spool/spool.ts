import { rm } from 'node:fs/promises';
import { makeFolder } from './durable-file.js';
import type { LogRecord } from '../../model/records.js';
import { SEVERITIES } from '../../model/severity.js';
import { writeCommitted } from './committed-file.js';
import { FreeSpace } from './free-space.js';
import type { Group } from './group-queue.js';
import { GroupQueue } from './group-queue.js';
import { compactSegment, lowestSeverity } from './make-room.js';
import { RecordAges } from './record-ages.js';
import type { SpooledRecord } from './record-codec.js';
import { encodeRecord, MAX_BODY } from './record-codec.js';
import type { Segment } from './segment.js';
import { countIn } from './segment.js';
import { SegmentWriter } from './segment-writer.js';
import type { Recovered } from './recovery.js';
import { recover } from './recovery.js';
import type { Outcome } from './settlement.js';
import { Settlement } from './settlement.js';
import { SpoolError, spoolError } from './spool-error.js';
import { SpoolLock } from './spool-lock.js';
import { SpoolReader } from './spool-reader.js';
import type { SpoolOptions, SpoolStatus } from './spool-types.js';

/**
 * Append-only queue on disk between the analysis and a sink. `append` resolves when its records survive a crash; `read`
 * gives them in order; `settle` says that the other side has them, and their files go once all are settled. One writer,
 * enforced by a lock. Bounded: a full spool makes room by its policy and counts what it dropped.
 */
export class Spool {
  readonly folder: string;
  readonly #options: SpoolOptions;
  readonly #lock: SpoolLock;
  readonly #segments: Segment[];
  readonly #settlement: Settlement;
  readonly #reader: SpoolReader;
  readonly #pending = new GroupQueue();
  #commitTimer: NodeJS.Timeout | undefined;
  #settleTimer: NodeJS.Timeout | undefined;
  #committing: Promise<void> | undefined;
  #exclusive: Promise<void> = Promise.resolve();
  readonly #writer: SegmentWriter;
  readonly #ages: RecordAges;
  readonly #freeSpace: FreeSpace;
  #nextSequence: number;
  #refused: number;
  #resent: number;
  #buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #isClosing = false;
  /** Raised when there may be something new to read. */
  #version = 0;
  /** Octets that were appended while the disk was nearly full. */
  #grown = 0;

  private constructor(folder: string, options: SpoolOptions, lock: SpoolLock, recovered: Recovered) {
    this.folder = folder;
    // A full spool makes room segment by segment, so it must consist of several.
    this.#options = {
      ...options,
      segmentBytes: Math.min(options.segmentBytes, Math.floor(options.maxBytes / 4)),
    };
    this.#lock = lock;
    this.#segments = recovered.segments;
    this.#nextSequence = recovered.nextSequence;
    this.#refused = recovered.committed.refused;
    this.#resent = recovered.committed.resent;
    this.#writer = new SegmentWriter(folder, recovered.segments, this.#options.segmentBytes);
    this.#ages = new RecordAges(recovered.waitingSince);
    this.#freeSpace = new FreeSpace(folder, options.minFreeBytes, options.onEvent);
    this.#settlement = new Settlement(recovered.committed);
    this.#reader = new SpoolReader(
      recovered.committed.settled + 1,
      recovered.droppedBudget,
      () => this.#segments,
      {
        onRecord: (sequence) => this.#settlement.begin(sequence),
        onGap: (last, dropped, damaged) => {
          this.#settlement.gap(last, dropped, damaged);
          this.#scheduleSettle();
        },
      },
    );
  }

  /** Opens a spool, makes its folder if need be, and recovers what an earlier process left. Rejects with a SpoolError. */
  static async open(folder: string, options: SpoolOptions): Promise<Spool> {
    let lock: SpoolLock | undefined;
    try {
      await makeFolder(folder);
      lock = SpoolLock.take(folder);
      const recovered = await recover(folder, options.onEvent);
      return new Spool(folder, options, lock, recovered);
    } catch (error) {
      lock?.release();
      throw spoolError(error, folder);
    }
  }

  /**
   * Resolves when the records are on disk. Rejects with a SpoolError; a long list is taken in pieces, and what was taken
   * before the failure is accepted.
   */
  async append(records: readonly LogRecord[]): Promise<void> {
    try {
      if (this.#isClosing) throw new SpoolError('closed', `The spool ${this.folder} is closed.`);
      const tooLarge = records.find(
        (record) => record.json.length * 3 > MAX_BODY && Buffer.byteLength(record.json) > MAX_BODY - 2048,
      );
      if (tooLarge !== undefined) {
        const message = `A ${tooLarge.log} record is larger than the spool takes (1 MiB).`;
        throw new SpoolError('too-large', message);
      }
    } catch (error) {
      this.#refused += records.length;
      throw error;
    }
    await this.#pending.add(records, () => {
      if (this.#pending.records >= this.#options.commitRecords) this.#commitNow();
      else this.#commitTimer ??= setTimeout(() => this.#commitNow(), this.#options.commitMs);
    });
  }

  /**
   * Waits until there are records to deliver and gives up to `most` of them, in order. Nothing when the spool was closed.
   * Every record must be settled, or {@link rewind} called.
   */
  async read(most: number): Promise<SpooledRecord[]> {
    while (!this.#isClosing) {
      const version = this.#version;
      // Not while records are written or room is made: both change what the reader stands on.
      const records = await this.#alone(() => this.#reader.read(most));
      if (records.length > 0) return records;
      if (version === this.#version && !this.#isEnding())
        await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return [];
  }

  /** Notes how a record that was read ended. */
  settle(sequence: number, outcome: Outcome): void {
    this.#settlement.settle(sequence, outcome);
    this.#scheduleSettle();
  }

  /** Counts records that are sent again although an earlier send may have arrived. */
  noteResent(count: number): void {
    this.#resent += count;
    this.#scheduleSettle();
  }

  get status(): SpoolStatus {
    const { settled } = this.#settlement.counts;
    const { acknowledged, deadLettered, dropped, damaged } = this.#settlement.totals;
    const accepted = this.#nextSequence - 1;
    // What the reader has not come to: records, and places where records were.
    const ahead = accepted - this.#settlement.highest;
    const unread = Math.min(
      ahead,
      this.#segments.reduce((sum, segment) => sum + segment.unread, 0),
    );
    const droppedAhead = Math.min(ahead - unread, this.#reader.droppedAhead);
    const waiting = this.#settlement.inFlight + unread;
    return {
      accepted,
      acknowledged,
      deadLettered,
      dropped: dropped + droppedAhead,
      damaged: damaged + ahead - unread - droppedAhead,
      waiting,
      refused: this.#refused,
      resent: this.#resent,
      bytes: this.#totalBytes(),
      ageSeconds: waiting > 0 ? this.#ages.ageOf(settled + 1) : 0,
      settled,
    };
  }

  /** Writes what is pending, notes what is settled, and gives the lock back. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    try {
      this.#commitNow();
      await this.#committing;
      this.#changed();
      clearTimeout(this.#settleTimer);
      // Without the note what was delivered since the last one is sent again, nothing worse.
      await this.#noteSettled().catch((error: unknown) => this.#tellFailure(error));
      await this.#exclusive;
      await this.#writer.close();
      await this.#reader.close();
    } finally {
      this.#changed();
      this.#lock.release();
    }
  }

  /* A method, because what it tells changes while somebody waits. */
  #isEnding(): boolean {
    return this.#isClosing;
  }

  /* There may be something to read. */
  #changed(): void {
    this.#version++;
    this.#wake?.();
  }

  /* ---- writing ---- */

  #commitNow(): void {
    clearTimeout(this.#commitTimer);
    this.#commitTimer = undefined;
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = undefined;
      if (!this.#pending.isEmpty) this.#commitNow();
    });
  }

  async #commitAll(): Promise<void> {
    while (!this.#pending.isEmpty) {
      const groups = this.#pending.take();
      const writtenBefore = this.#writer.written;
      try {
        this.#lock.assertHeld();
        await this.#alone(() => this.#write(groups));
        for (const group of groups) group.resolve();
        this.#changed();
      } catch (error) {
        const failure = spoolError(error, this.folder);
        this.#refused += groups.reduce((sum, group) => sum + group.records.length, 0);
        this.#options.onEvent({ kind: 'failed', message: failure.message });
        for (const group of groups) group.reject(failure);
        return;
      }
      const appended = this.#writer.written - writtenBefore;
      await this.#alone(() => this.#keepWithinBounds(appended)).catch((error: unknown) =>
        this.#tellFailure(error),
      );
    }
  }

  async #write(groups: readonly Group[]): Promise<void> {
    let sequence = this.#nextSequence;
    let end = 0;
    const severities: number[] = [];
    const bound = groups.reduce((sum, group) => sum + group.bound, 0);
    if (this.#buffer.length < bound) this.#buffer = Buffer.allocUnsafe(Math.max(bound, 64 * 1024));
    for (const { records } of groups) {
      for (const record of records) {
        end = encodeRecord(record, sequence++, this.#buffer, end);
        severities.push(SEVERITIES.indexOf(record.severity));
      }
    }
    const segment = await this.#appendMakingRoom(this.#buffer.subarray(0, end));
    severities.forEach((severity, i) => countIn(segment, { sequence: this.#nextSequence + i, severity }));
    this.#ages.accepted(this.#nextSequence);
    this.#nextSequence = sequence;
  }

  async #appendMakingRoom(bytes: Buffer): Promise<Segment> {
    try {
      return await this.#writer.append(bytes, this.#nextSequence);
    } catch (error) {
      if (spoolError(error, this.folder).code !== 'disk-full') throw error;
      // Alerts go last: make room by the policy, then try once more.
      await this.#makeRoom(bytes.length, 'the disk is full');
      return this.#writer.append(bytes, this.#nextSequence);
    }
  }

  /* ---- bounds ---- */

  async #keepWithinBounds(appended: number): Promise<void> {
    if (await this.#freeSpace.isLow(this.#writer.written)) {
      // It does not grow: when as much was appended as the oldest segment holds, that one goes.
      this.#grown += appended;
      const oldest = this.#segments[0]!.bytes;
      if (this.#grown >= oldest && this.#segments.length > 1) {
        this.#grown -= oldest;
        await this.#makeRoom(oldest, 'the disk is nearly full');
      }
    } else this.#grown = 0;
    const over = this.#totalBytes() - this.#options.maxBytes;
    if (over > 0) await this.#makeRoom(over, `the spool is larger than maxBytes (${this.#options.maxBytes})`);
  }

  /* Frees at least `wanted` octets, as far as there is anything to drop. */
  async #makeRoom(wanted: number, why: string): Promise<void> {
    const target = this.#totalBytes() - wanted;
    let dropped = 0;
    if (this.#segments.length === 1 && this.#segments[0]!.records > 0)
      await this.#writer.roll(this.#nextSequence);
    while (this.#totalBytes() > Math.max(target, 0) && this.#segments.length > 1) {
      dropped += this.#options.policy === 'drop-oldest' ? await this.#dropOldest() : await this.#dropLowest();
    }
    if (dropped === 0) return;
    this.#changed();
    this.#options.onEvent({
      kind: 'dropped',
      message: `${dropped} spooled records were dropped by ${this.#options.policy}: ${why}.`,
    });
  }

  async #dropOldest(): Promise<number> {
    const oldest = this.#segments[0]!;
    const through = this.#segments[1]!.first - 1;
    const { next } = this.#reader;
    let dropped = this.#settlement.drop(through);
    if (next <= through) {
      // What was not read yet is passed over as one gap.
      const { unread } = oldest;
      const missing = through - next + 1 - unread;
      const droppedBefore = Math.min(oldest.dropped, missing);
      this.#reader.skipTo(through + 1);
      this.#settlement.gap(through, unread + droppedBefore, missing - droppedBefore);
      dropped += unread;
    }
    this.#segments.shift();
    try {
      await this.#writeCommitted();
      await rm(oldest.path, { force: true });
    } catch (error) {
      if (spoolError(error, this.folder).code !== 'disk-full') throw error;
      // Not even the note fits. The file goes first; after a crash in between its records would count as damaged.
      await rm(oldest.path, { force: true });
      await this.#writeCommitted();
    }
    return dropped;
  }

  /* Takes the records of the lowest severity out of the oldest segment that has some and that nobody is reading. */
  async #dropLowest(): Promise<number> {
    const candidates = this.#segments.slice(0, -1).filter((segment) => segment.first >= this.#reader.next);
    const severity = lowestSeverity(candidates);
    if (severity < 0) return this.#dropOldest();
    const segment = candidates.find((one) => one.bySeverity[severity]! > 0)!;
    try {
      return await compactSegment(segment, severity);
    } catch (error) {
      // A disk without room for the smaller file has room only when a whole one goes.
      if (spoolError(error, this.folder).code !== 'disk-full') throw error;
      return this.#dropOldest();
    }
  }

  #totalBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /* ---- settling ---- */

  #scheduleSettle(): void {
    if (this.#isClosing) return;
    this.#settleTimer ??= setTimeout(() => {
      this.#settleTimer = undefined;
      this.#noteSettled().catch((error: unknown) => this.#tellFailure(error));
    }, this.#options.settleMs);
  }

  #tellFailure(error: unknown): void {
    this.#options.onEvent({ kind: 'failed', message: spoolError(error, this.folder).message });
  }

  /* First the note, then the files: after a crash between the two there is more than is needed, never less. */
  #noteSettled(): Promise<void> {
    return this.#alone(async () => {
      await this.#writeCommitted();
      const { settled } = this.#settlement.counts;
      while (this.#segments.length > 1 && this.#segments[1]!.first - 1 <= settled) {
        const done = this.#segments.shift()!;
        await rm(done.path, { force: true });
      }
      // The last one too, when it has grown: what is delivered must not count as waiting octets.
      const [last] = this.#segments;
      const isDone = this.#segments.length === 1 && settled === this.#nextSequence - 1;
      if (last === undefined || !isDone || last.bytes < this.#options.segmentBytes / 2) return;
      await this.#writer.roll(this.#nextSequence);
      this.#segments.shift();
      await rm(last.path, { force: true });
    });
  }

  #writeCommitted(): Promise<void> {
    const own = { refused: this.#refused, resent: this.#resent };
    return writeCommitted(this.folder, { ...this.#settlement.counts, ...own });
  }

  /* Runs work on the files one after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#exclusive.then(work);
    this.#exclusive = result.then(
      () => undefined,
      () => undefined,
    ); // whoever asked for the work gets its error
    return result;
  }
}
