import { setTimeout as pause } from 'node:timers/promises';

/** Waits that something may end early. After {@link end} nothing waits any more. */
export class Waiting {
  #watchers: (() => void)[] = [];
  #atEnd: () => void = () => undefined;
  #interruption = new AbortController();

  /** Until somebody calls {@link wake}. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  wake(): void {
    for (const resolve of this.#watchers.splice(0)) resolve();
  }

  /** So many milliseconds, or until an interruption. */
  async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#interruption.signal }).catch(() => undefined); // interrupted
  }

  /** Until the work is done, or the end; a failure of the work before that is passed on. */
  async untilEnd(work: Promise<void>): Promise<void> {
    let tell = (): void => undefined;
    const ended = new Promise<void>((resolve) => (tell = resolve));
    this.#atEnd = tell;
    await Promise.race([work, ended]);
  }

  interrupt(): void {
    this.#interruption.abort();
    this.#interruption = new AbortController();
    this.wake();
  }

  end(): void {
    this.#atEnd();
    this.#interruption.abort();
    this.wake();
  }
}
