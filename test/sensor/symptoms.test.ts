import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, buildPacket, teredoAddress } from '../../src/wire/packet-builder.js';
import { loadRules } from '../../src/sensor/load.js';
import { analyse, analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import type { TestPacket } from '../support/analysing.js';

/* One test for each fault that was found, named after what it looked like. */

const A = '81.187.10.2';
const B = '84.20.40.2';
const CLIENT = teredoAddress('65.54.227.120', A, 5000);
const IRC = loadRules([])
  .rules.filter(({ id }) => id === 'inner-irc-port')
  .map((rule) => ({ ...rule, index: 0 }));
const v4 = (src: string, dst: string, more: object = {}): LayerSpec => ({ layer: 'ipv4', src, dst, ...more });
const v6 = (src: string, dst: string, more: object = {}): LayerSpec => ({ layer: 'ipv6', src, dst, ...more });
const tcp = (src: number, dst: number, flags = 'S'): LayerSpec => ({ layer: 'tcp', src, dst, flags });
const udp = (src: number, dst: number, more: object = {}): LayerSpec => ({ layer: 'udp', src, dst, ...more });
const payload = (bytes: Uint8Array): LayerSpec => ({ layer: 'payload', bytes });
const SIX_IN_FOUR: readonly LayerSpec[] = [v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2')];
const TEREDO: readonly LayerSpec[] = [v4(A, '83.150.30.2'), udp(5000, 33333), v6(CLIENT, '2001:470::1')];

describe('seen and mended', () => {
  it('a crash when fragments inside fragments moved the decoder to another buffer', () => {
    const leaf = buildPacket([tcp(40000, 6667), payload(new Uint8Array(60))]);
    const big = (id: number, offset: number, more: boolean, bytes: Uint8Array): Uint8Array[] => {
      const inner = buildPacket([
        v6(CLIENT, '2001:470::1'),
        { layer: 'fragment', offset, more, id: 9, nextHeader: 6 },
        payload(bytes),
      ]);
      const padded = new Uint8Array(3000);
      padded.set(inner);
      const datagram = buildPacket([
        udp(5555, 5556, { checksum: 0 }),
        v6('2a02:1234::1', '2001:470:1f0b:1::10'),
        udp(51631, 51246),
        payload(padded),
      ]);
      return [0, 1400, 2800].map((from) =>
        buildFrame([
          v4(A, B, {
            protocol: 17,
            id,
            fragment: (from >> 3) | (from + 1400 < datagram.length ? 0x2000 : 0),
          }),
          payload(datagram.subarray(from, from + 1400)),
        ]),
      );
    };
    const opening = buildFrame([
      v4(A, B),
      udp(5555, 5556),
      v6('2a02:1234::1', '2001:470:1f0b:1::10'),
      tcp(4000, 443),
    ]);
    const frames = [
      opening,
      ...big(1, 0, true, leaf.subarray(0, 24)),
      ...big(2, 24, false, leaf.subarray(24)),
    ];
    const { analysis } = analyseFrames(frames.map((bytes, i) => ({ bytes, seconds: FIRST_SECOND + i })));
    assert.equal(analysis.counters.packets, frames.length);
  });

  it('no crash and the same records whatever fragments are damaged, in whatever order', () => {
    const whole = buildPacket([v6(CLIENT, '2001:470::1'), tcp(40000, 6667), payload(new Uint8Array(200))]);
    const datagram = buildPacket([udp(5000, 33333, { checksum: 0 }), payload(whole)]);
    const pieces = [0, 64, 128, 192, 256].map((from) =>
      buildFrame([
        v4(A, B, { protocol: 17, id: 7, fragment: (from >> 3) | (from + 64 < datagram.length ? 0x2000 : 0) }),
        payload(datagram.subarray(from, from + 64)),
      ]),
    );
    const inner = [0, 64, 128].map((from) =>
      buildFrame([
        ...SIX_IN_FOUR,
        { layer: 'fragment', offset: from, more: from < 128, id: 3, nextHeader: 41 },
        payload(whole.subarray(from, from + 64)),
      ]),
    );
    const all = [
      ...pieces,
      ...inner,
      buildFrame([...TEREDO, tcp(1, 2)]),
      buildFrame([...SIX_IN_FOUR, tcp(1, 2)]),
    ];
    const step = fc.record({
      pick: fc.nat(all.length - 1),
      at: fc.nat(400),
      value: fc.nat(255),
      damage: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const frames = steps.map(({ pick, at, value, damage }, i) => {
          const bytes = Uint8Array.from(all[pick]!);
          if (damage) bytes[at % bytes.length] = value;
          return { bytes, seconds: FIRST_SECOND + i * 5 };
        });
        const run = (): string =>
          analyseFrames(frames)
            .records.map((record) => record.json)
            .join('\n');
        assert.equal(run(), run());
      }),
      { numRuns: 300 },
    );
  });

  it('Teredo that the snap length cut vanished from the summary', () => {
    const bytes = buildFrame([...TEREDO, tcp(1, 6667), payload(new Uint8Array(100))]);
    const { analysis } = analyseFrames([
      { bytes: bytes.subarray(0, 68), seconds: FIRST_SECOND, wireLength: bytes.length },
    ]);
    assert.equal(analysis.counters.cutBySnapLength, 1);
  });

  it('a VXLAN header with a reserved bit set hid the tunnel in it', () => {
    const inner = buildFrame([...SIX_IN_FOUR, tcp(40000, 6667)]);
    const vxlan = (...header: number[]): LayerSpec[] => [
      v4(A, B),
      udp(50000, 4789),
      payload(Uint8Array.of(...header, ...inner)),
    ];
    const clean = [0x08, 0, 0, 0, 0, 0, 42, 0];
    const groupPolicy = [0x88, 0, 0x12, 0x34, 0, 0, 42, 0];
    const reserved = [0x08, 0, 0, 0, 0, 0, 42, 1];
    for (const header of [clean, groupPolicy, reserved]) {
      const { rules } = analyse([{ layers: vxlan(...header) }], { rules: IRC });
      assert.deepEqual(rules(), ['inner-irc-port'], header.join(' '));
    }
  });

  it('Teredo and raw IPv6 on the VXLAN port were not looked at', () => {
    const client = teredoAddress('65.54.227.120', A, 4789);
    const { lines } = analyse([
      { layers: [v4(A, B), udp(4789, 4789), v6(client, '2001:470::1'), tcp(1, 6667)] },
    ]);
    assert.deepEqual(
      lines('tunnel').map((line) => line['tunnel_kind']),
      ['teredo', 'teredo'],
    );
  });

  it('one slow connection raised an alert for every pause longer than its tunnel’s silence', () => {
    const packets = Array.from({ length: 20 }, (_, i): TestPacket => ({
      at: i * 70,
      layers:
        i % 2 === 0
          ? [...TEREDO, tcp(1, 6667, 'A')]
          : [v4('83.150.30.2', A), udp(33333, 5000), v6('2001:470::1', CLIENT), tcp(6667, 1, 'A')],
    }));
    const { alerts, analysis } = analyse(packets, { rules: IRC });
    assert.equal(alerts.length, 1);
    assert.equal(analysis.flows.total, 1);
  });

  it('a datagram was judged by what the snap length had done to the packet before it', () => {
    const cut = buildFrame([...SIX_IN_FOUR, tcp(1, 2), payload(new Uint8Array(100))]);
    const suspect = buildFrame([
      v4(A, B),
      udp(3544, 3544),
      v6('2a02::1', '2a02::2', { nextHeader: 6, payloadLength: 8 }),
      payload(new Uint8Array(8)),
    ]);
    const alone = analyseFrames([{ bytes: suspect, seconds: FIRST_SECOND }]);
    const after = analyseFrames([
      { bytes: cut.subarray(0, 60), seconds: FIRST_SECOND, wireLength: cut.length },
      { bytes: suspect, seconds: FIRST_SECOND },
    ]);
    assert.equal(
      after.analysis.counters.tunnelsByKind.reduce((a, b) => a + b) -
        alone.analysis.counters.tunnelsByKind.reduce((a, b) => a + b),
      0,
    );
  });

  it('nine extension headers hid what was behind them without an alert', () => {
    const { rules } = analyse([
      {
        layers: [
          ...SIX_IN_FOUR,
          ...Array.from({ length: 9 }, (): LayerSpec => ({ layer: 'dstopts' })),
          tcp(1, 6667),
        ],
      },
    ]);
    assert.ok(rules().includes('tunnel-depth-exceeded'));
  });

  it('IRC was missed when only the ports of the TCP header were there', () => {
    const bytes = buildFrame([...SIX_IN_FOUR, tcp(1, 6667), payload(new Uint8Array(40))]);
    const snapped = analyseFrames(
      [{ bytes: bytes.subarray(0, 80), seconds: FIRST_SECOND, wireLength: bytes.length }],
      { rules: IRC },
    );
    assert.equal(snapped.alerts.length, 1);
    const first = buildFrame([
      ...SIX_IN_FOUR,
      { layer: 'fragment', more: true, nextHeader: 6 },
      payload(buildPacket([tcp(1, 6667)]).subarray(0, 8)),
    ]);
    const alone = analyseFrames([{ bytes: first, seconds: FIRST_SECOND }], { rules: IRC });
    assert.equal(alone.alerts.length, 1);
    assert.equal(alone.lines('notice')[0]!['packet_incomplete'], true);
  });

  it('a lone inner fragment opened and closed its tunnel twice', () => {
    const fragment: TestPacket = {
      layers: [
        ...TEREDO,
        { layer: 'fragment', more: true, nextHeader: 6 },
        payload(buildPacket([tcp(1, 6667)]).subarray(0, 16)),
      ],
    };
    const { lines } = analyse([fragment, { at: 200, layers: [v4('1.1.1.1', '9.9.9.9'), tcp(1, 2)] }], {
      rules: IRC,
    });
    assert.deepEqual(
      lines('tunnel').map((line) => line['action']),
      ['Tunnel::DISCOVER', 'Tunnel::CLOSE'],
    );
    assert.equal(lines('tunnel')[1]!['orig_pkts'], 1);
  });

  it('an inner first fragment inside fragmented 6in4 was never judged', () => {
    const inner = buildPacket([
      v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
      { layer: 'fragment', more: true, nextHeader: 6 },
      payload(buildPacket([tcp(1, 6667), payload(new Uint8Array(36))])),
    ]);
    const outer = (from: number, to: number): TestPacket => ({
      layers: [
        v4(A, B, { protocol: 41, id: 3, fragment: (from >> 3) | (to < inner.length ? 0x2000 : 0) }),
        payload(inner.subarray(from, to)),
      ],
    });
    assert.equal(analyse([outer(0, 48), outer(48, inner.length)], { rules: IRC }).alerts.length, 1);
  });

  it('a first fragment that the snap length cut was thrown away although it showed the port', () => {
    const inner = buildPacket([
      v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
      tcp(1, 6667),
      payload(new Uint8Array(36)),
    ]);
    const bytes = buildFrame([v4(A, B, { protocol: 41, id: 3, fragment: 0x2000 }), payload(inner)]);
    const { alerts } = analyseFrames(
      [{ bytes: bytes.subarray(0, 14 + 20 + 40 + 20), seconds: FIRST_SECOND, wireLength: bytes.length }],
      { rules: IRC },
    );
    assert.equal(alerts.length, 1);
  });

  it('outer fragments behind AH or destination options were dropped without a word', () => {
    const inner = buildPacket([
      v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
      tcp(1, 6667),
      payload(new Uint8Array(36)),
    ]);
    const wrapped = Uint8Array.from([41, 0, 1, 4, 0, 0, 0, 0, ...inner]); // destination options, next header 41
    const outer = (from: number, to: number): TestPacket => ({
      layers: [
        v6('2a02::1', '2a02::2'),
        { layer: 'fragment', offset: from, more: to < wrapped.length, id: 3, nextHeader: 60 },
        payload(wrapped.subarray(from, to)),
      ],
    });
    assert.equal(analyse([outer(0, 48), outer(48, wrapped.length)], { rules: IRC }).alerts.length, 1);
  });

  it('overlapping fragments were put together without a weird', () => {
    const whole = buildPacket([
      v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
      tcp(1, 80),
      payload(new Uint8Array(36)),
    ]);
    const forged = Uint8Array.from(whole.subarray(48, 72)).fill(0xee);
    const piece = (from: number, bytes: Uint8Array): TestPacket => ({
      layers: [
        v4(A, B, {
          protocol: 41,
          id: 3,
          fragment: (from >> 3) | (from + bytes.length < whole.length ? 0x2000 : 0),
        }),
        payload(bytes),
      ],
    });
    const { lines } = analyse([
      piece(0, whole.subarray(0, 64)),
      piece(48, forged),
      piece(72, whole.subarray(72)),
    ]);
    assert.ok(lines('weird').some((line) => line['name'] === 'fragment_overlap'));
  });

  it('an unreadable third level in the first packet disarmed nested-tunnel for good', () => {
    const nested: LayerSpec[] = [
      v4(A, B),
      v4('10.0.0.1', '10.0.0.2'),
      v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
    ];
    const broken: TestPacket = {
      layers: [
        ...nested.slice(0, 2),
        v6('2001:470:aaaa::1', '2001:470:aaaa::2', { nextHeader: 41 }),
        payload(Uint8Array.of(0x60, 0)),
      ],
    };
    const { rules } = analyse([broken, { at: 1, layers: [...nested, tcp(1, 80)] }]);
    assert.ok(rules().includes('nested-tunnel'));
  });

  it('a SYN from a server’s port had its originator flipped', () => {
    const { lines } = analyse([{ layers: [...SIX_IN_FOUR, tcp(6667, 40000, 'S')] }], { rules: IRC });
    assert.equal(lines('notice')[0]!['id.orig_p'], 6667);
    const answer = analyse([{ layers: [...SIX_IN_FOUR, tcp(6667, 40000, 'SA')] }], { rules: IRC });
    assert.equal(answer.lines('notice')[0]!['id.orig_p'], 40000);
  });

  it('a packet that came late halved the duration of its tunnel', () => {
    const at = (second: number): TestPacket => ({ at: second, layers: [...TEREDO, tcp(1, 80)] });
    const { lines } = analyse([at(0), at(50), at(25)], { rules: [] });
    assert.equal(lines('tunnel').at(-1)!['duration'], 50);
  });

  it('one packet from the far future expired everything and silenced the rest of the file', () => {
    const flow = (port: number, at: number): TestPacket => ({
      at,
      layers: [...SIX_IN_FOUR, tcp(port, 6667)],
    });
    const { alerts, analysis } = analyse([flow(1, 0), flow(2, 500_000_000), flow(3, 10), flow(4, 4000)], {
      rules: IRC,
    });
    assert.deepEqual(
      alerts.map((alert) => alert.time.seconds - FIRST_SECOND),
      [0, 500_000_000, 10, 4000],
    );
    assert.equal(analysis.timeJumps, 1);
    assert.equal(analysis.counters.timeBackwards, 0);
  });

  it('a capture that really went on a year later gave its tunnel twice', () => {
    const year = 31_536_000;
    const packets = [0, year, year + 1, year + 90_000, 2 * year, 2 * year + 1].map((at): TestPacket => ({
      at,
      layers: [...SIX_IN_FOUR, tcp(1, 80)],
    }));
    const { lines } = analyse(packets, { rules: [] });
    assert.deepEqual(
      lines('tunnel').map((line) => line['action']),
      ['DISCOVER', 'EXPIRE', 'DISCOVER', 'EXPIRE', 'DISCOVER', 'EXPIRE', 'DISCOVER'].map(
        (action) => `Tunnel::${action}`,
      ),
    );
  });

  it('a last packet that came a day after all others, alone, is not believed and moves no clock', () => {
    const packets = [0, 1, 100_000].map((at): TestPacket => ({ at, layers: [...SIX_IN_FOUR, tcp(1, 80)] }));
    const { lines, analysis } = analyse(packets, { rules: [] });
    assert.equal(lines('tunnel').length, 1);
    assert.equal(analysis.timeJumps, 1);
  });

  it('garbage that does not even begin like Teredo passed unseen in a known tunnel', () => {
    const garbage: TestPacket = {
      at: 1,
      layers: [...TEREDO.slice(0, 2), payload(new Uint8Array(30).fill(0x41))],
    };
    const { lines, analysis } = analyse([{ layers: [...TEREDO, tcp(1, 80)] }, garbage], { rules: [] });
    assert.deepEqual(
      lines('weird').map((line) => [line['name'], line['uid']]),
      [['not_teredo', lines('tunnel')[0]!['uid']]],
    );
    assert.equal(analysis.counters.tunnelPackets, 1);
  });

  it('a weird about a bubble named the inner pair', () => {
    const { lines } = analyse(
      [
        {
          layers: [
            v4(A, B),
            udp(5000, 33333),
            { layer: 'teredo', trailer: Uint8Array.of(9, 9, 9) },
            v6('fe80::1', CLIENT, { hopLimit: 0 }),
          ],
        },
      ],
      { rules: [] },
    );
    const [weird] = lines('weird');
    assert.deepEqual(
      [weird!['id.orig_h'], weird!['id.orig_p'], weird!['id.resp_h'], weird!['uid']],
      [A, 5000, B, lines('tunnel')[0]!['uid']],
    );
  });

  it('an alert in a nested tunnel did not say who sent the packet on the wire', () => {
    const { lines } = analyse(
      [
        {
          layers: [
            v4(A, B),
            v4('10.0.0.1', '10.0.0.2'),
            v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
            tcp(1, 6667),
          ],
        },
      ],
      { rules: IRC },
    );
    const [notice] = lines('notice');
    assert.deepEqual(
      [
        notice!['tunnel_outermost_orig_h'],
        notice!['tunnel_outermost_resp_h'],
        notice!['tunnel_outer_orig_h'],
      ],
      [A, B, '10.0.0.1'],
    );
    assert.match(String(notice!['msg']), new RegExp(`carried from ${A} to ${B}`));
  });
});
