import assert from 'node:assert/strict';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { PacketBatch } from '../../src/capture/packet-batch.js';
import { frameOf } from '../../src/wire/frame.js';

const MARGIN = 72;

/** A batch of frames that lie apart, with octets of value `fill` around each: what is made of them must not depend on it. */
export function batchAmid(frames: readonly MemoryFrame[], fill: number): PacketBatch {
  const batch = reused;
  const size = frames.reduce((sum, { bytes }) => sum + bytes.length + MARGIN, MARGIN);
  const whole = new Uint8Array(size).fill(fill);
  let at = MARGIN;
  frames.forEach((frame, i) => {
    whole.set(frame.bytes, at);
    batch.at[i] = at;
    batch.capturedLength[i] = frame.bytes.length;
    batch.wireLength[i] = frame.wireLength ?? frame.bytes.length;
    batch.seconds[i] = frame.seconds;
    batch.nanoseconds[i] = frame.nanoseconds ?? 0;
    batch.interface[i] = 0;
    at += frame.bytes.length + MARGIN;
  });
  batch.frame = frameOf(whole);
  batch.count = frames.length;
  batch.firstNumber = 1;
  return batch;
}

/* A batch holds 700 kB of columns, and nobody keeps one. */
const reused = new PacketBatch();

export function assertSameLines(a: readonly string[], b: readonly string[], what: string): void {
  const i = a.findIndex((line, at) => line !== b[at]);
  if (i < 0 && a.length === b.length) return;
  const at = i < 0 ? a.length : i;
  assert.fail(`${what}: record ${at + 1} is ${a[at] ?? 'missing'} and ${b[at] ?? 'missing'}`);
}
