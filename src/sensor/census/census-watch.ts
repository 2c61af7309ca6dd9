import { DEFAULT_DNS_PORTS } from '../../capture/filter/filter-needs.js';
import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import { Census } from '../../census/census.js';
import { PacketLook } from '../../census/packet-look.js';
import { watchedPorts } from '../../decode/plain-frame.js';
import { UsualTunnel } from '../../decode/usual-tunnel.js';
import type { CensusEvent } from '../../model/census.js';
import type { PacketTime } from '../../model/records.js';
import type { MirrorTransport } from '../../wire/mirror-transport.js';
import { MirrorDuplicates } from '../mirror-duplicates.js';
import { PacketClock } from '../packet-clock.js';

export interface CensusWatchOptions {
  readonly maxDepth: number;
  readonly vxlanPorts: readonly number[];
  readonly mirrorTransports: readonly MirrorTransport[];
  /** Most entries of each table. */
  readonly entries: number;
  /** Length of an interval, in milliseconds of packet time; Infinity for one that never ends. */
  readonly intervalMs: number;
  readonly sensor: string;
  /** Seed of what tells copies of a packet, see {@link MirrorDuplicates}. */
  readonly seed: number;
  readonly onEntry: (event: CensusEvent) => void;
}

const NONE = -1;

/**
 * The census of all packets of a sensor or a replay: its own look at each frame, and an event for each entry at the end of
 * each interval. Intervals are those of packet time, counted from the epoch, so that those of several sensors are the same.
 */
export class CensusWatch {
  readonly census: Census;
  /** Packets that were looked at. */
  packets = 0;
  /** Packets that showed an address or a relay. */
  telling = 0;
  /** Copies of such packets that a mirror of several ports shows again; they are not counted. */
  duplicates = 0;
  readonly #options: CensusWatchOptions;
  readonly #look: PacketLook;
  readonly #duplicates: MirrorDuplicates;
  readonly #clock = new PacketClock();
  /** Latest packet time that is believed. */
  #now = 0;
  #nanoseconds = 0;
  #interval = NONE;
  #beginMs = 0;

  constructor(options: CensusWatchOptions) {
    const { maxDepth, vxlanPorts, mirrorTransports, entries, seed } = options;
    this.#options = options;
    this.census = new Census(entries);
    this.#look = new PacketLook({ maxDepth, vxlanPorts, mirrorTransports, dnsPorts: DEFAULT_DNS_PORTS });
    this.#duplicates = new MirrorDuplicates(
      seed,
      new UsualTunnel(watchedPorts(vxlanPorts, mirrorTransports)),
    );
  }

  /** Addresses beyond the most that one packet may show. */
  get sightingsLost(): number {
    return this.#look.sightings.lost;
  }

  /** Looks at packets `[from, to)` of a batch. */
  process(batch: PacketBatch, from: number, to: number, interfaces: readonly CaptureInterface[]): void {
    const { frame } = batch;
    const look = this.#look;
    for (let i = from; i < to; i++) {
      const seconds = batch.seconds[i]!;
      if (seconds > this.#now && this.#clock.accepts(batch.seconds, i, to)) this.#advance(seconds);
      const nanoseconds = batch.nanoseconds[i]!;
      if (seconds === this.#now && nanoseconds > this.#nanoseconds) this.#nanoseconds = nanoseconds;
      const at = batch.at[i]!;
      const { linkType } = interfaces[batch.interface[i]!]!;
      look.look(frame, at, at + batch.capturedLength[i]!, batch.wireLength[i]!, linkType);
      this.packets++;
      if (!look.sightings.isEmpty) this.#count(seconds, nanoseconds, frame);
    }
  }

  /** Tells the time where no packets do, so that an interval ends on an idle wire too. For live capture alone. */
  idleUntil(seconds: number): void {
    if (this.#now > 0 && seconds > this.#now && this.#clock.accepts([seconds], 0, 1)) this.#advance(seconds);
  }

  /** Ends the input, and with it the interval. */
  finish(): void {
    if (this.#interval === NONE) return;
    this.#endInterval({ seconds: this.#now, nanoseconds: this.#nanoseconds });
    this.#interval = NONE;
  }

  #count(seconds: number, nanoseconds: number, frame: PacketBatch['frame']): void {
    if (this.#duplicates.isCopy(this.#look.stack, frame, seconds, nanoseconds)) {
      this.duplicates++;
      return;
    }
    this.telling++;
    // A time too far ahead to be believed is not that at which something was seen.
    const isAhead = seconds > this.#now;
    this.census.count(this.#look.sightings, isAhead ? this.#now : seconds, isAhead ? 0 : nanoseconds);
  }

  #advance(seconds: number): void {
    const { intervalMs } = this.#options;
    const interval = Math.floor((seconds * 1000) / intervalMs);
    if (this.#interval === NONE) {
      this.#beginMs = seconds * 1000;
    } else if (interval !== this.#interval) {
      const endMs = (this.#interval + 1) * intervalMs;
      this.#endInterval({ seconds: Math.floor(endMs / 1000), nanoseconds: (endMs % 1000) * 1_000_000 });
      this.#beginMs = interval * intervalMs;
    }
    this.#interval = interval;
    this.#now = seconds;
    this.#nanoseconds = 0;
  }

  #endInterval(time: PacketTime): void {
    const { sensor, onEntry } = this.#options;
    const endMs = time.seconds * 1000 + Math.floor(time.nanoseconds / 1_000_000);
    const seconds = Math.max(0, endMs - this.#beginMs) / 1000;
    for (const entry of this.census.entries()) onEntry({ time, seconds, entry, sensor });
    this.census.clearCounts();
  }
}
