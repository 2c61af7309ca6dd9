import type { CensusEntry, CensusSubject } from '../model/census.js';
import { CLIENT_PREFIX_BITS, isPrefixSubject, SEEN_IN } from '../model/census.js';
import { BoundedTable } from '../state/bounded-table.js';
import { ESTIMATE, HOSTS_OF_PREFIX } from './client-sketch.js';
import type { ClientSketch } from './client-sketch.js';

/** Stands for a client that is not known: the name of a reverse zone ends before it. */
export const NO_CLIENT = -1;

/* Counts of a row, as doubles. */
const PACKETS = 0;
const SEEN = 1;
const COUNTS = SEEN + SEEN_IN.length;
/* Words behind them. */
const FIRST = 2 * COUNTS;
const LAST = FIRST + 2;
/** Number of the packet that counted last, so that a packet counts once. */
const NUMBER = LAST + 2;
const SKETCH = NUMBER + 1;
const NETWORK = (0xffffffff << (32 - CLIENT_PREFIX_BITS)) >>> 0;

/** The packet in which something is seen. */
export interface SeenPacket {
  /** Differs from that of the packet before. */
  readonly number: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Servers, relays or prefixes, each with its counts. Bounded: the one that was not seen for longest makes room. */
export class CensusTable {
  readonly what: CensusSubject;
  /** Packets that counted for any entry, once each, since the last {@link clearCounts}. */
  packets = 0;
  readonly #table: BoundedTable;
  readonly #sketch: ClientSketch;
  readonly #isPrefix: boolean;
  #lastNumber = 0;

  constructor(what: CensusSubject, capacity: number) {
    this.what = what;
    this.#isPrefix = isPrefixSubject(what);
    this.#sketch = this.#isPrefix ? HOSTS_OF_PREFIX : ESTIMATE;
    this.#table = new BoundedTable({ keyWords: 1, capacity, extraWords: SKETCH + this.#sketch.words });
  }

  get size(): number {
    return this.#table.size;
  }

  get capacity(): number {
    return this.#table.capacity;
  }

  /** Entries that made room for others. */
  get evictions(): number {
    return this.#table.evictions;
  }

  /** Counts a sighting in `place` of an IPv4 address, or of its prefix, for a client (or {@link NO_CLIENT}). */
  see(v4: number, place: number, client: number, { number, seconds, nanoseconds }: SeenPacket): void {
    const table = this.#table;
    table.key[0] = this.#isPrefix ? v4 & NETWORK : v4;
    let slot = table.find();
    if (slot < 0) {
      slot = table.insert(seconds);
      const at = table.extraAt(slot);
      table.words.fill(0, at, at + SKETCH + this.#sketch.words);
      setTime(table.words, at + FIRST, seconds, nanoseconds);
    } else {
      table.touch(slot, seconds);
    }
    const { words, doubles } = table;
    const at = table.extraAt(slot);
    const counts = at >>> 1;
    doubles[counts + SEEN + place]! += 1;
    if (words[at + NUMBER] !== number) {
      words[at + NUMBER] = number;
      doubles[counts + PACKETS]! += 1;
    }
    if (this.#lastNumber !== number) {
      this.#lastNumber = number;
      this.packets++;
    }
    if (isBefore(seconds, nanoseconds, words, at + FIRST)) setTime(words, at + FIRST, seconds, nanoseconds);
    if (!isBefore(seconds, nanoseconds, words, at + LAST)) setTime(words, at + LAST, seconds, nanoseconds);
    if (client !== NO_CLIENT) this.#sketch.add(words, at + SKETCH, client);
  }

  /** What was seen since the last {@link clearCounts}: most packets first, then by address. */
  entries(): CensusEntry[] {
    const entries: CensusEntry[] = [];
    const table = this.#table;
    for (let slot = table.oldest(); slot >= 0; slot = table.younger(slot)) {
      const at = table.extraAt(slot);
      const { words, doubles } = table;
      const counts = at >>> 1;
      const packets = doubles[counts + PACKETS]!;
      if (packets === 0) continue;
      entries.push({
        what: this.what,
        v4: table.keyWord(slot, 0),
        packets,
        seen: Array.from(doubles.subarray(counts + SEEN, counts + COUNTS)),
        clients: this.#sketch.count(words, at + SKETCH),
        firstSeen: timeAt(words, at + FIRST),
        lastSeen: timeAt(words, at + LAST),
      });
    }
    return entries.sort((a, b) => b.packets - a.packets || a.v4 - b.v4);
  }

  /** Begins to count anew; entries and when they were seen first stay known. */
  clearCounts(): void {
    const table = this.#table;
    for (let slot = table.oldest(); slot >= 0; slot = table.younger(slot)) {
      const at = table.extraAt(slot);
      table.words.fill(0, at, at + FIRST);
      table.words.fill(0, at + SKETCH, at + SKETCH + this.#sketch.words);
    }
    this.packets = 0;
  }
}

function setTime(words: Uint32Array, at: number, seconds: number, nanoseconds: number): void {
  words[at] = seconds;
  words[at + 1] = nanoseconds;
}

function timeAt(words: Uint32Array, at: number): { seconds: number; nanoseconds: number } {
  return { seconds: words[at]!, nanoseconds: words[at + 1]! };
}

function isBefore(seconds: number, nanoseconds: number, words: Uint32Array, at: number): boolean {
  return seconds < words[at]! || (seconds === words[at] && nanoseconds < words[at + 1]!);
}
