import type { FrameView } from './frame.js';

/**
 * One's complement sum of 16-bit big-endian words over `[at, end)`, added to `initial` and folded to 16 bits
 * (RFC 1071). An odd last octet counts as the high half of a word. Not inverted.
 */
export function sum16(frame: FrameView, at: number, end: number, initial: number): number {
  const view = frame.view;
  let sum = initial;
  let i = at;
  const lastWord = end - 4;
  while (i <= lastWord) {
    const word = view.getUint32(i);
    sum += (word >>> 16) + (word & 0xffff);
    i += 4;
  }
  if (end - i >= 2) {
    sum += view.getUint16(i);
    i += 2;
  }
  if (i < end) sum += view.getUint8(i) << 8;
  return fold16(sum);
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
