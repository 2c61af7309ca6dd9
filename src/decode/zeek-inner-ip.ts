import { ETHERTYPE } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import { IPV4_MIN_HEADER } from './ipv4.js';
import { IPV6_HEADER } from './ipv6.js';
import type { LayerStack } from './layers.js';
import { CARRIER, GRE, LAYER } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

const IPV4_TOTAL_LENGTH = 2;
const IPV6_PAYLOAD_LENGTH = 4;

/** Whether the innermost encapsulation is one whose packet Zeek measures: IP in IP, and PPTP. */
export function isMeasuredByZeek(stack: LayerStack, level: number): boolean {
  const carrier = stack.carrier[level];
  if (carrier === CARRIER.ip) return true;
  return carrier === CARRIER.gre && stack.word(stack.header[level]!, GRE.VERSION) === 1;
}

/** The packet inside such a tunnel must fill what was captured of it, to the octet. */
export function measureAsZeek(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const { bytes, view } = frame;
  const captured = end - at;
  const isV6 = out.selector === ETHERTYPE.IPV6;
  const kind = isV6 ? LAYER.ipv6 : LAYER.ipv4;
  // Zeek calls too short a header of IPv4 a wrong version.
  if (isV6 && captured < IPV6_HEADER)
    return out.fail(VERDICT.truncated_inner_IP, kind, at, IPV6_HEADER, captured);
  if (captured < IPV4_MIN_HEADER || bytes[at]! >>> 4 !== (isV6 ? 6 : 4))
    return VERDICT.invalid_inner_IP_version;
  const length = isV6
    ? IPV6_HEADER + view.getUint16(at + IPV6_PAYLOAD_LENGTH)
    : view.getUint16(at + IPV4_TOTAL_LENGTH);
  if (captured < length) return out.fail(VERDICT.truncated_inner_IP, kind, at, length, captured);
  return captured > length ? VERDICT.inner_IP_payload_length_mismatch : VERDICT.ok;
}
