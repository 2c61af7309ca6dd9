import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, TCP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 9293 3.1. */
const DESTINATION_PORT = 2;
const SEQUENCE = DESTINATION_PORT + 2;
const ACKNOWLEDGEMENT = SEQUENCE + 4;
const DATA_OFFSET = ACKNOWLEDGEMENT + 4;
const FLAGS = DATA_OFFSET + 1;
export const TCP_MIN_HEADER = 20;
const PORTS_LENGTH = SEQUENCE;

/** TCP header, a leaf. */
export function decodeTcp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < TCP_MIN_HEADER) {
    // The ports come first and tell much: they are kept when nothing else is there.
    if (end - at >= PORTS_LENGTH) pushPorts(frame, at, end, out);
    return out.fail(VERDICT.truncated_TCP, LAYER.tcp, at, TCP_MIN_HEADER, end - at);
  }
  const headerLength = (frame.bytes[at + DATA_OFFSET]! >>> 4) << 2;
  if (headerLength < TCP_MIN_HEADER || headerLength > out.wireEnd - at) return VERDICT.bad_TCP_header_len;
  const view = frame.view;
  const row = pushPorts(frame, at, end, out);
  const words = out.words;
  words[row + TCP.FLAGS] = frame.bytes[at + FLAGS]!;
  words[row + TCP.HEADER_LENGTH] = headerLength;
  words[row + TCP.SEQUENCE] = view.getUint32(at + SEQUENCE);
  words[row + TCP.ACKNOWLEDGEMENT] = view.getUint32(at + ACKNOWLEDGEMENT);
  out.stop();
  return VERDICT.ok;
}

function pushPorts(frame: FrameView, at: number, end: number, out: LayerStack): number {
  const row = out.push(LAYER.tcp, at, end);
  out.words[row + TCP.SRC] = frame.view.getUint16(at);
  out.words[row + TCP.DST] = frame.view.getUint16(at + DESTINATION_PORT);
  out.words[row + TCP.FLAGS] = 0;
  out.words[row + TCP.HEADER_LENGTH] = 0;
  return row;
}
