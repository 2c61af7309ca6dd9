import { createRequire } from 'node:module';
import { LiveCapture } from '../../../src/capture/live-capture.js';

/*
 * One measured receiver: receiver.ts libpcap|cap INTERFACE FILTER RING-BYTES. Says "ready", counts packets and reads an octet of
 * each, and on SIGTERM prints one JSON line, as bare-loop.c does. `cap` is the package itself, without our class around it.
 */
const [driver, device, filter, ring] = process.argv.slice(2) as [string, string, string, string];
const bufferBytes = Number(ring);
let packets = 0;
let sum = 0;
let longestGapMs = 0;
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  longestGapMs = Math.max(longestGapMs, now - last - 10);
  last = now;
}, 10);
const start = process.cpuUsage();

function report(kernelDrops: number | 'unknown', ringFull: number | 'unknown'): void {
  const { user, system } = process.cpuUsage(start);
  const cpuSeconds = (user + system) / 1e6;
  console.log(JSON.stringify({ packets, kernelDrops, ringFull, cpuSeconds, longestGapMs, sum }));
  clearInterval(timer);
}

if (driver === 'libpcap') {
  const capture = LiveCapture.open({ interface: device, filter, bufferBytes });
  process.once('SIGTERM', () => void capture.close());
  console.log('ready');
  await capture.read((batch, from, to) => {
    for (let i = from; i < to; i++) sum += batch.frame.bytes[batch.at[i]!]!;
    packets += to - from;
    return undefined;
  });
  const { kernelDrops, ringFull } = capture.stats();
  report(kernelDrops, ringFull);
} else {
  const { Cap } = createRequire(import.meta.url)('cap') as {
    Cap: new () => {
      open(device: string, filter: string, ringBytes: number, buffer: Buffer): string;
      on(event: 'packet', listener: () => void): void;
      close(): void;
    };
  };
  const cap = new Cap();
  const buffer = Buffer.alloc(65_535);
  cap.open(device, filter, bufferBytes, buffer);
  cap.on('packet', () => {
    packets++;
    sum += buffer[0]!;
  });
  process.once('SIGTERM', () => {
    cap.close();
    report('unknown', 'unknown');
  });
  console.log('ready');
}
