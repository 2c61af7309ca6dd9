import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { ETH, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* IEEE 802.3: destination (6), source (6), EtherType (2). */
const SOURCE = 6;
const TYPE = SOURCE + 6;
/** A larger number in the place of the type is a type (IEEE 802.3 3.2.6). */
const MOST_LENGTH = 1500;
export const ETHERNET_LENGTH = TYPE + 2;

/** Ethernet II header, or IEEE 802.3 with a length in the place of the type. */
export function decodeEthernet(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < ETHERNET_LENGTH) {
    return out.fail(VERDICT.truncated_link_header, LAYER.eth, at, ETHERNET_LENGTH, end - at);
  }
  const view = frame.view;
  const row = out.push(LAYER.eth, at, end);
  const words = out.words;
  words[row + ETH.DST_HIGH] = view.getUint16(at);
  words[row + ETH.DST_LOW] = view.getUint32(at + 2);
  words[row + ETH.SRC_HIGH] = view.getUint16(at + SOURCE);
  words[row + ETH.SRC_LOW] = view.getUint32(at + SOURCE + 2);
  const type = view.getUint16(at + TYPE);
  words[row + ETH.TYPE] = type;
  out.goOn(type > MOST_LENGTH ? STEP.ethertype : STEP.llc, type, at + ETHERNET_LENGTH);
  return VERDICT.ok;
}
