/** A forward jump beyond this many seconds needs a second packet to be believed. */
const SUSPECT_SECONDS = 86_400;
/** The second packet may be this much earlier than the first. */
const AGREEMENT_SECONDS = 3_600;

/**
 * Decides which packet times move the state clock. One packet with a damaged time, years ahead, would expire everything
 * and leave all packets behind it in the past; a capture that really goes on later stays there with its next packet.
 */
export class PacketClock {
  /** Packets whose time was too far ahead to be believed on their own. */
  jumps = 0;
  #latest = 0;
  #suspect = 0;

  /** Whether `times[i]`, which is ahead of the clock, moves it. The packet that follows it stands before `to`. */
  accepts(times: ArrayLike<number>, i: number, to: number): boolean {
    const seconds = times[i]!;
    if (this.#latest !== 0 && seconds - this.#latest > SUSPECT_SECONDS) {
      const wasFollowed = this.#suspect !== 0 && seconds >= this.#suspect - AGREEMENT_SECONDS;
      const isFollowed = i + 1 < to && times[i + 1]! >= seconds - AGREEMENT_SECONDS;
      if (!wasFollowed && !isFollowed) {
        this.#suspect = seconds;
        this.jumps++;
        return false;
      }
    }
    this.#latest = seconds;
    this.#suspect = 0;
    return true;
  }
}
