import { MAPPED_WORD } from '../wire/address.js';
import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { IP, LAYER, LIMITED_BY, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 791 3.1. */
const TOS = 1;
const TOTAL_LENGTH = 2;
const IDENTIFICATION = TOTAL_LENGTH + 2;
const FRAGMENT = IDENTIFICATION + 2;
const TTL = FRAGMENT + 2;
const PROTOCOL = TTL + 1;
const CHECKSUM = PROTOCOL + 1;
const SOURCE = CHECKSUM + 2;
const DESTINATION = SOURCE + 4;
export const IPV4_MIN_HEADER = DESTINATION + 4;

export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;
export const OFFSET_MASK = 0x1fff;

/**
 * IPv4 header with options. Ends the payload where the total length says; a total length of 0 is what segmentation
 * offload leaves in a capture and means "to the end of the frame". Sets the step to the protocol, or leaves
 * `fragmentLayer` set when this is a fragment.
 */
export function decodeIpv4(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const inside = out.encapsulations > 0;
  const truncated = inside ? VERDICT.truncated_inner_IP : VERDICT.truncated_IP;
  if (end - at < 1) return out.fail(truncated, LAYER.ipv4, at, IPV4_MIN_HEADER, end - at);
  const first = frame.bytes[at]!;
  if (first >>> 4 !== 4) return inside ? VERDICT.invalid_inner_IP_version : VERDICT.unknown_ip_version;
  if (end - at < IPV4_MIN_HEADER) return out.fail(truncated, LAYER.ipv4, at, IPV4_MIN_HEADER, end - at);
  const headerLength = (first & 0x0f) << 2;
  if (headerLength < IPV4_MIN_HEADER) return VERDICT.invalid_IP_header_size;
  if (end - at < headerLength) return out.fail(truncated, LAYER.ipv4, at, headerLength, end - at);

  // From here the whole header lies before `end`.
  const view = frame.view;
  const totalLength = view.getUint16(at + TOTAL_LENGTH);
  if (totalLength !== 0) {
    if (totalLength < headerLength) return VERDICT.bogus_IP_header_lengths;
    if (!out.narrow(at + totalLength, LIMITED_BY.ipv4TotalLength)) {
      return out.fail(truncated, LAYER.ipv4, at, totalLength, out.wireEnd - at);
    }
  }
  const fragmentWord = view.getUint16(at + FRAGMENT);
  const protocol = frame.bytes[at + PROTOCOL]!;
  out.ip = out.count;
  const row = out.push(LAYER.ipv4, at, out.nextEnd);
  const words = out.words;
  words[row + IP.SRC] = 0;
  words[row + IP.SRC + 1] = 0;
  words[row + IP.SRC + 2] = MAPPED_WORD;
  words[row + IP.SRC + 3] = view.getUint32(at + SOURCE);
  words[row + IP.DST] = 0;
  words[row + IP.DST + 1] = 0;
  words[row + IP.DST + 2] = MAPPED_WORD;
  words[row + IP.DST + 3] = view.getUint32(at + DESTINATION);
  words[row + IP.PROTOCOL] = protocol;
  words[row + IP.TTL] = frame.bytes[at + TTL]!;
  words[row + IP.LENGTH] = totalLength;
  words[row + IP.IDENTIFICATION] = view.getUint16(at + IDENTIFICATION);
  words[row + IP.FRAGMENT_WORD] = fragmentWord;
  words[row + IP.HEADER_LENGTH] = headerLength;
  words[row + IP.CLASS] = frame.bytes[at + TOS]!;
  out.goOn(STEP.protocol, protocol, at + headerLength);
  if ((fragmentWord & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0) out.fragmentLayer = out.count - 1;
  return VERDICT.ok;
}
