import { CLIENT_PREFIX_BITS } from '../model/census.js';

/** A set of IPv4 addresses of bounded size that can only grow and be counted, in 32-bit words of somebody else. */
export interface ClientSketch {
  /** Words that it needs. All of them 0 is the empty set. */
  readonly words: number;
  readonly add: (words: Uint32Array, at: number, v4: number) => void;
  /** How many distinct addresses were added. */
  readonly count: (words: Uint32Array, at: number) => number;
}

const HOSTS = 2 ** (32 - CLIENT_PREFIX_BITS);

/** Addresses of one /24: a bit for each, so the count is exact. */
export const HOSTS_OF_PREFIX: ClientSketch = {
  words: HOSTS / 32,
  add: (words, at, v4) => {
    const host = v4 & (HOSTS - 1);
    words[at + (host >>> 5)]! |= 1 << (host & 31);
  },
  count: (words, at) => {
    let count = 0;
    for (let i = 0; i < HOSTS / 32; i++) count += ones(words[at + i]!);
    return count;
  },
};

/* Registers of one octet, four in a word. The standard error of the estimate is 1.04 / sqrt(registers), 6.5 %. */
const REGISTERS = 256;
const REGISTER_BITS = 8;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/**
 * Any addresses, estimated with HyperLogLog (Flajolet and others, 2007) over a fixed hash, so that a replay counts the same
 * on every machine. Few are counted by the registers that are still empty, and come out right or nearly so.
 */
export const ESTIMATE: ClientSketch = {
  words: REGISTERS / 4,
  add: (words, at, v4) => {
    const hash = mix(v4);
    const register = hash >>> (32 - REGISTER_BITS);
    const rank = Math.clz32((hash << REGISTER_BITS) | (1 << (REGISTER_BITS - 1))) + 1;
    const shift = (register & 3) * 8;
    const index = at + (register >>> 2);
    const word = words[index]!;
    if (((word >>> shift) & 0xff) < rank) words[index] = (word & ~(0xff << shift)) | (rank << shift);
  },
  count: (words, at) => {
    let sum = 0;
    let empty = 0;
    for (let i = 0; i < REGISTERS / 4; i++) {
      const word = words[at + i]!;
      for (let shift = 0; shift < 32; shift += 8) {
        const rank = (word >>> shift) & 0xff;
        if (rank === 0) empty++;
        sum += 2 ** -rank;
      }
    }
    const estimate = (ALPHA * REGISTERS * REGISTERS) / sum;
    const isSmall = estimate <= 2.5 * REGISTERS && empty > 0;
    return Math.round(isSmall ? REGISTERS * Math.log(REGISTERS / empty) : estimate);
  },
};

/* The finalizer of MurmurHash3. It maps distinct addresses to distinct values. */
function mix(value: number): number {
  let h = value ^ 0x9e3779b9;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function ones(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
