/**
 * Closed vocabularies of the domain. A value is kept as its index, so 0 is always "none" or "unknown"; the words are what
 * rules and records say.
 */

export const TUNNEL_KINDS = [
  'none',
  'teredo',
  '6in4',
  '6to4',
  'isatap',
  '6rd',
  '6over4',
  '4in4',
  '4in6',
  '6in6',
  'gre',
  'vxlan',
  'raw-ipv6-in-udp',
  'geneve',
  'ayiya',
  'l2tp',
  'gtp-u',
  'tsp',
  'mpls-in-ip',
  'etherip',
  'ethernet-in-ip',
  'gue',
] as const;
export type TunnelKindName = (typeof TUNNEL_KINDS)[number];
export const KIND = indexOf(TUNNEL_KINDS);

/** Tunnel kinds that hide IPv6 in IPv4 (or in UDP), as against fabrics and plain IPv4 carriers. */
export const IPV6_TUNNEL_KINDS: ReadonlySet<number> = new Set([
  KIND.teredo,
  KIND['6in4'],
  KIND['6to4'],
  KIND.isatap,
  KIND['6rd'],
  KIND['6over4'],
  KIND['raw-ipv6-in-udp'],
  KIND.ayiya,
  KIND.tsp,
]);

/** What a Teredo packet is for (RFC 4380 5, reference domain.md 1.8). */
export const TEREDO_CLASSES = [
  'none',
  'router-solicitation',
  'router-advertisement',
  'direct-bubble',
  'indirect-bubble-to-server',
  'indirect-bubble-from-server',
  'ping-test',
  'ping-reply',
  'data',
  'local-discovery',
  'data-to-server',
] as const;
export const TEREDO_CLASS = indexOf(TEREDO_CLASSES);

export const TRANSPORTS = ['unknown_transport', 'tcp', 'udp', 'icmp'] as const;
export const TRANSPORT = indexOf(TRANSPORTS);

export const DIRECTIONS = ['unknown', 'outbound', 'inbound', 'internal', 'external'] as const;
export const DIRECTION = indexOf(DIRECTIONS);

export const VANTAGES = ['unknown', 'inside', 'outside'] as const;
export const VANTAGE = indexOf(VANTAGES);

/** State of a known tunnel endpoint (rules/lists/endpoints.yaml). */
export const ENDPOINT_STATUSES = [
  'none',
  'alive',
  'limited',
  'unknown',
  'deprecated',
  'dead',
  'withdrawn',
] as const;
export const ENDPOINT_STATUS = indexOf(ENDPOINT_STATUSES);
export type EndpointStatusName = (typeof ENDPOINT_STATUSES)[number];

export const ENDPOINT_ROLES = ['none', 'server', 'relay', 'broker', 'relay-anycast', 'prefix'] as const;
export const ENDPOINT_ROLE = indexOf(ENDPOINT_ROLES);
export type EndpointRoleName = (typeof ENDPOINT_ROLES)[number];

/** Where an endpoint of the intel lists was seen. */
export const INTEL_PLACES = [
  'none',
  'outer-source',
  'outer-destination',
  'server-in-source',
  'server-in-destination',
  'relay-in-source',
  'relay-in-destination',
] as const;
export const INTEL_PLACE = indexOf(INTEL_PLACES);

/** The four values of a consistency check. Two bits: they are kept as two masks per packet. */
export const CHECK_VALUES = ['not-applicable', 'holds', 'violated', 'undetermined'] as const;
export const CHECK_VALUE = indexOf(CHECK_VALUES);

/** What is known of a checksum. */
export const CHECKSUM_VALUES = ['unknown', 'ok', 'bad'] as const;
export const CHECKSUM_VALUE = indexOf(CHECKSUM_VALUES);

function indexOf<const T extends readonly string[]>(words: T): Readonly<Record<T[number], number>> {
  return Object.fromEntries(words.map((word, index) => [word, index])) as Record<T[number], number>;
}
