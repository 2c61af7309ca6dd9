import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CaptureFile } from '../../src/capture/capture-file.js';
import { Analysis, DEFAULT_LIMITS } from '../../src/sensor/analysis.js';
import { loadEndpoints, loadRules } from '../../src/sensor/load.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS, Replay, REPLAY_SEED } from '../../src/sensor/replay.js';
import { FileSink } from '../../src/sink/files/file-sink.js';
import { replayFiles } from '../../src/sink/files/file-sink-options.js';
import { describeMachine, median } from './machine.js';
import { writeMixedCapture } from './mixed-capture.js';

/*
 * Packets per second of a replay with all rules and logs, beside a bare loop that reads the same file and touches every
 * packet: node --import tsx scripts/bench/replay.ts [--frames 1000000] [--runs 3]
 */
const { values } = parseArgs({
  options: { frames: { type: 'string', default: '1000000' }, runs: { type: 'string', default: '3' } },
});
const frames = Number(values.frames);
const runs = Number(values.runs);
const path = fileURLToPath(new URL(`../../.cache/bench/mixed-${frames}.pcap`, import.meta.url));

console.log(describeMachine());
const size = writeMixedCapture(path, { frames });
console.log(
  `corpus   ${frames} frames, ${(size / 1e6).toFixed(1)} MB, 20 % Teredo, 20 % protocol 41 (by connections)\n`,
);

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

async function replay(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'copperhull-bench-'));
  const run = new Replay(
    new FileSink(folder, replayFiles(true)),
    (emit) =>
      new Analysis({
        rules: loadRules([]).rules,
        endpoints: loadEndpoints(),
        site: { localNetworks: [], vantage: 'auto' },
        sixrd: [],
        maxDepth: DEFAULT_MAX_DEPTH,
        vxlanPorts: DEFAULT_VXLAN_PORTS,
        limits: DEFAULT_LIMITS,
        sensor: 'bench',
        seed: REPLAY_SEED,
        emit,
      }),
  );
  const { faults } = await run.run({ files: [path], merge: false });
  rmSync(folder, { recursive: true });
  if (faults[0] !== undefined) throw faults[0];
  if (run.analysis.counters.packets !== frames) throw new Error('the replay lost packets');
}

async function measure(name: string, work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await seconds(work));
  const middle = median(times);
  const rate = frames / middle / 1000;
  console.log(
    `${name.padEnd(34)} ${middle.toFixed(3)} s  ${rate.toFixed(0).padStart(6)} k packets/s  (${times.map((time) => time.toFixed(3)).join(', ')})`,
  );
  return middle;
}

const floor = await measure('bare read loop (JavaScript)', bareLoop);
const full = await measure('replay, all rules and logs', replay);
console.log(`\nratio    ${(floor / full).toFixed(3)} of the bare read loop's speed`);
