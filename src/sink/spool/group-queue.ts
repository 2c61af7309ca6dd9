import type { LogRecord } from '../../model/records.js';
import { encodedBound } from './record-codec.js';

/** Records that are written together, and whoever waits for it. */
export interface Group {
  readonly records: readonly LogRecord[];
  /** Octets that they take at most. */
  readonly bound: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Octets that are encoded and written at once. */
const WRITE_BYTES = 4 * 1024 * 1024;
/** Records of a group at most; a longer list is cut. */
const GROUP_RECORDS = 2000;

/** Groups that wait for the next commit. */
export class GroupQueue {
  #groups: Group[] = [];
  /** Records that wait. */
  records = 0;

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /** Resolves when all records are written; rejects with the error of the first group that is not. */
  async add(records: readonly LogRecord[], onAdded: () => void): Promise<void> {
    const written = groupsOf(records).map(
      ({ some, bound }) =>
        new Promise<void>((resolve, reject) => {
          this.#groups.push({ records: some, bound, resolve, reject });
          this.records += some.length;
        }),
    );
    onAdded();
    await Promise.all(written);
  }

  /** As many groups as one write takes: one at least, when there is one. */
  take(): Group[] {
    let bytes = 0;
    let count = 0;
    for (const { bound } of this.#groups) {
      bytes += bound;
      count++;
      if (bytes >= WRITE_BYTES) break;
    }
    const taken = this.#groups.splice(0, count);
    for (const { records } of taken) this.records -= records.length;
    return taken;
  }
}

function groupsOf(records: readonly LogRecord[]): { some: readonly LogRecord[]; bound: number }[] {
  const groups: { some: readonly LogRecord[]; bound: number }[] = [];
  let from = 0;
  let bound = 0;
  for (let i = 0; i < records.length; i++) {
    bound += encodedBound(records[i]!);
    if (i + 1 - from < GROUP_RECORDS && bound < WRITE_BYTES && i + 1 < records.length) continue;
    groups.push({ some: records.slice(from, i + 1), bound });
    from = i + 1;
    bound = 0;
  }
  return groups;
}
