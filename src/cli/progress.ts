import { statSync } from 'node:fs';
import cliProgress from 'cli-progress';

const DELAY_MS = 1000;
const UPDATE_MS = 200;

/** A progress bar on standard error: only on a terminal, and only for work that takes over a second. */
export class Progress {
  readonly #total: number | undefined;
  readonly #isTerminal = process.stderr.isTTY;
  readonly #startedAt = Date.now();
  #bar: cliProgress.SingleBar | undefined;
  #shownAt = 0;

  constructor(files: readonly string[]) {
    this.#total = totalSize(files);
  }

  update(bytesRead: number): void {
    if (!this.#isTerminal || this.#total === undefined) return;
    const now = Date.now();
    if (now - this.#startedAt < DELAY_MS || now - this.#shownAt < UPDATE_MS) return;
    this.#shownAt = now;
    if (this.#bar === undefined) {
      this.#bar = new cliProgress.SingleBar({
        format: 'reading {bar} {percentage}% {value}/{total} MB, {eta_formatted} left',
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: true,
      });
      this.#bar.start(megabytes(this.#total), 0);
    }
    this.#bar.update(megabytes(bytesRead));
  }

  stop(): void {
    this.#bar?.stop();
  }
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}

/* Undefined when one of them is a pipe or cannot be looked at: then there is no bar. */
function totalSize(files: readonly string[]): number | undefined {
  let sum = 0;
  for (const file of files) {
    const info = file === '-' ? undefined : statSync(file, { throwIfNoEntry: false });
    if (info?.isFile() !== true) return undefined;
    sum += info.size;
  }
  return sum;
}
