import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { GTP, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* 3GPP TS 29.281 5.1: flags (1), message type (1), length (2), tunnel endpoint (4), then 4 octets when a flag says so. */
const TYPE = 1;
const LENGTH = TYPE + 1;
const ENDPOINT = LENGTH + 2;
const BASE_LENGTH = ENDPOINT + 4;
const OPTIONAL_LENGTH = 4;
const NEXT_EXTENSION_AT = 3;
const VERSION_1 = 0x30;
const VERSION_MASK = 0xf0;
const HAS_EXTENSION = 0x04;
const HAS_OPTIONAL = 0x07;
const G_PDU = 255;
const MOST_EXTENSIONS = 8;

/** GTP-U header with its extension headers (TS 29.281 5.2). Only a G-PDU carries a packet. */
export function decodeGtp(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const { bytes, view } = frame;
  if (end - at < BASE_LENGTH) return out.fail(VERDICT.truncated_GTP, LAYER.gtp, at, BASE_LENGTH, end - at);
  const flags = bytes[at]!;
  if ((flags & VERSION_MASK) !== VERSION_1) return VERDICT.not_gtp;
  const row = out.push(LAYER.gtp, at, end);
  out.words[row + GTP.ENDPOINT] = view.getUint32(at + ENDPOINT);
  out.words[row + GTP.TYPE] = bytes[at + TYPE]!;
  if (bytes[at + TYPE] !== G_PDU) {
    out.stop();
    return VERDICT.ok;
  }
  let behind = at + BASE_LENGTH;
  if ((flags & HAS_OPTIONAL) !== 0) {
    behind += OPTIONAL_LENGTH;
    if (end < behind) return cutShort(at, behind, end, out);
    let extension = (flags & HAS_EXTENSION) === 0 ? 0 : bytes[behind - OPTIONAL_LENGTH + NEXT_EXTENSION_AT]!;
    for (let count = 0; extension !== 0; count++) {
      // A length of 0 would not end; each extension is at least one word.
      if (count === MOST_EXTENSIONS || (behind < end && bytes[behind] === 0)) return notGtp(out);
      if (end <= behind) return cutShort(at, behind + 1, end, out);
      behind += bytes[behind]! * 4;
      if (end < behind) return cutShort(at, behind, end, out);
      extension = bytes[behind - 1]!;
    }
  }
  if (end <= behind) return cutShort(at, behind + 1, end, out);
  const version = bytes[behind]! >>> 4;
  if (version !== 4 && version !== 6) return notGtp(out);
  out.goOn(STEP.innerIp, version === 6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4, behind);
  return VERDICT.ok;
}

function cutShort(at: number, behind: number, end: number, out: LayerStack): Verdict {
  out.count--;
  return out.fail(VERDICT.truncated_GTP, LAYER.gtp, at, behind - at, end - at);
}

function notGtp(out: LayerStack): Verdict {
  out.count--;
  return VERDICT.not_gtp;
}
