import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadEndpoints, loadRules } from '../../src/sensor/load.js';
import { Replay } from '../../src/sensor/replay.js';
import { FileSink } from '../../src/sink/files/file-sink.js';
import { replayFiles } from '../../src/sink/files/file-sink-options.js';
import { benchAnalysis } from './analysis.js';
import { flameGraph } from './flame-graph.js';
import type { CpuProfile } from './flame-graph.js';
import { describeMachine } from './machine.js';
import { benchFile, mixedCaptureName, writeMixedCapture } from './mixed-capture.js';

/*
 * Where the time of a replay goes: .cache/bench/replay.cpuprofile for the browser's tools, a picture of it, and a table.
 * The code was compiled by runs before; --cold leaves those out:
 *
 *     node --import tsx scripts/bench/profile.ts [--frames 1000000] [--svg docs/replay-flame.svg] [--cold] [--smoke]
 */
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    svg: { type: 'string' },
    cold: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
  },
});
const frames = values.smoke ? 20_000 : Number(values.frames);
const path = benchFile(mixedCaptureName({ frames }));
writeMixedCapture(path, { frames });
const rules = loadRules([]).rules;
const endpoints = loadEndpoints();
const WARM_RUNS = 3;
const SAMPLE_MICROSECONDS = 100;
const ROWS = 25;

async function replay(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'copperhull-bench-'));
  const sink = new FileSink(folder, replayFiles(true));
  await new Replay(sink, (emit) => benchAnalysis(rules, endpoints, emit)).run({
    files: [path],
    merge: false,
  });
  rmSync(folder, { recursive: true });
}

if (!values.cold) for (let i = 0; i < WARM_RUNS; i++) await replay();
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
await session.post('Profiler.start');
await replay();
const { profile } = (await session.post('Profiler.stop')) as unknown as { readonly profile: CpuProfile };
session.disconnect();

console.log(describeMachine());
console.log(`corpus   ${frames} frames of the mixed capture, ${values.cold ? 'first run' : 'compiled'}\n`);
const { svg, totalMs, byFolder, byFunction } = flameGraph(profile, `copperhull replay, ${frames} frames`);
const row = (name: string, ms: number): void =>
  console.log(
    `${name.padEnd(44)} ${((100 * ms) / totalMs).toFixed(1).padStart(5)} %  ${((ms * 1e6) / frames).toFixed(0).padStart(5)} ns a packet`,
  );
for (const [name, ms] of byFolder) row(name, ms);
console.log();
for (const [name, ms] of byFunction.slice(0, ROWS)) row(name, ms);
writeFileSync(benchFile('replay.cpuprofile'), JSON.stringify(profile));
if (values.svg !== undefined) writeFileSync(values.svg, svg);
