import { loadavg } from 'node:os';
import { loadAddon } from '../../../src/capture/native-addon.js';
import { run } from '../../../test/support/live-network.js';
import { describeMachine } from '../machine.js';
import type { Corpus } from './traffic.js';

/** Prints what the figures were measured on, and how busy that was before. */
export function printMachine(): void {
  const load = loadavg()
    .map((value) => value.toFixed(2))
    .join(' ');
  console.log(describeMachine());
  console.log(`kernel   ${run('uname', '-r').trim()}, ${loadAddon().libraryVersion()}`);
  console.log(`load     ${load} (1, 5 and 15 minutes before the start)`);
}

export function printCorpus({ frames, tunnelPercent, meanOctets }: Corpus): void {
  console.log(
    `corpus   ${frames} frames, sent again and again: ${tunnelPercent} % in tunnels, ${meanOctets} octets on average`,
  );
}

/** What a benchmark says; the exit code of the process is 1 when one of it is not so. */
export class Claims {
  /** Prints the claim and whether it holds, with what was found. */
  check(claim: string, holds: boolean, found: string): void {
    console.log(`${holds ? 'ok    ' : 'FAILED'} ${claim}: ${found}`);
    if (!holds) process.exitCode = 1;
  }
}

/** Thousands of packets a second. */
export function kilo(rate: number): string {
  return `${(rate / 1000).toFixed(1)} k/s`;
}
