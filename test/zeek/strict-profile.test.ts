import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import type { LogName } from '../../src/model/records.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import type { Analysed, TestPacket } from '../support/analysing.js';
import { analyse, analyseCapture, analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import { captureNames, LAB_CAPTURES } from '../support/captures.js';
import { lineOf } from '../support/zeek-baselines.js';

/* What is expected here follows from the rules of Zeek as its source and its tests give them, not from what was seen here. */

const A = '192.0.2.10';
const B = '198.51.100.20';
const NATIVE = ['2001:db8::1', '2001:db8::2'] as const;
const TEREDO = ['2001:0:c633:6414::1', '2001:db8::2'] as const;

const v4 = (src = A, dst = B): LayerSpec => ({ layer: 'ipv4', src, dst });
const udp = (src: number, dst: number): LayerSpec => ({ layer: 'udp', src, dst });
const v6 = ([src, dst]: readonly [string, string]): LayerSpec => ({ layer: 'ipv6', src, dst });
const tcp = (src = 40_000, dst = 80): LayerSpec => ({ layer: 'tcp', src, dst, flags: 'S' });
const bytes = (length: number, first = 0xff): LayerSpec => ({
  layer: 'payload',
  bytes: new Uint8Array(length).fill(first),
});
const bubble = (addresses: readonly [string, string]): LayerSpec => ({
  layer: 'ipv6',
  src: addresses[0],
  dst: addresses[1],
  nextHeader: 59,
});
const AUTH: LayerSpec = { layer: 'teredo', auth: {} };
const ORIGIN: LayerSpec = { layer: 'teredo', origin: { address: A, port: 5000 } };
const AUTH_ORIGIN: LayerSpec = { layer: 'teredo', auth: {}, origin: { address: A, port: 5000 } };

const strict = (packets: readonly TestPacket[]): Analysed => analyse(packets, { profile: 'strict' });
const layersOf = (...all: readonly LayerSpec[][]): TestPacket[] => all.map((layers) => ({ layers }));
const actions = ({ lines }: Analysed): unknown[] => lines('tunnel').map((line) => line['action']);
const tunnels = (result: Analysed): string[] =>
  result.lines('tunnel').map((line) => lineOf('tunnel', line).replaceAll('\t', ' '));
const weirds = (result: Analysed): unknown[] => result.lines('weird').map((line) => line['name']);
const isTeredo = (...payload: readonly LayerSpec[]): boolean =>
  strict(layersOf([v4(), ...payload])).lines('tunnel').length > 0;

describe('Teredo in the strict profile', () => {
  it('is what has an address of 2001::/32 on any port, and anything on responder port 3544', () => {
    assert.ok(isTeredo(udp(5000, 6000), v6(TEREDO), tcp()));
    assert.ok(isTeredo(udp(5000, 3544), v6(NATIVE), tcp()));
    assert.ok(!isTeredo(udp(5000, 6000), v6(NATIVE), tcp()));
    assert.ok(!isTeredo(udp(5000, 6000), v6(['3ffe:831f::1', '2001:db8::2']), tcp()));
  });

  it('has an origin indication, also behind an authentication header, but no authentication alone, elsewhere', () => {
    assert.ok(isTeredo(udp(5000, 6000), ORIGIN, v6(NATIVE), tcp()));
    assert.ok(isTeredo(udp(5000, 6000), AUTH_ORIGIN, v6(NATIVE), tcp()));
    assert.ok(!isTeredo(udp(5000, 6000), AUTH, v6(NATIVE), tcp()));
    assert.ok(!isTeredo(udp(5000, 6000), AUTH, v6(TEREDO), tcp()));
    assert.ok(isTeredo(udp(5000, 3544), AUTH, v6(NATIVE), tcp()));
  });

  it('is found on the port of the responder, who is the first sender where only that port is a server’s', () => {
    assert.deepEqual(tunnels(strict(layersOf([v4(), udp(3544, 5000), v6(NATIVE), tcp()]))), [
      `${B} 5000 ${A} 3544 Tunnel::TEREDO Tunnel::DISCOVER`,
      `${B} 5000 ${A} 3544 Tunnel::TEREDO Tunnel::CLOSE`,
    ]);
    // 80 is no port of a UDP server, so the flow is not turned round.
    assert.match(
      tunnels(strict(layersOf([v4(), udp(80, 5000), v6(TEREDO), tcp()])))[0]!,
      /^192\.0\.2\.10 80 /,
    );
  });

  it('has the originator of its UDP flow, whose first datagram need not be Teredo', () => {
    const result = strict(
      layersOf([v4(B, A), udp(6000, 5000), bytes(60)], [v4(), udp(5000, 6000), v6(TEREDO), tcp()]),
    );
    assert.match(tunnels(result)[0]!, /^198\.51\.100\.20 6000 192\.0\.2\.10 5000 /);
  });

  it('ends for its flow with one datagram that breaks the rules, and begins again with a new flow', () => {
    const good = [v4(), udp(5000, 3544), v6(NATIVE), tcp(40_000)];
    const other = [v4(), udp(5000, 3544), v6(NATIVE), tcp(40_001)];
    const garbage = [v4(), udp(5000, 3544), bytes(60)];
    assert.deepEqual(actions(strict(layersOf(garbage, good))), []);
    const flows = (packets: readonly TestPacket[]): number => strict(packets).analysis.flows.total;
    assert.equal(flows(layersOf(good, other)), 2);
    assert.equal(flows(layersOf(good, garbage, other)), 1);
    // A minute of silence ends the UDP flow, and with it what was held against it.
    assert.equal(flows([{ layers: good }, { layers: garbage }, { at: 61, layers: other }]), 2);
    assert.equal(
      flows([{ layers: good }, { layers: garbage }, { at: 30, layers: garbage }, { at: 70, layers: other }]),
      1,
    );
  });

  it('ends where the datagram does: a trailer behind data is a violation, behind a bubble it is weird', () => {
    const trailer: LayerSpec = { layer: 'teredo', trailer: Uint8Array.of(4, 4, 1, 2, 3, 4) };
    const data = strict(layersOf([v4(), udp(5000, 3544), trailer, v6(TEREDO), tcp()]));
    assert.deepEqual([actions(data), weirds(data)], [[], []]);
    const bubbles = strict(
      layersOf([v4(), udp(5000, 3544), trailer, bubble(TEREDO)], [v4(), udp(5000, 3544), v6(TEREDO), tcp()]),
    );
    assert.deepEqual(weirds(bubbles), ['Teredo_bubble_with_payload']);
    assert.deepEqual(actions(bubbles), ['Tunnel::DISCOVER', 'Tunnel::CLOSE']);
  });

  it('has weirds about broken headers only after both sides spoke it', () => {
    const there = [v4(), udp(5000, 3544), v6(NATIVE), tcp()];
    const back = [v4(B, A), udp(3544, 5000), v6([NATIVE[1], NATIVE[0]]), tcp(80, 40_000)];
    const broken = [
      v4(),
      udp(5000, 3544),
      { layer: 'payload', bytes: Uint8Array.of(0, 1, 200, 200, 0) } as const,
    ];
    const short = [v4(), udp(5000, 3544), bytes(30, 0x60)];
    assert.deepEqual(weirds(strict(layersOf(there, broken))), []);
    const told = strict(layersOf(there, back, broken, short));
    assert.deepEqual(
      told.lines('weird').map((line) => lineOf('weird', line).replaceAll('\t', ' ')),
      [`${A} 5000 ${B} 3544 truncated_Teredo_authentication - F TEREDO`],
    );
    assert.equal(told.lines('weird')[0]!['uid'], told.lines('tunnel')[0]!['uid']);
    assert.deepEqual(weirds(strict(layersOf(there, back, short))), ['truncated_IPv6_in_Teredo']);
  });
});

describe('IP tunnels in the strict profile', () => {
  it('are the unordered pair of addresses, whatever protocol carries what, with the type of the first packet', () => {
    const result = strict(
      layersOf(
        [v4(), v6(NATIVE), tcp(1)],
        [v4(B, A), v4('10.0.0.1', '10.0.0.2'), tcp(2)],
        [v4(), { layer: 'gre' }, v6(NATIVE), tcp(3)],
      ),
    );
    assert.deepEqual(tunnels(result), [`${A} 0 ${B} 0 Tunnel::IP Tunnel::DISCOVER`]);
  });

  it('must be filled by their packet to the octet; both lies are weirds of the outer pair', () => {
    const long = strict(
      layersOf([v4(), { ...v6(NATIVE), payloadLength: 10, nextHeader: 6 } as LayerSpec, tcp()]),
    );
    assert.deepEqual(
      long.lines('weird').map((line) => lineOf('weird', line).replaceAll('\t', ' ')),
      [`${A} 0 ${B} 0 inner_IP_payload_length_mismatch - F IPTUNNEL`],
    );
    const short = strict(
      layersOf([v4(), { ...v6(NATIVE), payloadLength: 100, nextHeader: 6 } as LayerSpec, tcp()]),
    );
    assert.deepEqual(weirds(short), ['truncated_inner_IP']);
    assert.equal(short.lines('weird')[0]!['uid'], undefined);
    for (const { analysis } of [long, short]) assert.equal(analysis.flows.total, 0);
  });

  it('say _in_tunnel of what is wrong inside the second one', () => {
    const wrong = { ...v6(NATIVE), payloadLength: 10, nextHeader: 6 } as LayerSpec;
    assert.deepEqual(weirds(strict(layersOf([v4(), v6(['2001:db8::a', '2001:db8::b']), wrong, tcp()]))), [
      'inner_IP_payload_length_mismatch_in_tunnel',
    ]);
  });

  it('are opened four deep; the fifth is a weird of the pair that carries it', () => {
    const pairs = [1, 2, 3, 4].map((i) => v6([`2001:db8::${i}1`, `2001:db8::${i}2`]));
    const four = strict(layersOf([v4(), ...pairs, tcp()]));
    assert.equal(four.lines('tunnel').length, 4);
    assert.deepEqual(weirds(four), []);
    const five = strict(layersOf([v4(), ...pairs, v6(NATIVE), tcp()]));
    assert.deepEqual(
      five.lines('weird').map((line) => lineOf('weird', line).replaceAll('\t', ' ')),
      ['2001:db8::41 0 2001:db8::42 0 exceeded_tunnel_max_depth_in_tunnel - F IPTUNNEL'],
    );
    assert.deepEqual(tunnels(five), []);
  });

  it('expire an hour after the last new connection, not the last packet, and come back with the same uid', () => {
    const first = [v4(), v6(NATIVE), tcp(1)];
    const second = [v4(), v6(NATIVE), tcp(2)];
    const packets = [
      ...Array.from({ length: 37 }, (_, i) => ({ at: i * 100, layers: first })),
      { at: 3650, layers: second },
    ];
    const result = strict(packets);
    assert.deepEqual(actions(result), ['Tunnel::DISCOVER', 'Tunnel::EXPIRE', 'Tunnel::DISCOVER']);
    assert.equal(new Set(result.lines('tunnel').map((line) => line['uid'])).size, 1);
  });
});

describe('tunnel.log in the strict profile', () => {
  it('has no tunnel of bubbles', () => {
    assert.deepEqual(actions(strict(layersOf([v4(), udp(5000, 3544), bubble(TEREDO)]))), []);
  });

  it('names all tunnels around a connection, outermost first, also those that it moves to, five times', () => {
    const moves = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => [v4(A, `198.51.100.${i}`), v6(NATIVE), tcp()]);
    const result = strict(layersOf(...moves));
    assert.equal(result.lines('tunnel').length, 6);
    assert.deepEqual(
      result.lines('weird').map((line) => [line['name'], line['addl'], line['id.orig_h']]),
      [['tunnel_max_changes_per_connection_exceeded', '5', NATIVE[0]]],
    );
    assert.equal(result.analysis.flows.total, 1);
  });

  it('closes a tunnel over UDP after a minute in which no datagram of its flow came', () => {
    const teredo = [v4(), udp(5000, 6000), v6(TEREDO), tcp(1)];
    const other = [v4(B, A), udp(6000, 5000), bytes(20)];
    const late = [v4('203.0.113.1', '203.0.113.2'), udp(1, 2), bytes(20)];
    const kept = strict([{ layers: teredo }, { at: 50, layers: other }, { at: 100, layers: late }]);
    assert.equal(kept.lines('tunnel')[1]!['ts'], (kept.lines('tunnel')[0]!['ts'] as number) + 100);
    const closed = strict([{ layers: teredo }, { at: 70, layers: late }, { at: 100, layers: late }]);
    assert.equal(closed.lines('tunnel')[1]!['ts'], (closed.lines('tunnel')[0]!['ts'] as number) + 70);
  });
});

describe('weird.log in the strict profile', () => {
  it('has a name once in ten minutes for each pair or connection', () => {
    const wrong = { ...v6(NATIVE), payloadLength: 10, nextHeader: 6 } as LayerSpec;
    const at = (seconds: number, dst = B): TestPacket => ({
      at: seconds,
      layers: [v4(A, dst), wrong, tcp()],
    });
    const packets = [at(0), at(1), at(2, '198.51.100.21'), at(590), at(602), at(603)];
    assert.deepEqual(
      strict(packets)
        .lines('weird')
        .map((line) => line['id.resp_h']),
      [B, '198.51.100.21', B],
    );
  });
});

const ZEEK_KEYS: Readonly<Partial<Record<LogName, readonly string[]>>> = {
  tunnel: ['ts', 'uid', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p', 'tunnel_type', 'action'],
  weird: [
    'ts',
    'uid',
    'id.orig_h',
    'id.orig_p',
    'id.resp_h',
    'id.resp_p',
    'name',
    'addl',
    'notice',
    'peer',
    'source',
  ],
  notice: [
    ...[
      'ts',
      'uid',
      'id.orig_h',
      'id.orig_p',
      'id.resp_h',
      'id.resp_p',
      'proto',
      'note',
      'msg',
      'sub',
      'src',
      'dst',
    ],
    ...['p', 'n', 'actions', 'email_dest', 'suppress_for'],
  ],
};

/* From the captures' README: who speaks with whom, and what Zeek opens of it. */
const LAB: Readonly<Record<string, readonly string[]>> = {
  'p41-6in4-irc-http.pcap': ['Tunnel::IP Tunnel::DISCOVER'],
  'p41-nested-v4-41-v6-41-v6.pcap': ['Tunnel::IP Tunnel::DISCOVER', 'Tunnel::IP Tunnel::DISCOVER'],
  'p41-nested-gre-v4-41-v6.pcap': ['Tunnel::GRE Tunnel::DISCOVER', 'Tunnel::IP Tunnel::DISCOVER'],
  'p41-nested-v4-41-v6-4-v4-41-v6.pcap': Array.from({ length: 3 }, () => 'Tunnel::IP Tunnel::DISCOVER'),
  'p41-6in4-outer-ipv4-fragments-mtu900.pcap': ['Tunnel::IP Tunnel::DISCOVER'],
  // Eight solicitations to a server that does not answer, on one UDP flow or on those that its pauses make of it.
  'teredo-dead-server.pcap': ['Tunnel::TEREDO Tunnel::CLOSE', 'Tunnel::TEREDO Tunnel::DISCOVER'],
};

/* UDP payloads that begin like Teredo, or like nothing. */
const likeTeredo = fc
  .tuple(
    fc.constantFrom([], [0x60], [0, 0], [0, 1], [0, 1, 0, 0], [0, 1, 4, 255]),
    fc.uint8Array({ maxLength: 120 }),
    fc.constantFrom(3544, 4789, 6081, 5072, 2152, 6000),
  )
  .map(([begin, rest, port]) => [
    v4(),
    udp(5000, port),
    { layer: 'payload', bytes: Uint8Array.from([...begin, ...rest]) } as const,
  ]);
const cut = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(90) });

describe('whatever comes, the strict profile', () => {
  it('goes on, and writes nothing but Zeek’s keys', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(likeTeredo, cut), { minLength: 1, maxLength: 20 }), (packets) => {
        const frames = packets.map(([layers, octets], i) => {
          const whole = buildFrame(layers);
          const kept = whole.subarray(0, Math.max(1, whole.length - octets));
          return { bytes: kept, wireLength: whole.length, seconds: FIRST_SECOND + i };
        });
        const { records } = analyseFrames(frames, { profile: 'strict' });
        for (const { log, json } of records)
          for (const key of Object.keys(JSON.parse(json) as object))
            assert.ok(ZEEK_KEYS[log]!.includes(key), key);
      }),
      { numRuns: 300 },
    );
  });
});

describe('records of the strict profile', () => {
  it('have no key that Zeek has not, in the order of Zeek, for every capture of the lab', async () => {
    for (const name of captureNames(LAB_CAPTURES)) {
      const { records } = await analyseCapture(join(LAB_CAPTURES, name), { profile: 'strict' });
      for (const { log, json } of records) {
        const keys = Object.keys(JSON.parse(json) as object);
        assert.deepEqual(
          keys,
          ZEEK_KEYS[log]!.filter((key) => keys.includes(key)),
          `${name}: ${json}`,
        );
      }
    }
  });

  it('say of captures of the lab what Zeek does', async () => {
    for (const [name, expected] of Object.entries(LAB)) {
      const { lines } = await analyseCapture(join(LAB_CAPTURES, name), { profile: 'strict' });
      const types = new Set(expected);
      const ours = lines('tunnel').map((line) => `${String(line['tunnel_type'])} ${String(line['action'])}`);
      assert.deepEqual([...new Set(ours)].sort(), [...types].sort(), name);
      if (!name.startsWith('teredo')) assert.deepEqual(ours.sort(), [...expected].sort(), name);
    }
  });

  it('still have alerts: rules are asked as ever', async () => {
    const { alerts } = await analyseCapture(join(LAB_CAPTURES, 'p41-6in4-irc-http.pcap'), {
      profile: 'strict',
    });
    assert.ok(alerts.some(({ rule }) => rule.id === 'inner-irc-port'));
  });
});
