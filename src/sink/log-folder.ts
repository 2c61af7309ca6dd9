import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogName, LogRecord } from '../model/records.js';
import { LOG_NAMES } from '../model/records.js';
import type { AlertSink, SinkHealth } from './alert-sink.js';
import { SinkError } from './alert-sink.js';

/* Alerts tell who talked to whom: the owner writes, the group reads. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

/** A folder with one file per log, as Zeek writes them. A log without records has no file. */
export class LogFolder implements AlertSink {
  readonly folder: string;
  readonly #overwrite: boolean;
  readonly #files = new Map<LogName, FileHandle>();

  constructor(folder: string, overwrite: boolean) {
    this.folder = folder;
    this.#overwrite = overwrite;
  }

  async open(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true, mode: FOLDER_MODE });
      const present = new Set(await readdir(this.folder));
      const taken = LOG_NAMES.map((log) => `${log}.log`).filter((name) => present.has(name));
      if (taken.length > 0 && !this.#overwrite) {
        throw new SinkError(
          `${this.folder} holds ${taken.join(' and ')} already; name another folder or add --overwrite.`,
        );
      }
      // Logs of an earlier run must not stand beside those of this one.
      for (const name of taken) await rm(join(this.folder, name));
    } catch (error) {
      throw asSinkError(error, this.folder);
    }
  }

  async publish(batch: readonly LogRecord[]): Promise<void> {
    try {
      for (const log of LOG_NAMES) {
        const lines = batch.filter((record) => record.log === log).map((record) => `${record.json}\n`);
        if (lines.length === 0) continue;
        let file = this.#files.get(log);
        if (file === undefined) {
          file = await this.#create(`${log}.log`);
          this.#files.set(log, file);
        }
        await file.writeFile(lines.join(''));
      }
    } catch (error) {
      throw asSinkError(error, this.folder);
    }
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  health(): SinkHealth {
    return { state: 'healthy', reason: undefined, spool: undefined };
  }

  #create(name: string): Promise<FileHandle> {
    return open(join(this.folder, name), 'w', FILE_MODE);
  }
}

function asSinkError(error: unknown, folder: string): SinkError {
  if (error instanceof SinkError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const hint =
    code === 'ENOSPC'
      ? 'the disk is full; make room or choose another folder with --out'
      : code === 'EEXIST' || code === 'ENOTDIR'
        ? 'it is, or lies below, a file; --out names a folder'
        : code === 'EACCES' || code === 'EROFS' || code === 'EPERM'
          ? 'it may not be written; choose another folder with --out'
          : message;
  return new SinkError(`${folder}: ${hint}.`, { cause: error });
}
