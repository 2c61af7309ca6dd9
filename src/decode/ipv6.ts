import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { IP, LAYER, LIMITED_BY, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 8200 3. */
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = PAYLOAD_LENGTH + 2;
const HOP_LIMIT = NEXT_HEADER + 1;
const SOURCE = HOP_LIMIT + 1;
const DESTINATION = SOURCE + 16;
export const IPV6_HEADER = DESTINATION + 16;

/** IPv6 fixed header. Ends the payload where the payload length says. */
export function decodeIpv6(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const inside = out.encapsulations > 0;
  const truncated = inside ? VERDICT.truncated_inner_IP : VERDICT.truncated_IP;
  if (end - at < 1) return out.fail(truncated, LAYER.ipv6, at, IPV6_HEADER, end - at);
  if (frame.bytes[at]! >>> 4 !== 6)
    return inside ? VERDICT.invalid_inner_IP_version : VERDICT.unknown_ip_version;
  if (end - at < IPV6_HEADER) return out.fail(truncated, LAYER.ipv6, at, IPV6_HEADER, end - at);

  // From here the whole header lies before `end`.
  const view = frame.view;
  const payloadLength = view.getUint16(at + PAYLOAD_LENGTH);
  const nextHeader = frame.bytes[at + NEXT_HEADER]!;
  if (!out.narrow(at + IPV6_HEADER + payloadLength, LIMITED_BY.ipv6PayloadLength)) {
    return out.fail(truncated, LAYER.ipv6, at, IPV6_HEADER + payloadLength, out.wireEnd - at);
  }
  out.ip = out.count;
  out.extensionHeaders = 0;
  out.extensionOctets = 0;
  const row = out.push(LAYER.ipv6, at, out.nextEnd);
  const words = out.words;
  words[row + IP.SRC] = view.getUint32(at + SOURCE);
  words[row + IP.SRC + 1] = view.getUint32(at + SOURCE + 4);
  words[row + IP.SRC + 2] = view.getUint32(at + SOURCE + 8);
  words[row + IP.SRC + 3] = view.getUint32(at + SOURCE + 12);
  words[row + IP.DST] = view.getUint32(at + DESTINATION);
  words[row + IP.DST + 1] = view.getUint32(at + DESTINATION + 4);
  words[row + IP.DST + 2] = view.getUint32(at + DESTINATION + 8);
  words[row + IP.DST + 3] = view.getUint32(at + DESTINATION + 12);
  words[row + IP.PROTOCOL] = nextHeader;
  words[row + IP.TTL] = frame.bytes[at + HOP_LIMIT]!;
  words[row + IP.LENGTH] = payloadLength;
  words[row + IP.IDENTIFICATION] = 0;
  words[row + IP.FRAGMENT_WORD] = 0;
  words[row + IP.HEADER_LENGTH] = IPV6_HEADER;
  words[row + IP.CLASS] = view.getUint32(at) & 0x0fffffff;
  out.goOn(STEP.protocol, nextHeader, at + IPV6_HEADER);
  return VERDICT.ok;
}
