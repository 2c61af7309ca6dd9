import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { ownChild } from './children.js';
import type { Corpus, Sent } from './traffic.js';
import { sending } from './traffic.js';
import { builtFile, TAP } from './wire.js';

/** What a receiver made of some seconds of traffic. */
export interface Probe extends Sent {
  /** Packets that did not reach the receiver, of those that pass the filter. */
  readonly lost: number;
  readonly cpuSeconds: number;
}

export interface ProbeOptions {
  readonly corpus: Corpus;
  readonly seconds: number;
  readonly senders: number;
  readonly filter: string;
  readonly bufferBytes: number;
}

/** Sends to the bare libpcap loop in C, and tells what it counted. */
export async function probeFloor(options: ProbeOptions, rate: number): Promise<Probe> {
  const { filter, bufferBytes } = options;
  const args = [TAP, filter, '3600', String(bufferBytes)];
  const child = ownChild(spawn(builtFile('bare-loop'), args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  let text = '';
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('ready\n')) resolve();
    });
  });
  await Promise.race([ready, ended]);
  const sent = await sending({ ...options, rate }).done;
  await pause(500);
  child.kill('SIGTERM');
  await ended;
  const { packets, cpuSeconds } = JSON.parse(text.trimEnd().split('\n').at(-1)!) as {
    packets: number;
    cpuSeconds: number;
  };
  return { ...sent, lost: sent.passing - packets, cpuSeconds };
}

export interface TopRate {
  /** Frames a second that were sent and of which nothing was lost. */
  readonly rate: number;
  /** The senders were not faster; the receiver may be. */
  readonly isSenderLimited: boolean;
  readonly probe: Probe;
}

/* Between the highest rate without loss and the lowest with it, as a share of the latter. */
const PRECISION = 0.05;
/* Below this there is no rate without loss. */
const LOWEST = 1000;

/** Searches the highest rate at which nothing is lost: as fast as it goes, then by halves. Undefined when there is none. */
export async function topRate(probe: (rate: number) => Promise<Probe>): Promise<TopRate | undefined> {
  const fastest = await probe(0);
  const rateOf = ({ sent, seconds }: Probe): number => sent / seconds;
  if (fastest.lost === 0) return { rate: rateOf(fastest), isSenderLimited: true, probe: fastest };
  let lossy = rateOf(fastest);
  let best: Probe | undefined;
  let clean = 0;
  while (lossy - clean > PRECISION * lossy && lossy > LOWEST) {
    const wanted = (clean + lossy) / 2;
    const tried = await probe(wanted);
    if (tried.lost === 0) {
      best = tried;
      clean = wanted;
    } else lossy = wanted;
  }
  return best === undefined ? undefined : { rate: rateOf(best), isSenderLimited: false, probe: best };
}
