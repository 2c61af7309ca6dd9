import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from '../decode/layers.js';
import { CARRIER, EXTENSION, IP, LAYER, TEREDO, TEREDO_BIT } from '../decode/layers.js';
import type { FactSheet } from '../model/fact-sheet.js';
import { FIELD } from '../model/fields.js';
import { lastLayer, tailLength } from '../tunnel/level.js';
import { OctetEntropy } from '../wire/entropy.js';

/* Authentication header: mark (2), length of the identifier, length of the value, identifier, value (RFC 4380 5.1.1). */
const AUTH_START = 4;
const NONCE_LENGTH = 8;
const TRAILER_HEADER = 2;
const MAX_KNOWN_TRAILER = 5;
const MAX_TYPES = 8;

const OPTIONS_AT = 2;
const OPTION_HEADER = 2;
const PAD_1 = 0;
const PAD_N = 1;
/* IANA, "Destination Options and Hop-by-Hop Options". Types for experiments (RFC 4727 3.2) name nothing. */
const REGISTERED: ReadonlySet<number> = new Set([
  0x00, 0x01, 0x04, 0x05, 0x07, 0x08, 0x0f, 0x11, 0x12, 0x23, 0x26, 0x30, 0x31, 0x4d, 0x63, 0x6d, 0x8a, 0x8b,
  0x8c, 0xc2, 0xc9, 0xee,
]);
const IS_REGISTERED = Uint8Array.from({ length: 256 }, (_, type) => (REGISTERED.has(type) ? 1 : 0));
/* Routing headers whose octets 4 to 7 are reserved (RFC 2460 4.4, RFC 6275 6.4). */
const SOURCE_ROUTE = 0;
const MOBILE_ROUTE = 2;
/* Fragment header: octet 1 and two bits of octet 3 (RFC 8200 4.5). */
const FRAGMENT_RESERVED_BITS = 6;
const MAX_U16 = 0xffff;

/**
 * Fills the facts about octets that no receiver needs and no header explains. It reads the packet itself, so it is called
 * only when a rule asks. Octets that lie in another frame than the last (what came before a reassembly), or that the
 * capture cut off, give no facts.
 */
export class CovertFacts {
  readonly #facts: FactSheet;
  readonly #entropy = new OctetEntropy();
  readonly #types = new Uint8Array(MAX_TYPES);
  #typeCount = 0;
  #nonceHigh = 0;
  #nonceLow = 0;
  /* Sums over the extension headers of one packet. */
  #paddingData = 0;
  #longestPadding = 0;
  #unknownOptions = 0;
  #unknownOptionData = 0;
  #malformed = false;
  #reserved = false;

  constructor(facts: FactSheet) {
    this.#facts = facts;
  }

  /** Facts of encapsulation `level`, whose first IP header is layer `innerIp`, or -1. */
  fill(stack: LayerStack, level: number, innerIp: number): void {
    if (stack.carrier[level] === CARRIER.teredo) {
      const teredo = stack.header[level]!;
      const bits = stack.word(teredo, TEREDO.BITS);
      if ((bits & TEREDO_BIT.auth) !== 0) this.#auth(stack, teredo, (bits & TEREDO_BIT.illegalOrder) === 0);
      if ((bits & TEREDO_BIT.trailer) !== 0) this.#trailers(stack, teredo);
    }
    if (innerIp < 0 || stack.kind[innerIp] !== LAYER.ipv6) return;
    this.#tail(stack, level, innerIp);
    this.#extensions(stack, innerIp, lastLayer(stack, level));
  }

  /** Text of `teredo.nonce`. */
  get nonce(): string {
    return hex(this.#nonceHigh) + hex(this.#nonceLow);
  }

  /** Text of `teredo.trailer_types`. */
  get trailerTypes(): string {
    return this.#types.subarray(0, this.#typeCount).join(',');
  }

  #auth(stack: LayerStack, teredo: number, isFirst: boolean): void {
    const facts = this.#facts;
    this.#nonceHigh = stack.word(teredo, TEREDO.NONCE_HIGH);
    this.#nonceLow = stack.word(teredo, TEREDO.NONCE_LOW);
    facts.setText(FIELD['teredo.nonce']);
    facts.setNumber(
      FIELD['teredo.nonce_printable'],
      printableOctets(this.#nonceHigh) + printableOctets(this.#nonceLow),
    );
    // In another order than the standard's it may lie anywhere.
    if (!isFirst || teredo < stack.frameFrom) return;
    // The decoder found the whole header within the frame.
    const id = stack.at[teredo]! + AUTH_START;
    const value = id + stack.word(teredo, TEREDO.ID_LENGTH);
    const end = value + stack.word(teredo, TEREDO.AUTH_LENGTH);
    if (value > id)
      facts.setNumber(FIELD['teredo.auth_id_entropy'], this.#entropy.of(stack.frame, id, value));
    if (end > value)
      facts.setNumber(FIELD['teredo.auth_value_entropy'], this.#entropy.of(stack.frame, value, end));
  }

  #trailers(stack: LayerStack, teredo: number): void {
    if (teredo < stack.frameFrom) return;
    const facts = this.#facts;
    const { bytes } = stack.frame;
    const start = trailerStart(stack, teredo);
    const wireEnd = start + stack.word(teredo, TEREDO.TRAILER_LENGTH);
    const end = Math.min(stack.end[teredo]!, wireEnd);
    let here = start;
    let count = 0;
    let unknown = 0;
    this.#typeCount = 0;
    while (end - here >= TRAILER_HEADER) {
      const type = bytes[here]!;
      const next = here + TRAILER_HEADER + bytes[here + 1]!;
      if (next > wireEnd) break;
      if (this.#typeCount < MAX_TYPES) this.#types[this.#typeCount++] = type;
      if (type === 0 || type > MAX_KNOWN_TRAILER) unknown++;
      count++;
      here = next;
    }
    facts.setText(FIELD['teredo.trailer_types']);
    facts.setNumber(FIELD['teredo.trailers'], count);
    facts.setNumber(FIELD['teredo.unknown_trailers'], unknown);
    if (end > start)
      facts.setNumber(FIELD['teredo.trailer_entropy'], this.#entropy.of(stack.frame, start, end));
    // What the capture cut off may have been a trailer.
    if (end === wireEnd) facts.setNumber(FIELD['teredo.trailer_rest'], wireEnd - here);
  }

  #tail(stack: LayerStack, level: number, innerIp: number): void {
    const length = tailLength(stack, level, innerIp);
    if (length === 0) return;
    this.#facts.setNumber(FIELD['inner.tail_length'], Math.min(length, MAX_U16));
    if (innerIp < stack.frameFrom || stack.incompleteFragment) return;
    const wireEnd = stack.at[innerIp]! + stack.carried[level]!;
    const outer = stack.outerIp[level]!;
    // A reassembled packet is whole.
    const end = outer >= stack.frameFrom ? Math.min(stack.end[outer]!, wireEnd) : wireEnd;
    const at = wireEnd - length;
    if (end > at) this.#facts.setNumber(FIELD['inner.tail_entropy'], this.#entropy.of(stack.frame, at, end));
  }

  #extensions(stack: LayerStack, innerIp: number, last: number): void {
    const facts = this.#facts;
    let headers = 0;
    let optionHeaders = 0;
    this.#paddingData = 0;
    this.#longestPadding = 0;
    this.#unknownOptions = 0;
    this.#unknownOptionData = 0;
    this.#malformed = false;
    this.#reserved = false;
    for (let layer = innerIp + 1; layer <= last; layer++) {
      const kind = stack.kind[layer]!;
      if (kind === LAYER.nonext) this.#noNext(stack, innerIp, layer);
      if (kind === LAYER.routing) {
        facts.setNumber(FIELD['inner.routing_type'], stack.word(layer, EXTENSION.DETAIL));
        facts.setNumber(FIELD['inner.segments_left'], stack.word(layer, EXTENSION.DETAIL_2));
      }
      if (kind < LAYER.hopopts || kind > LAYER.experimental) continue;
      const frame = stack.frameOf(layer);
      if (frame === undefined) continue;
      headers++;
      if (kind === LAYER.hopopts || kind === LAYER.dstopts) {
        optionHeaders++;
        this.#options(stack, frame, layer);
      } else if (hasReservedBits(stack, frame, layer)) this.#reserved = true;
    }
    if (headers > 0) facts.setFlag(FIELD['inner.reserved_set'], this.#reserved);
    if (optionHeaders === 0) return;
    facts.setNumber(FIELD['inner.padding_data'], this.#paddingData);
    facts.setNumber(FIELD['inner.longest_padding'], this.#longestPadding);
    facts.setNumber(FIELD['inner.unknown_options'], this.#unknownOptions);
    facts.setNumber(FIELD['inner.unknown_option_data'], this.#unknownOptionData);
    facts.setFlag(FIELD['inner.malformed_options'], this.#malformed);
  }

  /* Options of a header that lies whole within the frame: type (1), length (1), data; Pad1 is a type alone. */
  #options(stack: LayerStack, { bytes }: FrameView, layer: number): void {
    const end = stack.at[layer]! + stack.word(layer, EXTENSION.LENGTH);
    let here = stack.at[layer]! + OPTIONS_AT;
    let padding = 0;
    while (here < end) {
      const type = bytes[here]!;
      if (type === PAD_1) {
        padding++;
        here++;
      } else {
        const next = end - here < OPTION_HEADER ? end + 1 : here + OPTION_HEADER + bytes[here + 1]!;
        if (next > end) {
          this.#malformed = true;
          return;
        }
        if (type === PAD_N) {
          padding += next - here;
          for (let i = here + OPTION_HEADER; i < next; i++) if (bytes[i] !== 0) this.#paddingData++;
        } else {
          padding = 0;
          if (IS_REGISTERED[type] === 0) {
            this.#unknownOptions++;
            this.#unknownOptionData += next - here - OPTION_HEADER;
          }
        }
        here = next;
      }
      if (padding > this.#longestPadding) this.#longestPadding = padding;
    }
  }

  #noNext(stack: LayerStack, innerIp: number, layer: number): void {
    if (layer < stack.frameFrom) return;
    const facts = this.#facts;
    const at = stack.at[layer]!;
    const end = stack.end[layer]!;
    // The IPv6 header tells the length on the wire, unless reassembly came between.
    const isWhole = innerIp < stack.frameFrom;
    const ipEnd = stack.at[innerIp]! + stack.word(innerIp, IP.HEADER_LENGTH) + stack.word(innerIp, IP.LENGTH);
    facts.setNumber(FIELD['inner.no_next_length'], (isWhole ? end : ipEnd) - at);
    if (end > at) facts.setNumber(FIELD['inner.no_next_entropy'], this.#entropy.of(stack.frame, at, end));
  }
}

/* The IPv6 packet is the layer behind the Teredo header, in the same frame. */
function trailerStart(stack: LayerStack, teredo: number): number {
  const ip = teredo + 1;
  return stack.at[ip]! + stack.word(ip, IP.HEADER_LENGTH) + stack.word(ip, IP.LENGTH);
}

function hasReservedBits({ at, kind }: LayerStack, { bytes, view }: FrameView, layer: number): boolean {
  const here = at[layer]!;
  switch (kind[layer]) {
    case LAYER.fragment:
      return bytes[here + 1] !== 0 || (bytes[here + 3]! & FRAGMENT_RESERVED_BITS) !== 0;
    case LAYER.routing: {
      const type = bytes[here + 2];
      return (type === SOURCE_ROUTE || type === MOBILE_ROUTE) && view.getUint32(here + 4) !== 0;
    }
    case LAYER.ah:
      return view.getUint16(here + 2) !== 0;
    default:
      return false;
  }
}

function printableOctets(word: number): number {
  let count = 0;
  for (let i = 0; i < NONCE_LENGTH / 2; i++) {
    const octet = (word >>> (8 * i)) & 0xff;
    if (octet >= 0x20 && octet < 0x7f) count++;
  }
  return count;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
