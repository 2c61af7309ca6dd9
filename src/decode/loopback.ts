import { ETHERTYPE } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* LINKTYPE_NULL and LINKTYPE_LOOP: address family (4), host order of the capturing machine or network order. */
const HEADER_LENGTH = 4;
const AF_INET = 2;
/* AF_INET6 of NetBSD and OpenBSD, FreeBSD, macOS (tcpdump.org, LINKTYPE_NULL), and Linux. */
const AF_INET6: readonly number[] = [24, 28, 30, 10];

/** BSD loopback header in either byte order. */
export function decodeLoopback(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < HEADER_LENGTH) {
    return out.fail(VERDICT.truncated_link_header, LAYER.loopback, at, HEADER_LENGTH, end - at);
  }
  const big = frame.view.getUint32(at);
  const family = big > 0xffff ? frame.view.getUint32(at, true) : big;
  out.push(LAYER.loopback, at, end);
  if (family === AF_INET) out.goOn(STEP.ethertype, ETHERTYPE.IPV4, at + HEADER_LENGTH);
  else if (AF_INET6.includes(family)) out.goOn(STEP.ethertype, ETHERTYPE.IPV6, at + HEADER_LENGTH);
  else return VERDICT.not_ip;
  return VERDICT.ok;
}
