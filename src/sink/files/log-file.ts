import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogName } from '../../model/records.js';
import { LineBuffer } from './line-buffer.js';
import type { TornLine } from './torn-line.js';
import { mendLastLine } from './torn-line.js';

/* Alerts tell who talked to whom: the owner writes, the group reads. */
export const FILE_MODE = 0o640;
const LINE_END = 0x0a;

/** How far an append came: octets of whole lines that are in the file, and the fault that ended it, if one did. */
export interface Appended {
  readonly bytes: number;
  readonly fault: unknown;
}

/** The file of one log, `notice.log`. It is made with its first record. */
export class LogFile {
  readonly log: LogName;
  readonly path: string;
  /** Lines that wait to be appended together. */
  readonly lines = new LineBuffer();
  #handle: FileHandle | undefined;
  #bytes = 0;
  #begunMs = 0;
  #datedMs = 0;
  #isDirty = false;

  constructor(folder: string, log: LogName) {
    this.log = log;
    this.path = join(folder, `${log}.log`);
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the file was begun. */
  get begunMs(): number {
    return this.#begunMs;
  }

  /** Time that says to which interval the file belongs: when it was begun, or last written by an earlier process. */
  get datedMs(): number {
    return this.#datedMs;
  }

  /** Opens the file behind its last whole line, or makes it. Returns what was mended, if anything. */
  async open(now: number): Promise<TornLine | undefined> {
    const handle = await open(this.path, 'a+', FILE_MODE);
    try {
      const found = await handle.stat();
      const torn = await mendLastLine(handle);
      const { size } = torn === undefined ? found : await handle.stat();
      this.#handle = handle;
      this.#bytes = size;
      this.#isDirty ||= torn !== undefined;
      this.#datedMs = found.size === 0 ? now : found.mtimeMs;
      // Not every file system knows when a file was made; then it is 0 or later than the last write.
      const isBirthKnown = found.birthtimeMs > 0 && found.birthtimeMs <= found.mtimeMs;
      this.#begunMs = found.size === 0 ? now : isBirthKnown ? found.birthtimeMs : found.mtimeMs;
      return torn;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Appends whole lines. What cannot be written, or synced when `sync` is set, leaves no torn line behind. */
  async append(lines: Buffer, sync: boolean): Promise<Appended> {
    const handle = this.#handle!;
    let at = 0;
    try {
      while (at < lines.length) at += (await handle.write(lines, at)).bytesWritten;
      if (sync) await handle.datasync();
      else this.#isDirty = true;
      this.#bytes += at;
      return { bytes: at, fault: undefined };
    } catch (fault) {
      // When all was written, it is the sync that failed: nothing of it is known to be safe.
      const whole = at === 0 || at === lines.length ? 0 : lines.lastIndexOf(LINE_END, at - 1) + 1;
      // Not this file's own count: somebody may have cut the file meanwhile. A cut that fails is mended at the next open.
      if (at > whole) await this.#cut(handle, at - whole);
      this.#isDirty ||= whole > 0;
      this.#bytes += whole;
      return { bytes: whole, fault };
    }
  }

  async #cut(handle: FileHandle, bytes: number): Promise<void> {
    try {
      const { size } = await handle.stat();
      await handle.truncate(Math.max(0, size - bytes));
    } catch {
      // The fault of the write is the one to report; the file is closed now and mended when it is opened again.
    }
  }

  /** Makes what was written durable. */
  async sync(): Promise<void> {
    if (!this.#isDirty || this.#handle === undefined) return;
    await this.#handle.datasync();
    this.#isDirty = false;
  }

  /** Whether the open file still has its name: not renamed, not removed. */
  async isInPlace(): Promise<boolean> {
    const handle = this.#handle;
    if (handle === undefined) return true;
    try {
      const [named, own] = await Promise.all([stat(this.path), handle.stat()]);
      return named.ino === own.ino && named.dev === own.dev;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Closes the file; the next record opens it by its name. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}
