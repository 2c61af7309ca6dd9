import { IP_PROTOCOL } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { ICMP, LAYER } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 792 and RFC 4443 2.1: type (1), code (1), checksum (2); every message has at least 4 octets more or none. */
const CODE = 1;
const MIN_LENGTH = 4;

/** ICMP or ICMPv6 header, by `out.selector`; a leaf. */
export function decodeIcmp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const kind = out.selector === IP_PROTOCOL.ICMPV6 ? LAYER.icmpv6 : LAYER.icmp;
  if (end - at < MIN_LENGTH) return out.fail(VERDICT.truncated_ICMP, kind, at, MIN_LENGTH, end - at);
  const row = out.push(kind, at, end);
  out.words[row + ICMP.TYPE] = frame.bytes[at]!;
  out.words[row + ICMP.CODE] = frame.bytes[at + CODE]!;
  out.stop();
  return VERDICT.ok;
}
