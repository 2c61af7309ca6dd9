import { CHECKS } from './checks.js';
import {
  CHECK_VALUES,
  CHECKSUM_VALUES,
  DIRECTIONS,
  ENDPOINT_ROLES,
  ENDPOINT_STATUSES,
  INTEL_PLACES,
  TEREDO_CLASSES,
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
}

type Row = readonly [
  name: string,
  type: FieldType,
  doc: string,
  when?: string,
  extra?: { readonly unit?: string; readonly words?: readonly string[] },
];

const IN_UDP = 'outer transport is UDP';
const TEREDO_ONLY = 'tunnel.kind is teredo';
const SRC_TEREDO = 'the inner source is a Teredo address';
const DST_TEREDO = 'the inner destination is a Teredo address';

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

  ['teredo.class', 'enum', 'What the Teredo packet is for.', TEREDO_ONLY, { words: TEREDO_CLASSES }],
  ['teredo.auth', 'bool', 'An authentication header is there.', TEREDO_ONLY],
  ['teredo.auth_id_length', 'u8', 'Length of the client identifier.', 'teredo.auth', { unit: 'octets' }],
  [
    'teredo.auth_value_length',
    'u8',
    'Length of the authentication value.',
    'teredo.auth',
    { unit: 'octets' },
  ],
  ['teredo.confirmation', 'u8', 'Confirmation octet of the authentication header.', 'teredo.auth'],
  ['teredo.origin', 'bool', 'An origin indication is there.', TEREDO_ONLY],
  ['teredo.origin_addr', 'ip', 'Address in the origin indication, inverted back.', 'teredo.origin'],
  ['teredo.origin_port', 'port', 'Port in the origin indication, inverted back.', 'teredo.origin'],
  ['teredo.bubble', 'bool', 'The packet is a bubble.', TEREDO_ONLY],
  ['teredo.trailer_length', 'u16', 'Octets behind the IPv6 packet.', TEREDO_ONLY, { unit: 'octets' }],
  ['teredo.score', 'u8', 'Evidence that this is Teredo (4 and more opens a tunnel).', 'the carrier is UDP'],
  ['teredo.src_server', 'ip', 'Server inside the inner source.', SRC_TEREDO],
  ['teredo.src_client', 'ip', 'Mapped client address inside the inner source.', SRC_TEREDO],
  ['teredo.src_port', 'port', 'Mapped client port inside the inner source.', SRC_TEREDO],
  ['teredo.src_flags', 'u16', 'Flags word of the inner source.', SRC_TEREDO],
  ['teredo.dst_server', 'ip', 'Server inside the inner destination.', DST_TEREDO],
  ['teredo.dst_client', 'ip', 'Mapped client address inside the inner destination.', DST_TEREDO],
  ['teredo.dst_port', 'port', 'Mapped client port inside the inner destination.', DST_TEREDO],
  ['teredo.dst_flags', 'u16', 'Flags word of the inner destination.', DST_TEREDO],
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
    { words: TRANSPORTS },
  ],
  ['inner.next_header', 'u8', 'Protocol number of that transport.', 'it has an IP header'],
  ['inner.src_port', 'port', 'Inner TCP or UDP source port.', 'inner.proto is tcp or udp'],
  ['inner.dst_port', 'port', 'Inner TCP or UDP destination port.', 'inner.proto is tcp or udp'],
  ['inner.tcp_flags', 'u8', 'Inner TCP flags.', 'inner.proto is tcp'],
  ['inner.icmp_type', 'u8', 'Inner ICMP or ICMPv6 type.', 'inner.proto is icmp'],
  ['inner.icmp_code', 'u8', 'Inner ICMP or ICMPv6 code.', 'inner.proto is icmp'],
  ['inner.hop_limit', 'u8', 'Hop limit or time to live of the carried packet.', 'it has an IP header'],
  [
    'inner.checksum',
    'enum',
    'Checksum of the carried TCP, UDP or ICMP, and of its header when that is IPv4.',
    'always',
    { words: CHECKSUM_VALUES },
  ],
  ['inner.length', 'u32', 'Octets that the tunnel carries in this packet.', 'always', { unit: 'octets' }],
  ['inner.extension_headers', 'u8', 'IPv6 extension headers before the transport.', 'inner.version is 6'],

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
