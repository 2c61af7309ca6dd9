import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { L2TP, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 2661 3.1: flags and version (2), length (2, L), tunnel (2), session (2), Ns and Nr (4, S), offset size (2, O) and pad. */
const IS_CONTROL = 0x8000;
const HAS_LENGTH = 0x4000;
const HAS_SEQUENCE = 0x0800;
const HAS_OFFSET = 0x0200;
const VERSION_MASK = 0x000f;
const VERSION_2 = 2;
const RESERVED_MASK = 0x34f0;

/** L2TP version 2 header with PPP behind it. Control messages end here. */
export function decodeL2tp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const { view } = frame;
  if (end - at < 2) return out.fail(VERDICT.truncated_L2TP, LAYER.l2tp, at, 2, end - at);
  const flags = view.getUint16(at);
  if ((flags & VERSION_MASK) !== VERSION_2 || (flags & RESERVED_MASK) !== 0) return VERDICT.not_l2tp;
  const idsAt = at + 2 + ((flags & HAS_LENGTH) === 0 ? 0 : 2);
  let behind = idsAt + 4 + ((flags & HAS_SEQUENCE) === 0 ? 0 : 4);
  if ((flags & HAS_OFFSET) !== 0) {
    if (end - behind < 2) return out.fail(VERDICT.truncated_L2TP, LAYER.l2tp, at, behind + 2 - at, end - at);
    behind += 2 + view.getUint16(behind);
  }
  if (end < behind) return out.fail(VERDICT.truncated_L2TP, LAYER.l2tp, at, behind - at, end - at);
  const row = out.push(LAYER.l2tp, at, end);
  out.words[row + L2TP.TUNNEL] = view.getUint16(idsAt);
  out.words[row + L2TP.SESSION] = view.getUint16(idsAt + 2);
  if ((flags & IS_CONTROL) !== 0) {
    out.stop();
    return VERDICT.ok;
  }
  out.goOn(STEP.pppHeader, 0, behind);
  return VERDICT.ok;
}
