import assert from 'node:assert/strict';
import { DEFAULT_LIMITS } from '../../src/sensor/analysis.js';
import { loadRules } from '../../src/sensor/load.js';
import { readSchema } from '../../src/sensor/package-files.js';
import { readRuleSet } from '../../src/rules/rule-set.js';
import type { RuleSet } from '../../src/rules/rule-set.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { analyse, analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import type { TestPacket } from '../support/analysing.js';
import { validateRecords } from '../support/record-schemas.js';

const A = '81.187.10.2';
const B = '84.20.40.2';
const v4 = (src: string, dst: string): LayerSpec => ({ layer: 'ipv4', src, dst });
const v6 = (src: string, dst: string): LayerSpec => ({ layer: 'ipv6', src, dst });
const tcp = (src: number, dst: number, flags = 'S'): LayerSpec => ({ layer: 'tcp', src, dst, flags });
const IN = [v4(A, B), v6('2001:470:aaaa::1', '2001:470:aaaa::2')] as const;
const IRC = loadRules([])
  .rules.filter(({ id }) => id === 'inner-irc-port')
  .map((rule) => ({ ...rule, index: 0 }));

function rulesOf(text: string): RuleSet['rules'] {
  return readRuleSet([{ name: 'test.yaml', text }], readSchema('rules.schema.json')).rules;
}

const rule = (condition: string, extra = ''): string => `- rule: test-rule
  rev: 1
  title: A test
  on: flow
  severity: low
  status: test
  condition: ${condition}
  note: Test::Rule
  message: "{inner.src} to {inner.dst}"
${extra}  tests: [{ name: none, hex: ["00"], expect: [] }]
`;

describe('inner port 6667', () => {
  const found = (packets: readonly TestPacket[]): number => analyse(packets, { rules: IRC }).alerts.length;
  const client = teredoAddress('65.54.227.120', A, 5000);
  const teredo: LayerSpec[] = [
    v4(A, '83.150.30.2'),
    { layer: 'udp', src: 5000, dst: 33333 },
    v6(client, '2001:470::6667'),
  ];

  it('is found as destination and as source, in Teredo and in 6in4', () => {
    for (const inside of [[...IN], teredo]) {
      assert.equal(found([{ layers: [...inside, tcp(40000, 6667)] }]), 1);
      assert.equal(found([{ layers: [...inside, tcp(6667, 40000, 'SA')] }]), 1);
      assert.equal(found([{ layers: [...inside, tcp(40000, 6668)] }]), 1);
      assert.equal(found([{ layers: [...inside, tcp(40000, 443)] }]), 0);
    }
  });

  it('is found behind hop-by-hop and destination options', () => {
    for (const inside of [[...IN], teredo]) {
      assert.equal(
        found([
          { layers: [...inside, { layer: 'hopopts' }, { layer: 'dstopts', length: 64 }, tcp(1, 6667)] },
        ]),
        1,
      );
    }
  });

  it('is found in inner fragments, in any order', () => {
    const inner = buildFrame([
      { layer: 'eth' },
      ...IN,
      tcp(1, 6667),
      { layer: 'payload', bytes: new Uint8Array(100) },
    ]);
    const leaf = inner.subarray(14 + 20 + 40);
    const fragment = (from: number, to: number): TestPacket => ({
      layers: [
        ...IN,
        { layer: 'fragment', offset: from, more: to < leaf.length, nextHeader: 6 },
        { layer: 'payload', bytes: leaf.subarray(from, to) },
      ],
    });
    assert.equal(found([fragment(0, 8), fragment(8, leaf.length)]), 1);
    assert.equal(found([fragment(8, leaf.length), fragment(0, 8)]), 1);
  });

  it('is found in outer fragments, in any order, at the time of the last one', () => {
    const whole = buildFrame([
      ...IN,
      tcp(1, 6667),
      { layer: 'payload', bytes: new Uint8Array(100) },
    ]).subarray(34);
    const fragment = (from: number, to: number): LayerSpec[] => [
      {
        layer: 'ipv4',
        src: A,
        dst: B,
        protocol: 41,
        id: 5,
        fragment: (to < whole.length ? 0x2000 : 0) | (from >> 3),
      },
      { layer: 'payload', bytes: whole.subarray(from, to) },
    ];
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const pieces = [fragment(0, 48), fragment(48, whole.length)];
      const { alerts } = analyse(
        order.map((i, at) => ({ at, layers: pieces[i]! })),
        { rules: IRC },
      );
      assert.equal(alerts.length, 1);
      assert.equal(alerts[0]!.time.seconds, FIRST_SECOND + 1);
      assert.equal(alerts[0]!.packet?.packetNumber, 2);
    }
  });

  it('is found in a first fragment whose rest never came, and marked so', () => {
    const rules = rulesOf(rule('inner.dst_port == 6667 and packet.incomplete'));
    const whole = buildFrame([
      ...IN,
      tcp(1, 6667),
      { layer: 'payload', bytes: new Uint8Array(100) },
    ]).subarray(34);
    const first: TestPacket = {
      layers: [
        { layer: 'ipv4', src: A, dst: B, protocol: 41, id: 5, fragment: 0x2000 },
        { layer: 'payload', bytes: whole.subarray(0, 64) },
      ],
    };
    const other: TestPacket = { at: 100, layers: [...IN, tcp(1, 80)] };
    for (const packets of [[first], [first, other]]) {
      const { alerts, analysis } = analyse(packets, { rules });
      assert.equal(alerts.length, 1);
      assert.equal(alerts[0]!.packet?.packetNumber, 1);
      assert.equal(alerts[0]!.time.seconds, FIRST_SECOND);
      assert.equal(analysis.counters.packets, packets.length);
    }
  });

  it('is found in every nesting, on every level of it', () => {
    const wraps: LayerSpec[][] = [
      [v4('10.0.0.1', '10.0.0.2')],
      [v6('2a02::1', '2a02::2')],
      [v4('10.0.0.1', '10.0.0.2'), { layer: 'gre' }],
      [
        v4('10.0.0.1', '10.0.0.2'),
        { layer: 'udp', src: 1, dst: 4789 },
        { layer: 'vxlan', vni: 9 },
        { layer: 'eth' },
      ],
      [v4(A, '83.150.30.2'), { layer: 'udp', src: 5000, dst: 3544 }, v6(client, '2001:470::1')],
    ];
    for (const outer of wraps) {
      for (const inner of wraps) {
        assert.equal(found([{ layers: [...outer, ...inner, ...IN, tcp(1, 6667)] }]), 1);
      }
    }
  });

  it('is not seen where the octets 1a 0b stand elsewhere', () => {
    const payload: LayerSpec = {
      layer: 'payload',
      bytes: Uint8Array.from(Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 0x1a : 0x0b))),
    };
    assert.equal(
      found([
        {
          layers: [
            v4(A, B),
            v6('2001:470:1a0b::1a0b', '2001:470:1a0b:1a0b::2'),
            { layer: 'tcp', src: 443, dst: 50000, seq: 0x1a0b1a0b, ack: 0x1a0b1a0b },
            payload,
          ],
        },
      ]),
      0,
    );
    assert.equal(found([{ layers: [...IN, { layer: 'udp', src: 6667, dst: 6667 }, payload] }]), 0);
    assert.equal(found([{ layers: [v4(A, B), tcp(6667, 6667)] }]), 0);
  });

  it('raises one alert for a connection, however many packets it has', () => {
    const packets = Array.from({ length: 50 }, (_, i): TestPacket => ({
      at: i * 200,
      layers:
        i % 2 === 0
          ? [...IN, tcp(1, 6667)]
          : [v4(B, A), v6('2001:470:aaaa::2', '2001:470:aaaa::1'), tcp(6667, 1, 'SA')],
    }));
    assert.equal(found(packets), 1);
  });
});

describe('suppression', () => {
  const flow = (port: number, at: number): TestPacket => ({ at, layers: [...IN, tcp(port, 6667)] });

  it('merges further findings of a key into the next alert, whose n says how many', () => {
    const { lines, analysis } = analyse(
      [flow(1, 0), flow(2, 10), flow(3, 20), flow(4, 3599), flow(5, 3600), flow(6, 3601)],
      { rules: IRC },
    );
    assert.deepEqual(
      lines('notice').map((line) => [line['ts'], line['n']]),
      [
        [FIRST_SECOND, undefined],
        [FIRST_SECOND + 3600, 3],
      ],
    );
    assert.deepEqual(Object.fromEntries(analysis.counters.suppressedByRule), { 'inner-irc-port': 4 });
  });

  it('tells keys apart', () => {
    const other: TestPacket = {
      at: 1,
      layers: [v4('81.187.10.3', B), v6('2001:470:aaaa::3', '2001:470:aaaa::2'), tcp(1, 6667)],
    };
    assert.equal(analyse([flow(1, 0), other], { rules: IRC }).alerts.length, 2);
  });

  it('works in packet time, whatever the wall clock says', () => {
    const { alerts } = analyse([flow(1, 0), flow(2, 10_000_000)], { rules: IRC });
    assert.equal(alerts.length, 2);
  });
});

describe('exceptions', () => {
  const exception = (text: string): string =>
    `  exceptions: [{ name: lab, when: "${text}", owner: netops, reason: test lab, expires: 2023-11-15 }]\n`;
  const packet = (at: number): TestPacket => ({ at, layers: [...IN, tcp(1, 80)] });

  it('silence what they cover and are counted', () => {
    const { alerts, analysis } = analyse([packet(0)], {
      rules: rulesOf(rule('inner.dst_port == 80', exception(`outer.src == ${A}`))),
    });
    assert.equal(alerts.length, 0);
    assert.equal(analysis.counters.excepted.get('test-rule'), 1);
  });

  it('cover nothing else, and nothing after their last day', () => {
    const elsewhere = rulesOf(rule('inner.dst_port == 80', exception('outer.src == 1.1.1.1')));
    assert.equal(analyse([packet(0)], { rules: elsewhere }).alerts.length, 1);
    const here = rulesOf(rule('inner.dst_port == 80', exception(`outer.src == ${A}`)));
    // FIRST_SECOND is 2023-11-14T22:13:20Z.
    assert.equal(analyse([packet(2 * 3600)], { rules: here }).alerts.length, 1);
  });
});

describe('rules about totals', () => {
  it('are asked again when the tunnel ends', () => {
    const text = rule('tunnel.packets >= 3')
      .replace('on: flow', 'on: tunnel')
      .replace('{inner.src} to {inner.dst}', '{outer.src} {tunnel.packets}');
    const packets = [0, 1, 2].map((at): TestPacket => ({ at, layers: [...IN, tcp(1, 80)] }));
    const { alerts, records } = analyse(
      [...packets, { at: 4000, layers: [v4('1.1.1.1', '9.9.9.9'), v4('10.0.0.1', '10.0.0.2'), tcp(1, 2)] }],
      { rules: rulesOf(text) },
    );
    assert.deepEqual(
      alerts.map((alert) => alert.message),
      [`${A} 3`],
    );
    assert.equal(alerts[0]!.packet, undefined);
    validateRecords(records);
  });
});

describe('hostile traffic', () => {
  it('that nests 20 levels deep raises an alert, not silence', () => {
    const layers = [
      ...Array.from({ length: 20 }, (_, i) => v4(`10.0.${i}.1`, `10.0.${i}.2`)),
      ...IN,
      tcp(1, 6667),
    ];
    const { rules, alerts, lines } = analyse([{ layers }]);
    assert.ok(rules().includes('tunnel-depth-exceeded'));
    const deep = alerts.find((alert) => alert.rule.id === 'tunnel-depth-exceeded')!;
    assert.match(deep.tunnel.path, /^eth(\/ipv4){9}$/);
    assert.deepEqual(
      lines('weird').map((line) => line['name']),
      ['exceeded_tunnel_max_depth_in_tunnel'],
    );
  });

  it('that floods with tunnels and flows keeps the tables at their size, and counts what made room', () => {
    const limits = {
      ...DEFAULT_LIMITS,
      tunnels: 500,
      flows: 800,
      suppressionKeys: 300,
      weirdKeys: 50,
      clientMappings: 50,
    };
    const frames = Array.from({ length: 3000 }, (_, i) => ({
      seconds: FIRST_SECOND,
      bytes: buildFrame([
        v4(`81.1.${i >> 8}.${i & 255}`, B),
        v6('2001:470:aaaa::1', '2001:470:aaaa::2'),
        tcp(1, 6667),
      ]),
    }));
    const { analysis, lines } = analyseFrames(frames, { limits });
    assert.equal(analysis.tunnels.size, 500);
    assert.equal(analysis.flows.size, 800);
    assert.equal(analysis.tunnels.evictions, 2500);
    assert.equal(analysis.flows.evictions, 2200);
    assert.ok(analysis.suppression.evictions > 0);
    // A tunnel that made room got its last line all the same.
    assert.equal(lines('tunnel').filter((line) => line['action'] === 'Tunnel::EXPIRE').length, 2500);
  });

  it('that repeats a weird is sampled: 25 of a name and pair, then 1 in 1000', () => {
    const bytes = buildFrame([
      { layer: 'ipv4', src: A, dst: B, protocol: 41 },
      v4('10.0.0.1', '10.0.0.2'),
      tcp(1, 2),
    ]);
    const { lines, analysis } = analyseFrames(
      Array.from({ length: 3100 }, () => ({ seconds: FIRST_SECOND, bytes })),
    );
    assert.equal(lines('weird').length, 25 + 3);
    assert.equal(analysis.counters.weirdsSampledOut, 3100 - 28);
    assert.equal(lines('weird')[0]!['name'], 'invalid_inner_IP_version');
  });

  it('whose time runs backwards keeps the state clock, is counted, and is said once', () => {
    const packets = [100, 50, 40, 101].map((at): TestPacket => ({ at, layers: [...IN, tcp(1, 80)] }));
    const { analysis, lines } = analyse(packets);
    assert.equal(analysis.counters.timeBackwards, 2);
    assert.deepEqual(
      lines('weird').map((line) => line['name']),
      ['packet_time_went_backwards'],
    );
  });

  it('in a known Teredo tunnel that is no Teredo is weird, and ends nothing', () => {
    const client = teredoAddress('65.54.227.120', A, 5000);
    const outer: LayerSpec[] = [v4(A, '83.150.30.2'), { layer: 'udp', src: 5000, dst: 33333 }];
    const good = (port: number): LayerSpec[] => [...outer, v6(client, '2001:470::1'), tcp(port, 6667)];
    const garbage: LayerSpec[] = [
      ...outer,
      { layer: 'payload', bytes: Uint8Array.from([0, 1, ...new Array<number>(60).fill(0xff)]) },
    ];
    const { alerts, lines, analysis } = analyse(
      [{ layers: good(1) }, { at: 1, layers: garbage }, { at: 4000, layers: good(2) }],
      { rules: IRC },
    );
    assert.equal(alerts.length, 2);
    assert.deepEqual(
      lines('weird').map((line) => line['name']),
      ['truncated_Teredo_authentication'],
    );
    assert.equal(analysis.counters.tunnelPackets, 2);
  });
});

describe('an alert', () => {
  it('names inner and outer endpoints, the whole path, the responder’s ports and where to look', () => {
    const { lines } = analyse(
      [
        {
          layers: [
            { layer: 'eth', src: '02:aa:00:00:00:01', dst: '02:bb:00:00:00:02' },
            { layer: 'vlan', id: 10 },
            v4(B, A),
            v6('2001:470:aaaa::2', '2001:470:aaaa::1'),
            { layer: 'dstopts' },
            tcp(6667, 40000, 'SA'),
          ],
        },
      ],
      { rules: IRC },
    );
    const [notice] = lines('notice');
    const expected = {
      'id.orig_h': '2001:470:aaaa::1',
      'id.orig_p': 40000,
      'id.resp_h': '2001:470:aaaa::2',
      'id.resp_p': 6667,
      proto: 'tcp',
      note: 'TunnelAbuse::Inner_IRC_Port',
      src: '2001:470:aaaa::1',
      dst: '2001:470:aaaa::2',
      p: 6667,
      tunnel_kind: '6in4',
      tunnel_path: 'eth/vlan:10/ipv4/ipv6/dstopts/tcp:6667',
      tunnel_outer_orig_h: B,
      tunnel_outer_orig_p: 0,
      tunnel_outer_resp_h: A,
      tunnel_outer_resp_p: 0,
      community_id: '1:VU2dV+KBkLBekt9wGDGuvlPj5vs=',
      sensor: 'test',
      capture_file: 'test.pcap',
      packet_number: 1,
      vlan: 10,
    };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(notice![key], value, key);
  });

  it('has an identifier that does not change from run to run', () => {
    const run = (): unknown[] =>
      analyse([{ layers: [...IN, tcp(1, 6667)] }])
        .lines('notice')
        .map((line) => line['alert_id']);
    assert.deepEqual(run(), run());
    assert.equal(new Set(run()).size, run().length);
  });
});
