import { formatAddress, formatMac, MAPPED_WORD } from '../wire/address.js';
import { CheckResults } from './checks.js';
import type { Field } from './fields.js';
import { FACT_WORDS, FIELDS } from './fields.js';

const WORD = 0x100000000;
const SLOT = new Uint16Array(FIELDS.map((field) => field.slot));

/**
 * The facts of one packet in one tunnel, by field number: what rules read. One sheet is made at start and filled again
 * for every evaluation. Text is made only when an alert asks for it.
 */
export class FactSheet {
  readonly words = new Uint32Array(FACT_WORDS);
  /** The same octets by fours, to clear them: `fill` is a call out of compiled code, and dearer than the loop. */
  readonly #presentByFours = new Uint32Array(Math.ceil(FIELDS.length / 4));
  readonly present = new Uint8Array(this.#presentByFours.buffer);
  readonly checks = new CheckResults();
  /** Gives the value of a string field that is present. */
  textOf: (field: number) => string = () => '';

  /** Forgets all values; checks stay as they were set. */
  clear(): void {
    const fours = this.#presentByFours;
    for (let i = 0; i < fours.length; i++) fours[i] = 0;
  }

  setNumber(field: number, value: number): void {
    this.present[field] = 1;
    this.words[SLOT[field]!] = value;
  }

  setFlag(field: number, value: boolean): void {
    this.setNumber(field, value ? 1 : 0);
  }

  /** A count up to 2^53. */
  setCount(field: number, value: number): void {
    this.present[field] = 1;
    const slot = SLOT[field]!;
    this.words[slot] = Math.floor(value / WORD);
    this.words[slot + 1] = value;
  }

  /** Four address words from `from[at..]`. */
  setAddress(field: number, from: Uint32Array, at: number): void {
    this.present[field] = 1;
    const slot = SLOT[field]!;
    const words = this.words;
    words[slot] = from[at]!;
    words[slot + 1] = from[at + 1]!;
    words[slot + 2] = from[at + 2]!;
    words[slot + 3] = from[at + 3]!;
  }

  setIpv4(field: number, v4: number): void {
    this.present[field] = 1;
    const slot = SLOT[field]!;
    const words = this.words;
    words[slot] = 0;
    words[slot + 1] = 0;
    words[slot + 2] = MAPPED_WORD;
    words[slot + 3] = v4;
  }

  setMac(field: number, high: number, low: number): void {
    this.present[field] = 1;
    const slot = SLOT[field]!;
    this.words[slot] = high;
    this.words[slot + 1] = low;
  }

  setText(field: number): void {
    this.present[field] = 1;
  }

  has(field: number): boolean {
    return this.present[field] === 1;
  }

  /** Number of a field of any numeric type; 0 when absent. */
  number(field: Field): number {
    if (field.check >= 0) return this.checks.get(field.check);
    if (this.present[field.id] === 0) return 0;
    const value = this.words[field.slot]!;
    return field.type === 'u64' ? value * WORD + this.words[field.slot + 1]! : value;
  }

  /** Text of a field for messages and keys; `-` when absent, as Zeek writes unset values. */
  text(field: Field): string {
    if (field.check < 0 && this.present[field.id] === 0) return '-';
    const { slot } = field;
    const words = this.words;
    switch (field.type) {
      case 'ip':
        return formatAddress(words[slot]!, words[slot + 1]!, words[slot + 2]!, words[slot + 3]!);
      case 'mac':
        return formatMac(words[slot]!, words[slot + 1]!);
      case 'enum':
        return field.words[this.number(field)] ?? '?';
      case 'bool':
        return words[slot] === 1 ? 'true' : 'false';
      case 'string':
        return this.textOf(field.id);
      default:
        return String(this.number(field));
    }
  }
}
