import assert from 'node:assert/strict';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { memoryInterface } from '../../src/capture/memory-batch.js';
import type { LogRecord } from '../../src/model/records.js';
import type { AnalysisLimits } from '../../src/sensor/analysis.js';
import { Analysis } from '../../src/sensor/analysis.js';
import type { Rule } from '../../src/rules/rule.js';
import { analysisOptions } from '../../test/support/analysing.js';
import { batchAmid } from './same-octets.js';

/** So small that a few packets fill them. */
export const SMALL_LIMITS: AnalysisLimits = {
  tunnels: 6,
  flows: 6,
  clientMappings: 3,
  suppressionKeys: 6,
  weirdKeys: 6,
  fragmentedDatagrams: 3,
  fragmentBytes: 24_000,
};
/** Large enough that nothing is ever evicted. */
export const LARGE_ENOUGH: AnalysisLimits = {
  tunnels: 1_000,
  flows: 1_000,
  clientMappings: 1_000,
  suppressionKeys: 1_000,
  weirdKeys: 1_000,
  fragmentedDatagrams: 1_000,
  fragmentBytes: 8_000_000,
};
/** The largest datagram may be kept even when it is over the limit. */
const ONE_DATAGRAM = 80_000;

export interface SmallResult {
  readonly analysis: Analysis;
  readonly records: readonly LogRecord[];
  readonly lines: readonly string[];
}

/** Takes frames, amid octets of value `fill`, through a new analysis to its end, and checks that every bound was kept. */
export function analyseAmid(
  frames: readonly MemoryFrame[],
  linkType: number,
  fill: number,
  rules: readonly Rule[] = analysisOptions().rules,
  limits: AnalysisLimits = SMALL_LIMITS,
): SmallResult {
  const records: LogRecord[] = [];
  const analysis = new Analysis({
    ...analysisOptions(),
    rules,
    limits,
    sensor: 'fuzz',
    emit: (record) => records.push(record),
  });
  const interfaces = [memoryInterface('fuzz.pcap', linkType)];
  const batch = batchAmid(frames, fill);
  for (let i = 0; i < batch.count; i += 8)
    analysis.process(batch, i, Math.min(i + 8, batch.count), interfaces);
  assertBounded(analysis, limits);
  analysis.finish();
  assert.equal(analysis.counters.packets, frames.length);
  assert.equal(analysis.reassembler.heldBytes, 0, 'octets of fragments are held after the end');
  return { analysis, records, lines: records.map(({ json }) => json) };
}

function assertBounded({ tunnels, flows, reassembler }: Analysis, limits: AnalysisLimits): void {
  assert.ok(tunnels.size <= limits.tunnels, `${tunnels.size} tunnels`);
  assert.ok(flows.size <= limits.flows, `${flows.size} flows`);
  assert.ok(reassembler.waiting <= limits.fragmentedDatagrams, `${reassembler.waiting} datagrams`);
  assert.ok(reassembler.heldBytes >= 0 && reassembler.heldBytes <= limits.fragmentBytes + ONE_DATAGRAM);
}
