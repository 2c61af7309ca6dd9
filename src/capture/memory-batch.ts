import { LINK_TYPE } from '../wire/numbers.js';
import { frameOf } from '../wire/frame.js';
import type { CaptureInterface } from './packet-batch.js';
import { PacketBatch } from './packet-batch.js';

/** A frame in memory, with its time. */
export interface MemoryFrame {
  readonly bytes: Uint8Array;
  readonly seconds: number;
  readonly nanoseconds?: number;
  /** Octets on the wire, when more than `bytes`. */
  readonly wireLength?: number;
}

/** The interface of frames in memory. */
export function memoryInterface(origin: string, linkType: number = LINK_TYPE.ETHERNET): CaptureInterface {
  return { name: '', linkType, origin };
}

/** A batch of frames in memory, all on interface 0. */
export function memoryBatch(frames: readonly MemoryFrame[], firstNumber = 1): PacketBatch {
  const batch = new PacketBatch();
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.bytes.length, 0));
  let at = 0;
  frames.forEach((frame, i) => {
    bytes.set(frame.bytes, at);
    batch.at[i] = at;
    batch.capturedLength[i] = frame.bytes.length;
    batch.wireLength[i] = frame.wireLength ?? frame.bytes.length;
    batch.seconds[i] = frame.seconds;
    batch.nanoseconds[i] = frame.nanoseconds ?? 0;
    batch.interface[i] = 0;
    at += frame.bytes.length;
  });
  batch.frame = frameOf(bytes);
  batch.count = frames.length;
  batch.firstNumber = firstNumber;
  return batch;
}
