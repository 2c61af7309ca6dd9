import { isIanaTeredoWord } from '../wire/embedded-address.js';
import type { FrameView } from '../wire/frame.js';
import { IPV6_HEADER } from './ipv6.js';
import type { LayerStack } from './layers.js';
import { ROW, TEREDO, TEREDO_BIT } from './layers.js';
import { decodeTeredo } from './teredo.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

const IPV6_SOURCE = 8;
const IPV6_DESTINATION = 24;
const ORIGIN_LENGTH = 8;
/* Authentication header without client identifier and authentication value. */
const AUTHENTICATION_FIXED = 13;
const AUTHENTICATION_MARK = 1;
const ORIGIN_MARK = 0;

/**
 * Whether Zeek takes a UDP payload for Teredo where no port says so. IPv6 with an address of 2001::/32, or an origin
 * indication and an IPv6 nibble behind it; behind an authentication header an origin indication must follow.
 */
export function isTeredoToZeek({ bytes, view }: FrameView, at: number, end: number): boolean {
  if (end - at < IPV6_HEADER) return false;
  const isIpv6 = bytes[at]! >>> 4 === 6;
  if (!isIpv6 && (bytes[at] !== 0 || bytes[at + 1]! > AUTHENTICATION_MARK)) return false;
  if (isIpv6) {
    if (isIanaTeredoWord(view.getUint32(at + IPV6_SOURCE))) return true;
    if (isIanaTeredoWord(view.getUint32(at + IPV6_DESTINATION))) return true;
  }
  // Zeek looks at the second octet alone, which an IPv6 packet may have as 0 or 1 too.
  let origin = at;
  let mark = bytes[at + 1]!;
  if (mark === AUTHENTICATION_MARK) {
    origin += AUTHENTICATION_FIXED + bytes[at + 2]! + bytes[at + 3]!;
    if (end - origin < IPV6_HEADER) return false;
    mark = view.getUint16(origin);
  }
  if (mark !== ORIGIN_MARK) return false;
  const inner = origin + ORIGIN_LENGTH;
  return end - inner >= IPV6_HEADER && bytes[inner]! >>> 4 === 6;
}

/**
 * Teredo headers as Zeek reads them: the IPv6 packet ends where the captured datagram does. Only behind a bubble may
 * octets follow, which is weird. `not_teredo` is a violation that Zeek has no weird for.
 */
export function decodeTeredoAsZeek(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const layer = out.count;
  const { notes } = out;
  // The header reader compares with the end on the wire; Zeek has nothing but what was captured.
  out.wireEnd = end;
  const verdict = decodeTeredo(frame, at, end, out);
  if (verdict === VERDICT.truncated_IPv6_in_Teredo) {
    if (out.needed > IPV6_HEADER) return VERDICT.not_teredo;
    return out.had < 2 ? VERDICT.truncated_Teredo : verdict;
  }
  if (verdict === VERDICT.teredo_illegal_order) return VERDICT.not_teredo;
  if (verdict !== VERDICT.ok) return verdict;
  out.notes = notes;
  if (out.word(layer, TEREDO.TRAILER_LENGTH) === 0) return VERDICT.ok;
  if ((out.word(layer, TEREDO.BITS) & TEREDO_BIT.bubble) === 0) {
    out.count = layer;
    return VERDICT.not_teredo;
  }
  out.words[layer * ROW + TEREDO.BITS]! |= TEREDO_BIT.malformedTrailer;
  out.remark(VERDICT.Teredo_bubble_with_payload);
  return VERDICT.ok;
}
