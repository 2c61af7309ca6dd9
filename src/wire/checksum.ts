import type { FrameView } from './frame.js';

/** Octets whose sum fits 32 bits. Even. */
const BLOCK = 65_536;

/**
 * One's complement sum of 16-bit big-endian words over `[at, end)`, added to `initial` and folded to 16 bits
 * (RFC 1071). An odd last octet counts as the high half of a word. Not inverted.
 */
export function sum16(frame: FrameView, at: number, end: number, initial: number): number {
  let sum = initial;
  let begin = at;
  for (; end - begin > BLOCK; begin += BLOCK) sum += sumOf(frame.view, begin, begin + BLOCK);
  return fold16(sum + sumOf(frame.view, begin, end));
}

/* Not folded, of a block at most: 32 bits are enough, and V8 adds numbers that may not leave them without looking. */
function sumOf(view: DataView, at: number, end: number): number {
  let sum = 0;
  let i = at;
  for (const lastPair = end - 8; i <= lastPair; i += 8) {
    const first = view.getUint32(i);
    const second = view.getUint32(i + 4);
    sum = (sum + (first >>> 16) + (first & 0xffff) + (second >>> 16) + (second & 0xffff)) | 0;
  }
  for (; end - i >= 2; i += 2) sum = (sum + view.getUint16(i)) | 0;
  if (i < end) sum = (sum + (view.getUint8(i) << 8)) | 0;
  return sum >>> 0;
}

/** Folds carries back until the sum fits 16 bits. Exact for sums below 2^53. */
export function fold16(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/**
 * Whether the transport checksum over `[at, end)` with the pseudo-header of the given addresses holds
 * (RFC 8200 8.1, RFC 768, RFC 9293). Addresses are 32-bit words; an IPv4 pair passes one word each.
 * The range must be the whole transport segment, checksum field included.
 */
export function transportChecksumHolds(
  frame: FrameView,
  at: number,
  end: number,
  protocol: number,
  addressWords: Uint32Array,
  addressAt: number,
  addressCount: number,
): boolean {
  const length = end - at;
  let sum = protocol + (length & 0xffff) + (length >>> 16);
  for (let i = addressAt; i < addressAt + addressCount; i++) {
    const word = addressWords[i]!;
    sum += (word >>> 16) + (word & 0xffff);
  }
  return sum16(frame, at, end, sum) === 0xffff;
}
