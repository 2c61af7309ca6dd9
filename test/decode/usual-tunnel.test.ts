import assert from 'node:assert/strict';
import fc from 'fast-check';
import { IP, PORTS, TEREDO } from '../../src/decode/layers.js';
import { watchedPorts } from '../../src/decode/plain-frame.js';
import { UsualTunnel } from '../../src/decode/usual-tunnel.js';
import { VERDICT } from '../../src/decode/verdicts.js';
import { IP_PROTOCOL } from '../../src/wire/numbers.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { decodeBytes, guardedFrame } from '../support/decoding.js';
import { usualFrame } from '../support/usual-frames.js';

const WATCHED = watchedPorts([4789]);

interface Read {
  readonly isUsual: boolean;
  readonly usual: UsualTunnel;
  /** Where the frame begins in the buffer that it was read from. */
  readonly at: number;
}

function read(bytes: Uint8Array, wireLength = bytes.length): Read {
  const usual = new UsualTunnel(WATCHED);
  const { frame, at, end } = guardedFrame(bytes);
  return { isUsual: usual.read(frame, at, end, at + Math.max(wireLength, bytes.length)), usual, at };
}

describe('a usual tunnel packet', () => {
  it('is what the decoder calls sound and takes for one tunnel, with the same offsets and lengths', () => {
    let usualOnes = 0;
    fc.assert(
      fc.property(usualFrame, ({ bytes, wireLength }) => {
        const { isUsual, usual, at } = read(bytes, wireLength);
        if (!isUsual) return;
        usualOnes++;
        const stack = decodeBytes(bytes, { wireLength });
        assert.equal(stack.verdict, VERDICT.ok);
        assert.equal(stack.notes, 0);
        assert.equal(stack.carrierComplaint, VERDICT.ok);
        assert.equal(stack.encapsulations, 1);
        const outer = stack.outerIp[0]!;
        const teredo = stack.header[0]!;
        const inner = stack.inner[0]!;
        const last = stack.last;
        assert.equal(usual.ip - at, stack.at[outer]);
        assert.equal(usual.end - at, stack.end[outer]);
        assert.equal(usual.udp < 0, stack.word(outer, IP.PROTOCOL) === IP_PROTOCOL.IPV6);
        if (usual.udp >= 0) {
          assert.equal(usual.udp - at, stack.at[teredo - 1]);
          assert.equal(stack.word(teredo, TEREDO.BITS), 0);
        }
        assert.equal(inner, last - 1);
        assert.equal(usual.inner - at, stack.at[inner]);
        assert.equal(usual.innerLength, stack.carried[0]);
        assert.equal(usual.innerLength, stack.word(inner, IP.LENGTH) + stack.word(inner, IP.HEADER_LENGTH));
        assert.equal(usual.transport - at, stack.at[last]);
        assert.equal(usual.transportKind, stack.kind[last]);
        assert.equal(
          (bytes[usual.transport - at]! << 8) | bytes[usual.transport - at + 1]!,
          stack.word(last, PORTS.SRC),
        );
      }),
      { numRuns: 5000 },
    );
    assert.ok(usualOnes > 500, `only ${usualOnes} were usual`);
  });

  it('is none on a port of VXLAN, which may carry the same octets', () => {
    const to = (dst: number): Uint8Array =>
      buildFrame([
        { layer: 'ipv4', src: '81.1.1.1', dst: '83.150.30.2' },
        { layer: 'udp', src: 5000, dst },
        { layer: 'ipv6', src: '2001:0:4137:9e50:0:3650:ae44:f5fd', dst: '2001:470::1' },
        { layer: 'tcp', src: 4000, dst: 443 },
      ]);
    assert.deepEqual(
      [3545, 4789].map((port) => read(to(port)).isUsual),
      [true, false],
    );
  });

  it('is none for any octets that end too early, and nothing behind them is read', () => {
    const bytes = buildFrame([
      { layer: 'vlan', id: 5 },
      { layer: 'ipv4', src: '81.1.1.1', dst: '83.150.30.2' },
      { layer: 'udp', src: 5000, dst: 3545 },
      { layer: 'ipv6', src: '2001:0:4137:9e50:0:3650:ae44:f5fd', dst: '2001:470::1' },
      { layer: 'tcp', src: 4000, dst: 443 },
    ]);
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(read(bytes.subarray(0, length)).isUsual, false, `${length} octets`);
    }
    assert.equal(read(bytes).isUsual, true);
  });
});
