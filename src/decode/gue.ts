import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE, IP_PROTOCOL } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { GUE, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/*
 * draft-ietf-intarea-gue-09 section 3: variant (2 bits), control (1), length of the fields in words (5); protocol (1), flags
 * (2), fields. Section 4: in variant 1 the packet begins at once, and its version nibble is that of IP.
 */
const PROTOCOL = 1;
const FLAGS = PROTOCOL + 1;
const BASE_LENGTH = FLAGS + 2;
const IS_CONTROL = 0x20;
const LENGTH_MASK = 0x1f;
const IPV4_NIBBLE = 4;

/**
 * GUE header with an IP packet behind it. The header has no mark of its own, so only what agrees is taken: the port, a
 * protocol of 4 or 41, and that version of IP where the header ends. IPv6 in variant 1 is left to the evidence of
 * Teredo, which uses any port.
 */
export function decodeGue(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const { bytes } = frame;
  if (end - at < BASE_LENGTH) return out.fail(VERDICT.truncated_GUE, LAYER.gue, at, BASE_LENGTH, end - at);
  const first = bytes[at]!;
  const isDirect = first >>> 4 === IPV4_NIBBLE;
  if (!isDirect && (first >>> 6 !== 0 || (first & IS_CONTROL) !== 0)) return VERDICT.not_gue;
  const protocol = isDirect ? IP_PROTOCOL.IPV4 : bytes[at + PROTOCOL]!;
  if (protocol !== IP_PROTOCOL.IPV4 && protocol !== IP_PROTOCOL.IPV6) return VERDICT.not_gue;
  const behind = isDirect ? at : at + BASE_LENGTH + (first & LENGTH_MASK) * 4;
  if (end <= behind) return out.fail(VERDICT.truncated_GUE, LAYER.gue, at, behind + 1 - at, end - at);
  if (bytes[behind]! >>> 4 !== (protocol === IP_PROTOCOL.IPV6 ? 6 : IPV4_NIBBLE)) return VERDICT.not_gue;
  const row = out.push(LAYER.gue, at, end);
  out.words[row + GUE.PROTOCOL] = protocol;
  out.words[row + GUE.FLAGS] = isDirect ? 0 : frame.view.getUint16(at + FLAGS);
  out.goOn(STEP.innerIp, protocol === IP_PROTOCOL.IPV6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4, behind);
  return VERDICT.ok;
}
