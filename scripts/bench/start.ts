import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, median } from './machine.js';

/*
 * How long after the command its first alert is there, of a small capture: `copperhull replay --out - FILE`, as it is built,
 * beside a Node that does nothing.
 *
 *     npm run build && node --import tsx scripts/bench/start.ts [--runs 9] [FILE]
 */
const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '9' } },
  allowPositionals: true,
});
const binary = fileURLToPath(new URL('../../bin/copperhull', import.meta.url));
const capture =
  positionals[0] ?? fileURLToPath(new URL('../../test/captures/p41-6in4-irc-http.pcap', import.meta.url));

/* Milliseconds until the first octet of output, or until the end when there is none. */
function firstOutput(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const passed = (): number => Number(process.hrtime.bigint() - start) / 1e6;
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let first: number | undefined;
    child.stdout.on('data', () => (first ??= passed()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(first ?? passed()) : reject(new Error(`${args.join(' ')} ended with ${code}`)),
    );
  });
}

const bare: number[] = [];
const replay: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  bare.push(await firstOutput(['-e', '0']));
  replay.push(await firstOutput([binary, 'replay', '--quiet', '--out', '-', capture]));
}
console.log(describeMachine());
console.log(`\nnode -e 0                ${median(bare).toFixed(0)} ms`);
console.log(
  `first alert of replay    ${median(replay).toFixed(0)} ms (${Math.min(...replay).toFixed(0)} to ${Math.max(...replay).toFixed(0)}), ` +
    `${(median(replay) / median(bare)).toFixed(1)} x (budget: 1000 ms)`,
);
