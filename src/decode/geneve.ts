import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { GENEVE, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 8926 3.4: version and length of the options in words (1), flags (1), protocol (2), VNI (3), reserved (1), options. */
const PROTOCOL = 2;
const VNI_WORD = PROTOCOL + 2;
const BASE_LENGTH = VNI_WORD + 4;

/** GENEVE header with its options; carries Ethernet or IP. */
export function decodeGeneve(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < BASE_LENGTH)
    return out.fail(VERDICT.truncated_GENEVE, LAYER.geneve, at, BASE_LENGTH, end - at);
  const first = frame.bytes[at]!;
  const protocol = frame.view.getUint16(at + PROTOCOL);
  const vniWord = frame.view.getUint32(at + VNI_WORD);
  const isEthernet = protocol === ETHERTYPE.TRANSPARENT_ETHERNET;
  const isIp = protocol === ETHERTYPE.IPV4 || protocol === ETHERTYPE.IPV6;
  if (first >>> 6 !== 0 || (vniWord & 0xff) !== 0 || !(isEthernet || isIp)) return VERDICT.not_geneve;
  const length = BASE_LENGTH + (first & 0x3f) * 4;
  if (end - at < length) return out.fail(VERDICT.truncated_GENEVE, LAYER.geneve, at, length, end - at);
  const row = out.push(LAYER.geneve, at, end);
  out.words[row + GENEVE.VNI] = vniWord >>> 8;
  out.words[row + GENEVE.OPTIONS_LENGTH] = length - BASE_LENGTH;
  out.goOn(isEthernet ? STEP.link : STEP.innerIp, protocol, at + length);
  return VERDICT.ok;
}
