import assert from 'node:assert/strict';
import { generatedPackets } from '../../scripts/oracle.d/generator.js';
import { analyseFrames } from '../support/analysing.js';
import { decodeBytes, layerNames } from '../support/decoding.js';
import { LayerStack } from '../../src/decode/layers.js';
import { frameOf } from '../../src/wire/frame.js';
import { VERDICT } from '../../src/decode/verdicts.js';
import { buildFrame } from '../../src/wire/packet-builder.js';

const PACKETS = 1500;

describe('a capture with a snap length', () => {
  it('shows of each packet the layers that were captured, with lengths as on the wire, and no lie', () => {
    const whole = new LayerStack(frameOf(new Uint8Array(0)));
    let encapsulations = 0;
    let cut = 0;
    for (const { bytes } of generatedPackets(7, PACKETS, 'generated')) {
      whole.copyFrom(decodeBytes(bytes));
      const path = layerNames(whole);
      for (let kept = 14; kept < bytes.length; kept += 7) {
        const stack = decodeBytes(bytes.subarray(0, kept), { wireLength: bytes.length });
        const what = `${kept} of ${bytes.length} octets of ${path}: ${layerNames(stack)}`;
        assert.ok(`${path}/`.startsWith(`${layerNames(stack)}/`), what);
        assert.ok(
          stack.verdict === VERDICT.ok || stack.verdict === whole.verdict || stack.cutBySnapLength,
          what,
        );
        for (let level = 0; level < stack.encapsulations; level++) {
          encapsulations++;
          assert.equal(stack.carried[level], whole.carried[level], what);
        }
        if (stack.cutBySnapLength) cut++;
      }
    }
    assert.ok(encapsulations > PACKETS && cut > PACKETS);
  });

  it('counts packets and octets of tunnels as a whole capture does', () => {
    const layers = (id: number): Uint8Array =>
      buildFrame([
        { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2', id },
        { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
        { layer: 'tcp', src: 40_000, dst: 443, flags: 'PA' },
        { layer: 'payload', bytes: new Uint8Array(1000) },
      ]);
    const totals = (snapLength: number): unknown[] => {
      const frames = [1, 2, 3, 4].map((id) => ({
        bytes: layers(id).subarray(0, snapLength),
        wireLength: layers(id).length,
        seconds: 1_700_000_000,
        nanoseconds: id * 1e8,
      }));
      const { analysis } = analyseFrames(frames);
      const [slot] = analysis.tunnels.all();
      const { traffic } = analysis.tunnels;
      const { wireBytes, tunnelPackets } = analysis.counters;
      return [wireBytes, tunnelPackets, traffic.packets(slot!, true), traffic.bytes(slot!, true)];
    };
    const whole = totals(65_535);
    assert.deepEqual(whole, [4 * 1094, 4, 4, 4 * 1060]);
    // To the end of the TCP header, in it, behind its ports, and behind the inner IPv6 header.
    for (const snapLength of [96, 94, 90, 78, 74])
      assert.deepEqual(totals(snapLength), whole, `${snapLength}`);
  });
});
