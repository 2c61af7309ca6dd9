import type { FrameView } from '../wire/frame.js';
import { LINK_TYPE } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/*
 * TaZmen Sniffer Protocol: version (1), type (1), encapsulated protocol (2), then tags of type (1), length (1) and value up
 * to the end tag. There is no standard; this is what switches send and Wireshark reads.
 */
const TYPE = 1;
const PROTOCOL = 2;
const HEADER_LENGTH = 4;
const VERSION = 1;
const TYPE_RECEIVED = 0;
const PROTOCOL_ETHERNET = 1;
const TAG = { padding: 0, end: 1 } as const;
const MOST_TAGS = 64;

/** TZSP header with a mirrored Ethernet frame behind it. It is no layer: only the transport of a mirror port is read. */
export function decodeTzsp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  // Inside a tunnel, or inside another mirrored frame, it is traffic of the network and not of its mirror port.
  if (out.encapsulations > 0 || out.isMirrored) return VERDICT.not_tzsp;
  const { bytes } = frame;
  if (end - at < HEADER_LENGTH)
    return out.fail(VERDICT.truncated_TZSP, LAYER.udp, at, HEADER_LENGTH, end - at);
  const isFrame =
    bytes[at] === VERSION &&
    bytes[at + TYPE] === TYPE_RECEIVED &&
    frame.view.getUint16(at + PROTOCOL) === PROTOCOL_ETHERNET;
  if (!isFrame) return VERDICT.not_tzsp;
  let here = at + HEADER_LENGTH;
  for (let tags = 0; tags < MOST_TAGS; tags++) {
    if (end <= here) return out.fail(VERDICT.truncated_TZSP, LAYER.udp, at, here + 1 - at, end - at);
    const tag = bytes[here]!;
    here++;
    if (tag === TAG.end) {
      out.goOn(STEP.link, LINK_TYPE.ETHERNET, here);
      return VERDICT.ok;
    }
    if (tag === TAG.padding) continue;
    if (end <= here) return out.fail(VERDICT.truncated_TZSP, LAYER.udp, at, here + 1 - at, end - at);
    here += 1 + bytes[here]!;
  }
  return VERDICT.not_tzsp;
}
