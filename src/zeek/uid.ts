import { murmur128 } from '../wire/hash.js';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const BASE = 62;
const WORD = 0x100000000;

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
  readonly #seed: number;
  readonly #hash = new Uint32Array(4);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Identifier of the first `count` words behind the kind. */
  make(kind: number, count: number, prefix = 'C'): string {
    this.words[0] = kind;
    murmur128(this.words, count + UidMaker.FIRST, this.#seed, this.#hash);
    const [first, high, low] = this.#hash as unknown as readonly [number, number, number];
    return prefix + base62(0, first) + base62(high, low);
  }
}

/* Least significant digit first. A 64-bit value comes in two words; all arithmetic stays below 2^53. */
function base62(highWord: number, lowWord: number): string {
  let high = highWord;
  let low = lowWord;
  let text = '';
  do {
    const rest = (high % BASE) * WORD + low;
    text += DIGITS[rest % BASE]!;
    high = Math.floor(high / BASE);
    low = Math.floor(rest / BASE);
  } while (high > 0 || low > 0);
  return text;
}
