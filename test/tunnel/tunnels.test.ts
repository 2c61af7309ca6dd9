import assert from 'node:assert/strict';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import { parseSixrd } from '../../src/wire/sixrd-domain.js';
import type { SixrdDomain } from '../../src/wire/embedded-address.js';
import { analyse } from '../support/analysing.js';
import type { TestPacket } from '../support/analysing.js';
import { checksOf } from '../support/reading-checks.js';
import { PREFIX_OPTION } from '../support/teredo-packets.js';

const A = '81.187.10.2';
const B = '84.20.40.2';
const TCP: LayerSpec = { layer: 'tcp', src: 40000, dst: 80 };
const v4 = (src: string, dst: string): LayerSpec => ({ layer: 'ipv4', src, dst });
const v6 = (src: string, dst: string, hopLimit = 64): LayerSpec => ({ layer: 'ipv6', src, dst, hopLimit });

function kindsOf(packets: readonly TestPacket[], sixrd: SixrdDomain[] = []): Record<string, number> {
  const { lines } = analyse(packets, { rules: [], sixrd });
  const kinds: Record<string, number> = {};
  for (const line of lines('tunnel')) {
    if (line['action'] === 'Tunnel::DISCOVER')
      kinds[String(line['tunnel_kind'])] = (kinds[String(line['tunnel_kind'])] ?? 0) + 1;
  }
  return kinds;
}

describe('tunnel kinds', () => {
  const one = (...layers: LayerSpec[]): TestPacket[] => [{ layers }];

  it('6in4 carries ordinary addresses', () => {
    assert.deepEqual(kindsOf(one(v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP)), { '6in4': 1 });
  });

  it('6to4 carries the outer address in 2002::/16, on either side', () => {
    assert.deepEqual(kindsOf(one(v4(A, B), v6('2002:51bb:a02::1', '2001:470::1'), TCP)), { '6to4': 1 });
    assert.deepEqual(kindsOf(one(v4(A, B), v6('2001:470::1', '2002:5414:2802::1'), TCP)), { '6to4': 1 });
  });

  it('ISATAP carries the outer address behind 5efe', () => {
    assert.deepEqual(kindsOf(one(v4(A, B), v6('2001:470:cccc::200:5efe:81.187.10.2', '2001:470::1'), TCP)), {
      isatap: 1,
    });
    assert.deepEqual(
      kindsOf(
        one(v4(A, B), v6('fe80::200:5efe:81.187.10.2', 'fe80::5efe:84.20.40.2', 255), {
          layer: 'icmpv6',
          type: 133,
        }),
      ),
      { isatap: 1 },
    );
  });

  it('6rd is inferred from the outer bits in the inner address, and known when configured', () => {
    assert.deepEqual(kindsOf(one(v4(A, B), v6('2a01:e00:51bb:a02::1', '2001:470::1'), TCP)), { '6rd': 1 });
    const domain = parseSixrd('2001:db8::/36,8') as SixrdDomain;
    const masked = one(v4('10.170.187.204', '10.0.0.1'), v6('2001:db8:aa:bbcc::1', '2001:470::1'), TCP);
    assert.deepEqual(kindsOf(masked), { '6in4': 1 });
    assert.deepEqual(kindsOf(masked, [domain]), { '6rd': 1 });
  });

  it('6over4 goes to its IPv4 groups', () => {
    assert.deepEqual(
      kindsOf(
        one(v4('10.0.0.1', '239.192.0.1'), v6('fe80::a00:1', 'ff02::1', 255), { layer: 'icmpv6', type: 135 }),
      ),
      { '6over4': 1 },
    );
  });

  it('4in4, 4in6, 6in6, GRE and VXLAN are told apart', () => {
    assert.deepEqual(kindsOf(one(v4(A, B), v4('10.0.0.1', '10.0.0.2'), TCP)), { '4in4': 1 });
    assert.deepEqual(kindsOf(one(v6('2a02::1', '2a02::2'), v4('10.0.0.1', '10.0.0.2'), TCP)), { '4in6': 1 });
    assert.deepEqual(kindsOf(one(v6('2a02::1', '2a02::2'), v6('2a03::1', '2a03::2'), TCP)), { '6in6': 1 });
    assert.deepEqual(kindsOf(one(v4(A, B), { layer: 'gre' }, v4('10.0.0.1', '10.0.0.2'), TCP)), { gre: 1 });
    assert.deepEqual(
      kindsOf(
        one(
          v4(A, B),
          { layer: 'udp', src: 1, dst: 4789 },
          { layer: 'vxlan', vni: 5 },
          { layer: 'eth' },
          v4('10.0.0.1', '10.0.0.2'),
          TCP,
        ),
      ),
      { vxlan: 1 },
    );
  });

  it('a link-local first packet leaves the kind open for what comes', () => {
    const { lines } = analyse(
      [
        { layers: [v4(A, B), v6('fe80::1', 'ff02::2', 255), { layer: 'icmpv6', type: 133 }] },
        { at: 1, layers: [v4(A, B), v6('2002:51bb:a02::1', '2001:470::1'), TCP] },
        { at: 4000, layers: [v4('1.1.1.1', '9.9.9.9'), v6('2001:470::5', '2001:470::6'), TCP] },
      ],
      { rules: [] },
    );
    const first = lines('tunnel').filter((line) => line['id.orig_h'] === A);
    assert.deepEqual(
      first.map((line) => [line['action'], line['tunnel_kind']]),
      [
        ['Tunnel::DISCOVER', '6in4'],
        ['Tunnel::EXPIRE', '6to4'],
      ],
    );
  });
});

describe('tunnel identity', () => {
  const packet = (...layers: LayerSpec[]): TestPacket => ({ layers });
  const discovered = (packets: readonly TestPacket[]): number =>
    analyse(packets, { rules: [] })
      .lines('tunnel')
      .filter((line) => line['action'] === 'Tunnel::DISCOVER').length;

  it('is the unordered outer pair for protocol 41', () => {
    const there = packet(v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP);
    const back = packet(v4(B, A), v6('2001:470:aaaa::2', '2001:470:aaaa::1'), {
      layer: 'tcp',
      src: 80,
      dst: 40000,
      flags: 'SA',
    });
    const other = packet(v4(A, '84.20.40.3'), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP);
    assert.equal(discovered([there, back]), 1);
    assert.equal(discovered([there, other]), 2);
  });

  it('is the UDP connection for Teredo', () => {
    const client = teredoAddress('65.54.227.120', A, 5000);
    const make = (dst: number): TestPacket =>
      packet(v4(A, B), { layer: 'udp', src: 5000, dst }, v6(client, '2001:470::1'), TCP);
    assert.equal(discovered([make(3545), make(3545), make(3546)]), 2);
  });

  it('is pair and network identifier for VXLAN, whatever source port the sender hashed', () => {
    const make = (src: number, vni: number): TestPacket =>
      packet(
        v4(A, B),
        { layer: 'udp', src, dst: 4789 },
        { layer: 'vxlan', vni },
        { layer: 'eth' },
        v4('10.0.0.1', '10.0.0.2'),
        TCP,
      );
    assert.equal(discovered([make(1000, 5), make(2000, 5), make(3000, 6)]), 2);
  });

  it('includes the tunnel around it', () => {
    const inner: LayerSpec[] = [v4('10.0.0.1', '10.0.0.2'), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP];
    assert.equal(
      discovered([packet(v4(A, B), ...inner), packet(v4(A, '84.20.40.3'), ...inner), packet(...inner)]),
      5,
    );
  });

  it('counts packets and octets both ways, from the originator of the first packet', () => {
    const there = packet(v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP);
    const back = packet(v4(B, A), v6('2001:470:aaaa::2', '2001:470:aaaa::1'), {
      layer: 'tcp',
      src: 80,
      dst: 40000,
      flags: 'SA',
    });
    const { lines } = analyse(
      [
        there,
        back,
        { ...back, at: 1.5 },
        { at: 9000, layers: [v4(A, '9.9.9.9'), v6('2a02::1', '2a02::2'), TCP] },
      ],
      { rules: [] },
    );
    const expired = lines('tunnel').find((line) => line['action'] === 'Tunnel::EXPIRE')!;
    assert.deepEqual(
      [
        expired['id.orig_h'],
        expired['orig_pkts'],
        expired['orig_bytes'],
        expired['resp_pkts'],
        expired['resp_bytes'],
        expired['duration'],
      ],
      [A, 1, 60, 2, 120, 1.5],
    );
  });

  it('flips the originator when only the first sender’s port is a server’s', () => {
    const client = teredoAddress('65.55.158.80', A, 5000);
    const { lines } = analyse(
      [
        packet(
          v4('65.55.158.80', A),
          { layer: 'udp', src: 3544, dst: 5000 },
          { layer: 'teredo', origin: { address: B, port: 3545 } },
          v6('fe80::1', client, 0),
        ),
      ],
      { rules: [] },
    );
    assert.equal(lines('tunnel')[0]!['id.orig_h'], A);
    assert.equal(lines('tunnel')[0]!['id.resp_p'], 3544);
  });

  it('ends by silence: UDP after a minute with CLOSE, others after an hour with EXPIRE', () => {
    const client = teredoAddress('65.54.227.120', A, 5000);
    const teredo = [
      v4(A, B),
      { layer: 'udp', src: 5000, dst: 3545 } as LayerSpec,
      v6(client, '2001:470::1'),
      TCP,
    ];
    const sixInFour = [v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP];
    const later = (at: number): TestPacket => ({
      at,
      layers: [v4('1.1.1.1', '9.9.9.9'), v4('10.0.0.1', '10.0.0.2'), TCP],
    });
    const events = (until: number): string[] =>
      analyse([{ layers: teredo }, { layers: sixInFour }, later(until)], { rules: [] })
        .lines('tunnel')
        .filter((line) => line['id.orig_h'] === A)
        .map(
          (line) =>
            `${String(line['tunnel_kind'])} ${String(line['action'])} ${Math.floor(Number(line['ts']))}`,
        );
    assert.deepEqual(
      events(61).filter((event) => event.includes('CLOSE')),
      ['teredo Tunnel::CLOSE 1700000061'],
    );
    assert.deepEqual(
      events(3599).filter((event) => event.includes('EXPIRE')),
      [],
    );
    assert.deepEqual(
      events(3600).filter((event) => event.includes('EXPIRE')),
      ['6in4 Tunnel::EXPIRE 1700003600'],
    );
  });

  it('at the end of the input closes what UDP carries and gives other tunnels no second line', () => {
    const client = teredoAddress('65.54.227.120', A, 5000);
    const { lines } = analyse(
      [
        packet(v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP),
        packet(v4(A, B), { layer: 'udp', src: 5000, dst: 3545 }, v6(client, '2001:470::1'), TCP),
      ],
      { rules: [] },
    );
    assert.deepEqual(
      lines('tunnel').map((line) => `${String(line['tunnel_type'])} ${String(line['action'])}`),
      ['Tunnel::IP Tunnel::DISCOVER', 'Tunnel::TEREDO Tunnel::DISCOVER', 'Tunnel::TEREDO Tunnel::CLOSE'],
    );
  });

  it('names the enclosing tunnel of a nested one', () => {
    const { lines } = analyse(
      [packet(v4(A, B), v4('10.0.0.1', '10.0.0.2'), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP)],
      { rules: [] },
    );
    const [outer, inner] = lines('tunnel');
    assert.equal(inner!['tunnel_parent'], outer!['uid']);
    assert.deepEqual([outer!['tunnel_depth'], inner!['tunnel_depth']], [1, 2]);
  });
});

describe('checks behind a NAT', () => {
  const SERVER = '65.54.227.120';
  const RELAY = '83.150.30.2';
  const INSIDE = '192.168.77.10';
  const client = teredoAddress(SERVER, A, 51631);
  const data = (src: string, port = 51631): LayerSpec[] => [
    v4(src, RELAY),
    { layer: 'udp', src: port, dst: 3545 },
    v6(client, '2001:470:1f0b:1::10'),
    TCP,
  ];
  const question: TestPacket = {
    layers: [
      v4(INSIDE, SERVER),
      { layer: 'udp', src: 51631, dst: 3544 },
      { layer: 'teredo', auth: {} },
      v6('fe80::ffff:ffff:fffe', 'ff02::2', 255),
      { layer: 'icmpv6', type: 133 },
    ],
  };
  const answer: TestPacket = {
    layers: [
      v4(SERVER, INSIDE),
      { layer: 'udp', src: 3544, dst: 51631 },
      { layer: 'teredo', auth: {}, origin: { address: A, port: 51631 } },
      v6('fe80::8000:f227:bec9:1c87', 'fe80::ffff:ffff:fffe', 255),
      { layer: 'icmpv6', type: 134 },
      { layer: 'payload', bytes: Buffer.from('0'.repeat(24) + PREFIX_OPTION, 'hex') },
    ],
  };

  it('T07 holds for a public sender that is the embedded client, and is violated for another', () => {
    assert.deepEqual(checksOf([{ layers: data(A) }], 'T07'), ['holds']);
    assert.deepEqual(checksOf([{ layers: data('81.187.10.3') }], 'T07'), ['violated']);
  });

  it('T07 is undetermined for a private sender whose mapping was not seen', () => {
    assert.deepEqual(checksOf([{ layers: data(INSIDE) }], 'T07'), ['undetermined']);
    assert.deepEqual(checksOf([{ layers: data(INSIDE) }], 'T07', { vantage: 'inside' }), ['undetermined']);
    assert.deepEqual(checksOf([{ layers: data(INSIDE) }], 'T07', { vantage: 'outside' }), ['violated']);
  });

  it('T07 holds after a server told the mapping', () => {
    const values = checksOf([question, answer, { at: 1, layers: data(INSIDE) }], 'T07');
    assert.equal(values.at(-1), 'holds');
  });

  it('an answer that nobody asked for, or with another nonce, teaches nothing', () => {
    assert.equal(checksOf([answer, { at: 1, layers: data(INSIDE) }], 'T07').at(-1), 'undetermined');
    const forged: TestPacket = {
      layers: answer.layers.map((layer) =>
        layer.layer === 'teredo' ? { ...layer, auth: { nonce: 99n } } : layer,
      ),
    };
    assert.equal(checksOf([question, forged, { at: 1, layers: data(INSIDE) }], 'T07').at(-1), 'undetermined');
    assert.equal(
      checksOf([question, { ...answer, at: 60 }, { at: 61, layers: data(INSIDE) }], 'T07').at(-1),
      'undetermined',
    );
  });

  it('an answer to a client without NAT does not make the vantage "outside"', () => {
    const change = (packet: TestPacket): TestPacket => ({
      layers: packet.layers.map((layer) =>
        layer.layer === 'ipv4'
          ? { ...layer, src: layer.src === INSIDE ? A : layer.src, dst: layer.dst === INSIDE ? A : layer.dst }
          : layer,
      ),
    });
    const values = checksOf([change(question), change(answer), { at: 1, layers: data(INSIDE) }], 'T07');
    assert.equal(values.at(-1), 'undetermined');
  });

  it('a forged answer to a public client does not make the vantage "inside"', () => {
    const stray = (at: number): TestPacket => ({
      at,
      layers: [v4(RELAY, '203.0.114.7'), { layer: 'udp', src: 3545, dst: 4000 }, v6('fe80::1', client, 0)],
    });
    const forged: TestPacket = {
      layers: answer.layers.map((layer) =>
        layer.layer === 'ipv4' ? { ...layer, dst: '203.0.114.9' } : layer,
      ),
    };
    assert.equal(checksOf([forged, stray(1)], 'T09', { local: ['203.0.114.0/24'] }).at(-1), 'violated');
  });

  it('T08 compares the port only when the address is right', () => {
    assert.deepEqual(checksOf([{ layers: data(A, 1024) }], 'T08'), ['violated']);
    assert.deepEqual(checksOf([{ layers: data('81.187.10.3', 1024) }], 'T08'), ['not-applicable']);
  });

  it('a local public network is inside too once the vantage is known to be', () => {
    const local = ['81.187.10.0/24'];
    assert.deepEqual(checksOf([{ layers: data('81.187.10.3') }], 'T07', { local, vantage: 'inside' }), [
      'undetermined',
    ]);
    assert.deepEqual(checksOf([{ layers: data('81.187.10.3') }], 'T07', { local }), ['violated']);
  });

  it('a bubble that a server forwards is not checked against its sender', () => {
    const peer = teredoAddress(SERVER, B, 4000);
    const forwarded: TestPacket = {
      layers: [
        v4(SERVER, A),
        { layer: 'udp', src: 3544, dst: 51631 },
        { layer: 'teredo', origin: { address: B, port: 4000 } },
        v6(peer, client, 0),
      ],
    };
    assert.deepEqual(checksOf([forwarded], 'T07'), ['not-applicable']);
    assert.deepEqual(checksOf([forwarded], 'T10'), ['holds']);
  });

  it('an advertisement from the server’s second address (primary + 1) raises nothing', () => {
    const fromSecond: TestPacket = {
      layers: answer.layers.map((layer) =>
        layer.layer === 'ipv4' ? { ...layer, src: '65.54.227.121' } : layer,
      ),
    };
    const { rules } = analyse([fromSecond]);
    assert.deepEqual(rules(), ['tunnel-in-use']);
  });

  it('T06: private outer addresses are wrong outside only, bogons everywhere', () => {
    const plain = (src: string, dst = B): TestPacket[] => [
      { layers: [v4(src, dst), v6('2001:470:aaaa::1', '2001:470:aaaa::2'), TCP] },
    ];
    assert.deepEqual(checksOf(plain('10.0.0.1'), 'T06'), ['undetermined']);
    assert.deepEqual(checksOf(plain('10.0.0.1'), 'T06', { vantage: 'outside' }), ['violated']);
    assert.deepEqual(checksOf(plain('10.0.0.1'), 'T06', { vantage: 'inside' }), ['holds']);
    assert.deepEqual(checksOf(plain('10.0.0.1', '10.0.0.2'), 'T06'), ['holds']);
    assert.deepEqual(checksOf(plain('127.0.0.1'), 'T06', { vantage: 'inside' }), ['violated']);
    assert.deepEqual(checksOf(plain('203.0.113.5'), 'T06'), ['violated']);
    assert.deepEqual(checksOf(plain('203.0.113.5'), 'T06', { local: ['203.0.113.0/24'] }), ['holds']);
  });

  it('S01 is undetermined for a private outer source inside the site', () => {
    const packets: TestPacket[] = [
      { layers: [v4('192.168.1.5', B), v6('2002:51bb:a02::1', '2001:470::1'), TCP] },
    ];
    assert.deepEqual(checksOf(packets, 'S01'), ['undetermined']);
    assert.deepEqual(checksOf(packets, 'S01', { vantage: 'outside' }), ['violated']);
  });
});
