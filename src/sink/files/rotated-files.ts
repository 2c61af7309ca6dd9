import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogName } from '../../model/records.js';
import type { FileSinkOptions } from './file-sink-options.js';
import { gzipFile } from './gzip-file.js';
import { parseRotatedName, rotatedName } from './rotated-name.js';

interface RotatedFile {
  readonly log: LogName;
  readonly begunMs: number;
  /** When it was last written: compression waits from then. */
  readonly closedMs: number;
  name: string;
  bytes: number;
  isCompressed: boolean;
}

type Options = Pick<
  FileSinkOptions,
  'compress' | 'compressDelayMs' | 'keepFiles' | 'keepBytes' | 'onEvent' | 'clock'
>;

/** Wait after housekeeping that failed: a full disk does not empty in a second. */
const RETRY_MS = 60_000;
const SECOND = 1000;

/**
 * The rotated files of a folder: gives them their names, compresses them in the background, and removes the oldest. It
 * touches only files with names of its own form.
 */
export class RotatedFiles {
  readonly #folder: string;
  readonly #options: Options;
  /** Oldest first. Bounded by `keepFiles`. */
  #files: RotatedFile[] = [];
  #removed = 0;
  #retryAt = 0;
  #hasFailed = false;
  #working: Promise<void> | undefined;
  readonly #abort = new AbortController();

  constructor(folder: string, options: Options) {
    this.#folder = folder;
    this.#options = options;
  }

  get removed(): number {
    return this.#removed;
  }

  get bytes(): number {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Finds what is there, and clears away what a crash left: compression is done again from the original. */
  async open(): Promise<void> {
    this.#files = [];
    const names = (await readdir(this.#folder)).sort();
    const present = new Set(names);
    for (const name of names) {
      const parsed = parseRotatedName(name);
      if (parsed === undefined) continue;
      const path = join(this.#folder, name);
      const isOverdue = parsed.form === 'gzip' && present.has(name.slice(0, -'.gz'.length));
      if (parsed.form === 'partial' || isOverdue) {
        await rm(path);
        continue;
      }
      const { size, mtimeMs } = await stat(path);
      const { log, begunMs, form } = parsed;
      this.#files.push({ log, begunMs, closedMs: mtimeMs, name, bytes: size, isCompressed: form === 'gzip' });
    }
    this.#files.sort((a, b) => a.begunMs - b.begunMs);
  }

  /**
   * Takes over a finished file by a rename, which a reader that follows it does not notice. Two files of a log never get
   * one name: the later one gets the next second.
   */
  async take(log: LogName, path: string, begunMs: number, bytes: number): Promise<void> {
    const latest = this.#files.findLast((file) => file.log === log)?.begunMs ?? -Infinity;
    const second = Math.max(Math.floor(begunMs / SECOND) * SECOND, latest + SECOND);
    const name = rotatedName(log, second);
    await rename(path, join(this.#folder, name));
    const file = { log, begunMs: second, closedMs: this.#options.clock(), name, bytes, isCompressed: false };
    this.#files.push(file);
    this.#files.sort((a, b) => a.begunMs - b.begunMs);
  }

  /** Begins what is due in the background, unless it is at it already. Never rejects. */
  tend(): void {
    if (this.#abort.signal.aborted || this.#options.clock() < this.#retryAt) return;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Resolves when nothing goes on in the background. */
  async idle(): Promise<void> {
    await this.#working;
  }

  /** Ends the work in the background; compression that was not finished is done at the next open. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    try {
      await this.#removeOldest();
      if (this.#options.compress) await this.#compress();
      this.#hasFailed = false;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#retryAt = this.#options.clock() + RETRY_MS;
      if (this.#hasFailed) return; // told already
      this.#hasFailed = true;
      const message = `Rotated files in ${this.#folder} cannot be compressed or removed: ${(error as Error).message}.`;
      this.#options.onEvent({ kind: 'housekeeping-failed', message });
    }
  }

  async #removeOldest(): Promise<void> {
    const { keepFiles, keepBytes } = this.#options;
    const counts = new Map<LogName, number>();
    for (const { log } of this.#files) counts.set(log, (counts.get(log) ?? 0) + 1);
    let { bytes } = this;
    let removed = 0;
    for (const file of [...this.#files]) {
      const count = counts.get(file.log)!;
      if (count <= keepFiles && bytes <= keepBytes) continue;
      await rm(join(this.#folder, file.name), { force: true });
      this.#files.splice(this.#files.indexOf(file), 1);
      counts.set(file.log, count - 1);
      bytes -= file.bytes;
      removed++;
    }
    if (removed === 0) return;
    this.#removed += removed;
    const message = `${removed} of the oldest rotated files in ${this.#folder} were removed: keepFiles is ${keepFiles} for each log, keepBytes is ${keepBytes}.`;
    this.#options.onEvent({ kind: 'removed', message });
  }

  async #compress(): Promise<void> {
    const due = this.#options.clock() - this.#options.compressDelayMs;
    for (const file of this.#files.filter(({ isCompressed, closedMs }) => !isCompressed && closedMs <= due)) {
      try {
        file.bytes = await gzipFile(join(this.#folder, file.name), this.#abort.signal);
        file.name = `${file.name}.gz`;
        file.isCompressed = true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        // Somebody took it away, which is their right.
        this.#files.splice(this.#files.indexOf(file), 1);
      }
    }
  }
}
