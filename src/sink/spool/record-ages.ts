interface Mark {
  readonly sequence: number;
  readonly at: number;
}

const EVERY_MS = 1000;
const MOST = 4096;

/** When records were accepted, to the second: some marks instead of a time for each record. */
export class RecordAges {
  readonly #marks: Mark[];

  /** `since` is the epoch time in ms since which records of an earlier run have been waiting, if there are any. */
  constructor(since: number | undefined) {
    this.#marks = since === undefined ? [] : [{ sequence: 0, at: since }];
  }

  /** Notes that records from `sequence` on are accepted now. */
  accepted(sequence: number): void {
    const now = Date.now();
    const last = this.#marks.at(-1);
    if (last !== undefined && now - last.at < EVERY_MS) return;
    this.#marks.push({ sequence, at: now });
    // A long outage needs no finer marks than it needs.
    if (this.#marks.length > MOST)
      for (let i = this.#marks.length - 2; i > 0; i -= 2) this.#marks.splice(i, 1);
  }

  /** Seconds since the record was accepted. Marks before it are forgotten. */
  ageOf(sequence: number): number {
    while (this.#marks.length > 1 && this.#marks[1]!.sequence <= sequence) this.#marks.shift();
    const mark = this.#marks[0];
    return mark === undefined ? 0 : Math.max(0, (Date.now() - mark.at) / 1000);
  }
}
