import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ConfigError } from './config-error.js';

export interface BoundedFile {
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Reads a UTF-8 text of at most `maxBytes`. Throws a ConfigError that calls the file `what`, as in
 * `the configuration file`.
 */
export function readBoundedFile(path: string, maxBytes: number, what: string): BoundedFile {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const got = readSync(file, bytes, length, bytes.length - length, null);
      length += got;
      if (got === 0 || length === bytes.length) break;
    }
    if (length > maxBytes)
      throw new ConfigError(`${path} is larger than ${maxBytes} octets; that is no ${what}.`);
    return {
      text: new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length)),
      mode: fstatSync(file).mode & 0o777,
    };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${path}: the ${what} ${reason(error)}.`, { cause: error });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'is not there; check the path';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read; give its group the right to read it';
    case 'EISDIR':
      return 'is a folder; name a file';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text; save it as UTF-8';
    default:
      return `cannot be read (${(error as Error).message})`;
  }
}
