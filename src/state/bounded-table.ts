import { randomBytes } from 'node:crypto';

export interface BoundedTableOptions {
  /** 32-bit words in a key. */
  readonly keyWords: number;
  /** Most entries; at this size the entry that was idle longest makes room. */
  readonly capacity: number;
  /** Number of age lists (entries with different time-outs live in different lists). Default 1. */
  readonly ageLists?: number;
  /** Called with the slot of an entry that is about to make room. The entry is still readable. */
  readonly onEvict?: (slot: number) => void;
  /** Called when columns beside the table must hold `slots` entries. */
  readonly onGrow?: (slots: number) => void;
}

const FIRST_SLOTS = 256;
const NONE = -1;

/**
 * Hash table over typed arrays: no object and no string per entry, a fixed upper size, and entries linked by age, so
 * that expiry looks only at the oldest. Slots are stable while an entry lives and index the user's own columns.
 *
 * The hash is seeded at random, so that a sender cannot aim at one bucket; nothing that is written out depends on it.
 *
 *     index  [ . 3 . . 0 1 . ]      open addressing, linear probing, backward-shift deletion
 *     slots   0 1 2 3 ...           key words, hash, stamp, older/newer links
 */
export class BoundedTable {
  /** Key to look for or to insert; fill it, then call {@link find} or {@link insert}. */
  readonly key: Uint32Array;
  readonly capacity: number;
  size = 0;
  /** Entries that made room for others since the start. */
  evictions = 0;

  readonly #keyWords: number;
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
  #keys = new Uint32Array(0);
  #hash = new Uint32Array(0);
  #older = new Int32Array(0);
  #newer = new Int32Array(0);
  #list = new Uint8Array(0);
  #stamp = new Float64Array(0);

  constructor(options: BoundedTableOptions) {
    this.#keyWords = options.keyWords;
    this.key = new Uint32Array(options.keyWords);
    this.capacity = options.capacity;
    this.#onEvict = options.onEvict;
    this.#onGrow = options.onGrow;
    const lists = options.ageLists ?? 1;
    this.#oldest = new Int32Array(lists).fill(NONE);
    this.#newest = new Int32Array(lists).fill(NONE);
  }

  /** Slot of the entry with the scratch key, or -1. */
  find(): number {
    if (this.size === 0) return NONE;
    const hash = this.#hashKey();
    const index = this.#index;
    const mask = this.#mask;
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const slot = index[i]!;
      if (slot === NONE) return NONE;
      if (this.#hash[slot] === hash && this.#sameKey(slot)) return slot;
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
    else this.#free = this.#older[slot]!;
    const hash = this.#hashKey();
    this.#hash[slot] = hash;
    const base = slot * this.#keyWords;
    for (let i = 0; i < this.#keyWords; i++) this.#keys[base + i] = this.key[i]!;
    this.#place(slot, hash);
    this.#stamp[slot] = now;
    this.#link(slot, list);
    this.size++;
    return slot;
  }

  /** Marks an entry as active at `now` (seconds). */
  touch(slot: number, now: number): void {
    this.#stamp[slot] = now;
    const list = this.#list[slot]!;
    if (this.#newest[list] === slot) return;
    this.#unlink(slot);
    this.#link(slot, list);
  }

  /** When the entry was last active, in seconds. */
  lastActive(slot: number): number {
    return this.#stamp[slot]!;
  }

  remove(slot: number): void {
    this.#unplace(slot);
    this.#unlink(slot);
    this.#older[slot] = this.#free;
    this.#free = slot;
    this.size--;
  }

  /** The entry of `list` that has been idle longest, or -1. */
  oldest(list = 0): number {
    return this.#oldest[list]!;
  }

  /** The next younger entry of the same list, or -1. */
  younger(slot: number): number {
    return this.#newer[slot]!;
  }

  keyWord(slot: number, word: number): number {
    return this.#keys[slot * this.#keyWords + word]!;
  }

  #evictOldest(): void {
    let victim = NONE;
    for (const slot of this.#oldest) {
      if (slot !== NONE && (victim === NONE || this.#stamp[slot]! < this.#stamp[victim]!)) victim = slot;
    }
    if (victim === NONE) throw new Error('a bounded table needs a capacity of at least 1');
    this.evictions++;
    this.#onEvict?.(victim);
    this.remove(victim);
  }

  #grow(): void {
    const slots = Math.min(this.capacity, this.#slots === 0 ? FIRST_SLOTS : this.#slots * 2);
    this.#slots = slots;
    this.#keys = grown(this.#keys, new Uint32Array(slots * this.#keyWords));
    this.#hash = grown(this.#hash, new Uint32Array(slots));
    this.#older = grown(this.#older, new Int32Array(slots));
    this.#newer = grown(this.#newer, new Int32Array(slots));
    this.#list = grown(this.#list, new Uint8Array(slots));
    this.#stamp = grown(this.#stamp, new Float64Array(slots));
    let size = 16;
    while (size < slots * 2) size *= 2;
    this.#index = new Int32Array(size).fill(NONE);
    this.#mask = size - 1;
    for (const first of this.#oldest) {
      for (let slot = first; slot !== NONE; slot = this.#newer[slot]!) this.#place(slot, this.#hash[slot]!);
    }
    this.#onGrow?.(slots);
  }

  #hashKey(): number {
    let h = this.#seed;
    const key = this.key;
    for (let i = 0; i < this.#keyWords; i++) {
      h = Math.imul(h ^ key[i]!, 0x9e3779b1);
      h ^= h >>> 15;
    }
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    return (h ^ (h >>> 13)) >>> 0;
  }

  #sameKey(slot: number): boolean {
    const base = slot * this.#keyWords;
    for (let i = 0; i < this.#keyWords; i++) if (this.#keys[base + i] !== this.key[i]) return false;
    return true;
  }

  #place(slot: number, hash: number): void {
    let i = hash & this.#mask;
    while (this.#index[i] !== NONE) i = (i + 1) & this.#mask;
    this.#index[i] = slot;
  }

  /* Backward-shift deletion: no tombstones, so probes stay short however many entries come and go. */
  #unplace(slot: number): void {
    const index = this.#index;
    const mask = this.#mask;
    let hole = this.#hash[slot]! & mask;
    while (index[hole] !== slot) hole = (hole + 1) & mask;
    for (let i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      const other = index[i]!;
      if (other === NONE) break;
      const home = this.#hash[other]! & mask;
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        index[hole] = other;
        hole = i;
      }
    }
    index[hole] = NONE;
  }

  #link(slot: number, list: number): void {
    this.#list[slot] = list;
    const newest = this.#newest[list]!;
    this.#older[slot] = newest;
    this.#newer[slot] = NONE;
    if (newest === NONE) this.#oldest[list] = slot;
    else this.#newer[newest] = slot;
    this.#newest[list] = slot;
  }

  #unlink(slot: number): void {
    const list = this.#list[slot]!;
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.#oldest[list] = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest[list] = older;
    else this.#older[newer] = older;
  }
}

type Column = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

/** Copies a column into its larger successor and returns that. */
export function grown<T extends Column>(from: T, into: T): T {
  into.set(from);
  return into;
}
