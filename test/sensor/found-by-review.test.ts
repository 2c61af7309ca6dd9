import assert from 'node:assert/strict';
import { memoryBatch, memoryInterface } from '../../src/capture/memory-batch.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { analyse, FIRST_SECOND, newAnalysis } from '../support/analysing.js';
import type { TestPacket } from '../support/analysing.js';
import { valuesOf, violatedBy, violationsBesideKnownFlows } from '../support/checking.js';
import * as T from '../support/teredo-packets.js';

/* One test for each fault that a review found, named after what it looked like. */

const SERVER = '65.54.227.120';
const CLIENT_V6 = teredoAddress(SERVER, T.CLIENT, T.PORT);
const PEER_V6 = teredoAddress(SERVER, T.PEER, T.PEER_PORT);
const BUBBLE = { inner: { nextHeader: 59 } };
const OUTER: LayerSpec = { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' };
const INNER: LayerSpec = { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' };

describe('found by review and mended', () => {
  it('a bubble forged from the port of servers was held against no address', () => {
    for (const port of [5555, 3544]) {
      const forged = T.teredo(['9.9.9.9', port], [T.PEER, T.PEER_PORT], [CLIENT_V6, PEER_V6], [], BUBBLE);
      assert.deepEqual(violatedBy([forged]), ['T07'], `port ${port}`);
    }
    const passedOn = T.teredo([SERVER, 3544], [T.PEER, T.PEER_PORT], [CLIENT_V6, PEER_V6], [], BUBBLE);
    assert.deepEqual(violatedBy([passedOn]), []);
  });

  it('an origin indication in front of native addresses made them Teredo', () => {
    const layers: LayerSpec[] = [
      { layer: 'ipv4', src: T.CLIENT, dst: T.PEER },
      { layer: 'udp', src: 3544, dst: T.PEER_PORT },
      { layer: 'teredo', origin: { address: '81.187.10.2', port: 4001 } },
      { layer: 'ipv6', src: '2a02:1234::1', dst: '2001:470:1f0b:1::10' },
      { layer: 'tcp', src: 40_000, dst: 443 },
    ];
    assert.deepEqual(valuesOf('T05', [{ layers }]), ['violated']);
  });

  it('bubbles to the alternate addresses of a peer counted as haste', () => {
    const bubble = (to: string, at: number): TestPacket =>
      T.teredo([T.CLIENT, T.PORT], [to, 4001], [CLIENT_V6, PEER_V6], [], { ...BUBBLE, at });
    const once = ['84.20.40.2', '84.20.40.3', '84.20.40.4', '84.20.40.5'];
    assert.deepEqual(
      valuesOf(
        'T30',
        once.map((to, i) => bubble(to, i / 100)),
      ),
      once.map(() => 'holds'),
    );
    const hasty = [0, 0.01, 0.02, 0.03].map((at) => bubble('84.20.40.2', at));
    assert.equal(valuesOf('T30', hasty).at(-1), 'violated');
  });

  it('a busy relay was forgotten, because its packets were only counted', () => {
    const from = (relay: string, at: number): TestPacket =>
      T.teredo(
        [relay, T.RELAY_PORT],
        [T.CLIENT, T.PORT],
        [T.HOST, T.CLIENT_V6],
        [{ layer: 'tcp', src: 80, dst: 40_000, flags: 'A' }],
        { at, outer: { id: Math.floor(at * 10) + 1 } },
      );
    const busy = Array.from({ length: 60 }, (_, at) => from(T.RELAY, at));
    const { violations, undecoded } = violationsBesideKnownFlows('T33', [...busy, from('84.20.99.9', 59.5)]);
    assert.equal(violations, 1);
    assert.ok(undecoded > 50, `${undecoded} of 61 were only counted`);
  });

  it('clients that refresh their mapping ended the short way for good', () => {
    const { analysis } = newAnalysis();
    const native = '192.168.77.10';
    const link = [{ layer: 'ipv6', src: 'fe80::ffff:ffff:fffe', dst: 'ff02::2', hopLimit: 255 }] as const;
    const refresh: LayerSpec[][] = [
      [
        { layer: 'ipv4', src: native, dst: SERVER },
        { layer: 'udp', src: T.PORT, dst: 3544 },
        { layer: 'teredo', auth: {} },
        ...link,
        { layer: 'icmpv6', type: 133 },
        { layer: 'payload', bytes: new Uint8Array(4) },
      ],
      [
        { layer: 'ipv4', src: SERVER, dst: native },
        { layer: 'udp', src: 3544, dst: T.PORT },
        { layer: 'teredo', auth: {}, origin: { address: '81.187.10.2', port: T.PORT } },
        { layer: 'ipv6', src: T.SERVER_LINK_LOCAL, dst: 'fe80::ffff:ffff:fffe', hopLimit: 255 },
        { layer: 'icmpv6', type: 134 },
        { layer: 'payload', bytes: new Uint8Array(12) },
      ],
    ];
    const batch = memoryBatch(
      refresh.map((layers) => ({ bytes: buildFrame(layers), seconds: FIRST_SECOND })),
    );
    for (let i = 0; i < 9000; i++) {
      batch.seconds.fill(FIRST_SECOND + 30 * i, 0, batch.count);
      analysis.process(batch, 0, batch.count, [memoryInterface('t')]);
    }
    assert.ok(analysis.site.version < 3, `version ${analysis.site.version}`);
    const data = memoryBatch(
      [1, 2, 3].map((id) => ({ bytes: tunnelled(id), seconds: FIRST_SECOND + 300_000 })),
    );
    analysis.process(data, 0, data.count, [memoryInterface('t')]);
    assert.ok(analysis.counters.undecoded > 0);
  });

  it('a first fragment inside a tunnel was counted twice when it was judged alone', () => {
    const layers: LayerSpec[] = [
      OUTER,
      INNER,
      { layer: 'fragment', offset: 0, more: true, id: 7, nextHeader: 6 },
      { layer: 'payload', bytes: new Uint8Array(640) },
    ];
    const { analysis } = analyse([{ layers }]);
    assert.deepEqual([analysis.counters.packets, analysis.counters.tunnelPackets], [1, 1]);
  });

  it('options in the fragment that completes a datagram were not looked at', () => {
    const options = Uint8Array.of(0x01, 0x04, 0xc0, 0xff, 0xee, 0x42);
    const segment = new Uint8Array(648);
    segment.set(Uint8Array.from([0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2]));
    const piece = (from: number, to: number, hasOptions: boolean): TestPacket => ({
      layers: [
        OUTER,
        INNER,
        ...(hasOptions ? [{ layer: 'dstopts', options } as const] : []),
        { layer: 'fragment', offset: from, more: to < segment.length, id: 7, nextHeader: 6 },
        { layer: 'payload', bytes: segment.subarray(from, to) },
      ],
    });
    const [first, last] = [
      (has: boolean): TestPacket => piece(0, 640, has),
      (has: boolean): TestPacket => piece(640, 648, has),
    ];
    const orders = [
      [first(true), last(false)],
      [last(false), first(true)],
      [first(false), last(true)],
    ];
    for (const packets of orders) assert.ok(analyse(packets).rules().includes('padding-data'));
    assert.ok(
      !analyse([first(false), last(false)])
        .rules()
        .includes('padding-data'),
    );
  });

  it('a last fragment that lies about the end hid what the others carry', () => {
    const whole = buildFrame([OUTER, INNER, { layer: 'tcp', src: 40_000, dst: 6667 }]).subarray(34);
    const piece = (from: number, to: number, bytes: Uint8Array, ttl: number, at: number): TestPacket => ({
      at,
      layers: [
        {
          ...OUTER,
          layer: 'ipv4',
          src: '81.187.10.2',
          dst: '84.20.40.2',
          protocol: 41,
          id: 9,
          ttl,
          fragment: (to < whole.length ? 0x2000 : 0) | (from >> 3),
        },
        { layer: 'payload', bytes },
      ],
    });
    const packets = [
      piece(0, 8, whole.subarray(0, 8), 64, 0),
      piece(400, 416, new Uint8Array(16), 1, 0.1),
      piece(8, whole.length, whole.subarray(8), 64, 0.2),
    ];
    const { rules } = analyse(packets);
    assert.ok(rules().includes('inner-irc-port') && rules().includes('fragment-evasion'), rules().join());
  });
});

function tunnelled(id: number): Uint8Array {
  return buildFrame([
    { layer: 'ipv4', src: '81.187.10.9', dst: '84.20.40.9', id },
    INNER,
    { layer: 'tcp', src: 40_000, dst: 80, seq: id },
  ]);
}
