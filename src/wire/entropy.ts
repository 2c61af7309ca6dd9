import type { FrameView } from './frame.js';

/** Octets that are counted at most: more say nothing new, and a sender must not be able to make this dear. */
const MOST = 2048;

/** Shannon entropy of octets in hundredths of a bit per octet: 0 when all are the same, 800 when all differ evenly. */
export class OctetEntropy {
  readonly #counts = new Uint16Array(256);

  /** Entropy of `[at, end)`, of its first 2048 octets when there are more; 0 when it is empty. */
  of(frame: FrameView, at: number, end: number): number {
    const counts = this.#counts.fill(0);
    const { bytes } = frame;
    const stop = Math.min(end, at + MOST);
    const total = stop - at;
    if (total <= 0) return 0;
    for (let i = at; i < stop; i++) counts[bytes[i]!]!++;
    let sum = 0;
    for (const count of counts) {
      if (count > 0) sum += count * Math.log2(count);
    }
    return Math.round((Math.log2(total) - sum / total) * 100);
  }
}
