import { murmur128 } from '../wire/hash.js';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const BASE = 62;
const WORD = 0x100000000;
const PAIR = BASE ** 2;
/** Text of two digits, least significant first: putting single ones together is most of what an identifier costs. */
const PAIRS = Array.from({ length: PAIR }, (_, n) => DIGITS[n % BASE]! + DIGITS[Math.floor(n / BASE)]!);

/** Record kinds that have identifiers; part of what is hashed, so that a tunnel and a flow never share one. */
export const UID_KIND = { tunnel: 1, flow: 2, alert: 3 } as const;

/**
 * Makes identifiers of Zeek's form from what identifies a thing: 96 bits of a hash, `C` and base 62, least significant
 * digit first, the 32-bit and the 64-bit part each on its own. The same input and seed give the same identifier on every
 * machine.
 */
export class UidMaker {
  /** Words to hash; fill from index {@link UidMaker.FIRST}. */
  readonly words = new Uint32Array(32);
  static readonly FIRST = 1;
  /** The words from {@link UidMaker.FIRST} on. */
  readonly body = this.words.subarray(UidMaker.FIRST);
  readonly #seed: number;
  readonly #hash = new Uint32Array(4);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Identifier of the first `count` words behind the kind. */
  make(kind: number, count: number, prefix = 'C'): string {
    this.words[0] = kind;
    murmur128(this.words, count + UidMaker.FIRST, this.#seed, this.#hash);
    const hash = this.#hash;
    return prefix + base62(0, hash[0]!) + base62(hash[1]!, hash[2]!);
  }
}

/** Three digits at a time: their value fits a small integer, and the division below stays exact. */
const CHUNK = BASE ** 3;

/*
 * Least significant digit first. A 64-bit value comes in two words; all arithmetic stays below 2^53. Quotients of the
 * low part are exact too: a dividend below 2^50 and a divisor below 2^18 leave the rounding error far below 1 / divisor.
 */
function base62(highWord: number, lowWord: number): string {
  let high = highWord;
  let low = lowWord;
  let text = '';
  for (;;) {
    const highQuotient = Math.floor(high / CHUNK);
    const rest = (high - highQuotient * CHUNK) * WORD + low;
    const lowQuotient = Math.floor(rest / CHUNK);
    const chunk = rest - lowQuotient * CHUNK;
    high = highQuotient;
    low = lowQuotient;
    if (high === 0 && low === 0) return text + lastDigits(chunk);
    text += PAIRS[chunk % PAIR]! + DIGITS[(chunk / PAIR) | 0]!;
  }
}

/* The digits of a small number, at least one. */
function lastDigits(value: number): string {
  let rest = value | 0;
  let text = DIGITS[rest % BASE]!;
  for (rest = (rest / BASE) | 0; rest > 0; rest = (rest / BASE) | 0) text += DIGITS[rest % BASE]!;
  return text;
}
