import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP, VXLAN } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 7348 5: flags (1), reserved (3), VNI (3), reserved (1). */
const VNI_WORD = 4;
const HEADER_LENGTH = 8;
const VNI_VALID_ONLY = 0x08000000;

/** VXLAN header with an Ethernet frame behind it. */
export function decodeVxlan(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < HEADER_LENGTH)
    return out.fail(VERDICT.truncated_VXLAN, LAYER.vxlan, at, HEADER_LENGTH, end - at);
  const vniWord = frame.view.getUint32(at + VNI_WORD);
  if (frame.view.getUint32(at) !== VNI_VALID_ONLY || (vniWord & 0xff) !== 0) return VERDICT.not_vxlan;
  const row = out.push(LAYER.vxlan, at, end);
  out.words[row + VXLAN.VNI] = vniWord >>> 8;
  out.goOn(STEP.link, 0, at + HEADER_LENGTH);
  return VERDICT.ok;
}
