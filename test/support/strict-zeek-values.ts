import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import type { ZeekValue } from '../../src/zeek/bridge/index.js';
import type { Json } from './strict-json.js';

/*
 * The values of the WebSocket API v1 as its documentation has them, and nothing more. Written without the client's
 * constructors. Everything that fails throws.
 */

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  min: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};

export function strictValue(json: Json | undefined): ZeekValue {
  assert.ok(json instanceof Map, 'a value is an object');
  const type = json.get('@data-type');
  const data = json.get('data');
  switch (type) {
    case 'none':
      assert.ok(data instanceof Map && data.size === 0, 'the data of none is {}');
      return { type };
    case 'boolean':
      assert.ok(typeof data === 'boolean');
      return { type, value: data };
    case 'count': {
      const value = BigInt(digits(data, /^\d+$/));
      assert.ok(value < 2n ** 64n);
      return { type, value };
    }
    case 'integer': {
      const value = BigInt(digits(data, /^-?\d+$/));
      assert.ok(value >= -(2n ** 63n) && value < 2n ** 63n);
      return { type, value };
    }
    case 'real':
      return { type, value: Number(digits(data, /[.eE]/)) };
    case 'string':
      return { type, value: text(data) };
    case 'address':
      assert.ok(isIP(text(data)) > 0);
      return { type, value: text(data) };
    case 'subnet': {
      const [, net = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text(data)) ?? [];
      assert.ok(isIP(net) > 0 && Number(length) <= (isIP(net) === 4 ? 32 : 128));
      return { type, value: text(data) };
    }
    case 'port': {
      const [, number = '', protocol = ''] = /^(\d{1,5})\/(tcp|udp|icmp|\?)$/.exec(text(data)) ?? [];
      assert.ok(number !== '' && Number(number) <= 0xffff);
      return {
        type,
        number: Number(number),
        protocol: protocol === '?' ? 'unknown' : (protocol as 'tcp' | 'udp' | 'icmp'),
      };
    }
    case 'timestamp': {
      assert.match(text(data), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/);
      const epochMs = Date.parse(`${text(data)}Z`);
      assert.ok(!Number.isNaN(epochMs));
      return { type, epochMs };
    }
    case 'timespan': {
      const [, number = '', unit = ''] = /^(-?\d+)(ns|us|ms|s|min|h|d)$/.exec(text(data)) ?? [];
      assert.ok(unit !== '');
      return { type, nanoseconds: BigInt(number) * NANOSECONDS[unit]! };
    }
    case 'enum-value':
      assert.match(text(data), /^\w+(::\w+)*$/);
      return { type, value: text(data) };
    case 'vector':
    case 'set':
      assert.ok(Array.isArray(data));
      return { type, items: data.map(strictValue) };
    case 'table':
      assert.ok(Array.isArray(data));
      return {
        type,
        entries: data.map((entry) => {
          assert.ok(entry instanceof Map && entry.size === 2);
          return { key: strictValue(entry.get('key')), value: strictValue(entry.get('value')) };
        }),
      };
    default:
      assert.fail('unknown @data-type');
  }
}

function text(data: Json | undefined): string {
  assert.ok(typeof data === 'string');
  return data;
}

function digits(data: Json | undefined, form: RegExp): string {
  assert.ok(typeof data === 'object' && data !== null && 'number' in data, 'the data is a number');
  assert.match(data.number, form);
  return data.number;
}
