/** How the spool is done with a record. */
export type Outcome = 'acknowledged' | 'dead-lettered';

interface Entry {
  /** Sequence of the record; of a gap, its last. */
  readonly sequence: number;
  outcome: Outcome | 'gap' | undefined;
  dropped: number;
  readonly damaged: number;
  /** The mark has moved over it. */
  isPassed: boolean;
}

/** Counts of what is settled. */
export interface SettledCounts {
  /** Every record up to here is settled, one way or another. */
  settled: number;
  /** Of those, the ones that the other side refused for good. */
  deadLettered: number;
  /** Those that the full spool made room of. */
  dropped: number;
  /** Those that were found damaged or missing. */
  damaged: number;
}

/**
 * What was read and is not settled yet. Records may settle out of order (partitions run beside each other); the mark
 * below which everything is settled moves only over settled ones, so after a crash nothing is forgotten and some
 * records are sent again.
 */
export class Settlement {
  readonly counts: SettledCounts;
  readonly #queue: Entry[] = [];
  #head = 0;
  readonly #bySequence = new Map<number, Entry>();
  /** Records that were dropped while they were in flight: an acknowledgement may still come. */
  readonly #droppedInFlight = new Map<number, Entry>();

  constructor(counts: SettledCounts) {
    this.counts = { ...counts };
  }

  get inFlight(): number {
    return this.#bySequence.size;
  }

  /** Notes that a record was read for delivery. Sequences must rise. */
  begin(sequence: number): void {
    const entry: Entry = { sequence, outcome: undefined, dropped: 0, damaged: 0, isPassed: false };
    this.#queue.push(entry);
    this.#bySequence.set(sequence, entry);
  }

  /** Notes that the records up to `sequence` that were not begun are gone. */
  gap(sequence: number, dropped: number, damaged: number): void {
    this.#queue.push({ sequence, outcome: 'gap', dropped, damaged, isPassed: false });
    this.#advance();
  }

  /** Settles a record. False when it was not in flight, or not any more. */
  settle(sequence: number, outcome: Outcome): boolean {
    const late = this.#droppedInFlight.get(sequence);
    if (late !== undefined) {
      this.#droppedInFlight.delete(sequence);
      this.#undrop(late, outcome);
      return false;
    }
    const entry = this.#bySequence.get(sequence);
    if (entry === undefined) return false;
    entry.outcome = outcome;
    this.#bySequence.delete(sequence);
    this.#advance();
    return true;
  }

  /** Gives up the records in flight up to `sequence`, whose file makes room; returns how many. */
  drop(sequence: number): number {
    let dropped = 0;
    for (let i = this.#head; i < this.#queue.length && this.#queue[i]!.sequence <= sequence; i++) {
      const entry = this.#queue[i]!;
      if (entry.outcome !== undefined) continue;
      this.#bySequence.delete(entry.sequence);
      this.#droppedInFlight.set(entry.sequence, entry);
      entry.outcome = 'gap';
      entry.dropped = 1;
      dropped++;
    }
    this.#advance();
    return dropped;
  }

  /* It arrived after all. */
  #undrop(entry: Entry, outcome: Outcome): void {
    if (!entry.isPassed) {
      entry.outcome = outcome;
      entry.dropped = 0;
      return;
    }
    this.counts.dropped--;
    if (outcome === 'dead-lettered') this.counts.deadLettered++;
  }

  #advance(): void {
    const { counts } = this;
    while (this.#head < this.#queue.length) {
      const entry = this.#queue[this.#head]!;
      const { sequence, outcome, dropped, damaged } = entry;
      if (outcome === undefined) break;
      entry.isPassed = true;
      this.#head++;
      counts.settled = sequence;
      counts.dropped += dropped;
      counts.damaged += damaged;
      if (outcome === 'dead-lettered') counts.deadLettered++;
    }
    if (this.#head > 4096 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
