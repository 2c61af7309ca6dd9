import { murmur128 } from '../wire/hash.js';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const BASE = 62n;

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
    return prefix + base62(BigInt(first)) + base62((BigInt(high) << 32n) | BigInt(low));
  }
}

function base62(value: bigint): string {
  let rest = value;
  let text = '';
  do {
    text += DIGITS[Number(rest % BASE)]!;
    rest /= BASE;
  } while (rest > 0n);
  return text;
}
