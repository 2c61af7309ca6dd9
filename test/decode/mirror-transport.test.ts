import assert from 'node:assert/strict';
import { autoFilter } from '../../src/capture/filter/automatic-filter.js';
import { isPlainFrame, watchedPorts } from '../../src/decode/plain-frame.js';
import { VERDICT, verdictName } from '../../src/decode/verdicts.js';
import { needsOf } from '../../src/sensor/live/rule-needs.js';
import { DEFAULT_CONFIG } from '../../src/config/load.js';
import { frameOf } from '../../src/wire/frame.js';
import type { MirrorTransport } from '../../src/wire/mirror-transport.js';
import { MIRROR_TRANSPORTS } from '../../src/wire/mirror-transport.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { analyse } from '../support/analysing.js';
import { decodeBytes, layerNames, newDecoder } from '../support/decoding.js';

const SWITCH: LayerSpec = { layer: 'ipv4', src: '10.9.9.1', dst: '10.9.9.2' };
const MIRRORED: readonly LayerSpec[] = [
  { layer: 'eth' },
  { layer: 'vlan', id: 20 },
  { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2' },
  { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
  { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
];
const hex = (text: string): LayerSpec => ({
  layer: 'payload',
  bytes: Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex')),
});
const udp = (dst: number): LayerSpec => ({ layer: 'udp', src: 40_000, dst });
const AROUND: Readonly<Record<MirrorTransport, readonly LayerSpec[]>> = {
  tzsp: [SWITCH, udp(37_008), hex('0100 0001 00 0a01ff 01')],
  vxlan: [SWITCH, udp(4789), { layer: 'vxlan', vni: 9 }],
  geneve: [SWITCH, udp(6081), hex('0000 6558 00000a00')],
  gre: [SWITCH, { layer: 'gre' }],
};

function pathOf(layers: readonly LayerSpec[], mirrors: readonly MirrorTransport[]): string {
  const stack = decodeBytes(buildFrame(layers), { decoder: newDecoder(8, mirrors) });
  assert.equal(stack.verdict, VERDICT.ok, verdictName(stack.verdict));
  return layerNames(stack);
}

describe('the transport of a mirror port, as configured,', () => {
  for (const name of MIRROR_TRANSPORTS) {
    it(`is unwrapped, and is no layer of the packet and no tunnel: ${name}`, () => {
      const layers = [...AROUND[name], ...MIRRORED];
      assert.equal(pathOf(layers, [name]), 'eth/vlan/ipv4/ipv6/tcp');
      const comparable = (lines: readonly Record<string, unknown>[]): unknown[] =>
        lines.map((line) => ({ ...line, uid: '', alert_id: '', tunnel_uid: '', packet_length: 0 }));
      const direct = analyse([{ layers: MIRRORED }]);
      const mirrored = analyse([{ layers }], { mirrorTransports: [name] });
      assert.ok(direct.rules().includes('inner-irc-port'));
      for (const log of ['notice', 'tunnel', 'weird'] as const)
        assert.deepEqual(comparable(mirrored.lines(log)), comparable(direct.lines(log)));
    });

    it(`is a tunnel, or nothing, where it is not configured: ${name}`, () => {
      const others = MIRROR_TRANSPORTS.filter((other) => other !== name);
      assert.ok(pathOf([...AROUND[name], ...MIRRORED], others).startsWith('eth/ipv4/'));
    });

    it(`is traffic of the network inside a tunnel and inside a mirrored frame: ${name}`, () => {
      const frame: LayerSpec[] = [{ layer: 'eth' }, ...AROUND[name], ...MIRRORED];
      const twice = pathOf([SWITCH, { layer: 'erspan' }, ...frame], [name]);
      assert.ok(twice.startsWith(name === 'gre' ? 'eth/ipv4/gre' : 'eth/ipv4/udp'), twice);
      const inside = pathOf([SWITCH, ...AROUND[name], ...MIRRORED], [name]);
      assert.ok(inside.startsWith(name === 'gre' ? 'eth/ipv4/ipv4/gre' : 'eth/ipv4/ipv4/udp'), inside);
    });

    it(`cut anywhere is read no further: ${name}`, () => {
      const frame = buildFrame([...AROUND[name], ...MIRRORED]);
      const decoder = newDecoder(8, [name]);
      for (let length = 0; length < frame.length; length++)
        decodeBytes(frame.subarray(0, length), { decoder, wireLength: frame.length });
    });
  }

  it('with IP directly inside is a tunnel all the same', () => {
    const path = pathOf([SWITCH, { layer: 'gre' }, ...MIRRORED.slice(2)], ['gre']);
    assert.equal(path, 'eth/ipv4/gre/ipv4/ipv6/tcp');
  });

  it('passes the automatic filter, and is no plain frame', () => {
    const capture = { ...DEFAULT_CONFIG.capture, mirrorTransports: ['tzsp'] as const };
    const surroundings = { ...DEFAULT_CONFIG, capture, loadedRules: [] };
    assert.match(autoFilter(needsOf(LINK_TYPE.ETHERNET, surroundings)).text, /37008/);
    assert.deepEqual(DEFAULT_CONFIG.capture.mirrorTransports, []);
    const bytes = buildFrame([...AROUND.tzsp, ...MIRRORED]);
    const used = new Uint32Array(65_536);
    const isPlain = (mirrors: readonly MirrorTransport[]): boolean =>
      isPlainFrame(frameOf(bytes), 0, bytes.length, bytes.length, watchedPorts([4789], mirrors), used);
    assert.deepEqual([isPlain([]), isPlain(['tzsp'])], [true, false]);
  });
});
