import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 2516 4: version and type (1), code (1), session id (2), length (2); then the PPP protocol (2, or 1 when it is odd). */
const CODE = 1;
const SESSION = CODE + 1;
const LENGTH = SESSION + 2;
const PROTOCOL = LENGTH + 2;
const VERSION_1_TYPE_1 = 0x11;
const CODE_SESSION = 0;

/** PPPoE session header with the PPP protocol field behind it. */
export function decodePppoe(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  // RFC 2516 7 only recommends against a shortened protocol (RFC 1661 6.5), so a sender may have it.
  const isShort = end - at > PROTOCOL && (frame.bytes[at + PROTOCOL]! & 1) === 1;
  const length = PROTOCOL + (isShort ? 1 : 2);
  if (end - at < length) return out.fail(VERDICT.truncated_link_header, LAYER.pppoe, at, length, end - at);
  if (frame.bytes[at] !== VERSION_1_TYPE_1 || frame.bytes[at + CODE] !== CODE_SESSION) return VERDICT.not_ip;
  const row = out.push(LAYER.pppoe, at, end);
  out.words[row] = frame.view.getUint16(at + SESSION);
  const protocol = isShort ? frame.bytes[at + PROTOCOL]! : frame.view.getUint16(at + PROTOCOL);
  out.goOn(STEP.ppp, protocol, at + length);
  return VERDICT.ok;
}
