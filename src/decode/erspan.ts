import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE, LINK_TYPE } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* draft-foschiano-erspan-03 section 4. Type I has no header of its own, and no sequence number in GRE. */
const TYPE_II_LENGTH = 8;
const TYPE_III_LENGTH = 12;
const SUBHEADER_LENGTH = 8;
const FLAGS_AT = 2;
const TRUNCATED = 0x0400;
const TYPE_III_FLAGS_AT = 10;
const HAS_SUBHEADER = 0x0001;
const FRAME_TYPE_MASK = 0x7c00;
const FRAME_TYPE_IP = 0x0800;
/** More than any frame has. */
const UNKNOWN_LENGTH = 65_536;

/**
 * A frame that a switch mirrored over GRE. That is how it came here and no finding, so all layers before it are forgotten
 * and the walk begins again with it, as if it had been captured itself.
 */
export function unwrapErspan(
  frame: FrameView,
  at: number,
  end: number,
  protocol: number,
  hasSequence: boolean,
  out: LayerStack,
): Verdict {
  const isTypeIII = protocol === ETHERTYPE.ERSPAN_III;
  let length = isTypeIII ? TYPE_III_LENGTH : hasSequence ? TYPE_II_LENGTH : 0;
  if (end - at < length) return out.fail(VERDICT.truncated_ERSPAN, LAYER.gre, at, length, end - at);
  const isCut = length > 0 && (frame.view.getUint16(at + FLAGS_AT) & TRUNCATED) !== 0;
  const flags = isTypeIII ? frame.view.getUint16(at + TYPE_III_FLAGS_AT) : 0;
  if ((flags & HAS_SUBHEADER) !== 0) length += SUBHEADER_LENGTH;
  if (end - at < length) return out.fail(VERDICT.truncated_ERSPAN, LAYER.gre, at, length, end - at);
  // The switch cut the frame and does not say how long it was.
  const wireEnd = isCut ? end + UNKNOWN_LENGTH : out.wireEnd;
  const wasReassembled = out.reassembled;
  out.reset(frame, at + length, end, wireEnd);
  out.reassembled = wasReassembled;
  out.isMirrored = true;
  if ((flags & FRAME_TYPE_MASK) !== FRAME_TYPE_IP) {
    out.goOn(STEP.link, LINK_TYPE.ETHERNET, out.nextAt);
    return VERDICT.ok;
  }
  const isV6 = end > out.nextAt && frame.bytes[out.nextAt]! >>> 4 === 6;
  out.goOn(STEP.ethertype, isV6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4, out.nextAt);
  return VERDICT.ok;
}
