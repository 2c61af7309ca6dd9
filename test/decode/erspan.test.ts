import assert from 'node:assert/strict';
import { VERDICT, verdictName } from '../../src/decode/verdicts.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { analyse } from '../support/analysing.js';
import { decodeBytes, decodeLayers, layerNames } from '../support/decoding.js';

const SWITCH: LayerSpec = { layer: 'ipv4', src: '10.9.9.1', dst: '10.9.9.2' };
const MIRRORED: readonly LayerSpec[] = [
  { layer: 'eth' },
  { layer: 'vlan', id: 20 },
  { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2' },
  { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
  { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
];
const FORMS: readonly Extract<LayerSpec, { layer: 'erspan' }>[] = [
  { layer: 'erspan', type: 1 },
  { layer: 'erspan', type: 2 },
  { layer: 'erspan', type: 3 },
  { layer: 'erspan', type: 3, subheader: true },
];

describe('ERSPAN, the transport of a mirror port,', () => {
  it('is unwrapped in all its forms, and is no layer of the packet', () => {
    for (const form of FORMS) {
      const stack = decodeLayers(SWITCH, form, ...MIRRORED);
      assert.equal(layerNames(stack), 'eth/vlan/ipv4/ipv6/tcp');
      assert.equal(stack.verdict, VERDICT.ok);
      assert.equal(stack.encapsulations, 1);
    }
  });

  it('is unwrapped over IPv6 and behind a VLAN tag too', () => {
    const over = decodeLayers(
      { layer: 'eth' },
      { layer: 'vlan', id: 9 },
      { layer: 'ipv6', src: '2001:db8:9::1', dst: '2001:db8:9::2' },
      FORMS[1]!,
      ...MIRRORED,
    );
    assert.equal(layerNames(over), 'eth/vlan/ipv4/ipv6/tcp');
  });

  it('gives the alerts and the tunnel of the frame itself', () => {
    const direct = analyse([{ layers: MIRRORED }]);
    const comparable = (lines: readonly Record<string, unknown>[]): unknown[] =>
      lines.map((line) => ({ ...line, uid: '', alert_id: '', tunnel_uid: '', packet_length: 0 }));
    assert.ok(direct.rules().includes('inner-irc-port'));
    for (const form of FORMS) {
      const mirrored = analyse([{ layers: [SWITCH, form, ...MIRRORED] }]);
      for (const log of ['notice', 'tunnel', 'weird'] as const)
        assert.deepEqual(comparable(mirrored.lines(log)), comparable(direct.lines(log)));
    }
  });

  it('that cut a frame short gives what is there, and no finding that its lengths lie', () => {
    const stack = decodeLayers(SWITCH, { layer: 'erspan', type: 2, truncated: true, kept: 80 }, ...MIRRORED);
    assert.equal(layerNames(stack), 'eth/vlan/ipv4/ipv6');
    assert.ok(stack.cutBySnapLength, verdictName(stack.verdict));
  });

  it('inside a tunnel or inside a mirrored frame is traffic, and is not opened', () => {
    const twice = decodeLayers(SWITCH, FORMS[1]!, { layer: 'eth' }, SWITCH, FORMS[1]!, ...MIRRORED);
    assert.equal(layerNames(twice), 'eth/ipv4/gre');
    assert.equal(twice.verdict, VERDICT.unsupported_carrier);
    const inTunnel = decodeLayers(SWITCH, { ...SWITCH, src: '10.8.8.8' }, FORMS[1]!, ...MIRRORED);
    assert.equal(layerNames(inTunnel), 'eth/ipv4/ipv4/gre');
    assert.equal(inTunnel.verdict, VERDICT.unsupported_carrier);
  });

  it('cut anywhere reads nothing outside of the frame', () => {
    for (const form of FORMS) {
      const frame = buildFrame([SWITCH, form, ...MIRRORED]);
      for (let length = 0; length < frame.length; length++) {
        decodeBytes(frame.subarray(0, length), { wireLength: frame.length });
        decodeBytes(frame.subarray(0, length));
      }
    }
  });
});
