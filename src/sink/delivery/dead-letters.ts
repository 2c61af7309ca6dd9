import type { FileHandle } from 'node:fs/promises';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpooledRecord } from '../spool/record-codec.js';

const NAME = 'dead-letters.jsonl';
const OLDER = 'dead-letters.1.jsonl';

/**
 * Records that the other side will never take, as JSON lines beside the spool: when, why, and the record itself. Two
 * files of half the bound each; when the newer is full it takes the place of the older, whose letters are gone and
 * counted.
 */
export class DeadLetters {
  readonly #folder: string;
  readonly #mostBytes: number;
  #file: FileHandle | undefined;
  #bytes = 0;
  #discarded = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(folder: string, mostBytes: number) {
    this.#folder = folder;
    this.#mostBytes = Math.floor(mostBytes / 2);
  }

  /** Octets of old letters that were thrown away to stay within the bound. */
  get discardedBytes(): number {
    return this.#discarded;
  }

  get path(): string {
    return join(this.#folder, NAME);
  }

  /** Resolves when the letter is on disk. Rejects with the error of the file system. */
  add(record: SpooledRecord, reason: string): Promise<void> {
    const written = this.#last.then(() => this.#write(record, reason));
    this.#last = written.catch(() => undefined); // whoever asked for it gets its error
    return written;
  }

  async #write(record: SpooledRecord, reason: string): Promise<void> {
    const letter = {
      time: new Date().toISOString(),
      reason,
      sequence: record.sequence,
      log: record.log,
      severity: record.severity,
      // As text: a record that is not valid JSON is a reason to be here.
      record: record.json,
    };
    const line = Buffer.from(`${JSON.stringify(letter)}\n`);
    let file = await this.#current();
    if (this.#bytes > 0 && this.#bytes + line.length > this.#mostBytes) file = await this.#turnOver(file);
    await file.appendFile(line);
    await file.datasync();
    this.#bytes += line.length;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #current(): Promise<FileHandle> {
    if (this.#file === undefined) {
      this.#file = await open(this.path, 'a', 0o640);
      this.#bytes = (await this.#file.stat()).size;
    }
    return this.#file;
  }

  async #turnOver(full: FileHandle): Promise<FileHandle> {
    const older = join(this.#folder, OLDER);
    this.#discarded += await sizeOf(older);
    await full.close();
    this.#file = undefined;
    await rename(this.path, older);
    return this.#current();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
