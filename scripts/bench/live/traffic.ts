import { spawn } from 'node:child_process';
import { benchFile, mixedCaptureName, writeMixedCapture } from '../mixed-capture.js';
import { ownChild } from './children.js';
import { builtFile, WIRE } from './wire.js';

/** What is sent: a mixed capture, again and again. */
export interface Corpus {
  readonly path: string;
  readonly frames: number;
  readonly tunnelPercent: number;
  /** Mean octets of a frame. */
  readonly meanOctets: number;
}

/** Makes the corpus unless it is there. */
export function makeCorpus(frames: number, tunnelPercent: number): Corpus {
  const options = { frames, tunnelPercent };
  const path = benchFile(mixedCaptureName(options));
  const size = writeMixedCapture(path, options);
  return { path, frames, tunnelPercent, meanOctets: Math.round((size - 24) / frames - 16) };
}

export interface Traffic {
  readonly corpus: Corpus;
  /** Frames a second, all senders together; 0 is as fast as they go. */
  readonly rate: number;
  readonly seconds: number;
  /** Processes that send at once; one alone may be slower than what is measured. */
  readonly senders: number;
  /** The filter of the capture: how many of the sent frames pass it is counted. */
  readonly filter: string;
  /** Frames that go in between, each once. */
  readonly plants?: { readonly path: string; readonly everyMs: number };
}

export interface Sent {
  /** Frames that the kernel took, planted ones included. */
  readonly sent: number;
  /** Of them, those that the filter lets pass. */
  readonly passing: number;
  /** When each planted frame was sent, in milliseconds of the Unix epoch. */
  readonly plantedAtMs: readonly number[];
  readonly seconds: number;
}

export interface Sending {
  readonly done: Promise<Sent>;
  /** Ends it before its time; `done` tells what was sent. */
  readonly stop: () => void;
}

/** Sends in the background. `done` rejects when a sender fails. */
export function sending(traffic: Traffic): Sending {
  const { senders } = traffic;
  const all = Array.from({ length: senders }, (_, number) => startSender(traffic, number));
  return {
    done: Promise.all(all.map(({ done }) => done)).then((parts) => ({
      sent: sum(parts.map(({ sent }) => sent)),
      passing: sum(parts.map(({ passing }) => passing)),
      plantedAtMs: parts[0]!.plantedAtMs,
      seconds: Math.max(...parts.map(({ seconds }) => seconds)),
    })),
    stop: () => all.forEach(({ stop }) => stop()),
  };
}

function startSender({ corpus, rate, seconds, senders, filter, plants }: Traffic, number: number): Sending {
  const share = rate === 0 ? 0 : Math.max(1, Math.round(rate / senders));
  const args = [WIRE, corpus.path, String(share), String(seconds), String(number / senders), filter];
  if (plants !== undefined && number === 0) args.push(plants.path, String(plants.everyMs));
  const child = ownChild(spawn(builtFile('send-capture'), args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const done = new Promise<Sent>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve(readSent(text));
      else reject(new Error('A sender failed; it says why above.'));
    });
  });
  return { done, stop: () => child.kill('SIGTERM') };
}

function readSent(text: string): Sent {
  const lines = text.trimEnd().split('\n');
  const total = JSON.parse(lines.pop()!) as Omit<Sent, 'plantedAtMs'>;
  return { ...total, plantedAtMs: lines.map((line) => Number(line.split(' ')[2]) / 1e6) };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
