import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Address6 } from 'ip-address';
import {
  formatAddress,
  formatIpv4,
  formatMac,
  formatPrefix,
  inPrefix,
  mapped,
  parseAddress,
  parseIpv4,
  parseIpv6,
  parsePrefix,
} from '../../src/wire/address.js';
import { PrefixTable } from '../../src/wire/prefix-table.js';

const word = fc.integer({ min: 0, max: 0xffffffff });
const words = fc.tuple(
  fc.constantFrom(0, 0x20010000, 0xfe800000, 1),
  word,
  fc.constantFrom(0, 0xffff, 0x10000),
  word,
);

describe('addresses in text', () => {
  it('are written as RFC 5952 says, as an independent library reads them', () => {
    fc.assert(
      fc.property(words, ([a, b, c, d]) => {
        const text = formatAddress(a, b, c, d);
        const oracle = text.includes(':') ? new Address6(text) : new Address6(`::ffff:${text}`);
        const expected =
          ((BigInt(a) * 0x100000000n + BigInt(b)) * 0x100000000n + BigInt(c)) * 0x100000000n + BigInt(d);
        assert.equal(oracle.bigInt(), expected);
      }),
    );
  });

  it('come back the same when parsed', () => {
    fc.assert(
      fc.property(words, ([a, b, c, d]) =>
        assert.deepEqual(parseAddress(formatAddress(a, b, c, d)), [a, b, c, d]),
      ),
    );
  });

  it('compress the longest run of zeros, and no single zero', () => {
    assert.equal(formatAddress(...parseIpv6('2001:db8:0:0:1:0:0:1')!), '2001:db8::1:0:0:1');
    assert.equal(formatAddress(...parseIpv6('2001:db8:0:1:1:1:1:1')!), '2001:db8:0:1:1:1:1:1');
    assert.equal(formatAddress(0, 0, 0, 0), '::');
    assert.equal(formatAddress(0, 0, 0, 1), '::1');
    assert.equal(formatAddress(0, 0, 0xffff, 0x01020304), '1.2.3.4');
    assert.equal(formatAddress(0, 0, 0, 0x0d014403), '::13.1.68.3');
  });

  it('refuse what is no address', () => {
    for (const text of ['1.2.3', '01.2.3.4', '1.2.3.256', '', 'x', '1.2.3.4/32'])
      assert.equal(parseIpv4(text), undefined);
    for (const text of ['fe80::1%eth0', ':::', '1::2::3', '12345::'])
      assert.equal(parseIpv6(text), undefined);
    assert.deepEqual(parseIpv6('::ffff:192.0.2.1'), mapped(0xc0000201));
    assert.equal(formatIpv4(0xffffffff), '255.255.255.255');
  });

  it('write MAC addresses with all their digits', () => {
    assert.equal(formatMac(0x0001, 0x02030405), '00:01:02:03:04:05');
    assert.equal(formatMac(0xffff, 0xffffffff), 'ff:ff:ff:ff:ff:ff');
  });
});

describe('prefixes', () => {
  it('hold the addresses that share their bits', () => {
    const prefix = parsePrefix('192.168.0.0/16');
    assert.ok(typeof prefix !== 'string');
    assert.ok(inPrefix(prefix, ...mapped(0xc0a80101)));
    assert.ok(!inPrefix(prefix, ...mapped(0xc0a90101)));
    assert.equal(formatPrefix(prefix), '192.168.0.0/16');
  });

  it('say what is wrong with a text that is none', () => {
    assert.match(parsePrefix('10.0.0.1/8') as string, /did you mean 10\.0\.0\.0\/8/);
    assert.match(parsePrefix('10.0.0.0/33') as string, /between 0 and 32/);
    assert.match(parsePrefix('2001:db8::/129') as string, /between 0 and 128/);
    assert.match(parsePrefix('nonsense') as string, /is not an IPv4 or IPv6 prefix/);
  });

  it('are found by the longest match, as a search through all of them finds it', () => {
    const anyPrefix = fc
      .tuple(fc.boolean(), word, fc.integer({ min: 0, max: 32 }))
      .map(([isV4, value, length]) => {
        const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
        const network = (value & mask) >>> 0;
        return isV4
          ? { words: mapped(network), bits: length + 96 }
          : { words: [network, 0, 0, 0] as const, bits: length };
      });
    fc.assert(
      fc.property(fc.array(anyPrefix, { maxLength: 20 }), fc.boolean(), word, (prefixes, isV4, value) => {
        const table = new PrefixTable(prefixes.map((prefix) => [prefix, prefix.bits] as const));
        const address = isV4 ? mapped(value) : ([value, 1, 2, 3] as const);
        const matching = prefixes
          .filter((prefix) => inPrefix(prefix, ...address))
          .map((prefix) => prefix.bits);
        // For an IPv4 address every IPv4 prefix is longer than any IPv6 prefix of this generator.
        assert.equal(table.find(address, 0), matching.length === 0 ? undefined : Math.max(...matching));
      }),
    );
  });
});
