import { CapFeed, statsOf } from './cap-feed.js';
import type { CapPackage } from './cap-package.js';
import { loadCap } from './cap-package.js';
import type { LiveOptions } from './live-options.js';
import type { CaptureStats, LiveSource } from './live-source.js';
import type { CaptureInterface, OnPackets } from './packet-batch.js';
import { SlabReader } from './slab-reader.js';

/**
 * Packets through the npm package `cap`, for comparison and for machines where the addon cannot be built. On the main
 * thread only; `RelayedCapture` reads in another. `cap` tells neither time nor wire length nor drops: times are those at
 * which JavaScript saw the packet, lengths are what was captured, drops are `unknown`. It gives the event loop back only
 * when its ring is empty. It ends the whole process when its interface is removed or set down, so interfaces that come and
 * go are refused. See docs/capture-drivers.md.
 */
export class CapCapture implements LiveSource {
  readonly interfaces: readonly CaptureInterface[];
  readonly #feed: CapFeed;
  readonly #slabs: SlabReader;
  #reading: Promise<void> | undefined;

  private constructor(options: LiveOptions, load: () => CapPackage) {
    const { interface: name } = options;
    const feed = new CapFeed(options, load);
    this.#feed = feed;
    this.#slabs = new SlabReader((buffer) => feed.takeBack(buffer));
    this.interfaces = [{ name, linkType: feed.linkType, origin: name }];
  }

  /** Opens an interface; packets before `read` are not kept. Throws a CaptureError. */
  static open(options: LiveOptions, load: () => CapPackage = loadCap): CapCapture {
    return new CapCapture(options, load);
  }

  get isCapturing(): boolean {
    return !this.#slabs.hasEnded;
  }

  read(onPackets: OnPackets): Promise<void> {
    if (this.#reading !== undefined) return this.#slabs.read(onPackets);
    this.#reading = this.#slabs.read(onPackets).finally(() => this.#feed.close());
    this.#feed.start({ take: (slab) => this.#slabs.add(slab) });
    return this.#reading;
  }

  stats(): CaptureStats {
    return statsOf(this.#feed.counts);
  }

  countInstructions(text: string): undefined {
    this.#feed.checkFilter(text);
  }

  setFilter(text: string): undefined {
    this.#feed.setFilter(text);
  }

  async close(): Promise<void> {
    this.#feed.close();
    this.#slabs.finish();
    // Who reads gets the error.
    await this.#reading?.catch(() => undefined);
  }
}
