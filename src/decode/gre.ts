import { ETHERTYPE } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import { unwrapErspan } from './erspan.js';
import type { LayerStack } from './layers.js';
import { GRE, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/* RFC 2784 2.1 and RFC 2890 2: flags and version (2), protocol (2), then 4 octets for each of checksum, key, sequence. */
const PROTOCOL = 2;
const BASE_LENGTH = PROTOCOL + 2;
const OPTION_LENGTH = 4;
const CHECKSUM_PRESENT = 0x8000;
const ROUTING_PRESENT = 0x4000;
const KEY_PRESENT = 0x2000;
const SEQUENCE_PRESENT = 0x1000;
/* Version 1 (RFC 2637 4.1): a key of payload length and call, then sequence and acknowledgement where a flag says so. */
const ACKNOWLEDGEMENT_PRESENT = 0x0080;
const VERSION_MASK = 0x0007;

/**
 * GRE version 0, and version 1 (PPTP). Sets the step for the payload; a payload that this sensor does not open is
 * reported as an unsupported carrier.
 */
export function decodeGre(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  if (end - at < BASE_LENGTH) return out.fail(VERDICT.truncated_GRE, LAYER.gre, at, BASE_LENGTH, end - at);
  const flags = frame.view.getUint16(at);
  const protocol = frame.view.getUint16(at + PROTOCOL);
  const version = flags & VERSION_MASK;
  if (version > 1) return VERDICT.unknown_gre_version;
  if (version === 1) return decodePptp(frame, at, end, flags, protocol, out);
  if ((flags & ROUTING_PRESENT) !== 0) return VERDICT.gre_routing;
  let length = BASE_LENGTH;
  if ((flags & CHECKSUM_PRESENT) !== 0) length += OPTION_LENGTH;
  const keyAt = at + length;
  if ((flags & KEY_PRESENT) !== 0) length += OPTION_LENGTH;
  if ((flags & SEQUENCE_PRESENT) !== 0) length += OPTION_LENGTH;
  if (end - at < length) return out.fail(VERDICT.truncated_GRE, LAYER.gre, at, length, end - at);
  const row = out.push(LAYER.gre, at, end);
  out.words[row + GRE.VERSION] = version;
  out.words[row + GRE.PROTOCOL] = protocol;
  out.words[row + GRE.KEY] = (flags & KEY_PRESENT) === 0 ? 0 : frame.view.getUint32(keyAt);
  switch (protocol) {
    case ETHERTYPE.IPV4:
    case ETHERTYPE.IPV6:
      out.goOn(STEP.innerIp, protocol, at + length);
      return VERDICT.ok;
    case ETHERTYPE.TRANSPARENT_ETHERNET:
      out.goOn(STEP.link, 0, at + length);
      return VERDICT.ok;
    case ETHERTYPE.ERSPAN_II:
    case ETHERTYPE.ERSPAN_III:
      // Inside a tunnel, or inside another mirrored frame, it is traffic of the network and not of its mirror port.
      if (out.encapsulations === 0 && !out.isMirrored)
        return unwrapErspan(frame, at + length, end, protocol, (flags & SEQUENCE_PRESENT) !== 0, out);
      out.unopened = protocol;
      return VERDICT.unsupported_carrier;
    case ETHERTYPE.MPLS:
    case ETHERTYPE.MPLS_MULTICAST:
      out.goOn(STEP.ethertype, protocol, at + length);
      return VERDICT.ok;
    default:
      out.unopened = protocol;
      return VERDICT.unsupported_carrier;
  }
}

/* A packet without sequence number only acknowledges and carries nothing. */
function decodePptp(
  frame: FrameView,
  at: number,
  end: number,
  flags: number,
  protocol: number,
  out: LayerStack,
): Verdict {
  if ((flags & KEY_PRESENT) === 0 || protocol !== ETHERTYPE.PPTP_PPP) {
    out.unopened = protocol;
    return VERDICT.unsupported_carrier;
  }
  let length = BASE_LENGTH + OPTION_LENGTH;
  const isData = (flags & SEQUENCE_PRESENT) !== 0;
  if (isData) length += OPTION_LENGTH;
  if ((flags & ACKNOWLEDGEMENT_PRESENT) !== 0) length += OPTION_LENGTH;
  if (end - at < length) return out.fail(VERDICT.truncated_GRE, LAYER.gre, at, length, end - at);
  const row = out.push(LAYER.gre, at, end);
  out.words[row + GRE.VERSION] = 1;
  out.words[row + GRE.PROTOCOL] = protocol;
  out.words[row + GRE.KEY] = frame.view.getUint32(at + BASE_LENGTH);
  if (isData) out.goOn(STEP.pppHeader, 0, at + length);
  else out.stop();
  return VERDICT.ok;
}
