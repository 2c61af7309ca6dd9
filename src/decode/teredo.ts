import { ETHERTYPE, IP_PROTOCOL } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import { IPV6_HEADER } from './ipv6.js';
import type { LayerStack } from './layers.js';
import { LAYER, ROW, STEP, TEREDO, TEREDO_BIT } from './layers.js';
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
  const view = frame.view;
  const row = out.count * ROW; // the row that push() hands out below
  const words = out.words;
  let bits = 0;
  let here = at;
  let mark = view.getUint16(here);
  if (mark === AUTHENTICATION) {
    const length = authenticationLength(frame, here, end);
    if (end - here < length) {
      return out.fail(VERDICT.truncated_Teredo_authentication, LAYER.teredo, here, length, end - here);
    }
    const nonceAt = here + length - CONFIRMATION_LENGTH - NONCE_LENGTH;
    words[row + TEREDO.ID_LENGTH] = frame.bytes[here + AUTH_ID_LENGTH]!;
    words[row + TEREDO.AUTH_LENGTH] = frame.bytes[here + AUTH_VALUE_LENGTH]!;
    words[row + TEREDO.NONCE_HIGH] = view.getUint32(nonceAt);
    words[row + TEREDO.NONCE_LOW] = view.getUint32(nonceAt + 4);
    words[row + TEREDO.CONFIRMATION] = frame.bytes[nonceAt + NONCE_LENGTH]!;
    bits |= TEREDO_BIT.auth;
    here += length;
    if (end - here < 2) return truncatedInner(out, here, end);
    mark = view.getUint16(here);
    if (mark === AUTHENTICATION) return VERDICT.teredo_illegal_order;
  }
  if (mark === ORIGIN) {
    if (end - here < ORIGIN_LENGTH) {
      return out.fail(
        VERDICT.truncated_Teredo_origin_indication,
        LAYER.teredo,
        here,
        ORIGIN_LENGTH,
        end - here,
      );
    }
    words[row + TEREDO.ORIGIN_PORT] = ~view.getUint16(here + ORIGIN_PORT) & 0xffff;
    words[row + TEREDO.ORIGIN_V4] = ~view.getUint32(here + ORIGIN_ADDRESS);
    bits |= TEREDO_BIT.origin;
    here += ORIGIN_LENGTH;
    if (end - here < 2) return truncatedInner(out, here, end);
    mark = view.getUint16(here);
    if (mark <= AUTHENTICATION) return VERDICT.teredo_illegal_order;
  }
  if (mark >>> 12 !== 6) return VERDICT.not_teredo;
  if (end - here < IPV6_HEADER) return truncatedInner(out, here, end);

  // The whole IPv6 header lies before `end`.
  const payloadLength = view.getUint16(here + IPV6_PAYLOAD_LENGTH);
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
  out.push(LAYER.teredo, at, end);
  words[row + TEREDO.TRAILER_LENGTH] = innerEnd < out.wireEnd ? out.wireEnd - innerEnd : 0;
  words[row + TEREDO.TRAILER_TYPES] = 0;
  if (innerEnd < out.wireEnd) bits |= trailers(frame, innerEnd, end, row, isBubble, out);
  words[row + TEREDO.BITS] = bits;
  words[row + TEREDO.EVIDENCE] = 0;
  words[row + TEREDO.SCORE] = 0;
  out.goOn(STEP.innerIp, ETHERTYPE.IPV6, here);
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
  while (end - here >= TRAILER_HEADER) {
    const type = frame.bytes[here]!;
    const next = here + TRAILER_HEADER + frame.bytes[here + 1]!;
    if (next > out.wireEnd) break;
    types |= 1 << (type >= 1 && type <= MAX_KNOWN_TRAILER ? type : 0);
    here = next;
  }
  out.words[row + TEREDO.TRAILER_TYPES] = types;
  // A walk that left the captured octets cannot be called malformed.
  const wellFormed = (here === out.wireEnd && (types & 1) === 0) || here > end || end < out.wireEnd;
  if (wellFormed) return TEREDO_BIT.trailer;
  out.remark(isBubble ? VERDICT.Teredo_bubble_with_payload : VERDICT.teredo_malformed_trailer);
  return TEREDO_BIT.trailer | TEREDO_BIT.malformedTrailer;
}
