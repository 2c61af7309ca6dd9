import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { ETH, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* LINKTYPE_LINUX_SLL: packet type (2), ARPHRD (2), address length (2), address (8), protocol (2). */
const SLL_ADDRESS = 6;
const SLL_PROTOCOL = SLL_ADDRESS + 8;
const SLL_LENGTH = SLL_PROTOCOL + 2;

/* LINKTYPE_LINUX_SLL2: protocol (2), reserved (2), interface (4), ARPHRD (2), type (1), address length (1), address (8). */
const SLL2_ADDRESS = 12;
const SLL2_LENGTH = SLL2_ADDRESS + 8;

/** Linux "cooked" capture header, version 1. */
export function decodeSll(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < SLL_LENGTH) {
    return out.fail(VERDICT.truncated_link_header, LAYER.sll, at, SLL_LENGTH, end - at);
  }
  pushSource(frame, out, LAYER.sll, at, end, at + SLL_ADDRESS);
  out.goOn(STEP.ethertype, frame.view.getUint16(at + SLL_PROTOCOL), at + SLL_LENGTH);
  return VERDICT.ok;
}

/** Linux "cooked" capture header, version 2. */
export function decodeSll2(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < SLL2_LENGTH) {
    return out.fail(VERDICT.truncated_link_header, LAYER.sll2, at, SLL2_LENGTH, end - at);
  }
  pushSource(frame, out, LAYER.sll2, at, end, at + SLL2_ADDRESS);
  out.goOn(STEP.ethertype, frame.view.getUint16(at), at + SLL2_LENGTH);
  return VERDICT.ok;
}

/* Both forms know only the sender's address; the destination stays zero. */
function pushSource(
  frame: FrameView,
  out: LayerStack,
  kind: number,
  at: number,
  end: number,
  addressAt: number,
): void {
  const row = out.push(kind, at, end);
  out.words[row + ETH.DST_HIGH] = 0;
  out.words[row + ETH.DST_LOW] = 0;
  out.words[row + ETH.SRC_HIGH] = frame.view.getUint16(addressAt);
  out.words[row + ETH.SRC_LOW] = frame.view.getUint32(addressAt + 2);
}
