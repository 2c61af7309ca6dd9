import { IP_PROTOCOL } from '../wire/numbers.js';
import type { FrameView } from '../wire/frame.js';
import type { LayerStack } from './layers.js';
import { EXTENSION, FRAGMENT_BIT, HOP_OPTION, LAYER, STEP } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/*
 * RFC 8200 4: next header (1), length (1), data. The length counts 8-octet units behind the first 8 octets, except in
 * AH, where it counts 4-octet units minus 2 (RFC 4302 2.2), and in the Fragment header, which is always 8 octets.
 */
const LENGTH = 1;
const DETAIL = 2;
const DETAIL_2 = 3;
const IDENTIFICATION = 4;
const MIN_LENGTH = 8;
const FRAGMENT_OFFSET_MASK = 0xfff8;
/* Options in Hop-by-Hop headers (RFC 8200 4.2): type (1), length (1), data; Pad1 is a type alone. */
const OPTION = { PAD1: 0, ROUTER_ALERT: 0x05, JUMBO: 0xc2 } as const;
const OPTIONS_AT = 2;

/** Most extension headers that the walk follows in one packet. */
export const MAX_EXTENSION_HEADERS = 8;
/** Most octets of extension headers that the walk follows in one packet. */
export const MAX_EXTENSION_OCTETS = 1024;

const KIND = new Uint8Array(256);
KIND[IP_PROTOCOL.HOPOPTS] = LAYER.hopopts;
KIND[IP_PROTOCOL.ROUTING] = LAYER.routing;
KIND[IP_PROTOCOL.FRAGMENT] = LAYER.fragment;
KIND[IP_PROTOCOL.DSTOPTS] = LAYER.dstopts;
KIND[IP_PROTOCOL.AH] = LAYER.ah;
KIND[IP_PROTOCOL.MOBILITY] = LAYER.mobility;
KIND[IP_PROTOCOL.HIP] = LAYER.hip;
KIND[IP_PROTOCOL.SHIM6] = LAYER.shim6;
KIND[IP_PROTOCOL.EXPERIMENT_1] = LAYER.experimental;
KIND[IP_PROTOCOL.EXPERIMENT_2] = LAYER.experimental;

/** Whether a next-header value is an extension header that the walk follows (RFC 7045 4). */
export function isExtensionHeader(nextHeader: number): boolean {
  return KIND[nextHeader] !== 0;
}

/** One IPv6 extension header of the kind in `out.selector`. */
export function decodeExtension(frame: FrameView, at: number, end: number, out: LayerStack): Verdict {
  const protocol = out.selector;
  const kind = KIND[protocol]!;
  if (end - at < MIN_LENGTH) {
    return out.fail(VERDICT.truncated_extension_header, kind, at, MIN_LENGTH, end - at);
  }
  // The first 8 octets lie before `end`.
  const units = frame.bytes[at + LENGTH]!;
  const length =
    protocol === IP_PROTOCOL.FRAGMENT
      ? MIN_LENGTH
      : protocol === IP_PROTOCOL.AH
        ? (units + 2) << 2
        : (units + 1) << 3;
  if (end - at < length) return out.fail(VERDICT.truncated_extension_header, kind, at, length, end - at);
  if (++out.extensionHeaders > MAX_EXTENSION_HEADERS) return VERDICT.too_many_extension_headers;
  out.extensionOctets += length;
  if (out.extensionOctets > MAX_EXTENSION_OCTETS) return VERDICT.extension_chain_too_long;
  if (protocol === IP_PROTOCOL.HOPOPTS && out.extensionHeaders > 1) out.remark(VERDICT.hopopts_not_first);

  const nextHeader = frame.bytes[at]!;
  const row = out.push(kind, at, end);
  const words = out.words;
  words[row + EXTENSION.NEXT] = nextHeader;
  words[row + EXTENSION.LENGTH] = length;
  if (protocol === IP_PROTOCOL.FRAGMENT) return fragmentHeader(frame, at, end, nextHeader, row, out);
  words[row + EXTENSION.DETAIL] = frame.bytes[at + DETAIL]!;
  words[row + EXTENSION.DETAIL_2] = frame.bytes[at + DETAIL_2]!;
  words[row + EXTENSION.OPTIONS] =
    protocol === IP_PROTOCOL.HOPOPTS ? hopOptions(frame, at + OPTIONS_AT, at + length) : 0;
  out.goOn(STEP.protocol, nextHeader, at + length);
  return VERDICT.ok;
}

/* Which options of interest lie in `[at, end)`. An option that runs past the header ends the search. */
function hopOptions(frame: FrameView, at: number, end: number): number {
  let found = 0;
  let here = at;
  while (here < end) {
    const type = frame.bytes[here]!;
    if (type === OPTION.PAD1) {
      here++;
      continue;
    }
    if (type === OPTION.ROUTER_ALERT) found |= HOP_OPTION.routerAlert;
    else if (type === OPTION.JUMBO) found |= HOP_OPTION.jumbo;
    if (here + 1 >= end) break;
    here += 2 + frame.bytes[here + 1]!;
  }
  return found;
}

function fragmentHeader(
  frame: FrameView,
  at: number,
  end: number,
  nextHeader: number,
  row: number,
  out: LayerStack,
): Verdict {
  const field = frame.view.getUint16(at + DETAIL);
  const offset = field & FRAGMENT_OFFSET_MASK;
  const more = field & 1;
  const words = out.words;
  words[row + EXTENSION.DETAIL] = offset;
  words[row + EXTENSION.DETAIL_2] = more;
  words[row + EXTENSION.DETAIL_3] = frame.view.getUint32(at + IDENTIFICATION);
  out.fragments |= FRAGMENT_BIT.seen;
  if (nextHeader === IP_PROTOCOL.FRAGMENT || hasFragmentHeader(out)) out.fragments |= FRAGMENT_BIT.nested;
  if (nextHeader === IP_PROTOCOL.FRAGMENT) out.remark(VERDICT.nested_fragment_header);
  out.goOn(STEP.protocol, nextHeader, at + MIN_LENGTH);
  // An atomic fragment (offset 0, nothing more) is a whole packet (RFC 6946).
  if (offset === 0 && more === 0) {
    out.fragments |= FRAGMENT_BIT.atomic;
    return VERDICT.ok;
  }
  if (more === 1 && out.wireEnd === end && (end - at) % 8 !== 0) return VERDICT.truncated_fragment;
  out.fragmentLayer = out.count - 1;
  return VERDICT.ok;
}

/* Whether the IPv6 header has a Fragment header before the one that was pushed last. */
function hasFragmentHeader(out: LayerStack): boolean {
  for (let layer = out.ip + 1; layer < out.count - 1; layer++) {
    if (out.kind[layer] === LAYER.fragment) return true;
  }
  return false;
}
