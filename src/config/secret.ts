import { inspect } from 'node:util';
import { readBoundedFile } from './bounded-file.js';
import { ConfigError } from './config-error.js';

/** What is shown in place of a secret. */
export const HIDDEN = '[secret]';

const MAX_SECRET_BYTES = 64 * 1024;

/** A password or the like, which nothing prints by accident. */
export class Secret {
  /** The file it was read from, absolute; undefined when it stood in the configuration or the environment. */
  readonly file: string | undefined;
  #value: string;

  private constructor(value: string, file: string | undefined) {
    this.#value = value;
    this.file = file;
  }

  static of(value: string): Secret {
    return new Secret(value, undefined);
  }

  /** Reads a secret from a file. Throws a ConfigError. */
  static fromFile(path: string): Secret {
    return new Secret(readSecret(path), path);
  }

  reveal(): string {
    return this.#value;
  }

  /**
   * Reads the file again and says whether the secret has changed. Throws a ConfigError when it cannot be read, and keeps
   * the old value then. A secret without file never changes.
   */
  reload(): boolean {
    if (this.file === undefined) return false;
    const before = this.#value;
    this.#value = readSecret(this.file);
    return this.#value !== before;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

function readSecret(path: string): string {
  const value = readBoundedFile(path, MAX_SECRET_BYTES, 'file of a secret').text.replace(/\r?\n$/, '');
  if (value === '')
    throw new ConfigError(`${path}: the file of a secret is empty; write the secret into it.`);
  return value;
}
