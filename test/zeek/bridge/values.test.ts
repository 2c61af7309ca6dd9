import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ZeekValue } from '../../../src/zeek/bridge/index.js';
import * as zeek from '../../../src/zeek/bridge/index.js';
import {
  encodeEvent,
  encodeValue,
  parseServerMessage,
  ZeekValueError,
} from '../../../src/zeek/bridge/index.js';
import { readJson } from '../../support/strict-json.js';
import { strictValue } from '../../support/strict-zeek-values.js';
import { strictEvent } from '../../support/zeek-server.js';

const ADDRESS = fc.oneof(fc.ipV4(), fc.ipV6());
const SIGNED_64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const NAME = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);

/** Values by the constructors, at most three containers deep. */
function zeekValue(depth = 3): fc.Arbitrary<ZeekValue> {
  const simple: fc.Arbitrary<ZeekValue> = fc.oneof(
    fc.constant(zeek.NONE),
    fc.boolean().map(zeek.boolean),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(zeek.count),
    fc.maxSafeNat().map(zeek.count),
    SIGNED_64.map(zeek.integer),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(zeek.real),
    fc.integer().map(zeek.real),
    fc.string({ unit: 'binary' }).map(zeek.string),
    ADDRESS.map(zeek.address),
    fc.tuple(fc.ipV4(), fc.nat(32)).map(([net, bits]) => zeek.subnet(`${net}/${bits}`)),
    fc.tuple(fc.ipV6(), fc.nat(128)).map(([net, bits]) => zeek.subnet(`${net}/${bits}`)),
    fc
      .tuple(fc.nat(65535), fc.constantFrom('tcp', 'udp', 'icmp', 'unknown'))
      .map(([number, protocol]) => zeek.port(number, protocol)),
    fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }).map(zeek.timestamp),
    SIGNED_64.map(zeek.timespan),
    fc.array(NAME, { minLength: 1, maxLength: 3 }).map((names) => zeek.enumValue(names.join('::'))),
  );
  if (depth === 0) return simple;
  const inner = zeekValue(depth - 1);
  return fc.oneof(
    { weight: 6, arbitrary: simple },
    { weight: 1, arbitrary: fc.array(inner, { maxLength: 4 }).map(zeek.vector) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(inner, { maxLength: 4, selector: encodeValue }).map(zeek.set),
    },
    {
      weight: 1,
      arbitrary: fc
        .uniqueArray(fc.record({ key: inner, value: inner }, { noNullPrototype: true }), {
          maxLength: 3,
          selector: ({ key }) => encodeValue(key),
        })
        .map(zeek.table),
    },
  );
}

/* JSON has 0 and -0, but a set may have only one of them. */
function values(): fc.Arbitrary<ZeekValue> {
  return zeekValue().filter((value) => !encodeValue(value).includes('"real","data":-0.0'));
}

describe('a value for Zeek', () => {
  it('is text that a strict reader takes for the same value', () => {
    fc.assert(
      fc.property(values(), (value) => assert.deepEqual(strictValue(readJson(encodeValue(value))), value)),
      { numRuns: 500 },
    );
  });

  it('comes back from the server as it went', () => {
    fc.assert(
      fc.property(values(), fc.string(), NAME, (value, topic, name) => {
        const text = encodeEvent(topic, { name, args: [value], metadata: undefined });
        const message = parseServerMessage(text);
        assert.ok(message.type === 'data-message');
        assert.equal(message.topic, topic);
        assert.deepEqual(message.event, { name, args: [value], metadata: undefined });
        if (topic !== '') assert.deepEqual(strictEvent(text), { topic, name, args: [value] });
      }),
    );
  });

  it('has a decimal point when it is a real, and none when it is a count or an integer', () => {
    const data = (value: ZeekValue): string => /"data":(.*)\}$/.exec(encodeValue(value))![1]!;
    assert.equal(data(zeek.real(1)), '1.0');
    assert.equal(data(zeek.real(-0)), '-0.0');
    assert.equal(data(zeek.real(1e21)), '1.0e+21');
    assert.equal(data(zeek.real(1.5e-9)), '1.5e-9');
    assert.equal(data(zeek.count(9007199254740991)), '9007199254740991');
    assert.equal(data(zeek.count(18446744073709551615n)), '18446744073709551615');
    assert.equal(data(zeek.integer(-7)), '-7');
    assert.equal(data(zeek.port(0, 'unknown')), '"0/?"');
    assert.equal(data(zeek.timestamp(1_649_574_000_000)), '"2022-04-10T07:00:00.000"');
    assert.equal(data(zeek.timespan(1_500_000_000n)), '"1500ms"');
    assert.equal(data(zeek.NONE), '{}');
  });

  it('is refused when Zeek could not take it', () => {
    const refused: (() => unknown)[] = [
      () => zeek.count(-1),
      () => zeek.count(1.5),
      () => zeek.count(2 ** 53),
      () => zeek.count(2n ** 64n),
      () => zeek.integer(2n ** 63n),
      () => zeek.real(NaN),
      () => zeek.real(Infinity),
      () => zeek.address('localhost'),
      () => zeek.address('fe80::1%eth0'),
      () => zeek.subnet('10.0.0.0/33'),
      () => zeek.subnet('10.0.0.0'),
      () => zeek.subnet('10.0.0.0/8/8'),
      () => zeek.port(65536, 'tcp'),
      () => zeek.timestamp(0.5),
      () => zeek.timestamp(1e15),
      () => zeek.timespan(2n ** 63n),
      () => zeek.enumValue('no name'),
      () => zeek.set([zeek.count(1), zeek.count(1n)]),
      () => zeek.table([1, 1].map((key) => ({ key: zeek.count(key), value: zeek.NONE }))),
    ];
    for (const make of refused) assert.throws(make, ZeekValueError, String(make));
  });

  it('has no lone surrogates', () => {
    assert.deepEqual(zeek.string('a\ud800b'), { type: 'string', value: 'a\ufffdb' });
  });
});

describe('a message of the server', () => {
  const read = (text: string): string => parseServerMessage(text).type;

  it('is read without an error, whatever it is', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof read(text) === 'string'));
    fc.assert(fc.property(fc.json(), (text) => typeof read(text) === 'string'));
    const type = fc.constantFrom('ack', 'error', 'data-message', 1, null);
    const dataType = fc.constantFrom(
      ...['none', 'boolean', 'count', 'integer', 'real', 'string', 'address', 'subnet', 'port', 'timestamp'],
      ...['timespan', 'enum-value', 'vector', 'set', 'table', '__proto__', 'toString'],
    );
    const hostile = fc.letrec((tie) => ({
      value: fc.record({ '@data-type': dataType, data: fc.oneof(fc.jsonValue(), fc.array(tie('value'))) }),
    })).value;
    fc.assert(
      fc.property(type, fc.jsonValue(), hostile, (kind, other, value) => {
        const members = { ...(value as object), type: kind, topic: other, code: other, endpoint: other };
        assert.ok(['ack', 'error', 'data-message', 'unreadable'].includes(read(JSON.stringify(members))));
      }),
    );
  });

  it('is unreadable when a good one is cut or changed into something else', () => {
    const good = encodeEvent('/t', { name: 'a', args: [zeek.count(5)], metadata: undefined });
    for (let end = 0; end < good.length; end++) assert.equal(read(good.slice(0, end)), 'unreadable');
    assert.equal(read(good.replace('"data":5', '"data":5.0')), 'unreadable');
    assert.equal(read(good.replace('"data":5', '"data":05')), 'unreadable');
    assert.equal(read(good.replace('"data":5', '"data":"5"')), 'unreadable');
    assert.equal(read(good.replace('"topic":"/t",', '')), 'unreadable');
  });

  it('is unreadable when it is nested too deep', () => {
    const open = '{"@data-type":"vector","data":[';
    const deep = `{"type":"data-message","topic":"/t",${open.slice(1)}${open.repeat(5000)}${']}'.repeat(5001)}`;
    assert.equal(read(deep), 'unreadable');
  });

  it('is data without an event when it has another form', () => {
    const message = parseServerMessage('{"type":"data-message","topic":"/t","@data-type":"count","data":1}');
    assert.ok(message.type === 'data-message');
    assert.equal(message.event, undefined);
  });

  it('keeps all 64 bits of a count', () => {
    const text = '{"type":"data-message","topic":"/t","@data-type":"count","data":18446744073709551615}';
    const message = parseServerMessage(text);
    assert.ok(message.type === 'data-message');
    assert.deepEqual(message.data, zeek.count(2n ** 64n - 1n));
  });
});
