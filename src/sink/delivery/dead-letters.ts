import type { FileHandle } from 'node:fs/promises';
import { open, rename, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { syncFolder, writeAll } from '../spool/durable-file.js';
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
  readonly #onDiscard: (bytes: number) => void;
  #file: FileHandle | undefined;
  #bytes = 0;
  #last: Promise<void> = Promise.resolve();

  /** `onDiscard` is told how many octets of old letters were thrown away to stay within the bound. */
  constructor(folder: string, mostBytes: number, onDiscard: (bytes: number) => void) {
    this.#onDiscard = onDiscard;
    this.#folder = folder;
    this.#mostBytes = Math.floor(mostBytes / 2);
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
    try {
      await writeAll(file, line, this.#bytes);
      await file.datasync();
    } catch (error) {
      await file.truncate(this.#bytes);
      throw error;
    }
    this.#bytes += line.length;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #current(): Promise<FileHandle> {
    if (this.#file === undefined) {
      const file = await open(this.path, constants.O_RDWR | constants.O_CREAT, 0o640);
      // A letter that was cut off in the middle would spoil the next one.
      const whole = (await file.readFile()).lastIndexOf('\n') + 1;
      await file.truncate(whole);
      await syncFolder(this.#folder);
      this.#file = file;
      this.#bytes = whole;
    }
    return this.#file;
  }

  async #turnOver(full: FileHandle): Promise<FileHandle> {
    const older = join(this.#folder, OLDER);
    const discarded = await sizeOf(older);
    if (discarded > 0) this.#onDiscard(discarded);
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
