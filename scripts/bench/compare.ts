import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { floodCaptureName, writeFloodCapture } from './flood-capture.js';
import { libpcapFloor } from './libpcap-floor.js';
import { describeMachine } from './machine.js';
import { benchFile, mixedCaptureName, writeMixedCapture } from './mixed-capture.js';

/*
 * Whole commands over the same file, by turns: libpcap's bare loop, copperhull as it is built, and Suricata where it is
 * installed (`apt-get install suricata`), with its own configuration and without checks of checksums:
 *
 *     npm run build && node --import tsx scripts/bench/compare.ts [--flood] [--frames 1000000] [--runs 3] [--smoke]
 *
 * --flood takes the state flood instead of the mixed capture: 1.5 M frames that open 1 M flows.
 */
const { values } = parseArgs({
  options: {
    flood: { type: 'boolean', default: false },
    frames: { type: 'string' },
    runs: { type: 'string', default: '3' },
    smoke: { type: 'boolean', default: false },
  },
});
const frames = values.smoke ? 20_000 : Number(values.frames ?? (values.flood ? 1_500_000 : 1_000_000));
const runs = values.smoke ? 1 : Number(values.runs);
const path = benchFile(values.flood ? floodCaptureName(frames) : mixedCaptureName({ frames }));
const binary = fileURLToPath(new URL('../../bin/copperhull', import.meta.url));
const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
if (values.flood) writeFloodCapture(path, frames);
else writeMixedCapture(path, { frames });

console.log(describeMachine());
console.log(
  `corpus   ${frames} frames of the ${values.flood ? 'state flood' : 'mixed capture'}; whole commands, start included, best of ${runs}\n`,
);

/* Seconds of a command that writes into a new folder. */
function timed(command: string, args: (folder: string) => readonly string[]): number {
  const folder = mkdtempSync(join(tmpdir(), 'copperhull-bench-'));
  try {
    const start = process.hrtime.bigint();
    execFileSync(command, args(folder), { stdio: ['ignore', 'ignore', 'pipe'] });
    return Number(process.hrtime.bigint() - start) / 1e9;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const commands: { readonly name: string; readonly run: () => number; best: number }[] = [];
const floor = libpcapFloor();
if (typeof floor === 'string') console.log(floor);
else commands.push({ name: 'bare libpcap loop (C)', run: () => floor(path).seconds, best: Infinity });
if (!existsSync(built)) console.log('copperhull is not built; run npm run build');
else {
  const args = (folder: string): string[] => [
    binary,
    'replay',
    '--quiet',
    '--out',
    join(folder, 'logs'),
    path,
  ];
  commands.push({ name: 'copperhull replay', run: () => timed(process.execPath, args), best: Infinity });
}
const suricata = spawnSync('suricata', ['-V'], { encoding: 'utf8' });
if (suricata.error !== undefined)
  console.log('Suricata is not installed; install the apt package to compare.');
else {
  console.log(suricata.stdout.trim());
  const args = (folder: string): string[] => ['-k', 'none', '-r', path, '-l', folder];
  commands.push({ name: 'suricata, eve on', run: () => timed('suricata', args), best: Infinity });
  const lean = (folder: string): string[] => [...args(folder), '--set', 'outputs.1.eve-log.enabled=no'];
  commands.push({ name: 'suricata, eve off', run: () => timed('suricata', lean), best: Infinity });
}

for (let run = 0; run < runs; run++) {
  for (const command of commands) command.best = Math.min(command.best, command.run());
}
const ours = commands.find(({ name }) => name.startsWith('copperhull'));
for (const { name, best } of commands) {
  const ratio = ours === undefined ? '' : `  copperhull has ${(best / ours.best).toFixed(2)} x its speed`;
  console.log(
    `${name.padEnd(24)} ${best.toFixed(3)} s  ${(frames / best / 1000).toFixed(0).padStart(6)} k packets/s${ratio}`,
  );
}
