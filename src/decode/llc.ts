import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* IEEE 802.2: both service points 0xaa and unnumbered information (3), then SNAP (RFC 1042): organization (3), EtherType (2). */
const SNAP_WORD = 0xaaaa0300;
const ORGANIZATION_REST = 4;
const TYPE = ORGANIZATION_REST + 2;
const HEADER_LENGTH = TYPE + 2;

/** IEEE 802.2 LLC with SNAP, which may carry IP (RFC 1042). Other LLC is no IP. */
export function decodeLlc(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < HEADER_LENGTH) return VERDICT.not_ip;
  if (frame.view.getUint32(at) !== SNAP_WORD || frame.view.getUint16(at + ORGANIZATION_REST) !== 0)
    return VERDICT.not_ip;
  out.push(LAYER.llc, at, end);
  out.goOn(STEP.ethertype, frame.view.getUint16(at + TYPE), at + HEADER_LENGTH);
  return VERDICT.ok;
}
