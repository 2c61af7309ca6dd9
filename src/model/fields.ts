import { IP_PROTOCOL } from '../wire/numbers.js';
import { CHECKS } from './checks.js';
import {
  CHECK_VALUES,
  CHECKSUM_VALUES,
  DIRECTIONS,
  ENDPOINT_ROLES,
  ENDPOINT_STATUSES,
  INTEL_PLACES,
  TEREDO_CLASS,
  TEREDO_CLASSES,
  TRANSPORT,
  TRANSPORTS,
  TUNNEL_KINDS,
  VANTAGES,
} from './vocabulary.js';

/**
 * The one dictionary of what a rule can ask about. Compiler, docs, completion and message templates all read it.
 * A field that is absent makes every comparison with it false.
 */
export type FieldType = 'ip' | 'mac' | 'port' | 'u8' | 'u16' | 'u32' | 'u64' | 'bool' | 'enum' | 'string';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly doc: string;
  /** When the field is there. */
  readonly when: string;
  /** Unit of a number, or `''`. */
  readonly unit: string;
  /** Words of an enum, by value. */
  readonly words: readonly string[];
  /** Number of the field; indexes presence. */
  readonly id: number;
  /** First word of the value in a fact sheet. */
  readonly slot: number;
  /** Number of the consistency check, or -1. */
  readonly check: number;
  /**
   * Values that the field has in packets of the usual shape (tunnel/level): none when only other packets have the field,
   * undefined when nothing can be said.
   */
  readonly usual: readonly number[] | undefined;
}

type Row = readonly [
  name: string,
  type: FieldType,
  doc: string,
  when?: string,
  extra?: { readonly unit?: string; readonly words?: readonly string[]; readonly usual?: readonly number[] },
];

const IN_UDP = 'outer transport is UDP';
const TEREDO_ONLY = 'tunnel.kind is teredo';
const SRC_TEREDO = 'the inner source is a Teredo address';
const DST_TEREDO = 'the inner destination is a Teredo address';
const AUTH = 'teredo.auth';
const TRAILER = 'octets follow the IPv6 packet and are at hand';
const OPTIONS = 'a hop-by-hop or destination options header is at hand';
const EXTENDED = 'an extension header is at hand';
/* Only packets of unusual shape have it, or have another value than 0. */
const UNUSUAL = { usual: [] } as const;
const USUALLY_0 = { usual: [0] } as const;
const OCTETS = { unit: 'octets', usual: [] } as const;
const ENTROPY = { unit: 'hundredths of a bit per octet', usual: [] } as const;

const TABLE = [
  ['packet.length', 'u32', 'Length of the frame on the wire.', 'always', { unit: 'octets' }],
  ['packet.vlan', 'u16', 'Id of the outermost VLAN tag.', 'the frame is tagged'],
  ['packet.inner_vlan', 'u16', 'Id of the second VLAN tag.', 'the frame has two tags'],
  ['packet.reassembled', 'bool', 'The packet was completed from fragments.'],
  ['packet.incomplete', 'bool', 'Only the first fragment came; the rest was never seen.'],
  ['packet.src_mac', 'mac', 'Source address of the captured frame.', 'the link layer has addresses'],
  ['packet.dst_mac', 'mac', 'Destination address of the captured frame.', 'the link layer has addresses'],

  ['outer.src', 'ip', 'Source address of the outer header of this tunnel.'],
  ['outer.dst', 'ip', 'Destination address of the outer header of this tunnel.'],
  ['outer.src_port', 'port', 'Outer UDP source port.', IN_UDP],
  ['outer.dst_port', 'port', 'Outer UDP destination port.', IN_UDP],
  ['outer.ttl', 'u8', 'Time to live or hop limit of the outer header.'],
  [
    'outer.checksum',
    'enum',
    'Checksums of the outer IPv4 header and of the UDP that carries the tunnel.',
    'always',
    { words: CHECKSUM_VALUES },
  ],
  ['outer.src_local', 'bool', 'The outer source is inside the site (--local-net).'],
  ['outer.dst_local', 'bool', 'The outer destination is inside the site (--local-net).'],

  ['outermost.src', 'ip', 'Source address of the outermost header of the packet: who sent it on the wire.'],
  ['outermost.dst', 'ip', 'Destination address of the outermost header of the packet.'],

  ['tunnel.kind', 'enum', 'Kind of this tunnel, as far as it is known.', 'always', { words: TUNNEL_KINDS }],
  ['tunnel.level', 'u8', 'How deep this tunnel lies in the packet, from 1.'],
  ['tunnel.depth', 'u8', 'Encapsulations in the packet, this one and all around and in it.'],
  ['tunnel.nesting', 'u8', 'As tunnel.depth, without VXLAN fabric transport.'],
  [
    'tunnel.outermost_kind',
    'enum',
    'Kind of the outermost tunnel of the packet.',
    'always',
    { words: TUNNEL_KINDS },
  ],
  ['tunnel.direction', 'enum', 'Who opened the tunnel, seen from the site.', 'always', { words: DIRECTIONS }],
  ['tunnel.host', 'ip', 'The local endpoint; the originator when both or none are local.'],
  ['tunnel.packets', 'u64', 'Packets seen in this tunnel, both ways.', 'always', { unit: 'packets' }],
  ['tunnel.bytes', 'u64', 'Octets that this tunnel carried, both ways.', 'always', { unit: 'octets' }],
  ['tunnel.carries_ipv6', 'bool', 'The tunnel is one that hides IPv6 (not a fabric, not IPv4 in IPv4).'],
  ['tunnel.path', 'string', 'All layers of the packet, as eth/ipv4/udp:3544/teredo/ipv6/tcp:6667.'],

  [
    'teredo.class',
    'enum',
    'What the Teredo packet is for.',
    TEREDO_ONLY,
    { words: TEREDO_CLASSES, usual: [TEREDO_CLASS.data, TEREDO_CLASS['data-to-server']] },
  ],
  ['teredo.auth', 'bool', 'An authentication header is there.', TEREDO_ONLY, USUALLY_0],
  ['teredo.auth_id_length', 'u8', 'Length of the client identifier.', AUTH, OCTETS],
  ['teredo.auth_id_entropy', 'u16', 'Entropy of the client identifier.', 'it has octets', ENTROPY],
  ['teredo.auth_value_length', 'u8', 'Length of the authentication value.', AUTH, OCTETS],
  ['teredo.auth_value_entropy', 'u16', 'Entropy of the authentication value.', 'it has octets', ENTROPY],
  ['teredo.nonce', 'string', 'Nonce of the authentication header, 16 digits in hex.', AUTH, UNUSUAL],
  ['teredo.nonce_printable', 'u8', 'How many of its 8 octets are printable ASCII.', AUTH, OCTETS],
  ['teredo.confirmation', 'u8', 'Confirmation octet of the authentication header.', AUTH, UNUSUAL],
  ['teredo.origin', 'bool', 'An origin indication is there.', TEREDO_ONLY, USUALLY_0],
  ['teredo.origin_addr', 'ip', 'Address in the origin indication, inverted back.', 'teredo.origin', UNUSUAL],
  ['teredo.origin_port', 'port', 'Port in the origin indication, inverted back.', 'teredo.origin', UNUSUAL],
  ['teredo.bubble', 'bool', 'The packet is a bubble.', TEREDO_ONLY, USUALLY_0],
  [
    'teredo.trailer_length',
    'u16',
    'Octets behind the IPv6 packet.',
    TEREDO_ONLY,
    { unit: 'octets', usual: [0] },
  ],
  ['teredo.trailer_types', 'string', 'Types of the trailers in order, as 1,3; at most 8.', TRAILER, UNUSUAL],
  ['teredo.trailers', 'u16', 'Well-formed trailers (RFC 6081 4.1).', TRAILER, UNUSUAL],
  ['teredo.unknown_trailers', 'u16', 'Those of types that no standard defines.', TRAILER, UNUSUAL],
  ['teredo.trailer_rest', 'u16', 'Octets at the end that are no trailer.', TRAILER, OCTETS],
  ['teredo.trailer_entropy', 'u16', 'Entropy of all octets behind the IPv6 packet.', TRAILER, ENTROPY],
  ['teredo.score', 'u8', 'Evidence that this is Teredo (4 and more opens a tunnel).', 'the carrier is UDP'],
  ['teredo.src_server', 'ip', 'Server inside the inner source.', SRC_TEREDO],
  ['teredo.src_client', 'ip', 'Mapped client address inside the inner source.', SRC_TEREDO],
  ['teredo.src_port', 'port', 'Mapped client port inside the inner source.', SRC_TEREDO],
  ['teredo.src_flags', 'u16', 'Flags word of the inner source.', SRC_TEREDO],
  ['teredo.src_cone', 'bool', 'Its cone bit (0x8000).', SRC_TEREDO],
  ['teredo.src_reserved_flags', 'u16', 'Its bits that must be 0 (0x4300).', SRC_TEREDO],
  ['teredo.src_random_flags', 'u16', 'Its 12 bits that clients draw by lot (0x3cff).', SRC_TEREDO],
  ['teredo.dst_server', 'ip', 'Server inside the inner destination.', DST_TEREDO],
  ['teredo.dst_client', 'ip', 'Mapped client address inside the inner destination.', DST_TEREDO],
  ['teredo.dst_port', 'port', 'Mapped client port inside the inner destination.', DST_TEREDO],
  ['teredo.dst_flags', 'u16', 'Flags word of the inner destination.', DST_TEREDO],
  ['teredo.dst_cone', 'bool', 'Its cone bit (0x8000).', DST_TEREDO],
  ['teredo.dst_reserved_flags', 'u16', 'Its bits that must be 0 (0x4300).', DST_TEREDO],
  ['teredo.dst_random_flags', 'u16', 'Its 12 bits that clients draw by lot (0x3cff).', DST_TEREDO],
  [
    'teredo.server',
    'ip',
    'Server inside the inner source, else inside the destination.',
    'an inner address is a Teredo address',
  ],

  ['sixtofour.src', 'ip', 'IPv4 address inside the inner 6to4 source.', 'the inner source is a 6to4 address'],
  [
    'sixtofour.dst',
    'ip',
    'IPv4 address inside the inner 6to4 destination.',
    'the inner destination is a 6to4 address',
  ],
  [
    'isatap.src',
    'ip',
    'IPv4 address inside the inner ISATAP source.',
    'the inner source is an ISATAP address',
  ],
  [
    'isatap.dst',
    'ip',
    'IPv4 address inside the inner ISATAP destination.',
    'the inner destination is an ISATAP address',
  ],

  ['inner.version', 'u8', 'IP version of the carried packet.', 'it has an IP header'],
  ['inner.src', 'ip', 'Source address of the carried packet.', 'it has an IP header'],
  ['inner.dst', 'ip', 'Destination address of the carried packet.', 'it has an IP header'],
  [
    'inner.proto',
    'enum',
    'Transport of the carried packet, extension headers walked.',
    'it has an IP header',
    { words: TRANSPORTS, usual: [TRANSPORT.tcp, TRANSPORT.udp] },
  ],
  [
    'inner.next_header',
    'u8',
    'Protocol number of that transport.',
    'it has an IP header',
    { usual: [IP_PROTOCOL.TCP, IP_PROTOCOL.UDP] },
  ],
  ['inner.src_port', 'port', 'Inner TCP or UDP source port.', 'inner.proto is tcp or udp'],
  ['inner.dst_port', 'port', 'Inner TCP or UDP destination port.', 'inner.proto is tcp or udp'],
  ['inner.tcp_flags', 'u8', 'Inner TCP flags.', 'inner.proto is tcp'],
  ['inner.icmp_type', 'u8', 'Inner ICMP or ICMPv6 type.', 'inner.proto is icmp', UNUSUAL],
  ['inner.icmp_code', 'u8', 'Inner ICMP or ICMPv6 code.', 'inner.proto is icmp', UNUSUAL],
  ['inner.hop_limit', 'u8', 'Hop limit or time to live of the carried packet.', 'it has an IP header'],
  [
    'inner.checksum',
    'enum',
    'Checksum of the carried TCP, UDP or ICMP, and of its header when that is IPv4.',
    'always',
    { words: CHECKSUM_VALUES },
  ],
  ['inner.length', 'u32', 'Octets that the tunnel carries in this packet.', 'always', { unit: 'octets' }],
  ['inner.traffic_class', 'u8', 'Traffic class of the carried packet.', 'inner.version is 6'],
  ['inner.flow_label', 'u32', 'Flow label of the carried packet, 20 bits.', 'inner.version is 6'],
  [
    'inner.extension_headers',
    'u8',
    'IPv6 extension headers before the transport.',
    'inner.version is 6',
    USUALLY_0,
  ],
  ['inner.routing_type', 'u8', 'Type of the last routing header.', 'a routing header is there', UNUSUAL],
  ['inner.segments_left', 'u8', 'Segments left in it.', 'a routing header is there', UNUSUAL],
  [
    'inner.padding_data',
    'u16',
    'Octets of padding options that are not zero, as they must be.',
    OPTIONS,
    OCTETS,
  ],
  ['inner.longest_padding', 'u16', 'Length of the longest padding in one piece.', OPTIONS, OCTETS],
  ['inner.unknown_options', 'u16', 'Options of types that no registry names.', OPTIONS, UNUSUAL],
  ['inner.unknown_option_data', 'u16', 'Octets in them, without type and length.', OPTIONS, OCTETS],
  ['inner.malformed_options', 'bool', 'An option runs past the end of its header.', OPTIONS, UNUSUAL],
  ['inner.reserved_set', 'bool', 'Reserved bits of an extension header are not zero.', EXTENDED, UNUSUAL],
  [
    'inner.no_next_length',
    'u16',
    'Octets behind the next header 59, which says that nothing follows.',
    'inner.next_header is 59 and they are at hand',
    OCTETS,
  ],
  ['inner.no_next_entropy', 'u16', 'Entropy of these octets.', 'there are such octets', ENTROPY],
  [
    'inner.tail_length',
    'u16',
    'Octets behind the IPv6 packet that protocol 41 carries.',
    'there are such octets',
    OCTETS,
  ],
  ['inner.tail_entropy', 'u16', 'Entropy of these octets.', 'they are at hand', ENTROPY],

  [
    'intel.status',
    'enum',
    'State of the listed endpoint that this packet touches.',
    'one is listed',
    { words: ENDPOINT_STATUSES },
  ],
  ['intel.role', 'enum', 'Role of that endpoint.', 'one is listed', { words: ENDPOINT_ROLES }],
  ['intel.place', 'enum', 'Where in the packet it was seen.', 'one is listed', { words: INTEL_PLACES }],
  ['intel.endpoint', 'ip', 'Its address as seen.', 'one is listed'],
  ['intel.name', 'string', 'Its name in the list.', 'one is listed'],

  ['site.vantage', 'enum', 'Which side of the NAT the mirror port sees.', 'always', { words: VANTAGES }],
] as const satisfies readonly Row[];

export type FieldName = (typeof TABLE)[number][0];

const WIDTH: Readonly<Record<FieldType, number>> = {
  ip: 4,
  mac: 2,
  port: 1,
  u8: 1,
  u16: 1,
  u32: 1,
  u64: 2,
  bool: 1,
  enum: 1,
  string: 0,
};

function buildDictionary(): Field[] {
  const checks: Row[] = CHECKS.map(({ name, meaning, source }) => [
    `check.${name}`,
    'enum',
    `Whether ${meaning} (${source}).`,
    'always',
    { words: CHECK_VALUES },
  ]);
  let slot = 0;
  const rows: readonly Row[] = [...TABLE, ...checks];
  return rows.map(([name, type, doc, when = 'always', extra = {}], id) => {
    const check = id - TABLE.length;
    const field = {
      name,
      type,
      doc,
      when,
      unit: extra.unit ?? '',
      words: extra.words ?? [],
      id,
      slot,
      check: check < 0 ? -1 : check,
      usual: extra.usual,
    };
    if (check < 0) slot += WIDTH[type];
    return field;
  });
}

/** All fields, by number. */
export const FIELDS: readonly Field[] = buildDictionary();

const BY_NAME = new Map(FIELDS.map((field) => [field.name, field]));

/** The field of that name, or undefined. */
export function findField(name: string): Field | undefined {
  return BY_NAME.get(name);
}

/** Field numbers by name, for those who fill fact sheets. */
export const FIELD = Object.fromEntries(TABLE.map(([name], id) => [name, id])) as Readonly<
  Record<FieldName, number>
>;

/** Words that the values of all fields take in a fact sheet. */
export const FACT_WORDS = TABLE.reduce((sum, row) => sum + WIDTH[row[1]], 0);
