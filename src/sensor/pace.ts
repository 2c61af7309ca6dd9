import type { PacketBatch } from '../capture/packet-batch.js';

/** Gaps in packet time longer than this are not waited for: such a capture was cut together, or its clock was set. */
const MOST_GAP_SECONDS = 3600;

/** Replays packets at the speed at which they were captured, times a factor. */
export class Pace {
  readonly #factor: number;
  readonly #now: () => number;
  /* Packet time, in seconds, that was due at the wall-clock millisecond beside it. */
  #packetStart: number | undefined;
  #wallStart = 0;
  #latest = 0;

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(factor: number, now: () => number = () => performance.now()) {
    this.#factor = factor;
    this.#now = now;
  }

  /** Milliseconds until the packet at `index` is due; 0 when it is. */
  dueIn(batch: PacketBatch, index: number): number {
    const time = batch.seconds[index]! + batch.nanoseconds[index]! / 1e9;
    if (this.#packetStart === undefined || time - this.#latest > MOST_GAP_SECONDS) {
      this.#packetStart = time;
      this.#wallStart = this.#now();
    }
    // Time that goes backwards is not waited for.
    this.#latest = Math.max(this.#latest, time);
    const due = this.#wallStart + ((time - this.#packetStart) * 1000) / this.#factor;
    return Math.max(0, due - this.#now());
  }

  /** End of the packets from `from` on that are due now. */
  dueUntil(batch: PacketBatch, from: number, to: number): number {
    let end = from;
    while (end < to && this.dueIn(batch, end) === 0) end++;
    return end;
  }
}
