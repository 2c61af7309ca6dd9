import { ETHERTYPE } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import { decodeIpv4 } from './ipv4.js';
import { decodeIpv6 } from './ipv6.js';
import type { LayerStack } from './layers.js';
import { CARRIER } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';
import { isMeasuredByZeek, measureAsZeek } from './zeek-inner-ip.js';

/* The first IP header inside an encapsulation, and what is left over behind the packet. */
export function decodeInnerIp(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
  const enclosingEnd = stack.wireEnd;
  const isV4 = stack.selector === ETHERTYPE.IPV4;
  const verdict = isV4 ? decodeIpv4(frame, at, end, stack) : decodeIpv6(frame, at, end, stack);
  const isIpCarrier = stack.carrier[stack.encapsulations - 1] === CARRIER.ip;
  if (verdict === VERDICT.ok && isIpCarrier && stack.wireEnd < enclosingEnd) {
    stack.remark(VERDICT.inner_IP_payload_length_mismatch);
  }
  return verdict;
}

export function decodeInnerIpAsZeek(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
  if (isMeasuredByZeek(stack, stack.encapsulations - 1)) {
    const verdict = measureAsZeek(frame, at, end, stack);
    if (verdict !== VERDICT.ok) return verdict;
  }
  return stack.selector === ETHERTYPE.IPV4
    ? decodeIpv4(frame, at, end, stack)
    : decodeIpv6(frame, at, end, stack);
}
