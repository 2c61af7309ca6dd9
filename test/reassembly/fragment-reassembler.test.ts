import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FRAGMENT_BIT, LAYER, PORTS } from '../../src/decode/layers.js';
import { VERDICT } from '../../src/decode/verdicts.js';
import type { FirstFragment } from '../../src/reassembly/fragment-reassembler.js';
import { FragmentReassembler } from '../../src/reassembly/fragment-reassembler.js';
import { frameOf } from '../../src/wire/frame.js';
import { buildFrame, buildPacket } from '../../src/wire/packet-builder.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { newDecoder } from '../support/decoding.js';

const INNER = buildPacket([
  { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' },
  { layer: 'tcp', src: 40000, dst: 6667 },
  { layer: 'payload', bytes: Uint8Array.from({ length: 200 }, (_, i) => i) },
]);
const LEAF = buildPacket([
  { layer: 'tcp', src: 40000, dst: 6667 },
  { layer: 'payload', bytes: Uint8Array.from({ length: 200 }, (_, i) => i) },
]);

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly bytes?: Uint8Array;
}

/** Outer IPv4 fragments of protocol 41. */
function outerFragment(
  { from, to, bytes = INNER.subarray(from, to) }: Piece,
  id = 7,
  last = INNER.length,
): Uint8Array {
  const more = to < last ? 0x2000 : 0;
  return buildFrame([
    { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2', protocol: 41, id, fragment: more | (from >> 3) },
    { layer: 'payload', bytes },
  ]);
}

/** Inner IPv6 fragments in 6in4. */
function innerFragment({ from, to, bytes = LEAF.subarray(from, to) }: Piece, id = 9): Uint8Array {
  const layers: LayerSpec[] = [
    { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' },
    { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' },
    { layer: 'fragment', offset: from, more: to < LEAF.length, id, nextHeader: 6 },
    { layer: 'payload', bytes },
  ];
  return buildFrame(layers);
}

function newReassembler(limits: { maxDatagrams?: number; maxBytes?: number } = {}): {
  reassembler: FragmentReassembler;
  incomplete: FirstFragment[];
  offer: (bytes: Uint8Array, seconds?: number) => string;
} {
  const incomplete: FirstFragment[] = [];
  const reassembler = new FragmentReassembler({
    maxDatagrams: limits.maxDatagrams ?? 100,
    maxBytes: limits.maxBytes ?? 1_000_000,
    timeoutSeconds: 60,
    onIncomplete: (first) => incomplete.push(first),
  });
  const decoder = newDecoder();
  let number = 0;
  const offer = (bytes: Uint8Array, seconds = 100): string => {
    const frame = frameOf(bytes);
    number++;
    if (decoder.decode(frame, 0, bytes.length, bytes.length, 1) !== VERDICT.fragment) return 'no fragment';
    const origin = {
      seconds,
      nanoseconds: 0,
      packetNumber: number,
      interfaceIndex: 0,
      wireLength: bytes.length,
    };
    if (!reassembler.add(decoder.stack, origin, seconds)) return 'waits';
    decoder.resume(reassembler.completedFrame, 0, reassembler.completedLength, reassembler.completedProtocol);
    const { stack } = decoder;
    const last = stack.count - 1;
    return stack.kind[last] === LAYER.tcp ? `tcp ${stack.word(last, PORTS.DST)}` : 'decoded otherwise';
  };
  return { reassembler, incomplete, offer };
}

function pieces(length: number, cuts: readonly number[]): Piece[] {
  const edges = [...new Set([0, ...cuts.map((cut) => (cut * 8) % length), length])].sort((a, b) => a - b);
  return edges.slice(1).map((to, i) => ({ from: edges[i]!, to }));
}

describe('reassembly', () => {
  for (const [name, make, length] of [
    ['outer IPv4', outerFragment, INNER.length],
    ['inner IPv6', innerFragment, LEAF.length],
  ] as const) {
    it(`completes ${name} fragments in any order, duplicates and all`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 8 }),
          fc.infiniteStream(fc.nat()),
          (cuts, picks) => {
            const { offer, reassembler } = newReassembler();
            const left = pieces(length, cuts).map((piece) => make(piece));
            const sent: Uint8Array[] = [];
            let result = '';
            while (left.length > 0) {
              if (sent.length > 0 && picks.next().value! % 3 === 0) {
                assert.equal(offer(sent[picks.next().value! % sent.length]!), 'waits');
              }
              const [next] = left.splice(picks.next().value! % left.length, 1);
              result = offer(next!);
              sent.push(next!);
              if (left.length > 0) assert.equal(result, 'waits');
            }
            assert.equal(result, 'tcp 6667');
            assert.equal(reassembler.waiting, 0);
          },
        ),
        { numRuns: 200 },
      );
    });
  }

  it('keeps the earlier octets of overlapping IPv4 fragments, and says that they overlapped', () => {
    const { offer, reassembler } = newReassembler();
    assert.equal(offer(outerFragment({ from: 0, to: 64 })), 'waits');
    const forged = Uint8Array.from(INNER.subarray(32, 72));
    forged[10] = 0xff;
    assert.equal(offer(outerFragment({ from: 32, to: 72, bytes: forged })), 'waits');
    assert.equal(offer(outerFragment({ from: 72, to: INNER.length })), 'tcp 6667');
    assert.ok(reassembler.completedWithOverlap);
  });

  it('discards an IPv6 datagram whose fragments overlap with other octets, and judges its first fragment', () => {
    const { offer, reassembler, incomplete } = newReassembler();
    assert.equal(offer(innerFragment({ from: 0, to: 64 })), 'waits');
    const forged = Uint8Array.from(LEAF.subarray(56, 96));
    forged[0]! ^= 0xff;
    assert.equal(offer(innerFragment({ from: 56, to: 96, bytes: forged })), 'waits');
    assert.equal(reassembler.counters.discarded, 1);
    assert.equal(incomplete.length, 1);
    // What comes later of the same datagram does not start it anew.
    assert.equal(offer(innerFragment({ from: 0, to: 64 })), 'waits');
    assert.equal(offer(innerFragment({ from: 64, to: LEAF.length })), 'waits');
  });

  it('tells datagrams apart by identification and by the tunnel around them', () => {
    const { offer } = newReassembler();
    assert.equal(offer(outerFragment({ from: 0, to: 64 }, 1)), 'waits');
    assert.equal(offer(outerFragment({ from: 64, to: INNER.length }, 2)), 'waits');
    assert.equal(offer(outerFragment({ from: 64, to: INNER.length }, 1)), 'tcp 6667');
  });

  it('gives up after the time-out and hands back the first fragment', () => {
    const { offer, reassembler, incomplete } = newReassembler();
    offer(outerFragment({ from: 0, to: 64 }), 100);
    reassembler.expire(159);
    assert.equal(incomplete.length, 0);
    reassembler.expire(160);
    assert.equal(incomplete.length, 1);
    assert.equal(incomplete[0]!.origin.packetNumber, 1);
    assert.equal(reassembler.counters.timedOut, 1);
    assert.equal(reassembler.waiting, 0);
  });

  it('stays within its bounds in a flood of first fragments', () => {
    const { offer, reassembler, incomplete } = newReassembler({ maxDatagrams: 16, maxBytes: 1_000_000 });
    for (let id = 0; id < 1000; id++) offer(outerFragment({ from: 0, to: 64 }, id));
    assert.equal(reassembler.waiting, 16);
    assert.equal(reassembler.counters.evicted, 984);
    assert.equal(incomplete.length, 984);
    const small = newReassembler({ maxDatagrams: 1000, maxBytes: 50_000 });
    for (let id = 0; id < 200; id++) small.offer(outerFragment({ from: 0, to: 64 }, id));
    assert.ok(small.reassembler.waiting < 30, String(small.reassembler.waiting));
  });

  it('completes an IPv4 datagram beside last fragments that lie about its end, in any order, and says so', () => {
    const parts = [
      outerFragment({ from: 0, to: 64 }),
      outerFragment({ from: 64, to: 128 }),
      outerFragment({ from: 128, to: INNER.length }),
    ];
    const strays = [400, 800].map((from) =>
      outerFragment({ from, to: from + 16, bytes: new Uint8Array(16) }, 7, from + 16),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), (order) => {
        const { offer, reassembler } = newReassembler();
        const results = order.map((i) => offer([...parts, ...strays][i]!));
        const done = results.indexOf('tcp 6667');
        assert.ok(done >= 0, order.join());
        const strayCame = order.slice(0, done).some((i) => i > 2);
        assert.equal(reassembler.completedWithOverlap, strayCame);
        assert.equal((reassembler.completedBits & FRAGMENT_BIT.overlap) !== 0, strayCame);
      }),
    );
  });

  it('refuses more ends than four', () => {
    const { offer, reassembler } = newReassembler();
    for (let end = 1; end <= 6; end++) {
      const from = 400 + 16 * end;
      offer(outerFragment({ from, to: from + 8, bytes: new Uint8Array(8) }, 7, from + 8));
    }
    assert.equal(reassembler.counters.discarded, 2);
  });

  it('tells of what was split from a first fragment that is repeated longer', () => {
    const { offer, reassembler } = newReassembler();
    offer(innerFragment({ from: 0, to: 8 }));
    offer(innerFragment({ from: 0, to: 64 }));
    assert.equal(offer(innerFragment({ from: 64, to: LEAF.length })), 'tcp 6667');
    assert.equal(reassembler.completedFirstLength, 8);
  });

  it('keeps what it saw of a datagram that makes room for another', () => {
    const { offer, incomplete } = newReassembler({ maxDatagrams: 1 });
    offer(innerFragment({ from: 0, to: 24 }, 1));
    offer(innerFragment({ from: 0, to: 24 }, 2));
    assert.equal(incomplete.length, 1);
    assert.ok((incomplete[0]!.stack.fragments & FRAGMENT_BIT.tiny) !== 0);
  });

  it('an atomic fragment is a whole packet and waits for nothing', () => {
    const { offer } = newReassembler();
    assert.equal(offer(innerFragment({ from: 0, to: LEAF.length })), 'no fragment');
  });
});
