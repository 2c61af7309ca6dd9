import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { CheckName } from '../../src/model/checks.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { analyse, analyseCapture } from '../support/analysing.js';
import type { TestPacket } from '../support/analysing.js';
import { captureNames, LAB_CAPTURES } from '../support/captures.js';
import type { SiteTexts } from '../support/reading-checks.js';
import { checksOf, siteOptions, VIOLATIONS, WAITING_VIOLATIONS } from '../support/reading-checks.js';

/* A is 2002:51bb:a02::/48 and B 2002:5414:2802::/48. */
const A = '81.187.10.2';
const B = '84.20.40.2';
const A6 = '2002:51bb:a02::1';
const B6 = '2002:5414:2802::1';
const NATIVE = '2001:470:aaaa::1';
const OTHER = '2001:470:bbbb::1';
const ANYCAST = '192.88.99.1';

const v4 = (src: string, dst: string): LayerSpec => ({ layer: 'ipv4', src, dst });
const v6 = (src: string, dst: string, hopLimit = 64): LayerSpec => ({ layer: 'ipv6', src, dst, hopLimit });
const tcp = (src = 40000): LayerSpec => ({ layer: 'tcp', src, dst: 80 });
const icmp = (type: number): LayerSpec => ({ layer: 'icmpv6', type });

function packet(outer: readonly [string, string], inner: readonly [string, string], at = 0): TestPacket {
  return { at, layers: [v4(...outer), v6(...inner), tcp()] };
}

function last(packets: readonly TestPacket[], name: CheckName, texts: SiteTexts = {}): string {
  return checksOf(packets, name, texts).at(-1)!;
}

describe('checks of 6to4', () => {
  it('S03: a packet of native addresses does not belong into a 6to4 tunnel', () => {
    const sixtofour = packet([A, B], [A6, B6]);
    const native = packet([A, B], [NATIVE, OTHER], 1);
    assert.equal(last([sixtofour], 'S03'), 'holds');
    assert.equal(last([sixtofour, native], 'S03'), 'violated');
    assert.equal(last([native], 'S03'), 'not-applicable');
  });

  it('S03 is undetermined when a configured tunnel lies between the same hosts', () => {
    const back = packet([B, A], [OTHER, NATIVE], 2);
    const more = packet([A, B], [NATIVE, '2001:470:cccc::1'], 3);
    const packets = [packet([A, B], [A6, B6]), packet([A, B], [NATIVE, OTHER], 1), back, more];
    assert.equal(last(packets, 'S03'), 'undetermined');
  });

  it('S04: who sends from native addresses is a relay that was named', () => {
    const from = (relay: string): TestPacket[] => [packet([relay, A], [NATIVE, A6])];
    assert.equal(last(from(ANYCAST), 'S04'), 'holds');
    assert.equal(last(from(B), 'S04'), 'undetermined');
    assert.equal(last(from(B), 'S04', { relays: ['84.20.40.0/24'] }), 'holds');
    assert.equal(last(from(B), 'S04', { relays: ['84.20.41.1'] }), 'violated');
    assert.equal(last(from('192.88.99.7'), 'S04'), 'violated');
  });

  it('S05: what goes to native addresses goes to a relay that was named', () => {
    const to = (relay: string): TestPacket[] => [packet([A, relay], [A6, NATIVE])];
    assert.equal(last(to(ANYCAST), 'S05'), 'holds');
    assert.equal(last(to(B), 'S05'), 'undetermined');
    assert.equal(last(to(B), 'S05', { relays: [B] }), 'holds');
    assert.equal(last(to(B), 'S05', { relays: ['84.20.41.1'] }), 'violated');
  });

  it('S07: no address of the host, the link or the old Internet is in a 6to4 tunnel', () => {
    assert.equal(last([packet([A, B], [A6, NATIVE])], 'S07'), 'holds');
    for (const odd of ['::1', '::ffff:10.0.0.1', '::8.8.8.8', 'fe80::1', 'fec0::1', 'ff02::1']) {
      assert.equal(last([packet([A, B], [A6, odd])], 'S07'), 'violated', odd);
    }
    const discovery: TestPacket = { at: 1, layers: [v4(A, B), v6('fe80::1', 'fe80::2', 255), icmp(135)] };
    assert.equal(last([packet([A, B], [A6, B6]), discovery], 'S07'), 'violated');
    assert.equal(last([discovery], 'S07'), 'not-applicable');
  });

  it('S08: a site sends no packet to itself', () => {
    assert.equal(last([packet([A, B], [A6, B6])], 'S08'), 'holds');
    assert.equal(last([packet([A, B], [A6, '2002:51bb:a02:5::9'])], 'S08'), 'violated');
    assert.equal(last([packet([A, B], [A6, NATIVE])], 'S08'), 'not-applicable');
  });

  it('S09: a relay stands between 6to4 and native, not between two sites', () => {
    assert.equal(last([packet([A, ANYCAST], [A6, NATIVE])], 'S09'), 'holds');
    assert.equal(last([packet([A, ANYCAST], [A6, B6])], 'S09'), 'violated');
    assert.equal(last([packet([ANYCAST, A], [B6, A6])], 'S09'), 'violated');
    assert.equal(last([packet([A, B], [A6, B6])], 'S09', { relays: [B] }), 'holds');
    assert.equal(last([packet([A, B], [A6, B6])], 'S09'), 'not-applicable');
  });

  it('S11: a packet that comes by three times with a falling hop limit loops', () => {
    const turn = (at: number, hopLimit: number, seq = 1): TestPacket => ({
      at,
      layers: [v4(A, B), v6(A6, B6, hopLimit), { layer: 'tcp', src: 40000, dst: 80, seq }],
    });
    const violated = (packets: readonly TestPacket[]): boolean =>
      analyse(packets, { rules: VIOLATIONS }).rules().includes('S11');
    assert.equal(last([turn(0, 64)], 'S11'), 'holds');
    assert.ok(violated([turn(0, 64), turn(0.1, 62), turn(0.2, 60)]));
    assert.ok(!violated([turn(0, 64), turn(0.1, 62)]), 'the probe of a relay comes by twice');
    assert.ok(!violated([turn(0, 64), turn(1, 64), turn(3, 64)]), 'a packet that is sent again');
    assert.ok(!violated([turn(0, 64, 1), turn(0.1, 62, 2), turn(0.2, 60, 3)]), 'other packets');
    assert.ok(!violated([turn(0, 64), turn(10, 62), turn(20, 60)]), 'too slow for a loop');
  });

  it('S11 sees a loop without rules that ask about every packet, and of datagrams that are no flow', () => {
    for (const leaf of [tcp(), icmp(128)]) {
      const turns = [64, 62, 60].map((hops, i): TestPacket => ({
        at: i * 0.1,
        layers: [v4(A, B), v6(A6, B6, hops), leaf],
      }));
      assert.ok(analyse(turns, { rules: WAITING_VIOLATIONS }).rules().includes('S11'), leaf.layer);
    }
  });

  it('S11 was blind to a packet that came by again after others of its flow', () => {
    const turn = (at: number, hopLimit: number, seq: number): TestPacket => ({
      at,
      layers: [v4(A, B), v6(A6, B6, hopLimit), { layer: 'tcp', src: 40000, dst: 80, seq }],
    });
    const loop = [turn(0, 64, 1), turn(0.05, 64, 2), turn(0.1, 62, 1), turn(0.15, 64, 3), turn(0.2, 60, 1)];
    assert.ok(analyse(loop, { rules: WAITING_VIOLATIONS }).rules().includes('S11'));
  });

  it('S13: from the anycast prefix comes what its relay returns, and nothing else', () => {
    assert.equal(last([packet([ANYCAST, A], [NATIVE, A6])], 'S13'), 'holds');
    assert.equal(last([packet(['192.88.99.2', A], [NATIVE, A6])], 'S13'), 'violated');
    assert.equal(last([packet([ANYCAST, A], [NATIVE, OTHER])], 'S13'), 'violated');
    assert.equal(last([packet([B, A], [NATIVE, A6])], 'S13'), 'not-applicable');
  });
});

describe('checks of ISATAP', () => {
  const HOST = '10.1.0.5';
  const ROUTER = '10.1.0.1';
  const LINK = '2001:470:cccc:1';
  const own = (v4Text: string): string => `${LINK}:0:5efe:${v4Text}`;
  const local = (v4Text: string): string => `fe80::5efe:${v4Text}`;
  const nd = (
    outer: readonly [string, string],
    inner: readonly [string, string],
    type: number,
    at = 0,
    hops = 255,
  ): TestPacket => ({
    at,
    layers: [v4(...outer), v6(...inner, hops), icmp(type), { layer: 'payload', bytes: new Uint8Array(12) }],
  });
  const ask = nd([HOST, ROUTER], [local(HOST), local(ROUTER)], 133);
  const answer = nd([ROUTER, HOST], [local(ROUTER), local(HOST)], 134, 1);

  it('I02: the destination names who gets the packet, on the same link', () => {
    const to = (outer: string, inner: string): TestPacket[] => [packet([HOST, outer], [own(HOST), inner])];
    assert.equal(last(to('10.1.0.9', own('10.1.0.9')), 'I02'), 'holds');
    assert.equal(last(to('10.1.0.8', own('10.1.0.9')), 'I02'), 'violated');
    assert.equal(last(to('10.1.0.8', local('10.1.0.9')), 'I02'), 'violated');
    assert.equal(last(to('10.1.0.8', '2001:470:dddd:1:0:5efe:10.1.0.9'), 'I02'), 'undetermined');
  });

  it('I02 holds for what goes through a router that was seen to advertise itself', () => {
    const through = packet([HOST, ROUTER], [own(HOST), own('10.1.0.9')], 2);
    assert.equal(last([ask, answer, through], 'I02'), 'holds');
  });

  it('I02: nothing is multicast, but that Windows solicits all routers', () => {
    assert.equal(last([packet([HOST, ROUTER], [own(HOST), 'ff02::fb'])], 'I02'), 'violated');
    assert.equal(last([nd([HOST, ROUTER], [local(HOST), 'ff02::2'], 133)], 'I02'), 'not-applicable');
  });

  it('I03: an advertisement comes from the link-local address of its sender, to who asked', () => {
    assert.equal(last([ask, answer], 'I03'), 'holds');
    assert.equal(last([answer], 'I03'), 'undetermined');
    assert.equal(last([ask, { ...answer, at: 60 }], 'I03'), 'undetermined');
    const forged = nd(['10.1.0.66', HOST], [local(ROUTER), local(HOST)], 134, 1);
    assert.equal(last([ask, forged], 'I03'), 'violated');
    const forwarded = nd([ROUTER, HOST], [local(ROUTER), local(HOST)], 134, 1, 254);
    assert.equal(last([ask, forwarded], 'I03'), 'violated');
    assert.equal(last([ask], 'I03'), 'not-applicable');
  });

  it('I04: the tunnel does not leave the site', () => {
    assert.equal(last([packet([HOST, ROUTER], [own(HOST), NATIVE])], 'I04'), 'holds');
    assert.equal(last([packet([HOST, B], [own(HOST), NATIVE])], 'I04'), 'violated');
    assert.equal(last([packet([A, B], [own(A), NATIVE])], 'I04'), 'undetermined');
    assert.equal(last([packet([A, B], [own(A), NATIVE])], 'I04', { local: [`${A}/32`] }), 'violated');
  });

  it('I05: only a public address may claim to be unique in the world', () => {
    const from = (iid: string, v4Text: string): TestPacket[] => [
      packet([v4Text, ROUTER], [`${LINK}:${iid}:5efe:${v4Text}`, NATIVE]),
    ];
    assert.equal(last(from('200', A), 'I05'), 'holds');
    assert.equal(last(from('0', A), 'I05'), 'holds');
    assert.equal(last(from('0', HOST), 'I05'), 'holds');
    assert.equal(last(from('200', HOST), 'I05'), 'violated');
    assert.equal(last(from('100', HOST), 'I05'), 'violated');
  });
});

describe('checks of 6rd', () => {
  const RELAY = '192.0.66.1';
  const DOMAIN = '2a01:e00::/28,0';
  const WITH_RELAY = `${DOMAIN},${RELAY}`;
  /* 28 bits of prefix, then 81.187.10.2. */
  const CUSTOMER = '2a01:e05:1bb0:a020::1';
  const NEIGHBOUR = '2a01:e05:4142:8020::1';

  it('R01 and R02 hold for the probe of a relay, which comes back to its sender', () => {
    for (const outer of [
      [A, RELAY],
      [RELAY, A],
    ] as const) {
      const probe = [packet(outer, [CUSTOMER, CUSTOMER])];
      assert.equal(last(probe, 'R01', { sixrd: [WITH_RELAY] }), 'holds');
      assert.equal(last(probe, 'R02', { sixrd: [WITH_RELAY] }), 'holds');
    }
    assert.equal(last([packet([B, RELAY], [CUSTOMER, NATIVE])], 'R01', { sixrd: [WITH_RELAY] }), 'violated');
  });

  it('R02: to a customer comes what is meant for it, from the relay or from another customer', () => {
    const value = (
      outer: readonly [string, string],
      inner: readonly [string, string],
      sixrd: string,
    ): string => last([packet(outer, inner)], 'R02', { sixrd: [sixrd] });
    assert.equal(value([RELAY, A], [NATIVE, CUSTOMER], WITH_RELAY), 'holds');
    assert.equal(value([B, A], [NATIVE, CUSTOMER], WITH_RELAY), 'violated');
    assert.equal(value([B, A], [NATIVE, CUSTOMER], DOMAIN), 'undetermined');
    assert.equal(value([RELAY, B], [NATIVE, CUSTOMER], DOMAIN), 'violated');
    assert.equal(value([B, A], [NEIGHBOUR, CUSTOMER], WITH_RELAY), 'holds');
    assert.equal(value([B, RELAY], [NEIGHBOUR, CUSTOMER], WITH_RELAY), 'holds');
    assert.equal(value([B, '84.20.40.9'], [NEIGHBOUR, CUSTOMER], WITH_RELAY), 'violated');
    assert.equal(value([B, '84.20.40.9'], [NEIGHBOUR, CUSTOMER], DOMAIN), 'undetermined');
  });

  it('R03: what looks like 6rd is of a domain that was named', () => {
    const customer = [packet([A, RELAY], [CUSTOMER, NATIVE])];
    assert.equal(last(customer, 'R03', { sixrd: [DOMAIN] }), 'holds');
    assert.equal(last(customer, 'R03'), 'undetermined');
    assert.equal(last(customer, 'R03', { sixrd: ['2001:db8::/32'] }), 'violated');
    assert.equal(last([packet([A, B], [A6, NATIVE])], 'R03', { sixrd: [DOMAIN] }), 'not-applicable');
  });
});

describe('checks of loops between tunnels', () => {
  const isatap = (v4Text: string): string => `2001:470:cccc:1:200:5efe:${v4Text}`;

  it('L01: two routers that are automatic tunnels of two kinds hand a packet to each other', () => {
    assert.equal(last([packet([A, B], [A6, B6])], 'L01'), 'holds');
    assert.equal(last([packet([A, B], [isatap(A), isatap(B)])], 'L01'), 'holds');
    assert.equal(last([packet([A, B], [isatap(A), B6])], 'L01'), 'violated');
    assert.equal(last([packet([A, B], [A6, isatap(B)])], 'L01'), 'violated');
    assert.equal(
      last([packet([A, B], ['2a01:e05:1bb0:a020::1', B6])], 'L01', { sixrd: ['2a01:e00::/28'] }),
      'violated',
    );
    assert.equal(last([packet([A, B], [isatap(A), NATIVE])], 'L01'), 'not-applicable');
  });

  it('L01 is undetermined for private addresses and for two links of one kind', () => {
    assert.equal(last([packet([A, '10.0.0.1'], [A6, isatap('10.0.0.1')])], 'L01'), 'undetermined');
    assert.equal(last([packet([A, B], [isatap(A), `2001:470:dddd:1:200:5efe:${B}`])], 'L01'), 'undetermined');
  });
});

describe('real tunnels', () => {
  /* What each capture is about, and no more. */
  const EXPECTED: Readonly<Record<string, readonly string[]>> = {
    'p41-6to4-anycast-relay.pcap': ['S12'],
    'teredo-client2client-FAIL-linuxnat-portclash-natoutside.pcap': ['T08', 'T09P', 'T10P'],
  };
  const SITE = siteOptions({ local: ['81.187.10.0/24', '84.20.40.0/24'] });

  for (const name of captureNames(LAB_CAPTURES)) {
    it(`${name} violates nothing unexpected`, async () => {
      const { rules } = await analyseCapture(join(LAB_CAPTURES, name), { rules: VIOLATIONS, ...SITE });
      const expected = EXPECTED[name] ?? [];
      assert.deepEqual(
        [...new Set(rules())].filter((check) => !expected.includes(check)),
        [],
      );
    });
  }
});
