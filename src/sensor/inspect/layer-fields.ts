import { MORE_FRAGMENTS, OFFSET_MASK } from '../../decode/ipv4.js';
import type { LayerStack } from '../../decode/layers.js';
import {
  AYIYA,
  ETH,
  EXTENSION,
  GENEVE,
  GRE,
  GTP,
  GUE,
  ICMP,
  IP,
  IPPROTO,
  L2TP,
  LAYER,
  MPLS,
  PORTS,
  PPP,
  ROW,
  TCP,
  TEREDO,
  TEREDO_BIT,
  UDP,
  VLAN,
  VXLAN,
} from '../../decode/layers.js';
import { UDP_HEADER } from '../../decode/udp.js';
import { EVIDENCE } from '../../decode/teredo-evidence.js';
import { formatIpv4, formatIpv6, formatMac } from '../../wire/address.js';
import { TCP_FLAG } from '../../wire/numbers.js';

export type LayerFieldValue =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | readonly number[]
  | { readonly [name: string]: LayerFieldValue };
export type LayerFields = Readonly<Record<string, LayerFieldValue>>;

const DONT_FRAGMENT = 0x4000;
const KNOWN_TRAILERS = [1, 2, 3, 4, 5];

/** What the decoder kept of a layer, by name. Numbers as on the wire; offsets and lengths in octets. */
export function layerFields(stack: LayerStack, layer: number): LayerFields {
  const word = (offset: number): number => stack.words[layer * ROW + offset]!;
  switch (stack.kind[layer]) {
    case LAYER.eth:
      return {
        src: formatMac(word(ETH.SRC_HIGH), word(ETH.SRC_LOW)),
        dst: formatMac(word(ETH.DST_HIGH), word(ETH.DST_LOW)),
        type: word(ETH.TYPE),
      };
    case LAYER.sll:
    case LAYER.sll2:
      return { src: formatMac(word(ETH.SRC_HIGH), word(ETH.SRC_LOW)) };
    case LAYER.vlan:
      return { id: word(VLAN.ID), tpid: word(VLAN.TPID) };
    case LAYER.pppoe:
      return { session: word(0) };
    case LAYER.ipv4:
      return ipv4(word);
    case LAYER.ipv6:
      return ipv6(word);
    case LAYER.fragment:
      return {
        next_header: word(EXTENSION.NEXT),
        offset: word(EXTENSION.DETAIL),
        more: word(EXTENSION.DETAIL_2) === 1,
        id: word(EXTENSION.DETAIL_3),
      };
    case LAYER.routing:
      return {
        next_header: word(EXTENSION.NEXT),
        length: word(EXTENSION.LENGTH),
        type: word(EXTENSION.DETAIL),
        segments_left: word(EXTENSION.DETAIL_2),
      };
    case LAYER.hopopts:
    case LAYER.dstopts:
    case LAYER.ah:
    case LAYER.mobility:
    case LAYER.hip:
    case LAYER.shim6:
    case LAYER.experimental:
      return { next_header: word(EXTENSION.NEXT), length: word(EXTENSION.LENGTH) };
    case LAYER.udp: {
      const ports = { src_port: word(PORTS.SRC), dst_port: word(PORTS.DST) };
      if (stack.end[layer]! - stack.at[layer]! < UDP_HEADER) return ports;
      return { ...ports, length: word(UDP.LENGTH), checksum: word(UDP.CHECKSUM) };
    }
    case LAYER.tcp:
      return tcp(word);
    case LAYER.icmp:
    case LAYER.icmpv6:
      return { type: word(ICMP.TYPE), code: word(ICMP.CODE) };
    case LAYER.teredo:
      return teredo(word);
    case LAYER.gre:
      return { version: word(GRE.VERSION), protocol: word(GRE.PROTOCOL), key: word(GRE.KEY) };
    case LAYER.vxlan:
      return { vni: word(VXLAN.VNI) };
    case LAYER.geneve:
      return { vni: word(GENEVE.VNI), options_length: word(GENEVE.OPTIONS_LENGTH) };
    case LAYER.mpls:
      return { label: word(MPLS.LABEL), labels: word(MPLS.LABELS) };
    case LAYER.ppp:
      return { protocol: word(PPP.PROTOCOL) };
    case LAYER.ayiya:
      return { operation: word(AYIYA.OPERATION), next_header: word(AYIYA.NEXT_HEADER) };
    case LAYER.gtp:
      return { type: word(GTP.TYPE), endpoint: word(GTP.ENDPOINT) };
    case LAYER.gue:
      return { protocol: word(GUE.PROTOCOL), flags: word(GUE.FLAGS) };
    case LAYER.l2tp:
      return { tunnel: word(L2TP.TUNNEL), session: word(L2TP.SESSION) };
    case LAYER.ipproto:
      return { protocol: word(IPPROTO.PROTOCOL) };
    default:
      return {};
  }
}

/**
 * Octets of a layer's own header. For a leaf whose header the decoder does not measure, what it must have; never more than
 * the layer holds.
 */
export function headerLength(stack: LayerStack, layer: number, nextAt: number | undefined): number {
  if (nextAt !== undefined) return nextAt - stack.at[layer]!;
  return Math.min(leafHeader(stack, layer), stack.end[layer]! - stack.at[layer]!);
}

const FIXED: Readonly<Record<number, number>> = {
  [LAYER.eth]: 14,
  [LAYER.vlan]: 4,
  [LAYER.pppoe]: 8,
  [LAYER.sll]: 16,
  [LAYER.sll2]: 20,
  [LAYER.loopback]: 4,
  [LAYER.udp]: 8,
  [LAYER.icmp]: 4,
  [LAYER.icmpv6]: 4,
  [LAYER.gre]: 4,
  [LAYER.vxlan]: 8,
  [LAYER.etherip]: 2,
};

function leafHeader(stack: LayerStack, layer: number): number {
  const kind = stack.kind[layer]!;
  if (kind === LAYER.ipv4 || kind === LAYER.ipv6) return stack.word(layer, IP.HEADER_LENGTH);
  if (kind === LAYER.tcp) return stack.word(layer, TCP.HEADER_LENGTH);
  if (kind >= LAYER.hopopts && kind <= LAYER.experimental) return stack.word(layer, EXTENSION.LENGTH);
  return FIXED[kind] ?? 0;
}

type Word = (offset: number) => number;

function ipv4(word: Word): LayerFields {
  const fragment = word(IP.FRAGMENT_WORD);
  return {
    src: formatIpv4(word(IP.SRC + 3)),
    dst: formatIpv4(word(IP.DST + 3)),
    protocol: word(IP.PROTOCOL),
    ttl: word(IP.TTL),
    length: word(IP.LENGTH),
    header_length: word(IP.HEADER_LENGTH),
    tos: word(IP.CLASS),
    id: word(IP.IDENTIFICATION),
    dont_fragment: (fragment & DONT_FRAGMENT) !== 0,
    more_fragments: (fragment & MORE_FRAGMENTS) !== 0,
    fragment_offset: (fragment & OFFSET_MASK) << 3,
  };
}

function ipv6(word: Word): LayerFields {
  const address = (at: number): string => formatIpv6(word(at), word(at + 1), word(at + 2), word(at + 3));
  return {
    src: address(IP.SRC),
    dst: address(IP.DST),
    next_header: word(IP.PROTOCOL),
    hop_limit: word(IP.TTL),
    length: word(IP.LENGTH),
    traffic_class: word(IP.CLASS) >>> 20,
    flow_label: word(IP.CLASS) & 0xfffff,
  };
}

function tcp(word: Word): LayerFields {
  const headerLength = word(TCP.HEADER_LENGTH);
  const ports = { src_port: word(PORTS.SRC), dst_port: word(PORTS.DST) };
  // Only the ports were there.
  if (headerLength === 0) return ports;
  return {
    ...ports,
    flags: Object.entries(TCP_FLAG)
      .filter(([, bit]) => (word(TCP.FLAGS) & bit) !== 0)
      .map(([name]) => name),
    sequence: word(TCP.SEQUENCE),
    acknowledgement: word(TCP.ACKNOWLEDGEMENT),
    header_length: headerLength,
  };
}

function teredo(word: Word): LayerFields {
  const bits = word(TEREDO.BITS);
  const auth = {
    id_length: word(TEREDO.ID_LENGTH),
    value_length: word(TEREDO.AUTH_LENGTH),
    nonce: hex32(word(TEREDO.NONCE_HIGH)) + hex32(word(TEREDO.NONCE_LOW)),
    confirmation: word(TEREDO.CONFIRMATION),
  };
  const origin = { address: formatIpv4(word(TEREDO.ORIGIN_V4)), port: word(TEREDO.ORIGIN_PORT) };
  const types = word(TEREDO.TRAILER_TYPES);
  const trailer = {
    length: word(TEREDO.TRAILER_LENGTH),
    types: KNOWN_TRAILERS.filter((type) => (types & (1 << type)) !== 0),
    is_malformed: (bits & TEREDO_BIT.malformedTrailer) !== 0,
  };
  return {
    auth: (bits & TEREDO_BIT.auth) === 0 ? null : auth,
    origin: (bits & TEREDO_BIT.origin) === 0 ? null : origin,
    trailer: (bits & TEREDO_BIT.trailer) === 0 ? null : trailer,
    bubble: (bits & TEREDO_BIT.bubble) !== 0,
    score: word(TEREDO.SCORE),
    evidence: Object.entries(EVIDENCE)
      .filter(([, bit]) => (word(TEREDO.EVIDENCE) & bit) !== 0)
      .map(([name]) => name),
  };
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
