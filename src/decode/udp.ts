import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, LIMITED_BY, STEP, UDP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 768. */
const DESTINATION_PORT = 2;
const LENGTH = DESTINATION_PORT + 2;
const CHECKSUM = LENGTH + 2;
export const UDP_HEADER = CHECKSUM + 2;
const PORTS_LENGTH = LENGTH;

/** UDP header. A length of 0 is what a jumbogram or offload leaves and means "to the end of the packet". */
export function decodeUdp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < UDP_HEADER) {
    // The ports come first and tell much: they are kept when nothing else is there.
    if (end - at >= PORTS_LENGTH) {
      const row = pushPorts(frame, at, end, out);
      out.words[row + UDP.LENGTH] = 0;
      out.words[row + UDP.CHECKSUM] = 0;
    }
    return out.fail(VERDICT.truncated_UDP, LAYER.udp, at, UDP_HEADER, end - at);
  }
  const view = frame.view;
  const length = view.getUint16(at + LENGTH);
  if (length !== 0) {
    if (length < UDP_HEADER) return VERDICT.bad_UDP_length;
    if (!out.narrow(at + length, LIMITED_BY.udpLength)) {
      return out.fail(VERDICT.truncated_UDP, LAYER.udp, at, length, out.wireEnd - at);
    }
  }
  const row = pushPorts(frame, at, out.nextEnd, out);
  const words = out.words;
  words[row + UDP.LENGTH] = length;
  words[row + UDP.CHECKSUM] = view.getUint16(at + CHECKSUM);
  out.goOn(STEP.udpPayload, 0, at + UDP_HEADER);
  return VERDICT.ok;
}

/** Adds the layer with its ports and returns the index of its first word; length and checksum stay as they are. */
export function pushPorts(frame: FrameView, at: number, end: number, out: LayerStack): number {
  const row = out.push(LAYER.udp, at, end);
  out.words[row + UDP.SRC] = frame.view.getUint16(at);
  out.words[row + UDP.DST] = frame.view.getUint16(at + DESTINATION_PORT);
  return row;
}
