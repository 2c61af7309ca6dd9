import { parseArgs } from 'node:util';
import { CaptureFile } from '../../src/capture/capture-file.js';
import type { Rule } from '../../src/rules/rule.js';
import { readRuleSet } from '../../src/rules/rule-set.js';
import { loadEndpoints } from '../../src/sensor/load.js';
import { readSchema } from '../../src/sensor/package-files.js';
import { benchAnalysis } from './analysis.js';
import { describeMachine } from './machine.js';
import { benchFile, mixedCaptureName, writeMixedCapture } from './mixed-capture.js';

/*
 * What rules cost: the analysis of the mixed capture with 50 and with 1,000 rules of the usual shapes, none of which
 * matches, beside a bare read loop: node --import tsx scripts/bench/rules.ts [--frames 300000] [--runs 5] [--smoke]
 */
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '300000' },
    runs: { type: 'string', default: '5' },
    smoke: { type: 'boolean', default: false },
  },
});
const frames = values.smoke ? 20_000 : Number(values.frames);
const runs = values.smoke ? 2 : Number(values.runs);
const path = benchFile(mixedCaptureName({ frames }));
writeMixedCapture(path, { frames });

/* Ten shapes in turn. The numbers differ from rule to rule and occur nowhere in the capture. */
const SHAPES: readonly ((n: number) => readonly [on: string, condition: string])[] = [
  (n) => ['flow', `inner.proto == tcp and inner.dst_port == ${10_000 + (n % 20_000)}`],
  (n) => ['flow', `inner.dst in [2001:db8:${n.toString(16)}::/48]`],
  (n) => ['flow', `outer.dst in [198.18.${n % 256}.0/24] and inner.proto == udp`],
  (n) => ['flow', `inner.proto == udp and inner.src_port in [${10_000 + (n % 20_000)}, 9]`],
  (n) => ['tunnel', `tunnel.kind == teredo and outer.src == 198.18.0.${n % 256}`],
  (n) => ['tunnel', `tunnel.kind in [6to4, isatap] and tunnel.level > ${1 + (n % 8)}`],
  (n) => ['packet', `check.T07 == violated and teredo.src_port == ${n}`],
  (n) => ['packet', `check.S01 == violated and outer.ttl < ${1 + (n % 8)}`],
  (n) => ['flow', `teredo.server in [198.51.100.${n % 256}] and inner.dst_port > 60000`],
  (n) => ['flow', `inner.hop_limit < ${1 + (n % 3)} and inner.icmp_type == ${n % 256}`],
];

function makeRules(count: number): readonly Rule[] {
  if (count === 0) return [];
  const text = Array.from({ length: count }, (_, n) => {
    const [on, condition] = SHAPES[n % SHAPES.length]!(n);
    return [
      `- rule: bench-${n}`,
      '  rev: 1',
      '  title: made by the benchmark',
      `  on: ${on}`,
      '  severity: low',
      '  status: test',
      `  condition: '${condition}'`,
      '  note: TunnelAbuse::Bench',
      '  message: bench',
      '  tests:',
      '    - { name: none, packets: [[{ ipv4: { src: 81.0.0.1, dst: 81.0.0.2 } }]], expect: [] }',
    ].join('\n');
  }).join('\n');
  return readRuleSet([{ name: 'bench.yaml', text, layer: 0 }], readSchema('rules.schema.json')).rules;
}

const endpoints = loadEndpoints();

async function analyse(rules: readonly Rule[]): Promise<number> {
  const analysis = benchAnalysis(rules, endpoints, () => undefined);
  const file = await CaptureFile.open(path);
  const start = process.hrtime.bigint();
  await file.read((batch, from, to) => {
    analysis.process(batch, from, to, file.interfaces);
    return undefined;
  });
  analysis.finish();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  await file.close();
  if (analysis.counters.alertsByRule.size > 0) throw new Error('a rule of the benchmark matched');
  return seconds;
}

async function bareLoop(): Promise<number> {
  const file = await CaptureFile.open(path);
  let touched = 0;
  const start = process.hrtime.bigint();
  await file.read((batch, from, to) => {
    for (let i = from; i < to; i++) touched += batch.capturedLength[i]! + batch.frame.bytes[batch.at[i]!]!;
    return undefined;
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  await file.close();
  if (touched === 0) throw new Error('the loop read nothing');
  return seconds;
}

console.log(describeMachine());
console.log(`corpus   ${frames} frames of the mixed capture, best of ${runs} runs\n`);
const COUNTS = [0, 50, 1000];
const sets = COUNTS.map(makeRules);
const best = COUNTS.map(() => Infinity);
let floor = Infinity;
for (let run = 0; run < runs; run++) {
  floor = Math.min(floor, await bareLoop());
  for (const [i, rules] of sets.entries()) best[i] = Math.min(best[i]!, await analyse(rules));
}
console.log(`bare read loop (JavaScript)  ${floor.toFixed(3)} s`);
COUNTS.forEach((count, i) => {
  const nanoseconds = (best[i]! * 1e9) / frames;
  console.log(
    `${String(count).padStart(5)} rules                  ${best[i]!.toFixed(3)} s  ${nanoseconds.toFixed(0).padStart(5)} ns a packet, ${(best[i]! / floor).toFixed(1)} x the bare loop`,
  );
});
console.log(`\n1,000 rules take ${(best[2]! / best[1]!).toFixed(2)} x the time of 50 (budget: less than 2)`);
