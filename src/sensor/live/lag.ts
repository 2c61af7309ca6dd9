import type { PacketBatch } from '../../capture/packet-batch.js';

/** How far the analysis is behind the wire: clock minus packet time, in seconds. */
export class Lag {
  readonly #now: () => number;
  #latest: number | undefined;
  #most = 0;

  /** `now` gives milliseconds of the Unix epoch, as the packets are stamped. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Notes that the packets before `to` were analysed. */
  note(batch: PacketBatch, to: number): void {
    const packetMs = batch.seconds[to - 1]! * 1000 + batch.nanoseconds[to - 1]! / 1e6;
    this.#latest = Math.max(0, this.#now() - packetMs) / 1000;
    this.#most = Math.max(this.#most, this.#latest);
  }

  /** Of the packets that were analysed last; undefined before the first. */
  get seconds(): number | undefined {
    return this.#latest;
  }

  /** The highest since the last call; 0 when nothing was analysed. */
  takeMost(): number {
    const most = this.#most;
    this.#most = 0;
    return most;
  }
}
