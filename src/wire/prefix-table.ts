import type { Prefix } from './address.js';
import { MAPPED_WORD, maskWord } from './address.js';

const V4_AT = 96;

/**
 * Longest-prefix lookup. IPv4 prefixes are held by length in hash maps (a list has few lengths), IPv6 prefixes in the
 * order of their length. Built once, then read only.
 */
export class PrefixTable<T> {
  readonly #v4: { mask: number; values: Map<number, T> }[] = [];
  readonly #v6: { prefix: Prefix; value: T }[] = [];

  constructor(entries: Iterable<readonly [Prefix, T]>) {
    const byLength = new Map<number, Map<number, T>>();
    for (const [prefix, value] of entries) {
      if (isV4(prefix)) {
        const length = prefix.bits - V4_AT;
        const values = byLength.get(length) ?? new Map<number, T>();
        byLength.set(length, values);
        values.set(prefix.words[3], value);
      } else {
        this.#v6.push({ prefix, value });
      }
    }
    for (const length of [...byLength.keys()].sort((a, b) => b - a)) {
      this.#v4.push({ mask: maskWord(length, 0), values: byLength.get(length)! });
    }
    this.#v6.sort((a, b) => b.prefix.bits - a.prefix.bits);
  }

  /** Value of the longest prefix that holds an IPv4 address, or undefined. */
  findV4(v4: number): T | undefined {
    for (const { mask, values } of this.#v4) {
      const value = values.get((v4 & mask) >>> 0);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Value of the longest prefix that holds the address at `words[at..]`, or undefined. */
  find(words: ArrayLike<number>, at: number): T | undefined {
    const [w0, w1, w2, w3] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!];
    if (w0 === 0 && w1 === 0 && w2 === MAPPED_WORD) {
      const v4 = this.findV4(w3);
      if (v4 !== undefined) return v4;
    }
    for (const { prefix, value } of this.#v6) {
      const { words: p, bits } = prefix;
      if (
        ((w0 ^ p[0]) & maskWord(bits, 0)) === 0 &&
        ((w1 ^ p[1]) & maskWord(bits, 1)) === 0 &&
        ((w2 ^ p[2]) & maskWord(bits, 2)) === 0 &&
        ((w3 ^ p[3]) & maskWord(bits, 3)) === 0
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
