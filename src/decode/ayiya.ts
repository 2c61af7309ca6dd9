import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE, IP_PROTOCOL } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { AYIYA, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/*
 * draft-massar-v6ops-ayiya-02 section 3: identity length as a power of 2 and its type (1), signature length in words and
 * its method (1), authentication method and operation (1), next header (1), epoch time (4), identity, signature.
 */
const SIGNATURE_LENGTH = 1;
const OPERATION = SIGNATURE_LENGTH + 1;
const NEXT_HEADER = OPERATION + 1;
const BASE_LENGTH = NEXT_HEADER + 1 + 4;
/** The last operation that the draft defines. */
const LAST_OPERATION = 5;
const FORWARD = 1;
const MOST_IDENTITY_POWER = 6;

/** AYIYA ("anything in anything") header. Only forwarded packets carry something; keep-alives and queries end here. */
export function decodeAyiya(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const { bytes } = frame;
  if (end - at < BASE_LENGTH)
    return out.fail(VERDICT.truncated_AYIYA, LAYER.ayiya, at, BASE_LENGTH, end - at);
  const identityPower = bytes[at]! >>> 4;
  const operation = bytes[at + OPERATION]! & 0x0f;
  const nextHeader = bytes[at + NEXT_HEADER]!;
  const isKnown =
    nextHeader === IP_PROTOCOL.IPV6 || nextHeader === IP_PROTOCOL.IPV4 || nextHeader === IP_PROTOCOL.NONE;
  if (identityPower > MOST_IDENTITY_POWER || operation > LAST_OPERATION || !isKnown) return VERDICT.not_ayiya;
  const length = BASE_LENGTH + (1 << identityPower) + (bytes[at + SIGNATURE_LENGTH]! >>> 4) * 4;
  if (end - at < length) return out.fail(VERDICT.truncated_AYIYA, LAYER.ayiya, at, length, end - at);
  const row = out.push(LAYER.ayiya, at, end);
  out.words[row + AYIYA.OPERATION] = operation;
  out.words[row + AYIYA.NEXT_HEADER] = nextHeader;
  if (operation !== FORWARD || nextHeader === IP_PROTOCOL.NONE) out.stop();
  else out.goOn(STEP.innerIp, nextHeader === IP_PROTOCOL.IPV6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4, at + length);
  return VERDICT.ok;
}
