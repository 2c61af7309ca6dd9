import type { CapDevice, CapPackage } from './cap-package.js';
import { loadCap, openCapDevice } from './cap-package.js';
import { CaptureError } from './capture-error.js';
import type { LiveOptions } from './live-options.js';
import { liveOptions } from './live-options.js';
import type { CaptureStats } from './live-source.js';
import { BATCH_PACKETS } from './packet-batch.js';
import { Slab, writeRecord } from './slab.js';
import type { FilledSlab } from './slab-reader.js';

const LONGEST_PACKET = 65_535;
/** Packets that are dropped before it is asked again whether slabs came back. */
const RECLAIM_EVERY = 64;
/** How far the fine clock may be off before it is set. */
const CLOCK_ERROR_MS = 50;

const DELIVERED = 0;
const RING_FULL = DELIVERED + 1;
const COUNTS = RING_FULL + 1;

/** Who gets the slabs of a feed. */
export interface SlabTaker {
  /** Takes a slab; it goes back with `takeBack`. */
  readonly take: (slab: FilledSlab) => void;
  /** Called when slabs are missing: takes back those that are on their way, where no event tells of them in time. */
  readonly reclaim?: () => void;
}

/**
 * Packets of the npm package `cap` in slabs, on the main thread. A slab is given away when it is full, or at the end of a
 * turn of the event loop when no other is away; so a busy taker gets few full slabs. What comes while all slabs are away is
 * dropped and counted.
 */
export class CapFeed {
  readonly linkType: number;
  /** In shared memory, so that any thread can read it at any time; see `statsOf`. */
  readonly counts = new Float64Array(new SharedArrayBuffer(COUNTS * Float64Array.BYTES_PER_ELEMENT));
  readonly #package: CapPackage;
  readonly #options: Required<LiveOptions>;
  /** `cap` writes each packet here and holds no reference: this class's keeps it from the collector while open. */
  readonly #packet = Buffer.alloc(LONGEST_PACKET);
  readonly #clock = new FineClock();
  /** The slab used last is used next, so memory is touched only as far as it is needed. */
  readonly #free: Slab[];
  #device: CapDevice;
  #taker: SlabTaker | undefined;
  #slab: Slab | undefined;
  #octets = 0;
  #packets = 0;
  #away = 0;
  #sinceReclaim = 0;
  #isTurnDue = false;
  #isClosed = false;

  /** Opens an interface; packets before `start` are not kept. Throws a CaptureError. */
  constructor(options: LiveOptions, load: () => CapPackage = loadCap) {
    this.#options = liveOptions(options);
    const { direction, promiscuous, slabs, slabBytes } = this.#options;
    if (direction !== 'both' || !promiscuous)
      throw new CaptureError(
        'interface-refused',
        'The driver "cap" always takes packets of both directions and for other machines; leave out capture.direction and capture.promiscuous, or use the driver "libpcap".',
      );
    this.#package = load();
    const { device, linkType } = this.#open(this.#options.filter);
    this.#device = device;
    this.linkType = linkType;
    this.#listen(device);
    this.#free = Array.from({ length: slabs }, () => new Slab(new ArrayBuffer(slabBytes)));
  }

  start(taker: SlabTaker): void {
    this.#taker = taker;
  }

  /** Takes back a slab that was given away, perhaps through another thread. */
  takeBack(buffer: ArrayBuffer): void {
    this.#away--;
    this.#free.push(new Slab(buffer));
    if (this.#away === 0) this.#giveAway();
  }

  /** Throws a CaptureError `bad-filter` for a filter that libpcap does not take. */
  checkFilter(text: string): void {
    this.#open(text).device.close();
  }

  /** Closes and opens again, which loses what is in the ring: `cap` has no other way. The old filter stays on a fault. */
  setFilter(text: string): void {
    const { device } = this.#open(text);
    this.#device.close();
    this.#device = device;
    this.#listen(device);
  }

  /** Gives away what is there and ends. */
  close(): void {
    if (this.#isClosed) return;
    this.#giveAway();
    this.#isClosed = true;
    this.#device.close();
  }

  #open(filter: string): ReturnType<typeof openCapDevice> {
    if (this.#isClosed) throw new CaptureError('closed', 'The capture has ended; open it anew.');
    return openCapDevice(this.#package, { ...this.#options, filter }, this.#packet);
  }

  #listen(device: CapDevice): void {
    device.on('packet', (octets) => {
      if (device === this.#device && this.#taker !== undefined && !this.#isClosed) this.#keep(octets);
    });
  }

  #keep(octets: number): void {
    if (!this.#isTurnDue) this.#beginTurn();
    const length = Math.min(octets, this.#options.snaplen);
    if (this.#write(length)) return;
    this.#giveAway();
    if (this.#write(length)) return;
    this.counts[RING_FULL]! += 1;
  }

  #write(length: number): boolean {
    const slab = (this.#slab ??= this.#takeFree());
    if (slab === undefined || this.#packets === BATCH_PACKETS) return false;
    const clock = this.#clock;
    clock.tick();
    const end = writeRecord(slab, this.#octets, this.#packet, length, clock.seconds, clock.nanoseconds);
    if (end < 0) return false;
    this.#octets = end;
    this.#packets++;
    this.counts[DELIVERED]! += 1;
    return true;
  }

  /* In the middle of `cap`'s loop no event brings slabs back. */
  #takeFree(): Slab | undefined {
    if (this.#free.length === 0 && this.#sinceReclaim++ % RECLAIM_EVERY === 0) this.#taker?.reclaim?.();
    return this.#isClosed ? undefined : this.#free.pop();
  }

  #beginTurn(): void {
    this.#isTurnDue = true;
    this.#clock.set();
    setImmediate(() => {
      this.#isTurnDue = false;
      if (this.#away === 0) this.#giveAway();
    });
  }

  #giveAway(): void {
    const slab = this.#slab;
    if (slab === undefined || this.#packets === 0 || this.#isClosed) return;
    const { buffer } = slab;
    const octets = this.#octets;
    this.#slab = undefined;
    this.#octets = 0;
    this.#packets = 0;
    this.#away++;
    this.#taker!.take({ buffer, octets });
  }
}

/** What the counts of a feed say. `cap` does not tell of the kernel's drops. */
export function statsOf(counts: Float64Array): CaptureStats {
  const delivered = counts[DELIVERED]!;
  const ringFull = counts[RING_FULL]!;
  return {
    received: delivered + ringFull,
    kernelDrops: 'unknown',
    interfaceDrops: 'unknown',
    ringFull,
    delivered,
    unread: 'unknown',
    filteredBy: 'unknown',
    interruptions: 0,
  };
}

/* The wall clock in microseconds: Date has milliseconds only, and the fine clock follows no correction of the time. */
class FineClock {
  seconds = 0;
  nanoseconds = 0;
  #offsetMs = 0;

  set(): void {
    const offsetMs = Date.now() - performance.now();
    if (Math.abs(offsetMs - this.#offsetMs) > CLOCK_ERROR_MS) this.#offsetMs = offsetMs;
  }

  tick(): void {
    const nowMs = performance.now() + this.#offsetMs;
    this.seconds = Math.floor(nowMs / 1000);
    this.nanoseconds = Math.floor((nowMs - this.seconds * 1000) * 1000) * 1000;
  }
}
