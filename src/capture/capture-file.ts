import { basename } from 'node:path';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { frameOf } from '../wire/frame.js';
import type { ByteSource } from './byte-source.js';
import { openBytes } from './byte-source.js';
import type { CutShort } from './capture-error.js';
import { CaptureError } from './capture-error.js';
import type { CaptureInterface, OnPackets, PacketSource } from './packet-batch.js';
import { PacketBatch } from './packet-batch.js';
import { isPcapMagic, PCAP_HEADER, pcapParser } from './pcap-format.js';
import { isPcapngMagic, PcapngRecords } from './pcapng-format.js';
import type { RecordParser } from './record-parser.js';

/**
 * Octets read at once: few enough to stay in the processor's own cache from the read to the last look at a packet. Reading
 * ahead in another thread was slower (docs/performance.md).
 */
const READ_BYTES = 256 * 1024;
/** Reads of a plain file between two turns of the event loop, so that sinks and timers get theirs. */
const READS_A_TURN = 16;
/** Room before them for the record that the read before cut in two; longer ones are refused by the parsers. */
const ROOM_BYTES = 512 * 1024;
const SLAB_BYTES = ROOM_BYTES + READ_BYTES;

/**
 * A pcap or pcapng file, gzip or not, or standard input. Reads slab by slab, so a file of any length needs the same
 * memory. Packets are handed over where they lie in the slab.
 */
export class CaptureFile implements PacketSource {
  readonly interfaces: readonly CaptureInterface[];
  /** Set when the input ended in the middle of a packet. */
  cutShort: CutShort | undefined;
  readonly origin: string;
  readonly #interfaces: CaptureInterface[];
  readonly #bytes: ByteSource;
  readonly #slab = frameOf(new Uint8Array(SLAB_BYTES));
  readonly #batch = new PacketBatch();
  /* What the slab holds is at [#parsed, #have), and #parsed is where the parser goes on. */
  #have = ROOM_BYTES;
  #parsed = ROOM_BYTES;
  #atEnd = false;
  /** Offset in the capture of the slab's first octet; below 0 while its room is not used. */
  #fileOffset = -ROOM_BYTES;
  #parser: RecordParser | undefined;
  #fault: CaptureError | undefined;
  #nextNumber = 1;
  #reads = 0;

  private constructor(origin: string, bytes: ByteSource, interfaces: CaptureInterface[]) {
    this.origin = origin;
    this.#bytes = bytes;
    this.#interfaces = interfaces;
    this.interfaces = interfaces;
    this.#batch.frame = this.#slab;
  }

  /**
   * Opens a file, or standard input for `-`. Interfaces are added to `interfaces`, which several files may share.
   * Rejects with a CaptureError when it is missing, unreadable or no capture.
   */
  static async open(path: string, interfaces: CaptureInterface[] = []): Promise<CaptureFile> {
    const bytes = await openBytes(path);
    const file = new CaptureFile(path === '-' ? '-' : basename(path), bytes, interfaces);
    try {
      await file.#readHeader(path);
    } catch (error) {
      await bytes.close();
      throw error;
    }
    return file;
  }

  get totalBytes(): number | undefined {
    return this.#bytes.totalBytes;
  }

  get bytesRead(): number {
    return this.#bytes.bytesRead;
  }

  async read(onPackets: OnPackets): Promise<void> {
    for (;;) {
      const batch = await this.next();
      if (batch === undefined) return;
      await onPackets(batch, 0, batch.count);
    }
  }

  /**
   * The next batch, or undefined at the end. A batch is overwritten by the next call. Rejects with a CaptureError after
   * the packets before the fault were handed over.
   */
  async next(): Promise<PacketBatch | undefined> {
    const batch = this.#batch;
    batch.count = 0;
    while (!this.#parseInto(batch)) {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#atEnd) {
        this.#endInput();
        return undefined;
      }
      await this.#fill();
    }
    batch.firstNumber = this.#nextNumber;
    this.#nextNumber += batch.count;
    return batch;
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }

  /* Lists the packets that the slab holds. False when there are none; a fault is kept until they were handed over. */
  #parseInto(batch: PacketBatch): boolean {
    if (this.#parser === undefined) throw new Error('the capture header was not read');
    if (this.#fault !== undefined) return false;
    const { bytes, view } = this.#slab;
    try {
      this.#parsed = this.#parser.parse(bytes, view, this.#parsed, this.#have, this.#fileOffset, batch);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      this.#fault = error;
    }
    return batch.count > 0;
  }

  #endInput(): void {
    const unfinishedAt = this.#parser?.unfinishedAt;
    if (this.#parsed < this.#have || this.#bytes.endedEarly || unfinishedAt !== undefined) {
      const byteOffset = unfinishedAt ?? this.#fileOffset + this.#parsed;
      this.cutShort = { origin: this.origin, byteOffset };
    }
    this.#parsed = this.#have;
  }

  /* Moves the incomplete record to the end of the room and reads behind it. */
  async #fill(): Promise<void> {
    const { bytes } = this.#slab;
    const start = ROOM_BYTES - (this.#have - this.#parsed);
    bytes.copyWithin(start, this.#parsed, this.#have);
    this.#fileOffset += this.#parsed - start;
    this.#parsed = start;
    this.#have = ROOM_BYTES;
    const source = this.#bytes;
    let count: number;
    if (source.readNow === undefined) count = await source.read(bytes, ROOM_BYTES, READ_BYTES);
    else {
      if (++this.#reads % READS_A_TURN === 0) await turnOfTheLoop();
      count = source.readNow(bytes, ROOM_BYTES, READ_BYTES);
    }
    this.#have += count;
    if (count === 0) this.#atEnd = true;
  }

  async #readHeader(path: string): Promise<void> {
    while (this.#have - this.#parsed < PCAP_HEADER && !this.#atEnd) await this.#fill();
    const have = this.#have - this.#parsed;
    const name = path === '-' ? 'Standard input' : path;
    if (have === 0) throw new CaptureError('not-a-capture', `${name} is empty; nothing was read.`);
    const { bytes } = this.#slab;
    const view = new DataView(bytes.buffer, bytes.byteOffset + this.#parsed, have);
    const context = {
      origin: this.origin,
      addInterface: (description: CaptureInterface): number => this.#interfaces.push(description) - 1,
    };
    if (have >= 4 && isPcapngMagic(view)) {
      this.#parser = new PcapngRecords(context);
    } else if (have >= PCAP_HEADER && isPcapMagic(view)) {
      this.#parser = pcapParser(view, context);
      this.#parsed += PCAP_HEADER;
    } else {
      throw new CaptureError(
        'not-a-capture',
        `${name} is not a pcap or pcapng capture (gzip or plain); check the file.`,
      );
    }
  }
}
