import { CaptureError } from './capture-error.js';
import type { PacketBatch } from './packet-batch.js';
import { BATCH_PACKETS } from './packet-batch.js';
import type { ParserContext, RecordParser } from './record-parser.js';
import { MAX_CAPTURED_LENGTH } from './record-parser.js';

/* draft-ietf-opsawg-pcapng 3: block type (4), total length (4), body, total length again (4). */
const BLOCK_LENGTH = 4;
const BODY = BLOCK_LENGTH + 4;
const MIN_BLOCK = BODY + 4;
const BLOCK = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  OBSOLETE_PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
} as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION = { END: 0, IF_NAME: 2, IF_TSRESOL: 9, IF_TSOFFSET: 14 } as const;
/** Blocks that the parser reads itself must fit a slab; longer ones of other types are skipped. */
const MAX_READ_BLOCK = MAX_CAPTURED_LENGTH + 65_536;
/** A block of a type that nobody knows and of this size is a lie rather than a block. */
const MAX_SKIPPED_BLOCK = 1024 * 1024 * 1024;
const MAX_INTERFACES = 65_535;
const MAX_NAME = 256;

/** Whether the first four octets begin a pcapng section. */
export function isPcapngMagic(view: DataView): boolean {
  return view.getUint32(0) === BLOCK.SECTION;
}

interface Interface {
  readonly index: number;
  readonly snapLength: number;
  readonly clock: Clock;
}

/** pcapng: any number of sections in either byte order, each with its own interfaces. */
export class PcapngRecords implements RecordParser {
  readonly #context: ParserContext;
  #isLittle = true;
  #interfaces: Interface[] = [];
  #count = 0;
  /** Octets of a block that is being skipped and lie behind the slab, up to its second length. */
  #toSkip = 0;
  /** What that second length must be; 0 when no block is being skipped. */
  #skippedLength = 0;
  #skippedAt = 0;

  constructor(context: ParserContext) {
    this.#context = context;
  }

  parse(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
    fileOffset: number,
    batch: PacketBatch,
  ): number {
    let here = from;
    if (this.#skippedLength > 0) {
      const skipped = Math.min(this.#toSkip, to - here);
      this.#toSkip -= skipped;
      here += skipped;
      if (this.#toSkip > 0 || to - here < 4) return here;
      this.#checkEnd(view, here, this.#skippedLength, this.#skippedAt);
      this.#skippedLength = 0;
      here += 4;
    }
    while (to - here >= MIN_BLOCK && batch.count < BATCH_PACKETS) {
      const isSection = view.getUint32(here) === BLOCK.SECTION;
      if (isSection) this.#byteOrder(view, here, fileOffset);
      const type = isSection ? BLOCK.SECTION : view.getUint32(here, this.#isLittle);
      const length = view.getUint32(here + BLOCK_LENGTH, this.#isLittle);
      if (length < MIN_BLOCK || length % 4 !== 0)
        this.#corrupt(fileOffset + here, `has a block length of ${length}`);
      const isOurs = isSection || type === BLOCK.INTERFACE || isPacketBlock(type);
      if (isOurs && length > MAX_READ_BLOCK)
        this.#corrupt(fileOffset + here, `claims ${length} octets for one block`);
      if (to - here < length) {
        if (isOurs) break;
        if (length > MAX_SKIPPED_BLOCK)
          this.#corrupt(fileOffset + here, `claims ${length} octets for one block`);
        const skipped = Math.min(length - 4, to - here);
        this.#toSkip = length - 4 - skipped;
        this.#skippedLength = length;
        this.#skippedAt = fileOffset + here;
        return here + skipped;
      }
      const end = here + length - 4;
      this.#checkEnd(view, end, length, fileOffset + here);
      if (isSection) this.#interfaces = [];
      else if (type === BLOCK.INTERFACE) this.#addInterface(bytes, view, here + BODY, end, fileOffset + here);
      else if (isPacketBlock(type)) this.#addPacket(view, type, here + BODY, end, fileOffset + here, batch);
      here += length;
    }
    return here;
  }

  get unfinishedAt(): number | undefined {
    return this.#skippedLength > 0 ? this.#skippedAt : undefined;
  }

  #byteOrder(view: DataView, at: number, fileOffset: number): void {
    if (view.getUint32(at + BODY) === BYTE_ORDER_MAGIC) this.#isLittle = false;
    else if (view.getUint32(at + BODY, true) === BYTE_ORDER_MAGIC) this.#isLittle = true;
    else this.#corrupt(fileOffset + at, 'has no byte-order magic');
  }

  /* Interface description: link type (2), reserved (2), snap length (4), options. */
  #addInterface(bytes: Uint8Array, view: DataView, at: number, end: number, offset: number): void {
    if (end - at < 8) this.#corrupt(offset, 'is too short for an interface description');
    if (++this.#count > MAX_INTERFACES)
      this.#corrupt(offset, `is interface number ${this.#count}, too many for one file`);
    const isLittle = this.#isLittle;
    const linkType = view.getUint16(at, isLittle);
    const snapLength = view.getUint32(at + 4, isLittle);
    let name = '';
    let resolution = 6;
    let offsetSeconds = 0;
    let option = at + 8;
    while (end - option >= 4) {
      const code = view.getUint16(option, isLittle);
      const length = view.getUint16(option + 2, isLittle);
      const value = option + 4;
      if (code === OPTION.END || end - value < length) break;
      if (code === OPTION.IF_NAME) name = interfaceName(bytes, value, Math.min(length, MAX_NAME));
      else if (code === OPTION.IF_TSRESOL && length >= 1) resolution = bytes[value]!;
      else if (code === OPTION.IF_TSOFFSET && length >= 8)
        offsetSeconds = Number(view.getBigInt64(value, isLittle));
      option = value + ((length + 3) & ~3);
    }
    const index = this.#context.addInterface({ name, linkType, origin: this.#context.origin });
    this.#interfaces.push({ index, snapLength, clock: new Clock(resolution, offsetSeconds) });
  }

  #addPacket(
    view: DataView,
    type: number,
    at: number,
    end: number,
    offset: number,
    batch: PacketBatch,
  ): void {
    const isLittle = this.#isLittle;
    const header = type === BLOCK.SIMPLE_PACKET ? 4 : 20;
    if (end - at < header) this.#corrupt(offset, 'is too short for a packet');
    const id =
      type === BLOCK.SIMPLE_PACKET
        ? 0
        : type === BLOCK.ENHANCED_PACKET
          ? view.getUint32(at, isLittle)
          : view.getUint16(at, isLittle);
    const source = this.#interfaces[id];
    if (source === undefined) this.#corrupt(offset, `names interface ${id}, which was not described`);
    const i = batch.count;
    const wireLength = view.getUint32(type === BLOCK.SIMPLE_PACKET ? at : at + 16, isLittle);
    let captured: number;
    if (type === BLOCK.SIMPLE_PACKET) {
      // A simple packet has no captured length: the interface's snap length cuts it (0 means no limit), and no time.
      captured = source.snapLength === 0 ? wireLength : Math.min(wireLength, source.snapLength);
      batch.seconds[i] = 0;
      batch.nanoseconds[i] = 0;
    } else {
      captured = view.getUint32(at + 12, isLittle);
      source.clock.read(view.getUint32(at + 4, isLittle), view.getUint32(at + 8, isLittle));
      batch.seconds[i] = source.clock.seconds;
      batch.nanoseconds[i] = source.clock.nanoseconds;
    }
    if (captured > MAX_CAPTURED_LENGTH || captured > end - at - header) {
      this.#corrupt(offset, `claims ${captured} captured octets`);
    }
    batch.at[i] = at + header;
    batch.capturedLength[i] = captured;
    batch.wireLength[i] = wireLength;
    batch.interface[i] = source.index;
    batch.count = i + 1;
  }

  #checkEnd(view: DataView, at: number, length: number, byteOffset: number): void {
    if (view.getUint32(at, this.#isLittle) !== length)
      this.#corrupt(byteOffset, 'has two block lengths that differ');
  }

  #corrupt(byteOffset: number, what: string): never {
    throw new CaptureError(
      'corrupt',
      `${this.#context.origin}: the block at byte ${byteOffset} ${what}; what stands before it was processed.`,
    );
  }
}

function isPacketBlock(type: number): boolean {
  return type === BLOCK.ENHANCED_PACKET || type === BLOCK.SIMPLE_PACKET || type === BLOCK.OBSOLETE_PACKET;
}

function interfaceName(bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(at, at + length)).replace(/\0+$/, '');
}

const NANOSECONDS = 1_000_000_000n;

/**
 * Turns 64-bit stamps of any resolution into seconds and nanoseconds without rounding. The high word changes every few
 * seconds at most, so the BigInt part is kept until it does.
 */
class Clock {
  seconds = 0;
  nanoseconds = 0;
  readonly #unitsPerSecond: bigint;
  readonly #offsetSeconds: number;
  #high = -1;
  #baseSeconds = 0;
  #baseUnits = 0;
  readonly #nanosecondsPerUnit: number;

  constructor(resolution: number, offsetSeconds: number) {
    const exponent = BigInt(resolution & 0x7f);
    this.#unitsPerSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
    this.#offsetSeconds = offsetSeconds;
    const fits = this.#unitsPerSecond <= NANOSECONDS && NANOSECONDS % this.#unitsPerSecond === 0n;
    this.#nanosecondsPerUnit = fits ? Number(NANOSECONDS / this.#unitsPerSecond) : 0;
  }

  read(high: number, low: number): void {
    if (this.#nanosecondsPerUnit === 0) {
      this.#readExactly((BigInt(high) << 32n) | BigInt(low));
      return;
    }
    if (high !== this.#high) {
      const units = BigInt(high) << 32n;
      this.#high = high;
      this.#baseSeconds = Number(units / this.#unitsPerSecond) + this.#offsetSeconds;
      this.#baseUnits = Number(units % this.#unitsPerSecond);
    }
    const perSecond = Number(this.#unitsPerSecond);
    const units = this.#baseUnits + low;
    const whole = Math.floor(units / perSecond);
    this.seconds = this.#baseSeconds + whole;
    this.nanoseconds = (units - whole * perSecond) * this.#nanosecondsPerUnit;
  }

  #readExactly(units: bigint): void {
    this.seconds = Number(units / this.#unitsPerSecond) + this.#offsetSeconds;
    this.nanoseconds = Number(((units % this.#unitsPerSecond) * NANOSECONDS) / this.#unitsPerSecond);
  }
}
