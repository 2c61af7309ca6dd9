/** How the spool is done with a record. */
export type Outcome = 'acknowledged' | 'dead-lettered';

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

/* Records above the mark that are settled otherwise than by an acknowledgement. */
interface Special {
  /** Sequence of the last of them. */
  readonly sequence: number;
  deadLettered: number;
  dropped: number;
  readonly damaged: number;
  /** The mark has moved over it. */
  isPassed: boolean;
}

/** Specials that are put together: dead letters that follow each other are one. */
const COMPACT_AT = 4096;

/**
 * What was read and is not settled yet. Records may settle out of order (partitions run beside each other); the mark
 * below which everything is settled moves only over settled ones, so after a crash nothing is forgotten and some
 * records are sent again. Memory is what is in flight, and what was refused or lost above the mark.
 */
export class Settlement {
  /** Below the mark; what is written to disk. */
  readonly counts: SettledCounts;
  /** In rising order, as a Set keeps it. */
  readonly #inFlight = new Set<number>();
  #specials: Special[] = [];
  #highest: number;
  /** Records that were dropped while they were in flight: an acknowledgement may still come. */
  readonly #droppedInFlight = new Map<number, Special>();

  constructor(counts: SettledCounts) {
    this.counts = { ...counts };
    this.#highest = counts.settled;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Highest sequence that was begun or passed over. */
  get highest(): number {
    return this.#highest;
  }

  /** Records by outcome, also of those above the mark. */
  get totals(): {
    readonly acknowledged: number;
    readonly deadLettered: number;
    readonly dropped: number;
    readonly damaged: number;
  } {
    let { deadLettered, dropped, damaged } = this.counts;
    for (const special of this.#specials) {
      deadLettered += special.deadLettered;
      dropped += special.dropped;
      damaged += special.damaged;
    }
    const acknowledged = this.#highest - this.#inFlight.size - deadLettered - dropped - damaged;
    return { acknowledged, deadLettered, dropped, damaged };
  }

  /** Notes that a record was read for delivery. Sequences must rise. */
  begin(sequence: number): void {
    this.#inFlight.add(sequence);
    this.#highest = sequence;
  }

  /** Notes that the records behind the last one, up to `sequence`, are gone. */
  gap(sequence: number, dropped: number, damaged: number): void {
    this.#highest = sequence;
    this.#addSpecial({ sequence, deadLettered: 0, dropped, damaged, isPassed: false });
    this.#advance();
  }

  /** Settles a record. False when it was not in flight, or not any more. */
  settle(sequence: number, outcome: Outcome): boolean {
    const late = this.#droppedInFlight.get(sequence);
    if (late !== undefined) {
      this.#droppedInFlight.delete(sequence);
      const counts = late.isPassed ? this.counts : late;
      counts.dropped--;
      if (outcome === 'dead-lettered') counts.deadLettered++;
      return false;
    }
    if (!this.#inFlight.delete(sequence)) return false;
    if (outcome === 'dead-lettered')
      this.#addSpecial({ sequence, deadLettered: 1, dropped: 0, damaged: 0, isPassed: false });
    this.#advance();
    return true;
  }

  /** Gives up the records in flight up to `sequence`, whose file makes room; returns how many. */
  drop(sequence: number): number {
    const special: Special = { sequence, deadLettered: 0, dropped: 0, damaged: 0, isPassed: false };
    for (const one of this.#inFlight) {
      if (one > sequence) break;
      this.#inFlight.delete(one);
      this.#droppedInFlight.set(one, special);
      special.dropped++;
    }
    if (special.dropped > 0) this.#addSpecial(special);
    this.#advance();
    return special.dropped;
  }

  /* Dead letters come in any order; a special that is below the mark already is counted there. */
  #addSpecial(special: Special): void {
    this.#specials.push(special);
    if (this.#specials.length > COMPACT_AT) this.#compact();
  }

  #advance(): void {
    const { counts } = this;
    const oldest = this.#inFlight.values().next();
    const mark = oldest.done === true ? this.#highest : oldest.value - 1;
    if (mark <= counts.settled && this.#specials.length === 0) return;
    counts.settled = Math.max(counts.settled, mark);
    if (!this.#specials.some(({ sequence }) => sequence <= counts.settled)) return;
    this.#specials = this.#specials.filter((special) => {
      if (special.sequence > counts.settled) return true;
      special.isPassed = true;
      counts.deadLettered += special.deadLettered;
      counts.dropped += special.dropped;
      counts.damaged += special.damaged;
      return false;
    });
  }

  /*
   * Puts specials together between which nothing is in flight: the mark passes them at once. Those that a late
   * acknowledgement may change stay by themselves.
   */
  #compact(): void {
    const inFlight = [...this.#inFlight];
    const mutable = new Set(this.#droppedInFlight.values());
    const sorted = [...this.#specials].sort((a, b) => a.sequence - b.sequence);
    const kept: Special[] = [];
    let next = 0;
    for (const special of sorted) {
      const last = kept.at(-1);
      while (next < inFlight.length && inFlight[next]! < (last?.sequence ?? 0)) next++;
      const isApart = last === undefined || (inFlight[next] ?? Infinity) < special.sequence;
      if (isApart || mutable.has(special) || mutable.has(last)) kept.push(special);
      else {
        kept[kept.length - 1] = {
          sequence: special.sequence,
          deadLettered: last.deadLettered + special.deadLettered,
          dropped: last.dropped + special.dropped,
          damaged: last.damaged + special.damaged,
          isPassed: false,
        };
      }
    }
    this.#specials = kept;
  }
}
