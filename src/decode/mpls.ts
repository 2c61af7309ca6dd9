import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE, LINK_TYPE } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { LAYER, MPLS, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 3032 2.1: label (20 bits), traffic class (3), bottom of stack (1), time to live (8). */
const ENTRY_LENGTH = 4;
const BOTTOM = 0x100;
const MOST_LABELS = 16;
/* RFC 4385 3: a pseudowire's control word begins with a zero nibble. */
const CONTROL_WORD_LENGTH = 4;

/**
 * A stack of MPLS labels, as one layer. Nothing in it says what it carries: a first nibble of 4 or 6 is taken for IP, as
 * routers do (RFC 4928 2), a 0 for the control word of an Ethernet pseudowire.
 */
export function decodeMpls(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  let behind = at;
  let entry: number;
  let labels = 0;
  do {
    if (end - behind < ENTRY_LENGTH)
      return out.fail(VERDICT.truncated_MPLS, LAYER.mpls, at, behind + ENTRY_LENGTH - at, end - at);
    if (labels === MOST_LABELS) return VERDICT.too_many_layers;
    entry = frame.view.getUint32(behind);
    behind += ENTRY_LENGTH;
    labels++;
  } while ((entry & BOTTOM) === 0);
  const row = out.push(LAYER.mpls, at, end);
  out.words[row + MPLS.LABEL] = entry >>> 12;
  out.words[row + MPLS.LABELS] = labels;
  const nibble = behind < end ? frame.bytes[behind]! >>> 4 : -1;
  if (nibble === 4) out.goOn(STEP.ethertype, ETHERTYPE.IPV4, behind);
  else if (nibble === 6) out.goOn(STEP.ethertype, ETHERTYPE.IPV6, behind);
  else if (nibble === 0 && end - behind > CONTROL_WORD_LENGTH)
    out.goOn(STEP.link, LINK_TYPE.ETHERNET, behind + CONTROL_WORD_LENGTH);
  // What it carries was not captured: that is no reason to say that it is no IP.
  else if (end < out.wireEnd && end - behind <= CONTROL_WORD_LENGTH && nibble <= 0)
    return out.fail(VERDICT.truncated_MPLS, LAYER.mpls, at, behind + CONTROL_WORD_LENGTH + 1 - at, end - at);
  else return VERDICT.not_ip;
  return VERDICT.ok;
}
