import assert from 'node:assert/strict';
import { loadRules } from '../../../src/sensor/load.js';
import { warmUp } from '../../../src/sensor/live/warm-up.js';
import { analyse, analysisOptions } from '../../support/analysing.js';
import type { LayerSpec } from '../../../src/wire/packet-builder.js';

const IRC: readonly LayerSpec[] = [
  { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2' },
  { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
  { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
];

describe('a warm-up', () => {
  it('runs the packets of the rules through an analysis, and leaves no trace', () => {
    const cold = analyse([{ layers: IRC }]).records.map(({ json }) => json);
    const { rules } = loadRules([]);
    const told: unknown[] = [];
    const packets = warmUp({ ...analysisOptions(), rules, emit: (record) => told.push(record) }, 50);
    assert.ok(packets > 0);
    assert.deepEqual(told, []);
    assert.deepEqual(
      analyse([{ layers: IRC }]).records.map(({ json }) => json),
      cold,
    );
  });

  it('without rules does nothing', () => assert.equal(warmUp({ ...analysisOptions(), rules: [] }, 50), 0));
});
