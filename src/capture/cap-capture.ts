import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { LINK_TYPE } from '../wire/numbers.js';
import { CaptureError } from './capture-error.js';
import { liveError } from './live-error.js';
import type { LiveOptions } from './live-options.js';
import { liveOptions } from './live-options.js';
import type { CaptureStats, LiveSource } from './live-source.js';
import type { CaptureInterface, OnPackets } from './packet-batch.js';
import { BATCH_PACKETS, PacketBatch } from './packet-batch.js';
import { Slabs, writeRecord } from './slab.js';

const LONGEST_PACKET = 65_535;
const LINK_TYPES = new Map([
  ['ETHERNET', LINK_TYPE.ETHERNET],
  ['NULL', LINK_TYPE.NULL],
  ['RAW', LINK_TYPE.RAW],
  ['LINKTYPE_LINUX_SLL', LINK_TYPE.LINUX_SLL],
]);

interface CapDevice {
  open(device: string, filter: string, ringBytes: number, buffer: Buffer): string;
  close(): boolean;
  on(event: 'packet', listener: (octets: number, isCut: boolean) => void): unknown;
}

interface CapModule {
  readonly Cap: new () => CapDevice;
}

/*
 * Every device ever made, so that the garbage collector gets none. The destructor of one that could not be opened stops a
 * poll handle that was never set up, which is a segmentation fault; a closed one leaves its poll handle in the event loop's
 * list. They are few, one for each opening.
 */
const neverCollected: CapDevice[] = [];

interface Filled {
  readonly slab: number;
  readonly octets: number;
}

/**
 * Packets through the npm package `cap`, for comparison and for machines where the addon cannot be built. On the main
 * thread only. `cap` tells neither time nor wire length nor drops: times are those at which JavaScript saw the packet,
 * lengths are what was captured, drops are `unknown`. It gives the event loop back only when its ring is empty. It ends the
 * whole process when its interface is removed or set down, so interfaces that come and go are refused. See
 * docs/capture-drivers.md.
 */
export class CapCapture implements LiveSource {
  readonly interfaces: readonly CaptureInterface[];
  readonly #module: CapModule;
  readonly #options: Required<LiveOptions>;
  readonly #slabs: Slabs;
  readonly #batch = new PacketBatch();
  /** `cap` writes each packet here and holds no reference: the listener's keeps it from the collector while open. */
  readonly #packet = Buffer.alloc(LONGEST_PACKET);
  readonly #free: number[];
  readonly #filled: Filled[] = [];
  #device: CapDevice;
  #linkType = 0;
  #slab: number | undefined;
  #octets = 0;
  #packets = 0;
  #isFlushDue = false;
  #isBusy = false;
  #ringFull = 0;
  #delivered = 0;
  #nextNumber = 1;
  #onPackets: OnPackets | undefined;
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #hasEnded = false;

  private constructor(options: LiveOptions, module: CapModule) {
    this.#options = liveOptions(options);
    this.#module = module;
    this.#slabs = new Slabs(this.#options.slabs, this.#options.slabBytes);
    this.#free = this.#slabs.memory.map((_, slab) => slab);
    this.#device = this.#open(this.#options.filter);
    this.interfaces = [{ name: options.interface, linkType: this.#linkType, origin: options.interface }];
  }

  /** Opens an interface; packets before `read` are not kept. Throws a CaptureError. */
  static open(options: LiveOptions, load: () => CapModule = loadCap): CapCapture {
    const reason = whyRefused(options.interface);
    if (reason !== undefined) throw new CaptureError('interface-refused', reason);
    if (!isMainThread) {
      throw new CaptureError(
        'no-driver',
        'The driver "cap" works on the main thread only; use the driver "libpcap" in a worker.',
      );
    }
    return new CapCapture(options, load());
  }

  read(onPackets: OnPackets): Promise<void> {
    if (this.#onPackets !== undefined || this.#hasEnded) {
      return Promise.reject(new CaptureError('closed', 'A live capture is read once; open it anew.'));
    }
    this.#onPackets = onPackets;
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  stats(): CaptureStats {
    const delivered = this.#delivered + this.#packets;
    return {
      received: delivered + this.#ringFull,
      kernelDrops: 'unknown',
      interfaceDrops: 'unknown',
      ringFull: this.#ringFull,
      delivered,
      unread: 'unknown',
      interruptions: 0,
    };
  }

  /** Closes and opens again, which loses what comes in between: `cap` has no other way. The old filter stays on a fault. */
  setFilter(text: string): undefined {
    const next = this.#open(text);
    this.#device.close();
    this.#device = next;
  }

  close(): Promise<void> {
    if (!this.#hasEnded) {
      this.#flush();
      this.#finish();
      this.#settle?.resolve();
    }
    return Promise.resolve();
  }

  #open(filter: string): CapDevice {
    const device = new this.#module.Cap();
    neverCollected.push(device);
    let linkType: string;
    try {
      linkType = device.open(this.#options.interface, filter, this.#options.bufferBytes, this.#packet);
    } catch (error) {
      throw liveError(coded(error), {
        interface: this.#options.interface,
        filter,
        interfaces: () => Object.keys(networkInterfaces()),
      });
    }
    const known = LINK_TYPES.get(linkType);
    if (known === undefined) {
      device.close();
      throw new CaptureError(
        'unsupported-link-type',
        `The driver "cap" does not know the link type of "${this.#options.interface}" (${linkType}); use the driver "libpcap".`,
      );
    }
    this.#linkType = known;
    device.on('packet', (octets) => {
      if (device === this.#device) this.#keep(octets);
    });
    return device;
  }

  #keep(octets: number): void {
    if (this.#onPackets === undefined || this.#hasEnded) return;
    const now = performance.timeOrigin + performance.now();
    const seconds = Math.floor(now / 1000);
    const nanoseconds = Math.floor((now - seconds * 1000) * 1000) * 1000;
    const length = Math.min(octets, this.#options.snaplen);
    if (this.#write(length, seconds, nanoseconds)) return;
    this.#flush();
    if (!this.#write(length, seconds, nanoseconds)) this.#ringFull++;
  }

  #write(length: number, seconds: number, nanoseconds: number): boolean {
    this.#slab ??= this.#free.pop();
    if (this.#slab === undefined || this.#packets === BATCH_PACKETS) return false;
    const end = writeRecord(
      this.#slabs,
      this.#slab,
      this.#octets,
      this.#packet,
      length,
      seconds,
      nanoseconds,
    );
    if (end < 0) return false;
    this.#octets = end;
    this.#packets++;
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      setImmediate(() => {
        this.#isFlushDue = false;
        this.#flush();
      });
    }
    return true;
  }

  /* Hands over what is there. Called in the middle of `cap`'s loop when a slab is full, as no turn may come for long. */
  #flush(): void {
    if (this.#slab !== undefined && this.#packets > 0) {
      this.#filled.push({ slab: this.#slab, octets: this.#octets });
      this.#delivered += this.#packets;
      this.#slab = undefined;
      this.#octets = 0;
      this.#packets = 0;
    }
    while (!this.#isBusy && !this.#hasEnded) {
      const next = this.#filled.shift();
      if (next === undefined) return;
      this.#handOver(next);
    }
  }

  #handOver({ slab, octets }: Filled): void {
    try {
      this.#slabs.list(slab, octets, this.#batch);
      this.#batch.firstNumber = this.#nextNumber;
      this.#nextNumber += this.#batch.count;
      const pending = this.#onPackets!(this.#batch, 0, this.#batch.count);
      if (pending === undefined) {
        this.#free.push(slab);
        return;
      }
      this.#isBusy = true;
      pending.then(
        () => {
          this.#isBusy = false;
          this.#free.push(slab);
          this.#flush();
        },
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#finish();
    this.#settle?.reject(error);
  }

  #finish(): void {
    this.#hasEnded = true;
    this.#device.close();
  }
}

/* `cap` asserts that its descriptor never fails, and a removed interface makes it fail: the process would be aborted. */
function whyRefused(name: string): string | undefined {
  if (name === 'lo' || name === 'any') return undefined;
  let device: string;
  try {
    device = realpathSync(`/sys/class/net/${encodeURIComponent(name)}/device`);
  } catch {
    return `The driver "cap" would abort the process when ${JSON.stringify(name)} is removed, and it is no network card; use the driver "libpcap".`;
  }
  return device.includes('/usb')
    ? `The driver "cap" would abort the process when the USB adapter "${name}" is unplugged; use the driver "libpcap".`
    : undefined;
}

function loadCap(): CapModule {
  try {
    return createRequire(import.meta.url)('cap') as CapModule;
  } catch (error) {
    throw new CaptureError(
      'no-driver',
      'The driver "cap" is not installed or was not built for this Node; install libpcap’s headers and run "npm rebuild cap", or use the driver "libpcap".',
      { cause: error },
    );
  }
}

/* `cap` passes on libpcap's words alone. */
function coded(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = /permi|CAP_NET_RAW/i.test(error.message)
    ? 'not-permitted'
    : /no such device/i.test(error.message)
      ? 'no-such-interface'
      : /not up/i.test(error.message)
        ? 'interface-down'
        : /pars|syntax|unknown|filter|expression/i.test(error.message)
          ? 'bad-filter'
          : 'capture-failed';
  return Object.assign(error, { code });
}
