import { randomBytes } from 'node:crypto';

export interface BoundedTableOptions {
  /** 32-bit words in a key. */
  readonly keyWords: number;
  /** Most entries; at this size the entry that was idle longest makes room. */
  readonly capacity: number;
  /** 32-bit words that the user keeps in each entry's row, see {@link BoundedTable.extraAt}. Default 0. */
  readonly extraWords?: number;
  /** Number of age lists (entries with different time-outs live in different lists). Default 1. */
  readonly ageLists?: number;
  /** Called with the slot of an entry that is about to make room. The entry is still readable. */
  readonly onEvict?: (slot: number) => void;
  /** Called when columns beside the table must hold `slots` entries. */
  readonly onGrow?: (slots: number) => void;
}

const FIRST_SLOTS = 256;
const NONE = -1;
/* Words of the table's own in a row, behind the key. The stamp is a double and lies on an even word. */
const STAMP = 0;
const HASH = 2;
const LIST = 3;
const OWN_WORDS = 4;
/* The two links of an entry. */
const OLDER = 0;
const NEWER = 1;

/**
 * Hash table over one typed array: no object and no string per entry, a fixed upper size, and entries linked by age, so
 * that expiry looks only at the oldest. Slots are stable while an entry lives and index the user's own columns. What every
 * packet needs of an entry lies side by side in its row, because in a large table each line of memory is a wait.
 *
 * The hash is seeded at random, so that a sender cannot aim at one bucket; nothing that is written out depends on it.
 *
 *     index  [ . 3 . . 0 1 . ]      slot and hash; open addressing, linear probing, backward-shift deletion
 *     rows    0 1 2 3 ...           key words | stamp, hash, list | the user's words
 *     links   0 1 2 3 ...           older, newer: apart, since a packet also touches those of two neighbours
 */
export class BoundedTable {
  /** Key to look for or to insert; fill it, then call {@link find} or {@link insert}. */
  readonly key: Uint32Array;
  readonly capacity: number;
  size = 0;
  /** Entries that made room for others since the start. */
  evictions = 0;

  /** All rows, as words and as doubles. They are other arrays after the table has grown. */
  words = new Uint32Array(0);
  doubles = new Float64Array(0);

  readonly #keyWords: number;
  /** Where the table's own words and the user's begin in a row, and how long a row is. All even. */
  readonly #own: number;
  readonly #extra: number;
  readonly #stride: number;
  readonly #seed = randomBytes(4).readUInt32LE(0);
  readonly #onEvict: ((slot: number) => void) | undefined;
  readonly #onGrow: ((slots: number) => void) | undefined;
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;
  #slots = 0;
  #used = 0;
  #free = NONE;
  #index = new Int32Array(0);
  #mask = 0;
  #ints = new Int32Array(0);
  #links = new Int32Array(0);

  constructor(options: BoundedTableOptions) {
    this.#keyWords = options.keyWords;
    this.#own = even(options.keyWords);
    this.#extra = this.#own + OWN_WORDS;
    this.#stride = even(this.#extra + (options.extraWords ?? 0));
    this.key = new Uint32Array(options.keyWords);
    this.capacity = options.capacity;
    this.#onEvict = options.onEvict;
    this.#onGrow = options.onGrow;
    const lists = options.ageLists ?? 1;
    this.#oldest = new Int32Array(lists).fill(NONE);
    this.#newest = new Int32Array(lists).fill(NONE);
  }

  /** Index in {@link words} of the user's words of an entry; half of it is that in {@link doubles}. */
  extraAt(slot: number): number {
    return slot * this.#stride + this.#extra;
  }

  /** Slot of the entry with the scratch key, or -1. */
  find(): number {
    if (this.size === 0) return NONE;
    const hash = this.#hashKey();
    const index = this.#index;
    const mask = this.#mask;
    const stride = this.#stride;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const slot = index[2 * i]!;
      if (slot === NONE) return NONE;
      // The hash in the index: looking into the rows of others would wait for memory.
      if (index[2 * i + 1] === hash && this.#sameKey(slot * stride)) return slot;
    }
  }

  /**
   * Adds an entry with the scratch key, which must not be in the table, as the newest of `list`, and returns its slot.
   * A full table first evicts the entry that has been idle longest.
   */
  insert(now: number, list = 0): number {
    if (this.size >= this.capacity) this.#evictOldest();
    if (this.#free === NONE && this.#used === this.#slots) this.#grow();
    let slot = this.#free;
    if (slot === NONE) slot = this.#used++;
    else this.#free = this.#links[2 * slot + OLDER]!;
    const hash = this.#hashKey();
    const row = slot * this.#stride;
    const { words, key } = this;
    for (let i = 0; i < this.#keyWords; i++) words[row + i] = key[i]!;
    this.#ints[row + this.#own + HASH] = hash;
    this.doubles[(row + this.#own + STAMP) >>> 1] = now;
    this.#place(slot, hash);
    this.#link(slot, list);
    this.size++;
    return slot;
  }

  /** Marks an entry as active at `now` (seconds). Entries of the same `now` keep the order in which they came to it. */
  touch(slot: number, now: number): void {
    const at = this.#at(slot);
    const stamp = (at + STAMP) >>> 1;
    if (this.doubles[stamp] === now) return;
    this.doubles[stamp] = now;
    const list = this.#ints[at + LIST]!;
    if (this.#newest[list] === slot) return;
    this.#unlink(slot);
    this.#link(slot, list);
  }

  /** When the entry was last active, in seconds. */
  lastActive(slot: number): number {
    return this.doubles[(this.#at(slot) + STAMP) >>> 1]!;
  }

  remove(slot: number): void {
    this.#unplace(slot);
    this.#unlink(slot);
    this.#links[2 * slot + OLDER] = this.#free;
    this.#free = slot;
    this.size--;
  }

  /** The entry of `list` that has been idle longest, or -1. */
  oldest(list = 0): number {
    return this.#oldest[list]!;
  }

  /** The next younger entry of the same list, or -1. */
  younger(slot: number): number {
    return this.#links[2 * slot + NEWER]!;
  }

  keyWord(slot: number, word: number): number {
    return this.words[slot * this.#stride + word]!;
  }

  #evictOldest(): void {
    let victim = NONE;
    for (const slot of this.#oldest) {
      if (slot !== NONE && (victim === NONE || this.lastActive(slot) < this.lastActive(victim)))
        victim = slot;
    }
    if (victim === NONE) throw new Error('a bounded table needs a capacity of at least 1');
    this.evictions++;
    this.#onEvict?.(victim);
    this.remove(victim);
  }

  #grow(): void {
    const slots = Math.min(this.capacity, this.#slots === 0 ? FIRST_SLOTS : this.#slots * 2);
    this.#slots = slots;
    const words = grown(this.words, new Uint32Array(slots * this.#stride));
    this.words = words;
    this.#ints = new Int32Array(words.buffer);
    this.#links = grown(this.#links, new Int32Array(2 * slots));
    this.doubles = new Float64Array(words.buffer);
    let size = 16;
    while (size < slots * 2) size *= 2;
    this.#index = new Int32Array(2 * size).fill(NONE);
    this.#mask = size - 1;
    for (const first of this.#oldest) {
      for (let slot = first; slot !== NONE; slot = this.younger(slot)) {
        this.#place(slot, this.#ints[this.#at(slot) + HASH]!);
      }
    }
    this.#onGrow?.(slots);
  }

  /* Where the table's own words of an entry begin. */
  #at(slot: number): number {
    return slot * this.#stride + this.#own;
  }

  /* A signed word. Two lanes, because each step of one waits for the step before. */
  #hashKey(): number {
    let a = this.#seed;
    let b = this.#seed ^ 0x6a09e667;
    const key = this.key;
    const words = this.#keyWords;
    let i = 0;
    for (; i + 1 < words; i += 2) {
      a = Math.imul(a ^ key[i]!, 0x9e3779b1);
      b = Math.imul(b ^ key[i + 1]!, 0x85ebca77);
      a ^= a >>> 15;
      b ^= b >>> 13;
    }
    if (i < words) a = Math.imul(a ^ key[i]!, 0x9e3779b1);
    let h = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 15), 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    return h ^ (h >>> 13);
  }

  #sameKey(row: number): boolean {
    const { words, key } = this;
    for (let i = 0; i < this.#keyWords; i++) if (words[row + i] !== key[i]) return false;
    return true;
  }

  #place(slot: number, hash: number): void {
    let i = hash & this.#mask;
    while (this.#index[2 * i] !== NONE) i = (i + 1) & this.#mask;
    this.#index[2 * i] = slot;
    this.#index[2 * i + 1] = hash;
  }

  /* Backward-shift deletion: no tombstones, so probes stay short however many entries come and go. */
  #unplace(slot: number): void {
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.#ints[this.#at(slot) + HASH]! & mask;
    while (index[2 * hole] !== slot) hole = (hole + 1) & mask;
    for (let i = (hole + 1) & mask; index[2 * i] !== NONE; i = (i + 1) & mask) {
      const home = index[2 * i + 1]! & mask;
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        index[2 * hole] = index[2 * i]!;
        index[2 * hole + 1] = index[2 * i + 1]!;
        hole = i;
      }
    }
    index[2 * hole] = NONE;
  }

  #link(slot: number, list: number): void {
    const links = this.#links;
    const newest = this.#newest[list]!;
    this.#ints[this.#at(slot) + LIST] = list;
    links[2 * slot + OLDER] = newest;
    links[2 * slot + NEWER] = NONE;
    if (newest === NONE) this.#oldest[list] = slot;
    else links[2 * newest + NEWER] = slot;
    this.#newest[list] = slot;
  }

  #unlink(slot: number): void {
    const links = this.#links;
    const list = this.#ints[this.#at(slot) + LIST]!;
    const older = links[2 * slot + OLDER]!;
    const newer = links[2 * slot + NEWER]!;
    if (older === NONE) this.#oldest[list] = newer;
    else links[2 * older + NEWER] = newer;
    if (newer === NONE) this.#newest[list] = older;
    else links[2 * newer + OLDER] = older;
  }
}

/* The next even number: doubles lie on even words. */
function even(words: number): number {
  return (words + 1) & ~1;
}

type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

/** Copies a column into its larger successor and returns that. */
export function grown<T extends Column>(from: T, into: T): T {
  into.set(from);
  return into;
}
