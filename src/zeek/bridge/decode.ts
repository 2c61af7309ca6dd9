import type { ExactJson } from './exact-json.js';
import { ExactNumber, isArray, isObject } from './exact-json.js';
import type { PortProtocol, ZeekValue } from './values.js';
import * as values from './values.js';
import { ZeekValueError } from './values.js';

/** Containers inside containers that are followed. */
const MAX_DEPTH = 64;

/** Reads a value from an object with `@data-type` and `data`. Throws a ZeekValueError for anything else. */
export function decodeValue(json: ExactJson | undefined, depth = 0): ZeekValue {
  if (depth > MAX_DEPTH) throw new ZeekValueError(`Values are nested more than ${MAX_DEPTH} deep.`);
  if (!isObject(json)) throw new ZeekValueError('A value is not an object with @data-type and data.');
  const type = json['@data-type'];
  const data = json['data'];
  switch (type) {
    case 'none':
      return values.NONE;
    case 'boolean':
      if (typeof data !== 'boolean') throw wrong(type);
      return values.boolean(data);
    case 'count':
      return values.count(whole(data, type));
    case 'integer':
      return values.integer(whole(data, type));
    case 'real':
      // Broker's own encoder may leave the fraction of a real out; the type says what it is.
      if (!(data instanceof ExactNumber)) throw wrong(type);
      return values.real(Number(data.text));
    case 'string':
      return values.string(text(data, type));
    case 'address':
      return values.address(text(data, type));
    case 'subnet':
      return values.subnet(text(data, type));
    case 'port':
      return decodePort(text(data, type));
    case 'timestamp':
      return decodeTimestamp(text(data, type));
    case 'timespan':
      return decodeTimespan(text(data, type));
    case 'enum-value':
      return values.enumValue(text(data, type));
    case 'vector':
      return values.vector(items(data, type, depth));
    case 'set':
      return values.set(items(data, type, depth));
    case 'table':
      return values.table(
        array(data, type).map((entry) => {
          if (!isObject(entry)) throw wrong(type);
          return {
            key: decodeValue(entry['key'], depth + 1),
            value: decodeValue(entry['value'], depth + 1),
          };
        }),
      );
    default:
      throw new ZeekValueError('A value has an unknown @data-type.');
  }
}

function wrong(type: string): ZeekValueError {
  return new ZeekValueError(`The data of a ${type} has another type.`);
}

function whole(data: ExactJson | undefined, type: string): bigint {
  if (!(data instanceof ExactNumber) || !/^-?\d{1,20}$/.test(data.text)) throw wrong(type);
  return BigInt(data.text);
}

function text(data: ExactJson | undefined, type: string): string {
  if (typeof data !== 'string') throw wrong(type);
  return data;
}

function array(data: ExactJson | undefined, type: string): readonly ExactJson[] {
  if (!isArray(data)) throw wrong(type);
  return data;
}

function items(data: ExactJson | undefined, type: string, depth: number): ZeekValue[] {
  return array(data, type).map((item) => decodeValue(item, depth + 1));
}

const PROTOCOLS: Readonly<Record<string, PortProtocol>> = {
  tcp: 'tcp',
  udp: 'udp',
  icmp: 'icmp',
  '?': 'unknown',
  unknown: 'unknown',
};

function decodePort(data: string): ZeekValue {
  const match = /^(\d{1,5})\/(tcp|udp|icmp|unknown|\?)$/.exec(data);
  if (match === null) throw wrong('port');
  return values.port(Number(match[1]), PROTOCOLS[match[2]!]!);
}

/* Digits behind the milliseconds are cut off, as Zeek sends three. */
function decodeTimestamp(data: string): ZeekValue {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?$/.exec(data);
  const epochMs =
    match === null ? NaN : Date.parse(`${match[1]}.${(match[2] ?? '').padEnd(3, '0').slice(0, 3)}Z`);
  if (Number.isNaN(epochMs)) throw wrong('timestamp');
  return values.timestamp(epochMs);
}

const UNIT_NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  min: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};

function decodeTimespan(data: string): ZeekValue {
  const match = /^(-?\d{1,19})(ns|us|ms|s|min|h|d)$/.exec(data);
  if (match === null) throw wrong('timespan');
  return values.timespan(BigInt(match[1]!) * UNIT_NANOSECONDS[match[2]!]!);
}
