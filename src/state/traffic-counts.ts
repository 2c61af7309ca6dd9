import type { BoundedTable } from './bounded-table.js';

/* Word offsets in the extra words of a row. Counts are doubles, two words each. */
const LAST_SECONDS = 0;
const LAST_NANOSECONDS = 1;
/** 1 when the originator is the higher endpoint of the key. */
const ORIGINATOR_IS_HIGH = 2;
const ORIG_PACKETS = 4;
const ORIG_BYTES = ORIG_PACKETS + 2;
const RESP_PACKETS = ORIG_BYTES + 2;
const RESP_BYTES = RESP_PACKETS + 2;

/** Words that a table needs in each row for {@link TrafficCounts}. */
export const TRAFFIC_WORDS = RESP_BYTES + 2;

/**
 * What every packet changes of a connection: packets and octets of both ends, and the time of the last one. They lie in
 * the row of the table, beside the key, so that a packet touches two lines of memory and not ten.
 */
export class TrafficCounts {
  readonly #table: BoundedTable;

  constructor(table: BoundedTable) {
    this.#table = table;
  }

  /** Begins a connection whose first packet comes at this time. */
  open(slot: number, originatorIsHigh: boolean, seconds: number, nanoseconds: number): void {
    const at = this.#table.extraAt(slot);
    const { words, doubles } = this.#table;
    words[at + LAST_SECONDS] = seconds;
    words[at + LAST_NANOSECONDS] = nanoseconds;
    words[at + ORIGINATOR_IS_HIGH] = originatorIsHigh ? 1 : 0;
    for (let count = ORIG_PACKETS; count <= RESP_BYTES; count += 2) doubles[(at + count) >>> 1] = 0;
  }

  /** Counts a packet of the higher endpoint of the key, or of the lower one. */
  add(slot: number, fromHigh: boolean, bytes: number, seconds: number, nanoseconds: number): void {
    const at = this.#table.extraAt(slot);
    const { words, doubles } = this.#table;
    const last = words[at + LAST_SECONDS]!;
    if (seconds > last || (seconds === last && nanoseconds > words[at + LAST_NANOSECONDS]!)) {
      words[at + LAST_SECONDS] = seconds;
      words[at + LAST_NANOSECONDS] = nanoseconds;
    }
    const isOriginator = fromHigh === (words[at + ORIGINATOR_IS_HIGH] === 1);
    const count = (at + (isOriginator ? ORIG_PACKETS : RESP_PACKETS)) >>> 1;
    doubles[count] = doubles[count]! + 1;
    doubles[count + 1] = doubles[count + 1]! + bytes;
  }

  originatorIsHigh(slot: number): boolean {
    return this.#table.words[this.#table.extraAt(slot) + ORIGINATOR_IS_HIGH] === 1;
  }

  lastSeconds(slot: number): number {
    return this.#table.words[this.#table.extraAt(slot) + LAST_SECONDS]!;
  }

  lastNanoseconds(slot: number): number {
    return this.#table.words[this.#table.extraAt(slot) + LAST_NANOSECONDS]!;
  }

  packets(slot: number, ofOriginator: boolean): number {
    return this.#table.doubles[
      (this.#table.extraAt(slot) + (ofOriginator ? ORIG_PACKETS : RESP_PACKETS)) >>> 1
    ]!;
  }

  bytes(slot: number, ofOriginator: boolean): number {
    return this.#table.doubles[(this.#table.extraAt(slot) + (ofOriginator ? ORIG_BYTES : RESP_BYTES)) >>> 1]!;
  }
}
