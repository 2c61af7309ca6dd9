import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, PPP, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 1661 2 and RFC 1662 3.1: address and control (2, may be left out), protocol (2, or 1 when it is odd). */
const ADDRESS_AND_CONTROL = 0xff03;

/** PPP header. What is no IP (link control, compressed, encrypted) stays closed. */
export function decodePpp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  let behind = at;
  if (end - at >= 2 && frame.view.getUint16(at) === ADDRESS_AND_CONTROL) behind += 2;
  const isShort = end > behind && (frame.bytes[behind]! & 1) === 1;
  const length = isShort ? 1 : 2;
  if (end - behind < length)
    return out.fail(VERDICT.truncated_link_header, LAYER.ppp, at, behind + length - at, end - at);
  const protocol = isShort ? frame.bytes[behind]! : frame.view.getUint16(behind);
  const row = out.push(LAYER.ppp, at, end);
  out.words[row + PPP.PROTOCOL] = protocol;
  out.goOn(STEP.ppp, protocol, behind + length);
  return VERDICT.ok;
}
