import type { CaptureInterface, OnPackets } from './packet-batch.js';
import { BATCH_PACKETS, PacketBatch } from './packet-batch.js';
import { CaptureError } from './capture-error.js';
import { liveError } from './live-error.js';
import type { LiveOptions } from './live-options.js';
import { liveOptions } from './live-options.js';
import type { CaptureStats, LiveEvents, LiveSource } from './live-source.js';
import type { NativeAddon, NativeHandle, NativeStats } from './native-addon.js';
import { loadAddon } from './native-addon.js';
import { Slabs } from './slab.js';

const DIRECTION = { both: 0, in: 1, out: 2 } as const;
const NO_STATS: NativeStats = {
  received: 0,
  kernelDrops: 0,
  interfaceDrops: 0,
  ringFull: 0,
  delivered: 0,
  slabs: 0,
  filterInKernel: 1,
};
const OVER = -1;

interface Waiting {
  readonly slab: number;
  readonly octets: number;
  readonly fault: string;
}

interface Reader {
  readonly onPackets: OnPackets;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Packets from an interface through libpcap. A thread of the addon fills slabs; this class, in whichever thread it was
 * made (the worker of the analysis, by intent), lists them and hands them over, one at a time and one per turn of the event
 * loop. An interface that goes away is waited for and opened again; the thread that made this needs the right to.
 */
export class LiveCapture implements LiveSource {
  readonly interfaces: readonly CaptureInterface[];
  readonly #interfaces: CaptureInterface[];
  readonly #addon: NativeAddon;
  readonly #options: Required<LiveOptions>;
  readonly #events: LiveEvents;
  readonly #slabs: Slabs;
  readonly #batch = new PacketBatch();
  /** Slabs that wait to be read: never more than there are. */
  readonly #waiting: Waiting[] = [];
  #filter: string;
  /** Undefined while the interface is lost, and after the end. */
  #handle: NativeHandle | undefined;
  #reader: Reader | undefined;
  #nextNumber = 1;
  #isTurnDue = false;
  #isBusy = false;
  #isClosing = false;
  #hasEnded = false;
  #whenEnded: (() => void)[] = [];
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #before: NativeStats = NO_STATS;
  #unread = 0;
  #interruptions = 0;

  private constructor(options: LiveOptions, events: LiveEvents, addon: NativeAddon) {
    this.#options = liveOptions(options);
    this.#events = events;
    this.#addon = addon;
    this.#filter = this.#options.filter;
    this.#interfaces = [];
    this.interfaces = this.#interfaces;
    this.#slabs = new Slabs(this.#options.slabs, this.#options.slabBytes);
  }

  /**
   * Opens an interface; packets wait in the kernel until `read`. Throws a CaptureError when the addon is not built, the
   * interface is not there or down, the right is missing or the filter wrong, and a RangeError for senseless numbers.
   */
  static open(options: LiveOptions, events: LiveEvents = {}, addon: NativeAddon = loadAddon()): LiveCapture {
    const capture = new LiveCapture(options, events, addon);
    capture.#open();
    return capture;
  }

  /** Whether the interface is there and captured from. */
  get isCapturing(): boolean {
    return this.#handle !== undefined && !this.#isClosing;
  }

  /** Reads until `close`. Rejects with what `onPackets` throws or rejects with; the capture is closed then. */
  read(onPackets: OnPackets): Promise<void> {
    if (this.#reader !== undefined || this.#hasEnded) {
      return Promise.reject(new CaptureError('closed', 'A live capture is read once; open it anew.'));
    }
    const reading = new Promise<void>((resolve, reject) => {
      this.#reader = { onPackets, resolve, reject };
    });
    if (this.#handle !== undefined) this.#addon.start(this.#handle);
    return reading;
  }

  stats(): CaptureStats {
    const now = this.#handle === undefined ? NO_STATS : this.#addon.stats(this.#handle);
    const sum = added(this.#before, now);
    return {
      received: sum.received,
      kernelDrops: sum.kernelDrops,
      interfaceDrops: sum.interfaceDrops,
      ringFull: sum.ringFull,
      delivered: sum.delivered,
      unread: now.filterInKernel === 1 ? this.#unread : 'unknown',
      filteredBy: now.filterInKernel === 1 ? 'kernel' : 'process',
      interruptions: this.#interruptions,
    };
  }

  /** See LiveSource. While the interface is lost the filter is checked now and used when it returns. */
  setFilter(text: string): number {
    return this.#explained(text, () => {
      const instructions =
        this.#handle === undefined
          ? this.#addon.compileFilter(text, this.interfaces[0]!.linkType, this.#options.snaplen)
          : this.#addon.setFilter(this.#handle, text);
      this.#filter = text;
      return instructions;
    });
  }

  /** Number of instructions that a filter has on this interface. Throws a CaptureError `bad-filter`. */
  countInstructions(text: string): number {
    return this.#explained(text, () =>
      this.#handle === undefined
        ? this.#addon.compileFilter(text, this.interfaces[0]!.linkType, this.#options.snaplen)
        : this.#addon.countInstructions(this.#handle, text),
    );
  }

  close(): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    const ended = new Promise<void>((resolve) => this.#whenEnded.push(resolve));
    if (!this.#isClosing) {
      this.#isClosing = true;
      if (this.#handle !== undefined && this.#reader !== undefined) this.#addon.stop(this.#handle);
      else this.#end();
    }
    return ended;
  }

  #open(): void {
    const { interface: device, direction, promiscuous, keepProcess, ...numbers } = this.#options;
    this.#handle = this.#explained(this.#filter, () =>
      this.#addon.open(
        {
          device,
          filter: this.#filter,
          snaplen: numbers.snaplen,
          bufferBytes: numbers.bufferBytes,
          timeoutMs: numbers.timeoutMs,
          promiscuous: promiscuous ? 1 : 0,
          direction: DIRECTION[direction],
          slabPackets: BATCH_PACKETS,
        },
        this.#slabs.memory,
        (slab, octets, _packets, fault) => {
          this.#waiting.push({ slab, octets, fault });
          this.#takeTurn();
        },
      ),
    );
    if (!keepProcess) this.#addon.holdProcess(this.#handle, false);
    this.#useInterface(device, this.#handle.linkType);
    if (this.#reader !== undefined) this.#addon.start(this.#handle);
  }

  /* An interface that returns with another link type is another one to the analysis. */
  #useInterface(name: string, linkType: number): void {
    let index = this.#interfaces.findIndex((each) => each.linkType === linkType);
    if (index < 0) index = this.#interfaces.push({ name, linkType, origin: name }) - 1;
    this.#batch.interface.fill(index);
  }

  /* One slab a turn, so that timers and messages are never kept waiting for longer than a slab takes. */
  #takeTurn(): void {
    if (this.#isTurnDue || this.#isBusy || this.#waiting.length === 0) return;
    this.#isTurnDue = true;
    setImmediate(() => {
      this.#isTurnDue = false;
      this.#readNext();
    });
  }

  #readNext(): void {
    const next = this.#waiting.shift();
    if (next === undefined || this.#hasEnded) return;
    try {
      if (next.slab === OVER) {
        this.#over(next.fault);
        return;
      }
      this.#slabs.list(next.slab, next.octets, this.#batch);
      this.#batch.firstNumber = this.#nextNumber;
      this.#nextNumber += this.#batch.count;
      const pending = this.#reader!.onPackets(this.#batch, 0, this.#batch.count);
      if (pending === undefined) this.#release(next.slab);
      else this.#waitFor(pending, next.slab);
    } catch (error) {
      this.#fail(error);
    }
  }

  #waitFor(pending: Promise<void>, slab: number): void {
    this.#isBusy = true;
    pending.then(
      () => {
        this.#isBusy = false;
        this.#release(slab);
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #release(slab: number): void {
    if (this.#handle === undefined) return;
    this.#addon.release(this.#handle, slab);
    this.#takeTurn();
  }

  /* The thread has ended, and all that it captured was read. */
  #over(fault: string): void {
    if (this.#isClosing) {
      this.#end();
      return;
    }
    this.#closeHandle();
    this.#interruptions++;
    this.#failures = 0;
    this.#events.onLost?.({ interface: this.#options.interface, reason: fault });
    this.#retryLater();
  }

  #retryLater(): number {
    const { initialMs, maxMs } = this.#options.reopen;
    const waitMs = Math.min(maxMs, initialMs * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    this.#retry = setTimeout(() => this.#reopen(), waitMs);
    if (!this.#options.keepProcess) this.#retry.unref();
    return waitMs;
  }

  #reopen(): void {
    this.#retry = undefined;
    if (this.#hasEnded || this.#isClosing) return;
    try {
      this.#open();
    } catch (error) {
      if (!(error instanceof CaptureError)) {
        this.#fail(error);
        return;
      }
      const waitMs = this.#retryLater();
      this.#events.onStillLost?.(error, waitMs);
      return;
    }
    this.#events.onReturned?.();
  }

  #closeHandle(): void {
    if (this.#handle === undefined) return;
    const last = this.#addon.stats(this.#handle);
    this.#addon.close(this.#handle);
    this.#handle = undefined;
    if (this.#options.direction === 'both' && last.filterInKernel === 1) {
      this.#unread += Math.max(0, last.received - last.kernelDrops - last.ringFull - last.delivered);
    }
    this.#before = added(this.#before, last);
  }

  #fail(error: unknown): void {
    const reader = this.#reader;
    if (this.#hasEnded) return;
    this.#finish();
    reader?.reject(error);
  }

  #end(): void {
    const reader = this.#reader;
    this.#finish();
    reader?.resolve();
  }

  #finish(): void {
    this.#hasEnded = true;
    this.#isClosing = true;
    clearTimeout(this.#retry);
    this.#closeHandle();
    this.#waiting.length = 0;
    for (const resolve of this.#whenEnded.splice(0)) resolve();
  }

  #explained<T>(filter: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw liveError(error, {
        interface: this.#options.interface,
        filter,
        interfaces: () => this.#addon.listInterfaces().map((each) => each.name),
      });
    }
  }
}

function added(a: NativeStats, b: NativeStats): NativeStats {
  return {
    received: a.received + b.received,
    kernelDrops: a.kernelDrops + b.kernelDrops,
    interfaceDrops: a.interfaceDrops + b.interfaceDrops,
    ringFull: a.ringFull + b.ringFull,
    delivered: a.delivered + b.delivered,
    slabs: a.slabs + b.slabs,
    filterInKernel: b.filterInKernel,
  };
}
