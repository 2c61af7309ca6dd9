import { CaptureError } from '../../capture/capture-error.js';
import { LiveCapture } from '../../capture/live-capture.js';
import type { LiveEvents, LiveSource } from '../../capture/live-source.js';
import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import type { InterfaceConfig } from '../../config/definition/configuration.js';
import { LINK_TYPE } from '../../wire/numbers.js';
import type { KernelFilter } from './kernel-filter.js';
import { kernelFilter } from './kernel-filter.js';
import type { AnalysisConfig, InterfaceState } from './worker-messages.js';

const SUPPORTED_LINKS: ReadonlySet<number> = new Set(Object.values(LINK_TYPE));

/** A live capture as the configuration describes it, with its filter, under its label. */
export class LabelledCapture {
  readonly label: string;
  readonly name: string;
  readonly #source: LiveSource & { readonly isCapturing: boolean };
  readonly #all: CaptureInterface[];
  /* Place in `all` of each interface of the source. */
  readonly #places: number[] = [];
  #filter: KernelFilter = { text: '', hides: [] };
  #instructions: number | undefined;

  /** Opens it. `all` are the interfaces of all captures. Throws a CaptureError or a FilterError. */
  constructor(
    config: InterfaceConfig,
    surroundings: Pick<AnalysisConfig, 'capture' | 'vxlanPorts'>,
    all: CaptureInterface[],
    events: LiveEvents,
  ) {
    this.label = config.label;
    this.name = config.name;
    this.#all = all;
    if (surroundings.capture.driver === 'cap')
      throw new CaptureError(
        'no-driver',
        'run cannot capture with the driver "cap" yet; set capture.driver to libpcap.',
      );
    const { bufferBytes, snaplen, promiscuous, timeoutMs, direction } = surroundings.capture;
    const own = { interface: config.name, snaplen: config.snaplen ?? snaplen };
    const capture = LiveCapture.open(
      { ...own, bufferBytes, promiscuous, timeoutMs, direction, keepProcess: true },
      events,
    );
    this.#source = capture;
    try {
      const { linkType } = capture.interfaces[0]!;
      if (!SUPPORTED_LINKS.has(linkType))
        throw new CaptureError(
          'unsupported-link-type',
          `Interface "${config.name}" has link type ${linkType}, which is not supported; Ethernet, Linux cooked, BSD loopback and raw IP are.`,
        );
      this.use(this.prepare(config, surroundings));
    } catch (error) {
      void capture.close();
      throw error;
    }
  }

  /** Makes the filter that a configuration asks for, without using it. Throws a CaptureError or a FilterError. */
  prepare(
    config: InterfaceConfig,
    surroundings: Pick<AnalysisConfig, 'capture' | 'vxlanPorts'>,
  ): KernelFilter {
    const filter = kernelFilter(config, surroundings, this.#source.interfaces[0]!.linkType);
    if (this.#source instanceof LiveCapture) this.#source.countInstructions(filter.text);
    return filter;
  }

  use(filter: KernelFilter): void {
    this.#instructions = this.#source.setFilter(filter.text);
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

  state(): InterfaceState {
    return {
      label: this.label,
      name: this.name,
      isCapturing: this.#source.isCapturing,
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
