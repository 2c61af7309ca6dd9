import type { FrameView } from '../wire/frame.js';
import { ReverseName, skipName } from './reverse-name.js';
import type { Sightings } from './sightings.js';
import { PLACE } from './sightings.js';

/* RFC 1035 4.1. */
const FLAGS = 2;
const QUESTIONS = 4;
const ANSWERS = 6;
const AUTHORITIES = 8;
const ADDITIONALS = 10;
const HEADER = 12;
const IS_RESPONSE = 0x8000;
const OPCODE = 0x7800;
const QUESTION_END = 4;
const RECORD = { TYPE: 0, CLASS: 2, LENGTH: 8, DATA: 10 } as const;
const TYPE = { PTR: 12, AAAA: 28 } as const;
/** Without the bit that multicast DNS puts on top. */
const CLASS_MASK = 0x7fff;
const INTERNET = 1;
const ADDRESS_LENGTH = 16;

/** Nobody asks more than one question; more than these are not DNS. */
export const MAX_QUESTIONS = 4;
/** Most records of one message that are looked at. */
export const MAX_RECORDS = 256;

/**
 * Finds Teredo and 6to4 addresses in DNS messages (also LLMNR, RFC 4795, which has the same form): names below ip6.arpa in
 * questions, AAAA records and names of PTR records in answers. The question of an answer was seen in the query.
 */
export class DnsMessage {
  readonly #name = new ReverseName();
  readonly #sightings: Sightings;

  constructor(sightings: Sightings) {
    this.#sightings = sightings;
  }

  /** Reads the message in `[at, end)` as far as it makes sense. Never throws, never reads outside, allocates nothing. */
  read(frame: FrameView, at: number, end: number): void {
    if (end - at < HEADER) return;
    const { view } = frame;
    const flags = view.getUint16(at + FLAGS);
    const questions = view.getUint16(at + QUESTIONS);
    if ((flags & OPCODE) !== 0 || questions > MAX_QUESTIONS) return;
    const isResponse = (flags & IS_RESPONSE) !== 0;
    let here = at + HEADER;
    for (let i = 0; i < questions; i++) {
      const next = skipName(frame, here, end);
      if (next < 0 || next + QUESTION_END > end) return;
      if (!isResponse) this.#reverse(PLACE.dns_query, frame, here, end, at);
      here = next + QUESTION_END;
    }
    if (!isResponse) return;
    const records =
      view.getUint16(at + ANSWERS) + view.getUint16(at + AUTHORITIES) + view.getUint16(at + ADDITIONALS);
    for (let i = 0; i < records && i < MAX_RECORDS && here >= 0; i++)
      here = this.#record(frame, here, end, at);
  }

  /* One resource record. Returns the offset behind it, or -1 when it does not end in the message. */
  #record(frame: FrameView, at: number, end: number, message: number): number {
    const fields = skipName(frame, at, end);
    if (fields < 0 || fields + RECORD.DATA > end) return -1;
    const { view } = frame;
    const data = fields + RECORD.DATA;
    const length = view.getUint16(fields + RECORD.LENGTH);
    const next = data + length;
    if (next > end) return -1;
    const isInternet = (view.getUint16(fields + RECORD.CLASS) & CLASS_MASK) === INTERNET;
    const type = view.getUint16(fields + RECORD.TYPE);
    if (!isInternet) return next;
    if (type === TYPE.AAAA && length === ADDRESS_LENGTH) {
      this.#sightings.address(
        PLACE.dns_answer,
        view.getUint32(data),
        view.getUint32(data + 4),
        view.getUint32(data + 8),
        view.getUint32(data + 12),
      );
    } else if (type === TYPE.PTR) {
      this.#reverse(PLACE.dns_answer, frame, at, end, message);
    }
    return next;
  }

  #reverse(place: number, frame: FrameView, at: number, end: number, message: number): void {
    const bits = this.#name.read(frame, at, end, message);
    if (bits === 0) return;
    const { words } = this.#name;
    this.#sightings.address(place, words[0]!, words[1]!, words[2]!, words[3]!, bits);
  }
}
