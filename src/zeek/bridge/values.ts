import { isIP, isIPv4 } from 'node:net';

/**
 * A value of Zeek's publish-subscribe layer, with the type names of its WebSocket API v1. Records are vectors in field
 * order, with {@link NONE} for a field that is not set. Make values with the functions below: they check.
 */
export type ZeekValue =
  | { readonly type: 'none' }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** 64 bits, unsigned. */
  | { readonly type: 'count'; readonly value: bigint }
  /** 64 bits, signed. */
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'real'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'address'; readonly value: string }
  | { readonly type: 'subnet'; readonly value: string }
  | { readonly type: 'port'; readonly number: number; readonly protocol: PortProtocol }
  /** Milliseconds of the Unix epoch. */
  | { readonly type: 'timestamp'; readonly epochMs: number }
  | { readonly type: 'timespan'; readonly nanoseconds: bigint }
  /** Name with its module, as in `Notice::Tally`. */
  | { readonly type: 'enum-value'; readonly value: string }
  | { readonly type: 'vector'; readonly items: readonly ZeekValue[] }
  | { readonly type: 'set'; readonly items: readonly ZeekValue[] }
  | { readonly type: 'table'; readonly entries: readonly TableEntry[] };

export interface TableEntry {
  readonly key: ZeekValue;
  readonly value: ZeekValue;
}

export const PORT_PROTOCOLS = ['tcp', 'udp', 'icmp', 'unknown'] as const;
export type PortProtocol = (typeof PORT_PROTOCOLS)[number];

/** A value that Zeek could not take. */
export class ZeekValueError extends Error {
  override readonly name = 'ZeekValueError';
}

/** A field that is not set. */
export const NONE: ZeekValue = { type: 'none' };

export function boolean(value: boolean): ZeekValue {
  return { type: 'boolean', value };
}

const COUNT_END = 1n << 64n;
const INTEGER_END = 1n << 63n;

/** A number must be an integer below 2^53; a bigint may have all 64 bits. */
export function count(value: number | bigint): ZeekValue {
  const whole = wholeNumber(value, 'count');
  if (whole < 0n || whole >= COUNT_END)
    throw new ZeekValueError(`A count is from 0 to 2^64-1, not ${whole}.`);
  return { type: 'count', value: whole };
}

/** A number must be an integer within 2^53; a bigint may have all 64 bits. */
export function integer(value: number | bigint): ZeekValue {
  const whole = wholeNumber(value, 'integer');
  if (whole < -INTEGER_END || whole >= INTEGER_END)
    throw new ZeekValueError(`An integer is from -2^63 to 2^63-1, not ${whole}.`);
  return { type: 'integer', value: whole };
}

function wholeNumber(value: number | bigint, type: string): bigint {
  if (typeof value === 'bigint') return value;
  if (!Number.isSafeInteger(value))
    throw new ZeekValueError(`${value} is no exact whole number; give a ${type} beyond 2^53 as a bigint.`);
  return BigInt(value);
}

/** A double; finite, because JSON has no other. */
export function real(value: number): ZeekValue {
  if (!Number.isFinite(value)) throw new ZeekValueError(`A real is a finite number, not ${value}.`);
  return { type: 'real', value };
}

/** Text. A lone surrogate, which has no UTF-8 form, becomes U+FFFD. */
export function string(value: string): ZeekValue {
  return { type: 'string', value: Buffer.from(value).toString() };
}

/** An IPv4 or IPv6 address, without a zone. */
export function address(value: string): ZeekValue {
  if (isIP(value) === 0 || value.includes('%'))
    throw new ZeekValueError(`${quoted(value)} is no IPv4 or IPv6 address.`);
  return { type: 'address', value };
}

/** `ADDRESS/LENGTH`. */
export function subnet(value: string): ZeekValue {
  const [text = '', length = '', ...rest] = value.split('/');
  const most = isIPv4(text) ? 32 : 128;
  const isGood = isIP(text) !== 0 && !text.includes('%') && /^(0|[1-9]\d{0,2})$/.test(length);
  if (!isGood || Number(length) > most || rest.length > 0)
    throw new ZeekValueError(`${quoted(value)} is no subnet; write it like 192.0.2.0/24 or 2001:db8::/32.`);
  return { type: 'subnet', value };
}

export function port(number: number, protocol: PortProtocol): ZeekValue {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff)
    throw new ZeekValueError(`A port is from 0 to 65535, not ${number}.`);
  return { type: 'port', number, protocol };
}

/** Years that have four digits. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * A time, whole milliseconds of the Unix epoch. The format has no zone: it is documented as UTC, but Broker's own
 * encoder prints local time. Where that matters, send a real of epoch seconds and let the script convert it.
 */
export function timestamp(epochMs: number): ZeekValue {
  if (!Number.isInteger(epochMs) || epochMs < FIRST_MS || epochMs > LAST_MS)
    throw new ZeekValueError(`A timestamp is whole milliseconds of the years 1 to 9999, not ${epochMs}.`);
  return { type: 'timestamp', epochMs };
}

/** An interval, 64 bits of nanoseconds. */
export function timespan(nanoseconds: bigint): ZeekValue {
  if (nanoseconds < -INTEGER_END || nanoseconds >= INTEGER_END)
    throw new ZeekValueError(`A timespan is at most 2^63-1 nanoseconds, not ${nanoseconds}.`);
  return { type: 'timespan', nanoseconds };
}

const ENUM_NAME = /^[A-Za-z_]\w*(::[A-Za-z_]\w*)*$/;

/** The name of an enum value, with its module. */
export function enumValue(value: string): ZeekValue {
  if (!ENUM_NAME.test(value)) throw new ZeekValueError(`${quoted(value)} is no name of an enum value.`);
  return { type: 'enum-value', value };
}

export function vector(items: readonly ZeekValue[]): ZeekValue {
  return { type: 'vector', items };
}

export function set(items: readonly ZeekValue[]): ZeekValue {
  if (hasTwins(items)) throw new ZeekValueError('A set has every element once.');
  return { type: 'set', items };
}

export function table(entries: readonly TableEntry[]): ZeekValue {
  if (hasTwins(entries.map(({ key }) => key))) throw new ZeekValueError('A table has every key once.');
  return { type: 'table', entries };
}

function hasTwins(values: readonly ZeekValue[]): boolean {
  return new Set(values.map(identity)).size < values.length;
}

/* Text that is the same for equal values. */
function identity(value: ZeekValue): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
