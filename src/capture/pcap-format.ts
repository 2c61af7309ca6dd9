import { CaptureError } from './capture-error.js';
import type { PacketBatch } from './packet-batch.js';
import { BATCH_PACKETS } from './packet-batch.js';
import type { ParserContext, RecordParser } from './record-parser.js';
import { MAX_CAPTURED_LENGTH } from './record-parser.js';

/*
 * draft-ietf-opsawg-pcap: magic (4), version (2 + 2), reserved (8), snap length (4), link type (4); then records of
 * seconds (4), fraction (4), captured length (4), original length (4), octets.
 */
const LINK_TYPE = 20;
export const PCAP_HEADER = LINK_TYPE + 4;
const FRACTION = 4;
const CAPTURED = FRACTION + 4;
const ORIGINAL = CAPTURED + 4;
const RECORD_HEADER = ORIGINAL + 4;
/* The upper bits of the field tell the length of a frame check sequence and are no part of the link type. */
const LINK_TYPE_MASK = 0xffff;

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const NANOSECONDS = 1_000_000_000;
const REFUSED_MAGIC = new Map([
  [0xa1b2cd34, 'modified pcap (Kuznetzov’s patched format)'],
  [0xa1e2cb12, 'modified pcap (Navtel format)'],
]);

/** Whether the first four octets are a pcap magic, one of the refused ones included. */
export function isPcapMagic(view: DataView): boolean {
  return [view.getUint32(0), view.getUint32(0, true)].some(
    (magic) => magic === MAGIC_MICROSECONDS || magic === MAGIC_NANOSECONDS || REFUSED_MAGIC.has(magic),
  );
}

/** Reads the file header of {@link PCAP_HEADER} octets and returns the parser for the records behind it. */
export function pcapParser(view: DataView, context: ParserContext): RecordParser {
  const big = view.getUint32(0);
  const little = view.getUint32(0, true);
  const refused = REFUSED_MAGIC.get(big) ?? REFUSED_MAGIC.get(little);
  if (refused !== undefined) {
    throw new CaptureError(
      'unsupported-format',
      `${context.origin} is ${refused}, which is not supported; convert it with "editcap -F pcap".`,
    );
  }
  const isLittle = little === MAGIC_MICROSECONDS || little === MAGIC_NANOSECONDS;
  const isNano = (isLittle ? little : big) === MAGIC_NANOSECONDS;
  const linkType = view.getUint32(LINK_TYPE, isLittle) & LINK_TYPE_MASK;
  const index = context.addInterface({ name: '', linkType, origin: context.origin });
  return new PcapRecords(context.origin, isLittle, isNano ? 1 : 1000, index);
}

class PcapRecords implements RecordParser {
  readonly #origin: string;
  readonly #isLittle: boolean;
  readonly #nanosecondsPerUnit: number;
  readonly #interface: number;

  constructor(origin: string, isLittle: boolean, nanosecondsPerUnit: number, index: number) {
    this.#origin = origin;
    this.#isLittle = isLittle;
    this.#nanosecondsPerUnit = nanosecondsPerUnit;
    this.#interface = index;
  }

  parse(
    _bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
    fileOffset: number,
    batch: PacketBatch,
  ): number {
    const isLittle = this.#isLittle;
    const unit = this.#nanosecondsPerUnit;
    let here = from;
    let count = batch.count;
    while (to - here >= RECORD_HEADER && count < BATCH_PACKETS) {
      const captured = view.getUint32(here + CAPTURED, isLittle);
      if (captured > MAX_CAPTURED_LENGTH) {
        batch.count = count;
        throw new CaptureError(
          'corrupt',
          `${this.#origin}: the record at byte ${fileOffset + here} claims ${captured} captured octets ` +
            `(at most ${MAX_CAPTURED_LENGTH} are possible); what stands before it was processed.`,
        );
      }
      const data = here + RECORD_HEADER;
      if (to - data < captured) break;
      const fraction = view.getUint32(here + FRACTION, isLittle) * unit;
      // A fraction of a second or more is a writer's mistake; it counts for what it says.
      const carry = fraction >= NANOSECONDS ? Math.floor(fraction / NANOSECONDS) : 0;
      batch.seconds[count] = view.getUint32(here, isLittle) + carry;
      batch.nanoseconds[count] = fraction - carry * NANOSECONDS;
      batch.at[count] = data;
      batch.capturedLength[count] = captured;
      batch.wireLength[count] = view.getUint32(here + ORIGINAL, isLittle);
      batch.interface[count] = this.#interface;
      count++;
      here = data + captured;
    }
    batch.count = count;
    return here;
  }
}
