import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { replayFiles } from '../../src/sink/files/file-sink-options.js';
import { benchAnalysis } from './analysis.js';
import { buildSensor, built } from './built.js';
import { libpcapFloor } from './libpcap-floor.js';
import { describeMachine } from './machine.js';
import { benchFile, mixedCaptureName, writeMixedCapture } from './mixed-capture.js';

/*
 * Packets per second of a replay with all rules and logs, beside two bare loops over the same file: libpcap in C, and
 * ours in JavaScript. They take turns, so that all of them see the same machine. Ours is the compiled code.
 *
 *     node --import tsx scripts/bench/replay.ts [--frames 1000000] [--runs 5] [--tunnels kept|fresh] [--smoke]
 */
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '1000000' },
    runs: { type: 'string', default: '5' },
    tunnels: { type: 'string', default: 'kept' },
    smoke: { type: 'boolean', default: false },
  },
});
const frames = values.smoke ? 20_000 : Number(values.frames);
const runs = values.smoke ? 2 : Number(values.runs);
const corpus = { frames, tunnels: values.tunnels === 'fresh' ? ('fresh' as const) : ('kept' as const) };
const path = benchFile(mixedCaptureName(corpus));

console.log(describeMachine());
const size = writeMixedCapture(path, corpus);
console.log(
  `corpus   ${frames} frames, ${(size / 1e6).toFixed(1)} MB, 20 % Teredo, 20 % protocol 41, tunnels ${corpus.tunnels}`,
);

buildSensor();
const { CaptureFile } = await built('capture/capture-file.js');
const { loadEndpoints, loadRules } = await built('sensor/load.js');
const { Analysis } = await built('sensor/analysis.js');
const { Replay } = await built('sensor/replay.js');
const { FileSink } = await built('sink/files/file-sink.js');

const rules = loadRules([]).rules;
const endpoints = loadEndpoints();

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/* Reads everything and touches one octet and the length of each packet, so that nothing can be skipped. */
async function bareLoop(): Promise<void> {
  const file = await CaptureFile.open(path);
  let touched = 0;
  await file.read((batch, from, to) => {
    for (let i = from; i < to; i++) touched += batch.capturedLength[i]! + batch.frame.bytes[batch.at[i]!]!;
    return undefined;
  });
  await file.close();
  if (touched === 0) throw new Error('the loop read nothing');
}

const counts = { tunnels: 0, flows: 0, alerts: 0, records: 0 };

async function replay(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'copperhull-bench-'));
  const sink = new FileSink(folder, replayFiles(true));
  const run = new Replay(sink, (emit) => benchAnalysis(rules, endpoints, emit, {}, Analysis));
  const { faults } = await run.run({ files: [path], merge: false });
  rmSync(folder, { recursive: true });
  if (faults[0] !== undefined) throw faults[0];
  const { analysis } = run;
  if (analysis.counters.packets !== frames) throw new Error('the replay lost packets');
  counts.tunnels = analysis.tunnels.total;
  counts.flows = analysis.flows.total;
  counts.alerts = [...analysis.counters.alertsByRule.values()].reduce((sum, count) => sum + count, 0);
  counts.records = sink.status.written;
}

const floor = libpcapFloor();
const libpcap: number[] = [];
const bare: number[] = [];
const full: number[] = [];
for (let i = 0; i < runs; i++) {
  if (typeof floor !== 'string') libpcap.push(floor(path).seconds);
  full.push(await seconds(replay));
  bare.push(await seconds(bareLoop));
}
const { tunnels, flows, alerts, records } = counts;
console.log(
  `causes   ${tunnels} tunnels, ${flows} inner flows, ${alerts} alerts, ${records} records (one in ${(frames / records).toFixed(0)} frames)\n`,
);

function row(name: string, times: readonly number[]): void {
  const best = Math.min(...times);
  const all = times.map((time) => time.toFixed(3)).join(', ');
  console.log(
    `${name.padEnd(32)} best ${best.toFixed(3)} s  ${(frames / best / 1000).toFixed(0).padStart(6)} k packets/s  (${all})`,
  );
}

if (typeof floor === 'string') console.log(floor);
else row('bare libpcap loop (C)', libpcap);
row('bare read loop (JavaScript)', bare);
row('replay, all rules and logs', full);
const best = Math.min(...full);
const ratio = (name: string, times: readonly number[]): void =>
  console.log(
    `${name.padEnd(32)} ${(Math.min(...times) / best).toFixed(3)} at best, ${(Math.min(...times) / full[0]!).toFixed(3)} in the first run (code not compiled yet)`,
  );
console.log();
if (libpcap.length > 0) ratio('speed over that of libpcap', libpcap);
ratio('speed over that of JavaScript', bare);
