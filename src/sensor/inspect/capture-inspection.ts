import type { CutShort } from '../../capture/capture-error.js';
import { CaptureFile } from '../../capture/capture-file.js';
import type { PacketBatch } from '../../capture/packet-batch.js';
import { VERDICT } from '../../decode/verdicts.js';
import { refuseUnknownLinks } from '../known-links.js';
import type { PacketDescription } from './packet-description.js';
import { describePacket, sourceOf } from './packet-description.js';
import type { InspectedPacket, InspectorOptions } from './packet-inspector.js';
import { PacketInspector } from './packet-inspector.js';

/** A packet's description, and the octets that each of its layers was read from (undefined when they are gone). */
export interface ShownPacket {
  readonly description: PacketDescription;
  readonly octets: readonly (Uint8Array | undefined)[];
}

/** Reads a capture packet by packet and describes each. */
export class CaptureInspection {
  /** Packets read so far. */
  packets = 0;
  readonly #file: CaptureFile;
  readonly #options: InspectorOptions;

  private constructor(file: CaptureFile, options: InspectorOptions) {
    this.#file = file;
    this.#options = options;
  }

  /** Opens a file, or standard input for `-`. Rejects with a CaptureError when it is no capture. */
  static async open(path: string, options: InspectorOptions): Promise<CaptureInspection> {
    return new CaptureInspection(await CaptureFile.open(path), options);
  }

  /** Set when the input ended in the middle of a packet. */
  get cutShort(): CutShort | undefined {
    return this.#file.cutShort;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /**
   * All packets in order, or only the one with number `only`. Packets before it are analysed all the same: a packet is
   * judged by what came before. A first fragment whose rest never comes is shown a second time, when it is given up.
   * Throws a CaptureError after the packets before the fault.
   */
  async *shown(only?: number): AsyncGenerator<ShownPacket, void, void> {
    const queue: ShownPacket[] = [];
    const wanted = { isDone: false };
    const inspector = new PacketInspector(this.#options, (packet) => {
      if (only !== undefined && packet.number !== only) return;
      // A fragment may be shown again, judged alone.
      wanted.isDone = packet.isAlone || packet.stack.verdict !== VERDICT.fragment;
      queue.push(show(packet));
    });
    let batch: PacketBatch | undefined;
    while ((batch = await this.#file.next()) !== undefined) {
      refuseUnknownLinks(this.#file.interfaces);
      for (let i = 0; i < batch.count; i++) {
        this.packets++;
        inspector.inspect(batch, i, this.#file.interfaces);
        yield* queue.splice(0);
        if (wanted.isDone && only !== undefined) return;
      }
    }
    inspector.finish();
    yield* queue;
  }
}

function show(packet: InspectedPacket): ShownPacket {
  const copies = new Map(packet.sources.map((source) => [source, source.bytes?.slice()]));
  const description = describePacket(packet);
  return { description, octets: description.layers.map((_, layer) => copies.get(sourceOf(packet, layer))) };
}
