import type { PacketBatch } from '../../capture/packet-batch.js';

/** How far the analysis is behind the wire: clock minus packet time, in milliseconds. */
export class Lag {
  readonly #now: () => number;
  #latestMs = 0;
  #mostMs = 0;

  /** `now` gives milliseconds of the Unix epoch, as the packets are stamped. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Notes that the packets before `to` were analysed. */
  note(batch: PacketBatch, to: number): void {
    const packetMs = batch.seconds[to - 1]! * 1000 + batch.nanoseconds[to - 1]! / 1e6;
    this.#latestMs = Math.max(0, this.#now() - packetMs);
    this.#mostMs = Math.max(this.#mostMs, this.#latestMs);
  }

  /** The latest lag and the highest, since the last call; 0 when nothing was analysed. */
  take(): { readonly lagMs: number; readonly mostLagMs: number } {
    const taken = { lagMs: this.#latestMs, mostLagMs: this.#mostMs };
    this.#latestMs = 0;
    this.#mostMs = 0;
    return taken;
  }
}
