import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP, VLAN } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* IEEE 802.1Q: priority and VLAN id (2), EtherType (2). */
const TYPE = 2;
const TAG_LENGTH = TYPE + 2;
const ID_MASK = 0x0fff;

/** One 802.1Q or 802.1ad tag; `out.selector` is the EtherType that announced it. */
export function decodeVlan(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < TAG_LENGTH) {
    return out.fail(VERDICT.truncated_link_header, LAYER.vlan, at, TAG_LENGTH, end - at);
  }
  const row = out.push(LAYER.vlan, at, end);
  out.words[row + VLAN.ID] = frame.view.getUint16(at) & ID_MASK;
  out.words[row + VLAN.TPID] = out.selector;
  out.goOn(STEP.ethertype, frame.view.getUint16(at + TYPE), at + TAG_LENGTH);
  return VERDICT.ok;
}
