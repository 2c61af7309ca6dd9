import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Address6 } from 'ip-address';
import { formatIpv4, parseIpv4, parseIpv6 } from '../../src/wire/address.js';
import {
  findV4InUpperBits,
  inSixrdDomain,
  isIsatapWord,
  isTeredoWord,
  sixrdBitsOf,
  sixrdV4Bits,
  sixtofourV4,
  teredoClient,
  teredoFlags,
  teredoPort,
} from '../../src/wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope } from '../../src/wire/ipv4-space.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import { parseSixrd } from '../../src/wire/sixrd-domain.js';

function teredo(text: string): { server: string; flags: number; port: number; client: string } {
  const [w0, w1, w2, w3] = parseIpv6(text)!;
  assert.ok(isTeredoWord(w0));
  return {
    server: formatIpv4(w1),
    flags: teredoFlags(w2),
    port: teredoPort(w2),
    client: formatIpv4(teredoClient(w3)),
  };
}

describe('Teredo addresses', () => {
  it('of the Zeek trace: server 65.55.158.80, cone, client 70.55.215.234 port 3797', () => {
    assert.deepEqual(teredo('2001:0:4137:9e50:8000:f12a:b9c8:2815'), {
      server: '65.55.158.80',
      flags: 0x8000,
      port: 3797,
      client: '70.55.215.234',
    });
  });

  it('of the TaoSecurity capture, with the prefix of before 2006', () => {
    assert.deepEqual(teredo('3ffe:831f:8ac3:9ddd:0:3650:ba0c:d759'), {
      server: '138.195.157.221',
      flags: 0,
      port: 51631,
      client: '69.243.40.166',
    });
  });

  it('of RFC 4380 5.2.5: 192.0.2.45 port 40000 at server 65.54.227.120', () => {
    const sample = teredo('2001:0:4136:e378:8000:63bf:3fff:fdd2');
    assert.deepEqual(sample, { server: '65.54.227.120', flags: 0x8000, port: 40000, client: '192.0.2.45' });
  });

  it('are read as an independent library reads them', () => {
    const v4 = fc.integer({ min: 0, max: 0xffffffff }).map(formatIpv4);
    fc.assert(
      fc.property(
        v4,
        v4,
        fc.integer({ min: 0, max: 65535 }),
        fc.integer({ min: 0, max: 65535 }),
        (server, client, port, flags) => {
          const text = teredoAddress(server, client, port, flags);
          const oracle = new Address6(text).inspectTeredo();
          const ours = teredo(text);
          assert.equal(ours.server, oracle.server4);
          assert.equal(ours.client, oracle.client4);
          assert.equal(String(ours.port), oracle.udpPort);
          assert.equal(ours.flags, flags);
        },
      ),
    );
  });

  it('in a router advertisement name the server: fe80::8000:f227:bec8:6189 is 65.55.158.118 port 3544', () => {
    const [, , w2, w3] = parseIpv6('fe80::8000:f227:bec8:6189')!;
    assert.equal(formatIpv4(teredoClient(w3)), '65.55.158.118');
    assert.equal(teredoPort(w2), 3544);
  });
});

describe('other addresses that embed IPv4', () => {
  it('6to4: 2002:5183:4383:: is 81.131.67.131', () => {
    const [w0, w1] = parseIpv6('2002:5183:4383::5183:4383')!;
    assert.equal(formatIpv4(sixtofourV4(w0, w1)), '81.131.67.131');
  });

  it('ISATAP: the u and g bits do not matter, everything else does', () => {
    for (const text of [
      'fe80::5efe:1.2.3.4',
      'fe80::200:5efe:1.2.3.4',
      'fe80::100:5efe:1.2.3.4',
      'fe80::300:5efe:1.2.3.4',
    ]) {
      assert.ok(isIsatapWord(parseIpv6(text)![2]), text);
    }
    assert.ok(!isIsatapWord(parseIpv6('fe80::400:5efe:1.2.3.4')![2]));
    assert.ok(!isIsatapWord(parseIpv6('fe80::5eff:1.2.3.4')![2]));
  });

  it('6rd: with and without common IPv4 bits left out', () => {
    const whole = parseSixrd('2a01:e00::/32');
    assert.ok(typeof whole !== 'string');
    const [w0, w1] = parseIpv6('2a01:e00:51bb:a02::1')!;
    assert.ok(inSixrdDomain(whole, w0, w1));
    assert.equal(formatIpv4(sixrdBitsOf(whole, w0, w1)), '81.187.10.2');
    // 10.0.0.0/8 is left out: 24 bits follow the 36 of the prefix.
    const masked = parseSixrd('2001:db8::/36,8');
    assert.ok(typeof masked !== 'string');
    const [m0, m1] = parseIpv6('2001:db8:00aa:bbcc::1')!;
    assert.equal(sixrdBitsOf(masked, m0, m1), 0x0aabbc);
    assert.equal(sixrdV4Bits(masked, parseIpv4('10.170.187.204')!), 0xaabbcc);
    assert.match(parseSixrd('2a01:e00::/40,0') as string, /more than 64/);
    assert.match(parseSixrd('2a01:e00::/32,99') as string, /no 6rd domain/);
  });

  it('a 6rd guess finds the IPv4 bits at every offset of the upper half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 32 }), fc.integer({ min: 1, max: 0xffffffff }), (shift, v4) => {
        const high = (BigInt(v4) << 32n) >> BigInt(shift);
        const w0 = Number(high >> 32n) >>> 0;
        const w1 = Number(high & 0xffffffffn) >>> 0;
        const found = findV4InUpperBits(w0, w1, v4);
        assert.ok(found >= 0 && found <= shift);
      }),
    );
    assert.equal(findV4InUpperBits(0x20010470, 0xaaaa0000, 0x51bb0a02), -1);
  });
});

describe('IPv4 scopes', () => {
  it('follow the special-purpose registry at the edges of each block', () => {
    const cases: [string, keyof typeof IPV4_SCOPE][] = [
      ['0.255.255.255', 'thisNetwork'],
      ['1.0.0.0', 'global'],
      ['10.0.0.0', 'private'],
      ['100.63.255.255', 'global'],
      ['100.64.0.0', 'cgn'],
      ['100.127.255.255', 'cgn'],
      ['100.128.0.0', 'global'],
      ['127.0.0.1', 'loopback'],
      ['169.254.1.1', 'linkLocal'],
      ['172.15.255.255', 'global'],
      ['172.16.0.0', 'private'],
      ['172.31.255.255', 'private'],
      ['172.32.0.0', 'global'],
      ['192.0.0.8', 'protocol'],
      ['192.0.2.1', 'documentation'],
      ['192.88.99.1', 'anycast6to4'],
      ['192.168.255.255', 'private'],
      ['198.17.255.255', 'global'],
      ['198.18.0.0', 'benchmark'],
      ['198.19.255.255', 'benchmark'],
      ['198.51.100.9', 'documentation'],
      ['203.0.113.9', 'documentation'],
      ['223.255.255.255', 'global'],
      ['224.0.0.1', 'multicast'],
      ['240.0.0.1', 'reserved'],
      ['255.255.255.255', 'broadcast'],
    ];
    for (const [text, scope] of cases) assert.equal(ipv4Scope(parseIpv4(text)!), IPV4_SCOPE[scope], text);
  });
});
