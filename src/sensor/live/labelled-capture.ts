import { CaptureError } from '../../capture/capture-error.js';
import { LiveCapture } from '../../capture/live-capture.js';
import type { LiveOptions } from '../../capture/live-options.js';
import { DEFAULT_LIVE_OPTIONS } from '../../capture/live-options.js';
import type { Instructions, LiveEvents, LiveSource } from '../../capture/live-source.js';
import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import type { InterfaceConfig } from '../../config/definition/configuration.js';
import { LINK_TYPE } from '../../wire/numbers.js';
import type { KernelFilter } from './kernel-filter.js';
import { kernelFilter } from './kernel-filter.js';
import type { CaptureSurroundings } from './rule-needs.js';
import type { InterfaceState } from './worker-messages.js';

const SUPPORTED_LINKS: ReadonlySet<number> = new Set(Object.values(LINK_TYPE));

/** Opens a capture of the driver `cap`: here, or on the main thread. Rejects with a CaptureError. */
export type OpenCap = (options: LiveOptions) => Promise<LiveSource>;

/** A live capture as the configuration describes it, with its filter, under its label. */
export class LabelledCapture {
  readonly label: string;
  readonly name: string;
  readonly #source: LiveSource;
  readonly #all: CaptureInterface[];
  /* Place in `all` of each interface of the source. */
  readonly #places: number[] = [];
  #filter: KernelFilter = { text: '', hides: [] };
  #instructions: Instructions;

  private constructor({ label, name }: InterfaceConfig, source: LiveSource, all: CaptureInterface[]) {
    this.label = label;
    this.name = name;
    this.#source = source;
    this.#all = all;
  }

  /** Opens it. `all` are the interfaces of all captures. Rejects with a CaptureError or a FilterError. */
  static async open(
    config: InterfaceConfig,
    surroundings: CaptureSurroundings,
    all: CaptureInterface[],
    events: LiveEvents,
    openCap: OpenCap,
  ): Promise<LabelledCapture> {
    const { driver, bufferBytes, queueBytes, snaplen, promiscuous, timeoutMs, direction } =
      surroundings.capture;
    const own = { interface: config.name, snaplen: config.snaplen ?? snaplen };
    const slabs = Math.floor(queueBytes / DEFAULT_LIVE_OPTIONS.slabBytes);
    const options = { ...own, bufferBytes, slabs, promiscuous, timeoutMs, direction, keepProcess: true };
    const source = driver === 'cap' ? await openCap(options) : LiveCapture.open(options, events);
    try {
      const { linkType } = source.interfaces[0]!;
      if (!SUPPORTED_LINKS.has(linkType))
        throw new CaptureError(
          'unsupported-link-type',
          `Interface "${config.name}" has link type ${linkType}, which is not supported; Ethernet, Linux cooked, BSD loopback and raw IP are.`,
        );
      const capture = new LabelledCapture(config, source, all);
      await capture.use(await capture.prepare(config, surroundings));
      return capture;
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** LINKTYPE_ value, as opened. */
  get linkType(): number {
    return this.#source.interfaces[0]!.linkType;
  }

  /** Makes the filter that a configuration asks for, without using it. Rejects with a CaptureError or a FilterError. */
  async prepare(config: InterfaceConfig, surroundings: CaptureSurroundings): Promise<KernelFilter> {
    const filter = kernelFilter(config, surroundings, this.linkType);
    try {
      await this.#source.countInstructions(filter.text);
    } catch (error) {
      // Thousands of characters of ours would hide what is wrong with the user's few.
      if (config.userFilter !== undefined) await this.#source.countInstructions(config.userFilter);
      throw error;
    }
    return filter;
  }

  async use(filter: KernelFilter): Promise<void> {
    this.#instructions = await this.#source.setFilter(filter.text);
    this.#filter = filter;
  }

  /** Reads until closed. `take` gets batches whose packets name their interface among all captures. */
  read(take: (batch: PacketBatch, from: number, to: number) => void): Promise<void> {
    return this.#source.read((batch, from, to) => {
      if (from === to) return undefined;
      // The packets of a live batch are all of one interface. The column is the source's: it gets it back as it was.
      const local = batch.interface[from]!;
      batch.interface.fill(this.#placeOf(local), from, to);
      try {
        take(batch, from, to);
      } finally {
        batch.interface.fill(local, from, to);
      }
      return undefined;
    });
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  /** Whether the interface is there and captured from. */
  get isCapturing(): boolean {
    return this.#source.isCapturing;
  }

  state(): InterfaceState {
    return {
      label: this.label,
      name: this.name,
      isCapturing: this.isCapturing,
      filter: this.#filter.text,
      instructions: this.#instructions,
      hides: this.#filter.hides,
      stats: this.#source.stats(),
    };
  }

  #placeOf(local: number): number {
    const { name, linkType } = this.#source.interfaces[local]!;
    this.#places[local] ??= this.#all.push({ name, linkType, origin: this.label }) - 1;
    return this.#places[local];
  }
}
