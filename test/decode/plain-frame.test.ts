import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isPlainFrame, watchedPorts } from '../../src/decode/plain-frame.js';
import { LAYER, PORTS } from '../../src/decode/layers.js';
import { VERDICT } from '../../src/decode/verdicts.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { guardedFrame, newDecoder } from '../support/decoding.js';

const WATCHED = watchedPorts([4789]);
const decoder = newDecoder();

function isPlain(bytes: Uint8Array, wireLength = bytes.length, usedPorts = new Uint32Array(65_536)): boolean {
  const { frame, at, end } = guardedFrame(bytes);
  return isPlainFrame(frame, at, end, Math.max(end, at + wireLength), WATCHED, usedPorts);
}

const v4: LayerSpec = { layer: 'ipv4', src: '81.1.1.1', dst: '82.2.2.2' };
const v6: LayerSpec = { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' };
const tcp: LayerSpec = { layer: 'tcp', src: 4000, dst: 443 };
const udp: LayerSpec = { layer: 'udp', src: 4000, dst: 53 };
const text: LayerSpec = { layer: 'payload', bytes: new Uint8Array(60).fill(0x41) };
const vlan: LayerSpec = { layer: 'vlan', id: 7 };
const teredo: readonly LayerSpec[] = [
  v4,
  { layer: 'udp', src: 4000, dst: 3545 },
  { layer: 'ipv6', src: teredoAddress('65.54.227.120', '81.1.1.1', 4000), dst: '2001:db8::2' },
  tcp,
];

const PLAIN: readonly (readonly LayerSpec[])[] = [
  [v4, tcp, text],
  [v4, udp, text],
  [v4, udp],
  [v4, { layer: 'icmp', type: 8 }],
  [v6, tcp],
  [v6, udp, text],
  [v6, { layer: 'icmpv6', type: 135 }],
  [{ layer: 'eth' }, vlan, v4, tcp],
  [{ layer: 'eth' }, { layer: 'vlan', id: 9, tpid: 0x88a8 }, vlan, v4, udp, text],
];
const NOT_PLAIN: readonly (readonly LayerSpec[])[] = [
  teredo,
  [v4, v6, tcp],
  [v4, v4, tcp],
  [v4, { layer: 'gre' }, v6, tcp],
  [v4, { layer: 'udp', src: 4000, dst: 4789 }, { layer: 'vxlan', vni: 1 }, v4, tcp],
  [v4, { layer: 'udp', src: 4000, dst: 5072 }, text],
  [{ ...v4, fragment: 0x2000 }, udp, text],
  [{ ...v4, totalLength: 9000 }, tcp],
  [v4, { layer: 'udp', src: 4000, dst: 53, length: 9000 }, text],
  [v6, { layer: 'dstopts' }, tcp],
  [{ layer: 'eth', type: 0x0806 }, text],
];

describe('plain frames', () => {
  it('are those that carry no tunnel and are sound', () => {
    for (const layers of PLAIN) assert.equal(isPlain(buildFrame(layers)), true, JSON.stringify(layers));
  });

  it('are not those that the decoder must look at', () => {
    for (const layers of NOT_PLAIN) assert.equal(isPlain(buildFrame(layers)), false, JSON.stringify(layers));
  });

  it('are no datagrams between two ports that tunnels use', () => {
    const used = new Uint32Array(65_536);
    used[4000] = 1;
    const frame = buildFrame([v4, udp, text]);
    assert.equal(isPlain(frame, frame.length, used), true);
    used[53] = 1;
    assert.equal(isPlain(frame, frame.length, used), false);
  });

  it('are called ok and without tunnel by the decoder, whatever the octets', () => {
    let plain = 0;
    const change = fc.tuple(fc.nat(120), fc.nat(255));
    fc.assert(
      fc.property(
        fc.constantFrom(...PLAIN, ...NOT_PLAIN),
        fc.array(change, { maxLength: 4 }),
        fc.option(fc.nat(200)),
        fc.nat(200),
        (layers, changes, cut, more) => {
          const whole = buildFrame(layers);
          for (const [at, value] of changes) if (at < whole.length) whole[at] = value;
          const bytes = cut === null ? whole : whole.subarray(0, cut);
          const wireLength = bytes.length + (cut === null ? 0 : more);
          if (!isPlain(bytes, wireLength)) return;
          plain++;
          const { frame, at, end } = guardedFrame(bytes);
          const verdict = decoder.decode(frame, at, end, wireLength, LINK_TYPE.ETHERNET);
          const { stack } = decoder;
          assert.equal(verdict, VERDICT.ok);
          assert.equal(stack.encapsulations, 0);
          assert.equal(stack.carrierComplaint, VERDICT.ok);
          assert.equal(stack.notes, 0);
          const last = stack.count - 1;
          if (stack.kind[last] !== LAYER.udp) return;
          // The ports that it was asked about are those of the last layer.
          const used = new Uint32Array(65_536);
          used[stack.word(last, PORTS.SRC)] = 1;
          used[stack.word(last, PORTS.DST)] = 1;
          assert.equal(isPlain(bytes, wireLength, used), false);
        },
      ),
      { numRuns: 5000 },
    );
    assert.ok(plain > 500, `only ${plain} were plain`);
  });
});
