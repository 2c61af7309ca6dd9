import { statfs } from 'node:fs/promises';
import type { SpoolOptions } from './spool-types.js';

const CHECK_MS = 1000;

/** Watches the free space below a spool; says so once when it becomes low. */
export class FreeSpace {
  readonly #folder: string;
  readonly #least: number;
  readonly #onEvent: SpoolOptions['onEvent'];
  #checkedAt = 0;
  #writtenThen = 0;
  #isLow = false;

  constructor(folder: string, least: number, onEvent: SpoolOptions['onEvent']) {
    this.#folder = folder;
    this.#least = least;
    this.#onEvent = onEvent;
  }

  /**
   * Whether fewer octets are free than must stay free. While all is well it looks once a second, or after an eighth of
   * what must stay free was written; `written` counts octets.
   */
  async isLow(written = 0): Promise<boolean> {
    const now = Date.now();
    const isRecent = now - this.#checkedAt < CHECK_MS && written - this.#writtenThen < this.#least / 8;
    if (isRecent && !this.#isLow) return false;
    this.#checkedAt = now;
    this.#writtenThen = written;
    const { bavail, bsize } = await statfs(this.#folder);
    const free = bavail * bsize;
    const isLow = free < this.#least;
    if (isLow && !this.#isLow) {
      const message = `Only ${free} octets are free below the spool ${this.#folder}; it does not grow any more.`;
      this.#onEvent({ kind: 'low-space', message });
    }
    this.#isLow = isLow;
    return isLow;
  }
}
