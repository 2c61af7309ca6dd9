import { ETHERTYPE, IP_PROTOCOL } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import { ipv4Scope, isNeverEndpoint } from '../wire/ipv4-space.js';
import { IPV6_HEADER } from './ipv6.js';
import type { LayerStack } from './layers.js';
import { LAYER, ROW, STEP, TEREDO, TEREDO_BIT, TRAILER_FAULT } from './layers.js';
import { UDP_HEADER } from './udp.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/*
 * RFC 4380 5.1.1, RFC 6081 4:
 *   payload := [authentication] [origin] ipv6 trailer*
 *   authentication := 00 01 | id length (1) | auth length (1) | id | auth value | nonce (8) | confirmation (1)
 *   origin := 00 00 | port, inverted (2) | IPv4 address, inverted (4)
 *   trailer := type (1) | length (1) | value
 */
const AUTHENTICATION = 0x0001;
const ORIGIN = 0x0000;
const AUTH_ID_LENGTH = 2;
const AUTH_VALUE_LENGTH = AUTH_ID_LENGTH + 1;
const AUTH_FIXED = AUTH_VALUE_LENGTH + 1;
const NONCE_LENGTH = 8;
const CONFIRMATION_LENGTH = 1;
const ORIGIN_PORT = 2;
const ORIGIN_ADDRESS = ORIGIN_PORT + 2;
const ORIGIN_LENGTH = ORIGIN_ADDRESS + 4;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_NEXT_HEADER = 6;
const TRAILER_HEADER = 2;
const MAX_KNOWN_TRAILER = 5;
/* One each is right; a few more are read so that what is wrong can be told. */
const MAX_HEADERS = 4;
const TRAILER = { nonce: 1, oldRandomPort: 2, alternate: 3, discovery: 4, randomPort: 5 } as const;
/* Alternate addresses: 2 reserved octets, then 1 to 4 times address (4) and port (2), not inverted. */
const ALTERNATES = { FIRST: 2, SIZE: 6, MOST: 4 } as const;
const DISCOVERY_LENGTH = 4;

/**
 * Longest UDP length of an ordinary Teredo packet: its MTU (RFC 4380 5.1.2), authentication without identifiers, origin
 * indication, and the UDP header itself.
 */
export const TEREDO_MOST_UDP =
  1280 + AUTH_FIXED + NONCE_LENGTH + CONFIRMATION_LENGTH + ORIGIN_LENGTH + UDP_HEADER;

/**
 * Whether a UDP payload begins like Teredo: long enough for an IPv6 header, and an IPv6 nibble or one of the two
 * header marks. Everything else leaves here after two loads.
 */
export function beginsLikeTeredo(frame: FrameView, at: number, end: number, wireEnd: number): boolean {
  if (wireEnd - at < IPV6_HEADER || end - at < 2) return false;
  const first = frame.bytes[at]!;
  return first >>> 4 === 6 || (first === 0 && frame.bytes[at + 1]! <= AUTHENTICATION);
}

/** Teredo headers, and the trailers behind the IPv6 packet. Sets the step to the inner IPv6 packet. */
export function decodeTeredo(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < 2) return out.fail(VERDICT.truncated_Teredo, LAYER.teredo, at, 2, end - at);
  const row = out.count * ROW; // the row that push() hands out below
  const words = out.words;
  let bits = 0;
  let here = at;
  let mark = frame.view.getUint16(here);
  for (let headers = 0; mark === AUTHENTICATION || mark === ORIGIN; headers++) {
    if (headers === MAX_HEADERS) return VERDICT.not_teredo;
    const isAuth = mark === AUTHENTICATION;
    // Authentication comes first, and each is there once.
    const after = isAuth ? TEREDO_BIT.auth | TEREDO_BIT.origin : TEREDO_BIT.origin;
    if ((bits & after) !== 0) bits |= TEREDO_BIT.illegalOrder;
    bits |= isAuth ? TEREDO_BIT.auth : TEREDO_BIT.origin;
    const verdict = isAuth
      ? decodeAuthentication(frame, here, end, row, out)
      : decodeOrigin(frame, here, end, row, out);
    if (verdict !== VERDICT.ok) return verdict;
    here = out.nextAt;
    if (end - here < 2) return truncatedInner(out, here, end);
    mark = frame.view.getUint16(here);
  }
  if (mark >>> 12 !== 6) return VERDICT.not_teredo;
  if (end - here < IPV6_HEADER) return truncatedInner(out, here, end);

  // The whole IPv6 header lies before `end`.
  const payloadLength = frame.view.getUint16(here + IPV6_PAYLOAD_LENGTH);
  const innerEnd = here + IPV6_HEADER + payloadLength;
  if (innerEnd > out.wireEnd && !out.incompleteFragment) {
    return out.fail(
      VERDICT.truncated_IPv6_in_Teredo,
      LAYER.teredo,
      here,
      innerEnd - here,
      out.wireEnd - here,
    );
  }
  const isBubble = payloadLength === 0 && frame.bytes[here + IPV6_NEXT_HEADER] === IP_PROTOCOL.NONE;
  if (isBubble) bits |= TEREDO_BIT.bubble;
  if ((bits & TEREDO_BIT.illegalOrder) !== 0) out.remark(VERDICT.teredo_illegal_order);
  out.push(LAYER.teredo, at, end);
  words[row + TEREDO.TRAILER_LENGTH] = innerEnd < out.wireEnd ? out.wireEnd - innerEnd : 0;
  words[row + TEREDO.TRAILER_TYPES] = 0;
  words[row + TEREDO.TRAILER_FAULTS] = 0;
  if (innerEnd < out.wireEnd) bits |= trailers(frame, innerEnd, end, row, isBubble, out);
  words[row + TEREDO.BITS] = bits;
  words[row + TEREDO.EVIDENCE] = 0;
  words[row + TEREDO.SCORE] = 0;
  out.goOn(STEP.innerIp, ETHERTYPE.IPV6, here);
  return VERDICT.ok;
}

/* Each header sets where the walk goes on. */
function decodeAuthentication(
  frame: FrameView,
  at: number,
  end: number,
  row: number,
  out: LayerStack,
): Verdict {
  const length = authenticationLength(frame, at, end);
  if (end - at < length) {
    return out.fail(VERDICT.truncated_Teredo_authentication, LAYER.teredo, at, length, end - at);
  }
  const words = out.words;
  const nonceAt = at + length - CONFIRMATION_LENGTH - NONCE_LENGTH;
  words[row + TEREDO.ID_LENGTH] = frame.bytes[at + AUTH_ID_LENGTH]!;
  words[row + TEREDO.AUTH_LENGTH] = frame.bytes[at + AUTH_VALUE_LENGTH]!;
  words[row + TEREDO.NONCE_HIGH] = frame.view.getUint32(nonceAt);
  words[row + TEREDO.NONCE_LOW] = frame.view.getUint32(nonceAt + 4);
  words[row + TEREDO.CONFIRMATION] = frame.bytes[nonceAt + NONCE_LENGTH]!;
  out.nextAt = at + length;
  return VERDICT.ok;
}

function decodeOrigin(frame: FrameView, at: number, end: number, row: number, out: LayerStack): Verdict {
  if (end - at < ORIGIN_LENGTH) {
    return out.fail(VERDICT.truncated_Teredo_origin_indication, LAYER.teredo, at, ORIGIN_LENGTH, end - at);
  }
  out.words[row + TEREDO.ORIGIN_PORT] = ~frame.view.getUint16(at + ORIGIN_PORT) & 0xffff;
  out.words[row + TEREDO.ORIGIN_V4] = ~frame.view.getUint32(at + ORIGIN_ADDRESS);
  out.nextAt = at + ORIGIN_LENGTH;
  return VERDICT.ok;
}

/* Length of the authentication header; its fixed start when even the length octets are missing. */
function authenticationLength(frame: FrameView, at: number, end: number): number {
  if (end - at < AUTH_FIXED) return AUTH_FIXED;
  const variable = frame.bytes[at + AUTH_ID_LENGTH]! + frame.bytes[at + AUTH_VALUE_LENGTH]!;
  return AUTH_FIXED + variable + NONCE_LENGTH + CONFIRMATION_LENGTH;
}

function truncatedInner(out: LayerStack, at: number, end: number): Verdict {
  return out.fail(VERDICT.truncated_IPv6_in_Teredo, LAYER.teredo, at, IPV6_HEADER, end - at);
}

/*
 * Walks the trailers (RFC 6081 4). A malformed tail ends the walk and the packet is processed all the same (5.1.2).
 * Returns the bits to set.
 */
function trailers(
  frame: FrameView,
  at: number,
  end: number,
  row: number,
  isBubble: boolean,
  out: LayerStack,
): number {
  let here = at;
  let types = 0;
  let faults = 0;
  while (end - here >= TRAILER_HEADER) {
    const type = frame.bytes[here]!;
    const length = frame.bytes[here + 1]!;
    const next = here + TRAILER_HEADER + length;
    if (next > out.wireEnd) break;
    const bit = 1 << (type >= 1 && type <= MAX_KNOWN_TRAILER ? type : 0);
    if ((types & bit & ~1) !== 0) faults |= TRAILER_FAULT.repeated;
    types |= bit;
    if (next <= end) faults |= trailerFaults(frame, type, here + TRAILER_HEADER, length);
    here = next;
  }
  out.words[row + TEREDO.TRAILER_TYPES] = types;
  out.words[row + TEREDO.TRAILER_FAULTS] = faults;
  // A walk that left the captured octets cannot be called malformed.
  if (here > end || end < out.wireEnd) return TEREDO_BIT.trailer | TEREDO_BIT.cutTrailer;
  if (here === out.wireEnd && (types & 1) === 0) return TEREDO_BIT.trailer;
  out.remark(isBubble ? VERDICT.Teredo_bubble_with_payload : VERDICT.teredo_malformed_trailer);
  return TEREDO_BIT.trailer | TEREDO_BIT.malformedTrailer;
}

/* What is wrong with one trailer whose `length` octets at `at` were all captured. */
function trailerFaults(frame: FrameView, type: number, at: number, length: number): number {
  const { bytes } = frame;
  switch (type) {
    case TRAILER.nonce:
      return length === 4 ? 0 : TRAILER_FAULT.length;
    case TRAILER.oldRandomPort:
    case TRAILER.randomPort:
      return length === 2 ? 0 : TRAILER_FAULT.length;
    case TRAILER.discovery: {
      if (length !== DISCOVERY_LENGTH) return TRAILER_FAULT.length;
      const isKnown = bytes[at]! <= 1 && (bytes[at + 1]! | bytes[at + 2]! | bytes[at + 3]!) === 0;
      return isKnown ? 0 : TRAILER_FAULT.content;
    }
    case TRAILER.alternate:
      return alternateFaults(frame, at, length);
    default:
      return 0;
  }
}

function alternateFaults(frame: FrameView, at: number, length: number): number {
  const count = (length - ALTERNATES.FIRST) / ALTERNATES.SIZE;
  if (!Number.isInteger(count) || count < 1 || count > ALTERNATES.MOST) return TRAILER_FAULT.length;
  let faults = frame.view.getUint16(at) === 0 ? 0 : TRAILER_FAULT.content;
  for (let i = 0; i < count; i++) {
    const here = at + ALTERNATES.FIRST + i * ALTERNATES.SIZE;
    const port = frame.view.getUint16(here + 4);
    // A private address is what this trailer is for.
    if (isNeverEndpoint(ipv4Scope(frame.view.getUint32(here))) || port === 0)
      faults |= TRAILER_FAULT.alternate;
  }
  return faults;
}
