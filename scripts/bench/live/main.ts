import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadAddon } from '../../../src/capture/native-addon.js';
import { run, send, TEST_FILTER } from '../../../test/support/live-network.js';
import { describeMachine } from '../machine.js';
import { builtFile, enterWire, TAP, WIRE } from './wire.js';

/*
 * What each capture driver loses and costs, beside a bare libpcap loop in C, in one run over a veth pair in a network namespace
 * of its own (root): node --import tsx scripts/bench/live/main.ts [--seconds 3] [--length 110] [--ring 33554432]
 * [--rates 50000,200000,0]. Rate 0 is as fast as the sender goes. Sender and receiver share the machine's processors.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    length: { type: 'string', default: '110' },
    ring: { type: 'string', default: String(32 * 1024 * 1024) },
    rates: { type: 'string', default: '50000,200000,0' },
  },
});
const seconds = Number(values.seconds);
const length = Number(values.length);

enterWire();

interface Result {
  readonly packets: number;
  readonly kernelDrops: number | 'unknown';
  readonly ringFull?: number | 'unknown';
  readonly cpuSeconds: number;
  readonly longestGapMs?: number;
}

const receiver = fileURLToPath(new URL('receiver.ts', import.meta.url));
const node = [process.execPath, '--import', 'tsx', receiver];
const DRIVERS: readonly (readonly [string, readonly string[]])[] = [
  ['bare loop in C', [builtFile('bare-loop'), TAP, TEST_FILTER, '3600', values.ring]],
  ['libpcap', [...node, 'libpcap', TAP, TEST_FILTER, values.ring]],
  ['cap', [...node, 'cap', TAP, TEST_FILTER, values.ring]],
];

/* One receiver, one flood; undefined when the receiver cannot run here. */
async function measure(
  command: readonly string[],
  rate: number,
): Promise<(Result & { sent: number }) | undefined> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('ready\n')) resolve();
    });
  });
  await Promise.race([ready, ended]);
  if (!text.includes('ready\n')) return undefined;
  await pause(200);
  const sent = await send(WIRE, rate === 0 ? seconds * 300_000 : rate * seconds, { rate, length });
  await pause(500);
  child.kill('SIGTERM');
  await ended;
  return { ...(JSON.parse(text.split('\n').at(-2)!) as Result), sent };
}

console.log(describeMachine());
console.log(`kernel   ${run('uname', '-r').trim()}, ${loadAddon().libraryVersion()}`);
console.log(`load     ${seconds} s a run, frames of ${length} octets, ring of ${values.ring} octets\n`);
console.log(
  '| frames a second | driver | sent | captured | kernel drops | ring full | CPU µs a packet | longest gap of a 10 ms timer |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const rate of values.rates.split(',').map(Number)) {
  for (const [name, command] of DRIVERS) {
    const result = await measure(command, rate);
    const cells =
      result === undefined
        ? ['not available here', '', '', '', '', '']
        : [
            result.sent,
            `${((100 * result.packets) / result.sent).toFixed(2)} %`,
            result.kernelDrops,
            result.ringFull ?? '-',
            ((result.cpuSeconds * 1e6) / result.packets).toFixed(3),
            result.longestGapMs === undefined ? '-' : `${result.longestGapMs.toFixed(0)} ms`,
          ];
    console.log(`| ${[rate === 0 ? 'no limit' : rate, name, ...cells].join(' | ')} |`);
  }
}
