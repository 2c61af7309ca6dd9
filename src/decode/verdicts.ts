/**
 * Every way in which a decoder can end, in one table. A verdict is the row's index; arrays indexed by verdict count
 * them. Names that Zeek also uses are spelled as Zeek spells them, so that `weird.log` searches keep working.
 *
 * Families: `ok` went well; `not-this-protocol` is no error; `truncated` ran out of bytes; `malformed` contradicts its
 * own format; `weird` was noted and decoding went on; `limit` hit a bound of ours. They are never folded together.
 */
export type VerdictFamily = 'ok' | 'not-this-protocol' | 'truncated' | 'malformed' | 'weird' | 'limit';

type Row = readonly [name: string, decoder: string, family: VerdictFamily, doc: string];

const TABLE = [
  ['ok', 'packet', 'ok', 'Decoded to a leaf.'],
  ['fragment', 'packet', 'ok', 'A fragment that waits for the rest of its datagram.'],
  [
    'not_ip',
    'packet',
    'not-this-protocol',
    'An EtherType or PPP protocol that carries no IP (ARP, LLDP, ...).',
  ],
  [
    'unsupported_carrier',
    'packet',
    'not-this-protocol',
    'A carrier that may hide a tunnel and that this version does not open.',
  ],
  [
    'unsupported_link_type',
    'packet',
    'not-this-protocol',
    'The interface has a link type that this version does not read.',
  ],
  ['too_many_layers', 'packet', 'limit', 'More protocol layers than the layer stack holds.'],
  ['exceeded_tunnel_max_depth', 'packet', 'limit', 'More encapsulations than the configured depth.'],
  ['truncated_link_header', 'link', 'truncated', 'The link-layer header does not fit.'],
  ['unknown_ip_version', 'ip', 'malformed', 'The version nibble contradicts the EtherType or link type.'],
  [
    'truncated_IP',
    'ip',
    'truncated',
    'The IP header does not fit, or its length field promises more than the frame holds.',
  ],
  ['invalid_IP_header_size', 'ip', 'malformed', 'The IPv4 header length is below 20 octets.'],
  ['bogus_IP_header_lengths', 'ip', 'malformed', 'The IPv4 total length is smaller than its header.'],
  [
    'invalid_inner_IP_version',
    'ip',
    'malformed',
    'The inner version nibble contradicts the outer protocol number.',
  ],
  [
    'truncated_inner_IP',
    'ip',
    'truncated',
    'The inner packet is shorter than its header or its length field says.',
  ],
  [
    'inner_IP_payload_length_mismatch',
    'ip',
    'weird',
    'Octets follow the inner packet inside the outer length (legal padding per RFC 4213 3.6, or hidden data).',
  ],
  [
    'truncated_extension_header',
    'ipv6-extension',
    'truncated',
    'An IPv6 extension header runs past the packet.',
  ],
  ['too_many_extension_headers', 'ipv6-extension', 'limit', 'More extension headers than the walk allows.'],
  [
    'extension_chain_too_long',
    'ipv6-extension',
    'limit',
    'The extension header chain is longer than the walk allows.',
  ],
  [
    'hopopts_not_first',
    'ipv6-extension',
    'weird',
    'Hop-by-Hop Options not directly after the IPv6 header (RFC 8200 4.1).',
  ],
  ['nested_fragment_header', 'ipv6-extension', 'weird', 'A second Fragment header in one packet.'],
  ['ipv6_no_next', 'ipv6-extension', 'weird', 'Next header 59 outside a Teredo bubble.'],
  [
    'truncated_fragment',
    'ipv6-extension',
    'malformed',
    'A fragment with more to follow whose length is not a multiple of 8.',
  ],
  [
    'fragment_overlap',
    'ip',
    'weird',
    'Fragments of one datagram that overlap with different octets; the earlier ones were kept.',
  ],
  ['unknown_protocol', 'packet', 'ok', 'A transport protocol that is counted but not opened.'],
  [
    'truncated_UDP',
    'udp',
    'truncated',
    'The UDP header does not fit, or its length promises more than the packet holds.',
  ],
  ['bad_UDP_length', 'udp', 'malformed', 'The UDP length is below 8.'],
  ['truncated_TCP', 'tcp', 'truncated', 'The TCP header does not fit.'],
  ['bad_TCP_header_len', 'tcp', 'malformed', 'The TCP data offset is below 5 or runs past the segment.'],
  ['truncated_ICMP', 'icmp', 'truncated', 'The ICMP header does not fit.'],
  ['truncated_GRE', 'gre', 'truncated', 'The GRE header does not fit.'],
  ['truncated_ERSPAN', 'gre', 'truncated', 'The header of a mirrored frame (ERSPAN) does not fit.'],
  ['unknown_gre_version', 'gre', 'malformed', 'A GRE version other than 0 and 1.'],
  ['gre_routing', 'gre', 'malformed', 'GRE source routing (RFC 1701), obsolete and not followed.'],
  ['truncated_MPLS', 'mpls', 'truncated', 'The label stack does not end inside the packet.'],
  ['truncated_GENEVE', 'geneve', 'truncated', 'The GENEVE header or its options do not fit.'],
  ['not_geneve', 'geneve', 'not-this-protocol', 'UDP on the GENEVE port whose header is not GENEVE.'],
  ['truncated_AYIYA', 'ayiya', 'truncated', 'The AYIYA header, identity or signature does not fit.'],
  ['not_ayiya', 'ayiya', 'not-this-protocol', 'UDP on the AYIYA port whose header is not AYIYA.'],
  ['truncated_EtherIP', 'etherip', 'truncated', 'The EtherIP header does not fit.'],
  ['not_etherip', 'etherip', 'not-this-protocol', 'Protocol 97 whose header is not EtherIP version 3.'],
  ['truncated_GUE', 'gue', 'truncated', 'The GUE header or its fields do not fit.'],
  [
    'not_gue',
    'gue',
    'not-this-protocol',
    'UDP on the GUE port whose header and payload do not agree on an IP packet.',
  ],
  ['truncated_TZSP', 'tzsp', 'truncated', 'The TZSP header or its tags do not fit.'],
  [
    'not_tzsp',
    'tzsp',
    'not-this-protocol',
    'UDP on the TZSP port, configured as a mirror, that holds no mirrored frame.',
  ],
  ['truncated_GTP', 'gtp', 'truncated', 'The GTP-U header or its extensions do not fit.'],
  ['not_gtp', 'gtp', 'not-this-protocol', 'UDP on the GTP-U port whose header is not GTP-U.'],
  ['truncated_L2TP', 'l2tp', 'truncated', 'The L2TP header does not fit.'],
  ['not_l2tp', 'l2tp', 'not-this-protocol', 'UDP on the L2TP port whose header is not L2TP version 2.'],
  ['truncated_VXLAN', 'vxlan', 'truncated', 'The VXLAN header does not fit.'],
  ['not_vxlan', 'vxlan', 'not-this-protocol', 'UDP on the VXLAN port whose header is not VXLAN.'],
  ['not_teredo', 'teredo', 'not-this-protocol', 'A UDP payload that does not follow the Teredo grammar.'],
  [
    'truncated_Teredo',
    'teredo',
    'truncated',
    'Fewer than 2 octets where a Teredo header should begin (strict profile).',
  ],
  ['truncated_Teredo_authentication', 'teredo', 'truncated', 'The authentication header does not fit.'],
  ['truncated_Teredo_origin_indication', 'teredo', 'truncated', 'The origin indication does not fit.'],
  [
    'truncated_IPv6_in_Teredo',
    'teredo',
    'truncated',
    'Fewer than 40 octets where the IPv6 header should be, or fewer than it promises.',
  ],
  [
    'teredo_illegal_order',
    'teredo',
    'weird',
    'Authentication after an origin indication, or a header repeated (RFC 4380 5.1.1).',
  ],
  [
    'Teredo_bubble_with_payload',
    'teredo',
    'weird',
    'Octets after a bubble that are no well-formed RFC 6081 trailers.',
  ],
  [
    'teredo_malformed_trailer',
    'teredo',
    'weird',
    'Octets after the IPv6 packet that are no well-formed RFC 6081 trailers.',
  ],
  ['bad_IP_checksum', 'ip', 'weird', 'The checksum of an IPv4 header is wrong.'],
  ['bad_TCP_checksum', 'tcp', 'weird', 'The checksum of a TCP segment in a tunnel is wrong.'],
  ['bad_UDP_checksum', 'udp', 'weird', 'The checksum of a UDP datagram around or in a tunnel is wrong.'],
  ['bad_ICMP_checksum', 'icmp', 'weird', 'The checksum of an ICMP or ICMPv6 message in a tunnel is wrong.'],
  [
    'tunnel_broker_TSP',
    'broker',
    'weird',
    'A tunnel is asked for or granted with TSP (RFC 5572), in no tunnel.',
  ],
  [
    'tunnel_broker_heartbeat',
    'broker',
    'weird',
    'The heartbeat that keeps a SixXS tunnel up; SixXS ended in 2017.',
  ],
  ['tunnel_broker_TIC', 'broker', 'weird', 'A tunnel is asked for with TIC of SixXS, which ended in 2017.'],
] as const satisfies readonly Row[];

export type VerdictName = (typeof TABLE)[number][0];
/** Which decoder a verdict is about. */
export type DecoderName = (typeof TABLE)[number][1];
export type Verdict = number;

export interface VerdictInfo {
  readonly name: VerdictName;
  readonly decoder: DecoderName;
  readonly family: VerdictFamily;
  readonly doc: string;
}

/** The table, indexed by verdict. */
export const VERDICTS: readonly VerdictInfo[] = TABLE.map(([name, decoder, family, doc]) => ({
  name,
  decoder,
  family,
  doc,
}));

/** Verdict numbers by name. */
export const VERDICT = Object.fromEntries(TABLE.map(([name], index) => [name, index])) as Readonly<
  Record<VerdictName, Verdict>
>;

/** Name of a verdict; throws on a number that is no verdict, which is a bug of the caller. */
export function verdictName(verdict: Verdict): VerdictName {
  const info = VERDICTS[verdict];
  if (info === undefined) throw new Error(`no verdict has the number ${verdict}`);
  return info.name;
}
