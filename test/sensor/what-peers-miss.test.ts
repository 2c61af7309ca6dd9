import assert from 'node:assert/strict';
import { buildFrame, buildPacket, teredoAddress } from '../../src/wire/packet-builder.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { IP_PROTOCOL } from '../../src/wire/numbers.js';
import { analyseFrames, FIRST_SECOND } from '../support/analysing.js';

/*
 * The cases in which the peers were measured (Suricata 7 and 8, tshark): an IRC connection hidden in all these ways. Each
 * must raise the alert of its port.
 */
const CLIENT = '81.187.10.2';
const RELAY = '83.150.30.2';
const OUTER: Extract<LayerSpec, { layer: 'ipv4' }> = { layer: 'ipv4', src: CLIENT, dst: RELAY };
const TEREDO_V6: LayerSpec = {
  layer: 'ipv6',
  src: teredoAddress('65.54.227.120', CLIENT, 51_631),
  dst: '2001:470:1f0b:1::10',
};
const V6: LayerSpec = { layer: 'ipv6', src: '2001:470::1', dst: '2001:470::2' };
const IRC: LayerSpec = { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' };
const udp = (dst: number): LayerSpec => ({ layer: 'udp', src: 51_631, dst });

const frame = (...layers: readonly LayerSpec[]): Uint8Array[] => [buildFrame(layers)];

/** The payload of an outer packet in two IPv4 fragments. */
function outerFragments(protocol: number, ...layers: readonly LayerSpec[]): Uint8Array[] {
  const payload = buildPacket([OUTER, ...layers]).subarray(20);
  const cut = 32;
  return [[0x2000, payload.subarray(0, cut)] as const, [cut / 8, payload.subarray(cut)] as const].map(
    ([fragment, bytes]) =>
      buildFrame([
        { ...OUTER, protocol, id: 9, fragment },
        { layer: 'payload', bytes },
      ]),
  );
}

/** The inner packet in two IPv6 fragments, each in its own outer packet. */
function innerFragments(): Uint8Array[] {
  const tcp = buildPacket([V6, IRC]).subarray(40);
  const cut = 16;
  return [[0, true, tcp.subarray(0, cut)] as const, [cut / 8, false, tcp.subarray(cut)] as const].map(
    ([offset, more, bytes]) =>
      buildFrame([
        OUTER,
        V6,
        { layer: 'fragment', offset, more, id: 5, nextHeader: IP_PROTOCOL.TCP },
        { layer: 'payload', bytes },
      ]),
  );
}

/** 6in4 with octets behind the inner packet. */
function padded(): Uint8Array[] {
  const inner = buildPacket([V6, IRC]);
  return frame(
    { ...OUTER, protocol: IP_PROTOCOL.IPV6 },
    {
      layer: 'payload',
      bytes: Uint8Array.from([...inner, 0, 0, 0, 0]),
    },
  );
}

const nested = (levels: number): LayerSpec[] => Array.from({ length: levels }, () => V6);

const ROWS: Readonly<Record<string, () => Uint8Array[]>> = {
  '6in4 (protocol 41)': () => frame(OUTER, V6, IRC),
  '6in4, outer IPv4 fragmented': () => outerFragments(IP_PROTOCOL.IPV6, V6, IRC),
  '6in4, inner IPv6 fragmented': innerFragments,
  'Teredo on 3544, bare IPv6': () => frame(OUTER, udp(3544), { layer: 'teredo' }, TEREDO_V6, IRC),
  'Teredo with origin indication': () =>
    frame(OUTER, udp(3544), { layer: 'teredo', origin: { address: CLIENT, port: 51_631 } }, TEREDO_V6, IRC),
  'Teredo with authentication header': () =>
    frame(OUTER, udp(3544), { layer: 'teredo', auth: {} }, TEREDO_V6, IRC),
  'Teredo with an RFC 6081 trailer': () =>
    frame(OUTER, udp(3544), { layer: 'teredo', trailer: Uint8Array.of(1, 4, 0, 0, 0, 1) }, TEREDO_V6, IRC),
  'Teredo on another port': () => frame(OUTER, udp(51_246), { layer: 'teredo' }, TEREDO_V6, IRC),
  'Teredo, outer UDP fragmented': () =>
    outerFragments(IP_PROTOCOL.UDP, udp(3544), { layer: 'teredo' }, TEREDO_V6, IRC),
  'Teredo inside 6in4 (UDP over IPv6)': () =>
    frame(OUTER, V6, udp(3544), { layer: 'teredo' }, TEREDO_V6, IRC),
  '6in6 inside Teredo': () => frame(OUTER, udp(3544), { layer: 'teredo' }, TEREDO_V6, V6, IRC),
  '6in4 inside GRE': () => frame(OUTER, { layer: 'gre' }, OUTER, V6, IRC),
  '4in4 then 6in4': () => frame(OUTER, OUTER, V6, IRC),
  '1 outer IPv4 and 7 IPv6 layers': () => frame(OUTER, ...nested(7), IRC),
  '6in4 with padding behind the inner packet': padded,
  'inner hop-by-hop header': () => frame(OUTER, V6, { layer: 'hopopts' }, IRC),
};

function rulesRaised(frames: readonly Uint8Array[]): string[] {
  return analyseFrames(
    frames.map((bytes, i) => ({ bytes, seconds: FIRST_SECOND, nanoseconds: i * 1000 })),
  ).rules();
}

describe('what peers miss', () => {
  for (const [title, frames] of Object.entries(ROWS)) {
    it(`is seen here: ${title}`, () => assert.ok(rulesRaised(frames()).includes('inner-irc-port')));
  }

  it('is not silent here: 20 levels of nesting raise an alert', () => {
    const rules = rulesRaised(frame(OUTER, ...nested(20), IRC));
    assert.ok(rules.includes('tunnel-depth-exceeded'), rules.join());
  });
});
