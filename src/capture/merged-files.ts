import { CaptureError } from './capture-error.js';
import type { CaptureFile } from './capture-file.js';
import type { CaptureInterface, OnPackets, PacketBatch, PacketSource } from './packet-batch.js';

interface Head {
  readonly file: CaptureFile;
  batch: PacketBatch;
  at: number;
}

/**
 * Several captures as one, by packet time. Equal times keep the order in which the files were named; inside a file the
 * order stays as it is. No packet is copied: runs of one file's batch are handed over until another file is due.
 */
export class MergedFiles implements PacketSource {
  readonly interfaces: readonly CaptureInterface[];
  readonly #files: readonly CaptureFile[];

  /** Called with the fault of a file that turns out damaged; the others are read on. */
  readonly #onFault: (fault: CaptureError) => void;

  constructor(
    files: readonly CaptureFile[],
    interfaces: readonly CaptureInterface[],
    onFault: (fault: CaptureError) => void,
  ) {
    this.#files = files;
    this.interfaces = interfaces;
    this.#onFault = onFault;
  }

  async read(onPackets: OnPackets): Promise<void> {
    const heads: Head[] = [];
    for (const file of this.#files) {
      const batch = await this.#next(file);
      if (batch !== undefined) heads.push({ file, batch, at: 0 });
    }
    while (heads.length > 0) {
      const first = earliest(heads)!;
      const rival = earliest(heads, first);
      const end = rival === undefined ? first.batch.count : runEnd(first, rival, heads);
      await onPackets(first.batch, first.at, end);
      first.at = end;
      if (end < first.batch.count) continue;
      const batch = await this.#next(first.file);
      if (batch === undefined) heads.splice(heads.indexOf(first), 1);
      else {
        first.batch = batch;
        first.at = 0;
      }
    }
  }

  async #next(file: CaptureFile): Promise<PacketBatch | undefined> {
    try {
      return await file.next();
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      this.#onFault(error);
      return undefined;
    }
  }
}

function earliest(heads: readonly Head[], except?: Head): Head | undefined {
  let best: Head | undefined;
  for (const head of heads) {
    if (head === except) continue;
    if (best === undefined || isEarlier(head, head.at, best)) best = head;
  }
  return best;
}

function isEarlier(head: Head, at: number, than: Head): boolean {
  const seconds = head.batch.seconds[at]! - than.batch.seconds[than.at]!;
  return seconds < 0 || (seconds === 0 && head.batch.nanoseconds[at]! < than.batch.nanoseconds[than.at]!);
}

/* How far `first` may go before `rival` is due; on equal times the file that was named first goes first. */
function runEnd(first: Head, rival: Head, heads: readonly Head[]): number {
  const winsTies = heads.indexOf(first) < heads.indexOf(rival);
  let end = first.at + 1;
  while (end < first.batch.count) {
    if (isEarlier(first, end, rival)) end++;
    else if (winsTies && isSameTime(first, end, rival)) end++;
    else break;
  }
  return end;
}

function isSameTime(head: Head, at: number, other: Head): boolean {
  return (
    head.batch.seconds[at] === other.batch.seconds[other.at] &&
    head.batch.nanoseconds[at] === other.batch.nanoseconds[other.at]
  );
}
