import type { FrameView } from '../wire/frame.js';
import { LINK_TYPE } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 3378 3: version (4 bits), reserved (12 bits), then the frame. */
const HEADER_LENGTH = 2;
const VERSION = 3;

/**
 * EtherIP header with an Ethernet frame behind it. The reserved bits are not looked at: a sender who wants to hide could
 * set any, and a receiver that does not check them would still take the frame.
 */
export function decodeEtherip(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < HEADER_LENGTH)
    return out.fail(VERDICT.truncated_EtherIP, LAYER.etherip, at, HEADER_LENGTH, end - at);
  if (frame.bytes[at]! >>> 4 !== VERSION) return VERDICT.not_etherip;
  out.push(LAYER.etherip, at, end);
  out.goOn(STEP.link, LINK_TYPE.ETHERNET, at + HEADER_LENGTH);
  return VERDICT.ok;
}
