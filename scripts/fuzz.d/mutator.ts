import type { SeededRandom } from '../oracle.d/generator.js';

/** What an input may become. */
export interface MutatorOptions {
  readonly maxLength: number;
  readonly tokens: readonly Uint8Array[];
}

const INTERESTING_8 = [0, 1, 2, 4, 5, 6, 7, 8, 0x0f, 0x10, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff];
const INTERESTING_16 = [
  0, 1, 7, 8, 20, 39, 40, 0x00ff, 0x0100, 0x1fff, 0x2000, 0x7fff, 0x8000, 0xfff8, 0xffff,
];
const INTERESTING_32 = [0, 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];
const MOST_CHANGES = 6;
const LONGEST_RANGE = 64;

/** Damages inputs: the same random numbers give the same damage. */
export class Mutator {
  readonly #random: SeededRandom;
  readonly #options: MutatorOptions;

  constructor(random: SeededRandom, options: MutatorOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** A damaged copy of `input`, perhaps with a part of `other`. Few changes are likelier than many. */
  mutate(input: Buffer, other: Buffer): Buffer {
    const random = this.#random;
    let data: Buffer = Buffer.from(input);
    let changes = 1;
    while (changes < MOST_CHANGES && random.oneIn(2)) changes++;
    for (let i = 0; i < changes; i++) data = this.#change(data, other);
    return data.length > this.#options.maxLength ? data.subarray(0, this.#options.maxLength) : data;
  }

  #change(data: Buffer, other: Buffer): Buffer {
    const random = this.#random;
    if (data.length === 0) return this.#insert(data, this.#octets());
    const at = random.below(data.length);
    switch (random.below(12)) {
      case 0:
      case 1:
        data[at]! ^= 1 << random.below(8);
        return data;
      case 2:
        data[at] = random.pick(INTERESTING_8);
        return data;
      case 3:
        data[at] = random.below(256);
        return data;
      case 4:
        data[at]! += random.oneIn(2) ? 1 + random.below(8) : -1 - random.below(8);
        return data;
      case 5:
        if (at + 2 <= data.length) data.writeUInt16BE(random.pick(INTERESTING_16), at);
        return data;
      case 6:
        if (at + 4 <= data.length) data.writeUInt32BE(random.pick(INTERESTING_32), at);
        return data;
      case 7:
        return Buffer.concat([data.subarray(0, at), data.subarray(at + this.#rangeLength(data, at))]);
      case 8:
        return this.#insert(data, data.subarray(at, at + this.#rangeLength(data, at)));
      case 9:
        return random.oneIn(2) ? this.#insert(data, this.#octets()) : this.#overwrite(data, this.#octets());
      case 10:
        return this.#splice(data, other);
      default:
        return random.oneIn(4) ? data.subarray(0, at) : this.#overwrite(data, this.#octets());
    }
  }

  #rangeLength(data: Buffer, at: number): number {
    return 1 + this.#random.below(Math.min(LONGEST_RANGE, data.length - at));
  }

  #octets(): Uint8Array {
    const random = this.#random;
    const { tokens } = this.#options;
    if (tokens.length > 0 && !random.oneIn(3)) return random.pick(tokens);
    return random.oneIn(2)
      ? random.bytes(1 + random.below(8))
      : Buffer.alloc(1 + random.below(32), random.pick(INTERESTING_8));
  }

  #insert(data: Buffer, octets: Uint8Array): Buffer {
    const at = this.#random.below(data.length + 1);
    return Buffer.concat([data.subarray(0, at), octets, data.subarray(at)]);
  }

  #overwrite(data: Buffer, octets: Uint8Array): Buffer {
    data.set(
      octets.subarray(0, data.length),
      this.#random.below(Math.max(1, data.length - octets.length + 1)),
    );
    return data;
  }

  /* The begin of one and the end of the other, or a range of the other in the middle. */
  #splice(data: Buffer, other: Buffer): Buffer {
    const random = this.#random;
    if (other.length === 0) return data;
    const at = random.below(data.length);
    const from = random.below(other.length);
    if (random.oneIn(2)) return Buffer.concat([data.subarray(0, at), other.subarray(from)]);
    return this.#insert(data, other.subarray(from, from + this.#rangeLength(other, from)));
  }
}
