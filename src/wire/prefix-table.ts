import type { Prefix } from './address.js';
import { MAPPED_WORD, maskWord } from './address.js';

const V4_AT = 96;
/** Bits of an IPv4 address that {@link PrefixTable} tells most other addresses by. */
const FRONT_BITS = 16;

/**
 * Longest-prefix lookup. IPv4 prefixes are held by length in hash maps (a list has few lengths), IPv6 prefixes in the
 * order of their length. Most addresses that are asked about are in no prefix: one bit says so. Built once, then read only.
 */
export class PrefixTable<T> {
  readonly #v4: { mask: number; values: Map<number, T> }[] = [];
  /** One bit for each first 16 bits of IPv4 addresses that are in some prefix. */
  readonly #v4Fronts = new Uint32Array((1 << FRONT_BITS) >>> 5);
  readonly #v6: { w: Uint32Array; masks: Uint32Array; bits: number; value: T }[] = [];

  constructor(entries: Iterable<readonly [Prefix, T]>) {
    const byLength = new Map<number, Map<number, T>>();
    for (const [prefix, value] of entries) {
      if (isV4(prefix)) {
        const length = prefix.bits - V4_AT;
        const values = byLength.get(length) ?? new Map<number, T>();
        byLength.set(length, values);
        values.set(prefix.words[3], value);
        this.#addFront(prefix.words[3], length);
      } else {
        const masks = Uint32Array.from([0, 1, 2, 3], (i) => maskWord(prefix.bits, i));
        this.#v6.push({ w: Uint32Array.from(prefix.words), masks, bits: prefix.bits, value });
      }
    }
    for (const length of [...byLength.keys()].sort((a, b) => b - a)) {
      this.#v4.push({ mask: maskWord(length, 0), values: byLength.get(length)! });
    }
    this.#v6.sort((a, b) => b.bits - a.bits);
  }

  /** Value of the longest prefix that holds an IPv4 address, or undefined. */
  findV4(v4: number): T | undefined {
    const front = v4 >>> (32 - FRONT_BITS);
    if (((this.#v4Fronts[front >>> 5]! >>> (front & 31)) & 1) === 0) return undefined;
    for (const { mask, values } of this.#v4) {
      const value = values.get((v4 & mask) >>> 0);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #addFront(v4: number, length: number): void {
    const first = v4 >>> (32 - FRONT_BITS);
    const count = length >= FRONT_BITS ? 1 : 1 << (FRONT_BITS - length);
    for (let front = first; front < first + count; front++) {
      this.#v4Fronts[front >>> 5]! |= 1 << (front & 31);
    }
  }

  /** Value of the longest prefix that holds the address at `words[at..]`, or undefined. */
  find(words: ArrayLike<number>, at: number): T | undefined {
    const w0 = words[at]!;
    const w1 = words[at + 1]!;
    const w2 = words[at + 2]!;
    const w3 = words[at + 3]!;
    if (w0 === 0 && w1 === 0 && w2 === MAPPED_WORD) {
      const v4 = this.findV4(w3);
      if (v4 !== undefined) return v4;
    }
    for (const { w, masks, value } of this.#v6) {
      if (
        ((w0 ^ w[0]!) & masks[0]!) === 0 &&
        ((w1 ^ w[1]!) & masks[1]!) === 0 &&
        ((w2 ^ w[2]!) & masks[2]!) === 0 &&
        ((w3 ^ w[3]!) & masks[3]!) === 0
      ) {
        return value;
      }
    }
    return undefined;
  }
}

function isV4(prefix: Prefix): boolean {
  return (
    prefix.bits >= V4_AT && prefix.words[0] === 0 && prefix.words[1] === 0 && prefix.words[2] === MAPPED_WORD
  );
}
