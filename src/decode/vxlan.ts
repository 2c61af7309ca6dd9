import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP, VXLAN } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 7348 5: flags (1), reserved (3), VNI (3), reserved (1). */
const VNI_WORD = 4;
const HEADER_LENGTH = 8;
const VNI_VALID = 0x08000000;
const IPV6_VERSION = 6;

/**
 * VXLAN header with an Ethernet frame behind it. Reserved bits are ignored, as the RFC asks of receivers: senders put a
 * group policy there, and a sender who wants to hide could set any. Those that make it begin like IPv6 are the exception:
 * raw IPv6 on this port must not pass for VXLAN.
 */
export function decodeVxlan(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < HEADER_LENGTH)
    return out.fail(VERDICT.truncated_VXLAN, LAYER.vxlan, at, HEADER_LENGTH, end - at);
  const flags = frame.view.getUint32(at);
  if ((flags & VNI_VALID) === 0 || flags >>> 28 === IPV6_VERSION) return VERDICT.not_vxlan;
  const row = out.push(LAYER.vxlan, at, end);
  out.words[row + VXLAN.VNI] = frame.view.getUint32(at + VNI_WORD) >>> 8;
  out.goOn(STEP.link, 0, at + HEADER_LENGTH);
  return VERDICT.ok;
}
