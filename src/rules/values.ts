import type { Prefix } from '../wire/address.js';
import { parseAddress, parsePrefix } from '../wire/address.js';
import type { Field, FieldType } from '../model/fields.js';
import { suggestion } from '../yaml/nearest-name.js';

/** Largest value of each numeric type. */
const MAX: Readonly<Partial<Record<FieldType, number>>> = {
  port: 65_535,
  u8: 255,
  u16: 65_535,
  u32: 0xffffffff,
  u64: Number.MAX_SAFE_INTEGER,
};

/** A value of a literal, or a sentence that says why it is none. */
export type Parsed<T> = { readonly value: T } | { readonly error: string };

export function isNumeric(type: FieldType): boolean {
  return MAX[type] !== undefined;
}

/** A decimal or 0x number that fits the field. */
export function parseNumber(text: string, field: Field): Parsed<number> {
  if (!/^(\d+|0x[0-9a-fA-F]+)$/.test(text))
    return { error: `${field.name} is a number (${field.type}); "${text}" is not` };
  const value = Number(text);
  const most = MAX[field.type]!;
  return value <= most ? { value } : { error: `${text} is larger than ${field.name} can be (${most})` };
}

/** A number or a range `from-to`, as a pair. */
export function parseRange(text: string, field: Field): Parsed<readonly [number, number]> {
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range === null) {
    const one = parseNumber(text, field);
    return 'error' in one ? one : { value: [one.value, one.value] };
  }
  const from = parseNumber(range[1]!, field);
  const to = parseNumber(range[2]!, field);
  if ('error' in from) return from;
  if ('error' in to) return to;
  return from.value <= to.value
    ? { value: [from.value, to.value] }
    : { error: `the range ${text} runs backwards` };
}

/** Number of an enum's word. */
export function parseEnum(text: string, field: Field): Parsed<number> {
  const value = field.words.indexOf(text);
  if (value >= 0) return { value };
  return {
    error: `${field.name} is one of ${field.words.join(', ')}; "${text}" is not${suggestion(text, field.words)}`,
  };
}

export function parseBool(text: string, field: Field): Parsed<number> {
  if (text === 'true') return { value: 1 };
  return text === 'false' ? { value: 0 } : { error: `${field.name} is true or false; "${text}" is neither` };
}

/** One address as a full-length prefix. */
export function parseIp(text: string, field: Field): Parsed<Prefix> {
  const words = parseAddress(text);
  if (words !== undefined) return { value: { words, bits: 128 } };
  const hint = text.includes('/') ? '; a prefix needs "in"' : '';
  return { error: `${field.name} is an IP address; "${text}" is not${hint}` };
}

export function parseNetwork(text: string): Parsed<Prefix> {
  const prefix = parsePrefix(text);
  return typeof prefix === 'string' ? { error: prefix } : { value: prefix };
}

/** High 16 and low 32 bits of a MAC address. */
export function parseMac(text: string, field: Field): Parsed<readonly [number, number]> {
  if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text))
    return { error: `${field.name} is a MAC address; "${text}" is not` };
  const value = parseInt(text.replaceAll(':', ''), 16);
  return { value: [Math.floor(value / 0x100000000), value % 0x100000000] };
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a duration such as 90s, 10m, 1h, 1d; the schema has checked its form. */
export function parseDuration(text: string): number {
  const unit = text.at(-1) as keyof typeof UNIT_SECONDS;
  return Number(text.slice(0, -1)) * UNIT_SECONDS[unit];
}
