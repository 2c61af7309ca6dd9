import { statfs } from 'node:fs/promises';
import type { SpoolOptions } from './spool-types.js';

const CHECK_MS = 1000;

/** Watches the free space below a spool; says so once when it becomes low. */
export class FreeSpace {
  readonly #folder: string;
  readonly #least: number;
  readonly #onEvent: SpoolOptions['onEvent'];
  #checkedAt = 0;
  #isLow = false;

  constructor(folder: string, least: number, onEvent: SpoolOptions['onEvent']) {
    this.#folder = folder;
    this.#least = least;
    this.#onEvent = onEvent;
  }

  /** Whether fewer octets are free than must stay free. Looks at most once a second while all is well. */
  async isLow(): Promise<boolean> {
    const now = Date.now();
    if (now - this.#checkedAt < CHECK_MS && !this.#isLow) return false;
    this.#checkedAt = now;
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
