import type { Profile } from '../model/profile.js';
import type { PacketTime } from '../model/records.js';
import { zeekText } from './text.js';

/** Zeek's Log::default_max_field_container_elements. */
const MAX_ELEMENTS = 100;

/** Text that neither Zeek nor JSON escapes, and that Zeek does not cut. Most is; telling it so is faster than escaping. */
const NEEDS_NOTHING = /^[ !#-[\]-~]{0,1024}$/;

/** `,"key":` of each key that was written. The keys are ours: there are as many as columns. */
const KEYS = Object.create(null) as Record<string, string>;

/**
 * Writes one flat JSON object as Zeek does: keys in the order of the calls, absent values left out, times and intervals
 * with a fraction always (JSON.stringify would drop the `.0`).
 *
 * Zeek also cuts a record at 256,000 octets of strings (Log::default_max_total_string_bytes). No record of ours comes
 * near: the fullest, a notice, has four strings of free length, 4096 octets each, and its list holds ATT&CK techniques.
 * So nothing is counted here.
 */
export class JsonLine {
  #text = '{';
  readonly #profile: Profile;
  #isFull = false;

  constructor(profile: Profile = 'extended') {
    this.#profile = profile;
  }

  /** What follows are keys of ours: the strict profile leaves them out. */
  beyondZeek(): this {
    this.#isFull = this.#profile === 'strict';
    return this;
  }

  time(key: string, time: PacketTime): this {
    return this.#raw(key, zeekTime(time));
  }

  /** Seconds, as a double. */
  interval(key: string, seconds: number | undefined): this {
    return seconds === undefined ? this : this.#raw(key, zeekDouble(seconds));
  }

  count(key: string, value: number | undefined): this {
    return value === undefined ? this : this.#raw(key, String(value));
  }

  bool(key: string, value: boolean | undefined): this {
    return value === undefined ? this : this.#raw(key, String(value));
  }

  string(key: string, value: string | undefined): this {
    return value === undefined ? this : this.#raw(key, quoted(value));
  }

  /** Text that is known to need no escaping: addresses, enums, identifiers of our own making. */
  plain(key: string, value: string | undefined): this {
    return value === undefined ? this : this.#raw(key, `"${value}"`);
  }

  /** The first 100 of them, as Zeek cuts a list. */
  strings(key: string, values: readonly string[] | undefined): this {
    if (values === undefined) return this;
    const kept = values.length > MAX_ELEMENTS ? values.slice(0, MAX_ELEMENTS) : values;
    return this.#raw(key, `[${kept.map(quoted).join(',')}]`);
  }

  toString(): string {
    return flat(`${this.#text}}`);
  }

  #raw(key: string, json: string): this {
    if (this.#isFull) return this;
    // Keys are ours and need no escaping.
    const prefix = (KEYS[key] ??= `,"${key}":`);
    this.#text = this.#text + (this.#text.length === 1 ? prefix.slice(1) : prefix) + json;
    return this;
  }
}

function quoted(value: string): string {
  return NEEDS_NOTHING.test(value) ? `"${value}"` : JSON.stringify(zeekText(value));
}

/*
 * V8 keeps a text that grew by += as a tree of its pieces until somebody asks for a character. Records wait in batches, and
 * trees of some sixty nodes each would be copied by every collection of garbage meanwhile.
 */
function flat(text: string): string {
  return text.charCodeAt(0) === OPENING_BRACE ? text : '{}';
}

const OPENING_BRACE = 0x7b;

/** Epoch seconds with at most 6 decimals, cut off as libpcap does, and at least one. */
export function zeekTime(time: PacketTime): string {
  // Every record has one: this is four times as fast as padStart and replace.
  let micros = (time.nanoseconds / 1000) | 0;
  if (micros === 0) return `${time.seconds}.0`;
  let zeros = '';
  for (let limit = 100_000; micros < limit; limit /= 10) zeros += '0';
  while (micros % 10 === 0) micros /= 10;
  return `${time.seconds}.${zeros}${micros}`;
}

/** A double as rapidjson writes it: shortest form, with a fraction. Not finite: null. */
export function zeekDouble(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Puts `_path` in front of a record's line, for streams that mix logs. */
export function withPath(log: string, json: string): string {
  return `{"_path":${JSON.stringify(log)}${json === '{}' ? '' : ','}${json.slice(1)}`;
}
