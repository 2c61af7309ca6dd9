import { readdir, rm } from 'node:fs/promises';
import { makeFolder } from '../spool/durable-file.js';
import type { LogName, LogRecord } from '../../model/records.js';
import { LOG_NAMES } from '../../model/records.js';
import type { AlertSink, SinkHealth } from '../alert-sink.js';
import { SinkError } from '../alert-sink.js';
import { FreeSpace } from '../spool/free-space.js';
import { BackOff } from './back-off.js';
import { fileError } from './file-error.js';
import type { FileSinkOptions, FileSinkStatus } from './file-sink-options.js';
import { LogFile } from './log-file.js';
import { RotatedFiles } from './rotated-files.js';
import { isRotationDue } from './rotation-due.js';
import { FOLDER_MODE, removeTrial, tryToWrite } from './trial.js';

/** How often the sink looks after its files by itself. */
const TEND_MS = 1000;
/** Wait after a rotation that failed; the file goes on growing meanwhile. */
const ROTATE_RETRY_MS = 60_000;
const LINE_END = 0x0a;

/** The folder holds logs that may not be replaced. */
class TakenFolder extends SinkError {}

/**
 * A folder with one file per log, as Zeek writes them: JSON lines, rotated and compressed on request. A log without
 * records has no file. Files are whole lines always, also after a full disk or a crash. With `onFailure: 'count'`, what
 * cannot be written is counted as lost, and writing begins again by itself.
 */
export class FileSink implements AlertSink {
  readonly folder: string;
  readonly #options: FileSinkOptions;
  readonly #files: ReadonlyMap<LogName, LogFile>;
  readonly #rotatedFiles: RotatedFiles;
  readonly #freeSpace: FreeSpace;
  readonly #backOff: BackOff;
  #phase: 'new' | 'open' | 'closed' = 'new';
  #isPrepared = false;
  #timer: NodeJS.Timeout | undefined;
  #isTending = false;
  /** Everything that touches the files goes one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #written = 0;
  #lost = 0;
  #lostBefore = 0;
  #unsynced = 0;
  #syncedAt = 0;
  #rotated = 0;
  #rotateRetryAt = 0;

  constructor(folder: string, options: FileSinkOptions) {
    this.folder = folder;
    this.#options = options;
    this.#files = new Map(LOG_NAMES.map((log) => [log, new LogFile(folder, log)]));
    this.#rotatedFiles = new RotatedFiles(folder, options);
    this.#backOff = new BackOff(options.clock);
    // What it tells is about spools; #refuseIfLow tells it instead.
    this.#freeSpace = new FreeSpace(folder, options.minFreeBytes, () => undefined);
  }

  /**
   * Rejects with a SinkError when the folder holds logs that may not be replaced, and, unless failures are counted,
   * when it cannot be written.
   */
  async open(): Promise<void> {
    await this.#alone(async () => {
      if (this.#phase !== 'new') throw new SinkError(`${this.folder} was opened before; make another sink.`);
      await this.#guard(() => this.#prepare());
      this.#phase = 'open';
    });
    if (this.#options.existing === 'append') {
      this.#timer = setInterval(() => void this.tend(), TEND_MS);
      this.#timer.unref();
    }
  }

  /**
   * Resolves when the records are in the files, or counted as lost. Rejects with a SinkError with `onFailure: 'reject'`;
   * then some of the batch may be written, always as whole lines.
   */
  async publish(batch: readonly LogRecord[]): Promise<void> {
    if (batch.length === 0) return;
    if (this.#waiting > 0 && this.#waiting + batch.length > this.#options.maxWaitingRecords) {
      this.#lose(
        batch.length,
        new SinkError(`${this.folder}: the disk is too slow; ${this.#waiting} records wait for it already.`),
      );
      return;
    }
    this.#waiting += batch.length;
    await this.#alone(async () => {
      this.#waiting -= batch.length;
      this.#refuseUnlessOpen();
      await this.#write(batch);
    });
  }

  /** Makes what was written durable, unless `fsync` is `never`. */
  flush(): Promise<void> {
    return this.#alone(() => this.#guard(() => this.#syncAll()));
  }

  /** Closes the files; the next records open them again by their names. For logrotate and its like. */
  reopen(): Promise<void> {
    return this.#alone(async () => {
      this.#refuseUnlessOpen();
      await this.#guard(() => this.#syncAll());
      await this.#guard(() => this.#closeFiles());
    });
  }

  /**
   * Does what is due: rotates by age, syncs, notices files that were moved away, tries again after a fault, compresses
   * and removes rotated files. A sink that appends does this by itself every second. Never rejects.
   */
  async tend(): Promise<void> {
    if (this.#isTending || this.#phase !== 'open') return;
    this.#isTending = true;
    try {
      await this.#alone(() => this.#tend());
    } finally {
      this.#isTending = false;
    }
  }

  /** Resolves when nothing is being compressed or removed. */
  idle(): Promise<void> {
    return this.#rotatedFiles.idle();
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.#alone(async () => {
      if (this.#phase === 'closed') return;
      this.#phase = 'closed';
      try {
        await this.#guard(() => this.#syncAll());
        await this.#guard(() => this.#closeFiles());
      } finally {
        await this.#rotatedFiles.close();
      }
    });
  }

  health(): SinkHealth {
    const { reason } = this.#backOff;
    const state =
      this.#phase === 'closed'
        ? 'closed'
        : reason !== undefined
          ? 'failed'
          : this.#phase === 'new'
            ? 'starting'
            : 'healthy';
    return { state, reason, spool: undefined, lost: this.#lost };
  }

  get status(): FileSinkStatus {
    return {
      written: this.#written,
      lost: this.#lost,
      rotated: this.#rotated,
      removed: this.#rotatedFiles.removed,
      rotatedBytes: this.#rotatedFiles.bytes,
    };
  }

  /* ---- opening ---- */

  async #prepare(): Promise<void> {
    await makeFolder(this.folder, FOLDER_MODE);
    const present = new Set(await readdir(this.folder));
    const taken = [...this.#files.values()].filter(({ log }) => present.has(`${log}.log`));
    if (this.#options.existing === 'append') {
      await removeTrial(this.folder);
      await this.#rotatedFiles.open();
      for (const file of taken) {
        await this.#openFile(file);
        await this.#rotateIfDue(file, 0);
      }
    } else {
      if (taken.length > 0 && this.#options.existing === 'refuse') {
        const names = taken.map(({ log }) => `${log}.log`).join(' and ');
        throw new TakenFolder(
          `${this.folder} holds ${names} already; name another folder or add --overwrite.`,
        );
      }
      // Logs of an earlier run must not stand beside those of this one.
      for (const { path } of taken) await rm(path);
    }
    this.#isPrepared = true;
  }

  async #openFile(file: LogFile): Promise<void> {
    const torn = await file.open(this.#options.clock());
    if (torn === undefined) return;
    const message =
      torn.end === 'completed'
        ? `The last record of ${file.path} had no line end; it was added.`
        : `The last record of ${file.path} was not whole; its ${torn.bytes} octets were cut off.`;
    this.#options.onEvent({ kind: 'torn-line', message });
  }

  #refuseUnlessOpen(): void {
    if (this.#phase !== 'open') throw new SinkError(`${this.folder} is not open; open it before use.`);
  }

  /* ---- writing ---- */

  async #write(batch: readonly LogRecord[]): Promise<void> {
    if (this.#backOff.isWaiting) {
      this.#lose(
        batch.length,
        new SinkError(this.#backOff.reason ?? `${this.folder} cannot be written now.`),
      );
      return;
    }
    let missing = batch.length;
    const append = async (file: LogFile): Promise<void> => {
      const { written, fault } = await this.#append(file);
      missing -= written;
      if (fault !== undefined) throw fileError(fault, this.folder, this.#options.existing);
    };
    try {
      if (!this.#isPrepared) await this.#prepare();
      await this.#refuseIfLow();
      for (const { log, json } of batch) {
        const file = this.#files.get(log)!;
        if (file.lines.add(json)) continue;
        await append(file);
        file.lines.add(json);
      }
      for (const file of this.#files.values()) if (file.lines.count > 0) await append(file);
      this.#recovered();
      this.#backOff.written();
    } catch (error) {
      // What waits is counted as lost, and must not be written later.
      for (const file of this.#files.values()) file.lines.take();
      await this.#fail(error);
      this.#lose(missing, error);
    }
  }

  /* Writes the lines that wait for the file, and says how many of them are in it now. */
  async #append(file: LogFile): Promise<{ written: number; fault: unknown }> {
    const { count } = file.lines;
    const octets = file.lines.take();
    if (!file.isOpen) await this.#openFile(file);
    await this.#rotateIfDue(file, octets.length);
    if (!file.isOpen) await this.#openFile(file);
    const { bytes, fault } = await file.append(octets, this.#options.fsync === 'always');
    const written = bytes === octets.length ? count : linesIn(octets.subarray(0, bytes));
    this.#written += written;
    if (this.#options.fsync === 'interval') this.#unsynced += written;
    return { written, fault };
  }

  async #refuseIfLow(): Promise<void> {
    const { minFreeBytes } = this.#options;
    if (minFreeBytes === 0 || !(await this.#freeSpace.isLow())) return;
    throw new SinkError(
      `${this.folder}: less than ${minFreeBytes} octets are free; make room or lower minFreeBytes.`,
    );
  }

  async #syncAll(): Promise<void> {
    if (this.#options.fsync === 'never') return;
    this.#syncedAt = this.#options.clock();
    try {
      for (const file of this.#files.values()) await file.sync();
      this.#unsynced = 0;
    } catch (error) {
      // What was written since the last sync may be there or not: nobody can tell after a sync that failed.
      this.#written -= this.#unsynced;
      this.#lost += this.#unsynced;
      this.#unsynced = 0;
      throw error;
    }
  }

  async #closeFiles(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
  }

  /* ---- looking after files ---- */

  async #tend(): Promise<void> {
    if (this.#phase !== 'open') return;
    if (this.#backOff.reason !== undefined) await this.#tryAgain();
    const { fsync, fsyncIntervalMs, clock } = this.#options;
    await this.#guard(async () => {
      for (const file of this.#files.values()) {
        if (await file.isInPlace()) await this.#rotateIfDue(file, 0);
        else await this.#leaveMovedFile(file);
      }
      if (fsync === 'interval' && clock() - this.#syncedAt >= fsyncIntervalMs) await this.#syncAll();
    }, 'count');
    if (this.#isPrepared) this.#rotatedFiles.tend();
  }

  /* Records would go on into a file that has another name now, or none. */
  async #leaveMovedFile(file: LogFile): Promise<void> {
    await file.sync();
    await file.close();
    const message = `${file.path} was moved away or removed; the next record begins a new one.`;
    this.#options.onEvent({ kind: 'moved-away', message });
  }

  /* Gives the file its final name, before `more` octets are written. It is closed then. */
  async #rotateIfDue(file: LogFile, more: number): Promise<void> {
    const now = this.#options.clock();
    if (!file.isOpen || now < this.#rotateRetryAt || !isRotationDue(file, more, this.#options, now)) return;
    if (this.#options.fsync !== 'never') await file.sync();
    const { log, path, begunMs, bytes } = file;
    await file.close();
    try {
      await this.#rotatedFiles.take(log, path, begunMs, bytes);
      this.#rotated++;
    } catch (error) {
      // Records can still be written: a file that is too long is better than none.
      this.#rotateRetryAt = now + ROTATE_RETRY_MS;
      const message = `${path} cannot be rotated: ${(error as Error).message}; it goes on growing.`;
      this.#options.onEvent({ kind: 'housekeeping-failed', message });
    }
  }

  /* ---- faults ---- */

  /* Runs work whose fault makes the sink fail. The fault is thrown on only to a caller who asked for that. */
  async #guard(work: () => Promise<void>, onFailure = this.#options.onFailure): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof TakenFolder) throw error;
      await this.#fail(error);
      if (onFailure === 'reject') throw fileError(error, this.folder, this.#options.existing);
    }
  }

  /* Files are closed, so that they are mended when they are opened again. */
  async #fail(error: unknown): Promise<void> {
    const { message } = fileError(error, this.folder, this.#options.existing);
    if (this.#backOff.failed(message)) {
      this.#lostBefore = this.#lost;
      this.#options.onEvent({ kind: 'failed', message });
    }
    for (const file of this.#files.values()) {
      try {
        await file.close();
      } catch {
        // The same fault again, which was told above.
      }
    }
  }

  #lose(count: number, error: unknown): void {
    this.#lost += count;
    if (this.#options.onFailure === 'reject') throw fileError(error, this.folder, this.#options.existing);
  }

  #recovered(): void {
    if (this.#backOff.reason === undefined) return;
    this.#backOff.over();
    const message = `${this.folder} can be written again; ${this.#lost - this.#lostBefore} records were lost.`;
    this.#options.onEvent({ kind: 'recovered', message });
  }

  /* Finds out whether the folder can be written again, also when there are no records to write. */
  async #tryAgain(): Promise<void> {
    if (this.#backOff.isWaiting) return;
    await this.#guard(async () => {
      await tryToWrite(this.folder);
      if (!this.#isPrepared) await this.#prepare();
      await this.#refuseIfLow();
      this.#recovered();
    }, 'count');
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    // Whoever asked for it gets the error; the next one goes on.
    this.#last = run.catch(() => undefined);
    return run;
  }
}

function linesIn(octets: Buffer): number {
  let lines = 0;
  for (const octet of octets) if (octet === LINE_END) lines++;
  return lines;
}
