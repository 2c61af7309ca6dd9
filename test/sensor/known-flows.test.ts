import { onFirstNodeOnly } from '../support/first-node.js';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import type { Analysis } from '../../src/sensor/analysis.js';
import { analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import type { Analysed } from '../support/analysing.js';
import { EVERY_PACKET, FORGETFUL } from '../support/asking-rules.js';
import { usualFrame } from '../support/usual-frames.js';

/* Milliseconds between packets: copies of a mirror, a burst, and what lets flows and tunnels end. */
const gap = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(1, 10, 100) },
  { weight: 1, arbitrary: fc.constantFrom(-3_000, 5_000, 61_000, 400_000, 4_000_000) },
);

/* The same packets, each of some drawn several times. */
const traffic = fc
  .tuple(
    fc.array(usualFrame, { minLength: 4, maxLength: 12 }),
    fc.array(fc.tuple(gap, fc.nat(11)), { minLength: 60, maxLength: 150 }),
  )
  .map(([frames, order]): MemoryFrame[] => {
    let ms = 0;
    return order.map(([wait, which]) => {
      ms = Math.max(0, ms + wait);
      const { bytes, wireLength } = frames[which % frames.length]!;
      const seconds = FIRST_SECOND + Math.floor(ms / 1000);
      return { bytes: withTtl(bytes, wait), wireLength, seconds, nanoseconds: (ms % 1000) * 1e6 };
    });
  });

/* What comes a millisecond after another may be its copy, with a TTL one less. */
function withTtl(bytes: Uint8Array, wait: number): Uint8Array {
  if (wait !== 1 || bytes.length < 34 || bytes[12] !== 8 || bytes[13] !== 0) return bytes;
  const copy = Uint8Array.from(bytes);
  copy[22]! -= 1;
  return copy;
}

function countsOf(analysis: Analysis): unknown {
  const { tunnels, flows } = analysis;
  return {
    counters: Object.entries(analysis.counters).filter(([name]) => name !== 'undecoded'),
    tunnels: tunnels.all().map((slot) => trafficOf(tunnels, slot)),
    sizes: [tunnels.total, tunnels.size, flows.total, flows.size],
  };
}

function trafficOf({ id, traffic: counts }: Analysis['tunnels'], slot: number): number[] {
  return [
    id[slot]!,
    counts.packets(slot, true),
    counts.bytes(slot, true),
    counts.packets(slot, false),
    counts.bytes(slot, false),
    counts.lastSeconds(slot),
    counts.lastNanoseconds(slot),
  ];
}

describe('a packet of a flow that was judged', () => {
  onFirstNodeOnly();

  it('changes records, counters and tables as if it had been decoded', () => {
    let undecoded = 0;
    const jsonOf = ({ records }: Analysed): string[] => records.map(({ json }) => json);
    fc.assert(
      fc.property(traffic, (frames) => {
        const short = analyseFrames(frames, { rules: FORGETFUL });
        const full = analyseFrames(frames, { rules: [...FORGETFUL, ...EVERY_PACKET] });
        undecoded += short.analysis.counters.undecoded;
        assert.equal(full.analysis.counters.undecoded, 0);
        assert.deepEqual(jsonOf(short), jsonOf(full));
        assert.deepEqual(countsOf(short.analysis), countsOf(full.analysis));
      }),
      { numRuns: 200 },
    );
    assert.ok(undecoded > 1000, `only ${undecoded} packets took the short way`);
  });
});
