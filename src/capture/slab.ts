import { markAsUntransferable } from 'node:worker_threads';
import type { FrameView } from '../wire/frame.js';
import { frameOf } from '../wire/frame.js';
import { CaptureError } from './capture-error.js';
import type { PacketBatch } from './packet-batch.js';
import { BATCH_PACKETS } from './packet-batch.js';

/* Before each packet, in the machine's own byte order: seconds, nanoseconds, captured length, wire length, each u32. */
const NANOSECONDS_WORD = 1;
const CAPTURED_WORD = NANOSECONDS_WORD + 1;
const WIRE_WORD = CAPTURED_WORD + 1;
/** Octets of a record before its packet. */
export const RECORD_HEADER = 4 * (WIRE_WORD + 1);

/** Memory that holds records, one behind the other. */
export class Slab {
  readonly buffer: ArrayBuffer;
  readonly frame: FrameView;
  readonly words: Uint32Array;

  /** The length of the buffer is a multiple of 4. */
  constructor(buffer: ArrayBuffer) {
    this.buffer = buffer;
    this.frame = frameOf(new Uint8Array(buffer));
    this.words = new Uint32Array(buffer);
  }

  /** Makes the batch list the packets in the first `octets`. Throws a CaptureError when they are no records. */
  list(octets: number, batch: PacketBatch): void {
    batch.frame = this.frame;
    batch.count = listRecords(this.words, octets, batch);
  }
}

/**
 * Slabs that a capture thread writes packets into. V8 owns the memory, all of it made once; the thread's addresses stay
 * good because the buffers cannot be transferred away.
 */
export class Slabs {
  readonly memory: readonly ArrayBuffer[];
  readonly #slabs: readonly Slab[];

  /** `octets` is the length of one slab, a multiple of 4. */
  constructor(count: number, octets: number) {
    this.memory = Array.from({ length: count }, () => new ArrayBuffer(octets));
    for (const buffer of this.memory) markAsUntransferable(buffer);
    this.#slabs = this.memory.map((buffer) => new Slab(buffer));
  }

  /** Makes the batch list the packets in the first `octets` of a slab. Throws a CaptureError when they are no records. */
  list(slab: number, octets: number, batch: PacketBatch): void {
    this.#slabs[slab]!.list(octets, batch);
  }
}

/**
 * Fills the columns of a batch, but for `interface`, from records that lie one behind the other, each at a multiple of 4.
 * Returns their number. Nothing is allocated. Throws a CaptureError on records that overrun `octets` or the batch.
 */
export function listRecords(words: Uint32Array, octets: number, batch: PacketBatch): number {
  const { at, capturedLength, wireLength, seconds, nanoseconds } = batch;
  if (octets > words.byteLength) throw overrun(octets, words.byteLength);
  let count = 0;
  let from = 0;
  while (from < octets) {
    const start = from + RECORD_HEADER;
    if (start > octets || count === BATCH_PACKETS) throw overrun(from, octets);
    // The header lies inside the words: start <= octets <= words.byteLength.
    const word = from >>> 2;
    const captured = words[word + CAPTURED_WORD]!;
    if (captured > octets - start) throw overrun(from, octets);
    at[count] = start;
    capturedLength[count] = captured;
    wireLength[count] = words[word + WIRE_WORD]!;
    seconds[count] = words[word]!;
    nanoseconds[count] = words[word + NANOSECONDS_WORD]!;
    count++;
    from = start + ((captured + 3) & ~3);
  }
  return count;
}

function overrun(at: number, octets: number): CaptureError {
  return new CaptureError(
    'corrupt',
    `A slab of the capture driver has no whole record at octet ${at} of ${octets}; build it anew with "scripts/build-native".`,
  );
}

/** Writes a record at `from` and returns the offset behind it, or -1 when there is no room. For drivers in JavaScript. */
export function writeRecord(
  { frame, words }: Slab,
  from: number,
  packet: Uint8Array,
  length: number,
  seconds: number,
  nanoseconds: number,
): number {
  const { bytes } = frame;
  const end = from + RECORD_HEADER + ((length + 3) & ~3);
  if (end > bytes.length) return -1;
  const word = from >>> 2;
  words[word] = seconds;
  words[word + NANOSECONDS_WORD] = nanoseconds;
  words[word + CAPTURED_WORD] = length;
  words[word + WIRE_WORD] = length;
  // A loop would be slower than `set` for all but the shortest packets, and a view costs less than either.
  bytes.set(length === packet.length ? packet : packet.subarray(0, length), from + RECORD_HEADER);
  return end;
}
