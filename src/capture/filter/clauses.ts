import { OLD_TEREDO_PREFIX, SIXTOFOUR_PREFIX, TEREDO_PREFIX } from '../../wire/embedded-address.js';
import { ETHERTYPE, IP_PROTOCOL, UDP_PORT } from '../../wire/numbers.js';
import type { FilterNeeds } from './filter-needs.js';
import type { LinkForm } from './link-form.js';
import type { PacketTerms } from './packet-terms.js';
import { teredoShape } from './teredo-shape.js';

/** One thing that passes, and why. */
export interface Clause {
  readonly name: string;
  readonly why: string;
}

/** A clause with its terms for each kind of packet; alternatives, at least one of which must hold. */
export interface WrittenClause extends Clause {
  /** Asked only behind VLAN tags. */
  readonly isForTags?: boolean;
  readonly ipv4?: (terms: PacketTerms) => readonly string[];
  readonly ipv6?: (terms: PacketTerms) => readonly string[];
  /** Asked of the link header, where libpcap's words can. */
  readonly link?: (hasEthertype: (type: number) => string) => readonly string[];
}

const IPV4_FRAGMENT_WORD = 6;
const IPV4_PROTOCOL = 9;
const MORE_OR_OFFSET = 0x3fff;
const IPV6_NEXT_HEADER = 6;
const IPV6_SOURCE = 8;
const IPV6_DESTINATION = 24;
const IPV6_HEADER = 40;
const TUNNEL_PROTOCOLS = [
  IP_PROTOCOL.IPV6,
  IP_PROTOCOL.IPV4,
  IP_PROTOCOL.GRE,
  IP_PROTOCOL.MPLS,
  IP_PROTOCOL.ETHERIP,
  IP_PROTOCOL.ETHERNET,
];
const IPV6_EXTENSIONS = [
  IP_PROTOCOL.HOPOPTS,
  IP_PROTOCOL.ROUTING,
  IP_PROTOCOL.FRAGMENT,
  IP_PROTOCOL.AH,
  IP_PROTOCOL.DSTOPTS,
  IP_PROTOCOL.MOBILITY,
  IP_PROTOCOL.HIP,
  IP_PROTOCOL.SHIM6,
  IP_PROTOCOL.EXPERIMENT_1,
  IP_PROTOCOL.EXPERIMENT_2,
];

/**
 * What passes, in the order in which it is asked. What needs only the IP header comes first, then ports, then the shape
 * of Teredo: a load past the packet's end rejects the packet, so whatever can be answered with fewer octets is asked
 * before.
 */
export function clausesOf(needs: FilterNeeds): readonly WrittenClause[] {
  const clauses: WrittenClause[] = [
    {
      name: 'tunnel protocols',
      why: 'protocols 41 (6in4, 6to4, ISATAP, 6rd), 4, 47 (GRE), 137 (MPLS), 97 and 143 (Ethernet) are tunnels',
      ipv4: (terms) => TUNNEL_PROTOCOLS.map((p) => ipv4Protocol(terms, p)),
      ipv6: (terms) => TUNNEL_PROTOCOLS.map((p) => nextHeader(terms, p)),
    },
    {
      name: 'fragments',
      why: 'only the first fragment says what it carries, so all of them pass and are put together',
      ipv4: (terms) => [`${terms.ipv4(IPV4_FRAGMENT_WORD, 2)} & 0x${MORE_OR_OFFSET.toString(16)} != 0`],
    },
    {
      name: 'extension headers',
      why: 'libpcap cannot walk IPv6 extension headers or AH to what lies behind them, so all such packets pass',
      ipv4: (terms) => [ipv4Protocol(terms, IP_PROTOCOL.AH)],
      ipv6: (terms) => IPV6_EXTENSIONS.map((p) => nextHeader(terms, p)),
    },
  ];
  if (needs.nativeIpv6) {
    clauses.push({
      name: 'native IPv6',
      why: 'Teredo (2001::/32, 3ffe:831f::/32) and 6to4 (2002::/16) addresses outside of tunnels show the other side of a relay',
      ipv6: tunnelAddresses,
    });
  }
  if (needs.icmp) {
    clauses.push({
      name: 'ICMP',
      why: 'errors quote the packets that they are about, those of tunnels too',
      ipv4: (terms) => [ipv4Protocol(terms, IP_PROTOCOL.ICMP)],
      ipv6: (terms) => [nextHeader(terms, IP_PROTOCOL.ICMPV6)],
    });
  }
  clauses.push(
    {
      name: 'IPv4 options',
      isForTags: true,
      why: 'behind tags only headers without options are followed; UDP and TCP behind options pass, for hardly any have them',
      ipv4: ({ options4, ...terms }) =>
        options4 === undefined
          ? []
          : [
              `(${options4} and (${ipv4Protocol(terms, IP_PROTOCOL.UDP)} or ${ipv4Protocol(terms, IP_PROTOCOL.TCP)}))`,
            ],
    },
    ...portClause(
      'Teredo ports',
      'all that a Teredo service port sends or gets, malformed packets too',
      'either',
      udp(needs.teredoPorts),
    ),
    ...portClause(
      'name lookups',
      'lookups of Teredo servers, ISATAP routers and brokers come before tunnels',
      'either',
      udp(needs.dnsPorts),
    ),
    ...portClause(
      'brokers',
      'tunnel brokers set tunnels up, keep them alive or carry them',
      'either',
      needs.brokerPorts,
    ),
    ...portClause(
      'carriers',
      'AYIYA, L2TP, GTP-U, GENEVE and GUE are known by their ports',
      'either',
      udp([UDP_PORT.AYIYA, UDP_PORT.L2TP, UDP_PORT.GTP_U, UDP_PORT.GENEVE, UDP_PORT.GUE]),
    ),
    ...portClause('VXLAN', 'VXLAN may carry tunnels', 'destination', udp(needs.vxlanPorts)),
    ...portClause(
      'mirror transport',
      'what a mirror port shows comes in it',
      'destination',
      udp(needs.mirrorPorts ?? []),
    ),
    {
      name: 'Teredo shape',
      why: 'relays and peers use any port: UDP that holds an IPv6 packet, bare or behind origin or authentication headers',
      ipv4: (terms) => [
        `(${ipv4Protocol(terms, IP_PROTOCOL.UDP)} and ${teredoShape((at, width) => terms.udp4(at, width))})`,
      ],
      ipv6: (terms) => [
        `(${nextHeader(terms, IP_PROTOCOL.UDP)} and ${teredoShape((at, width) =>
          terms.ipv6(typeof at === 'number' ? at + IPV6_HEADER : `${at} + ${IPV6_HEADER}`, width),
        )})`,
      ],
    },
  );
  if (needs.carriers.mpls) {
    clauses.push({
      name: 'MPLS',
      why: 'MPLS frames pass whole: the number of labels is not known, and libpcap has no loops',
      link: (has) => [has(ETHERTYPE.MPLS), has(ETHERTYPE.MPLS_MULTICAST)],
    });
  }
  return clauses;
}

/** What is asked at one place of the frame: one expression, without the user's part. */
export function writeClauses(
  clauses: readonly WrittenClause[],
  terms: PacketTerms,
  { hasIpv4, hasIpv6, tags }: LinkForm,
): string {
  const parts: string[] = [];
  const ipv4 = hasIpv4 ? clauses.flatMap((clause) => clause.ipv4?.(terms) ?? []) : [];
  const ipv6 = hasIpv6 ? clauses.flatMap((clause) => clause.ipv6?.(terms) ?? []) : [];
  if (ipv4.length > 0) parts.push(`(${terms.isIpv4} and (${ipv4.join(' or ')}))`);
  if (ipv6.length > 0) parts.push(`(${terms.isIpv6} and (${ipv6.join(' or ')}))`);
  const { hasEthertype } = terms;
  const link =
    hasEthertype === undefined || tags === 'none'
      ? []
      : clauses.flatMap((clause) => clause.link?.(hasEthertype).map((term) => `(${term})`) ?? []);
  return [...parts, ...link].join(' or ');
}

function ipv4Protocol(terms: Pick<PacketTerms, 'ipv4'>, protocol: number): string {
  return `${terms.ipv4(IPV4_PROTOCOL)} = ${protocol}`;
}

function nextHeader(terms: PacketTerms, protocol: number): string {
  return `${terms.ipv6(IPV6_NEXT_HEADER)} = ${protocol}`;
}

function tunnelAddresses(terms: PacketTerms): string[] {
  return [IPV6_SOURCE, IPV6_DESTINATION].flatMap((at) => [
    ...[TEREDO_PREFIX, OLD_TEREDO_PREFIX].map((prefix) => `${terms.ipv6(at, 4)} = 0x${prefix.toString(16)}`),
    `${terms.ipv6(at, 2)} = 0x${SIXTOFOUR_PREFIX.toString(16)}`,
  ]);
}

interface TransportPort {
  readonly transport: 'udp' | 'tcp';
  readonly port: number;
}

function udp(ports: readonly number[]): TransportPort[] {
  return ports.map((port) => ({ transport: 'udp', port }));
}

function portClause(
  name: string,
  why: string,
  side: 'either' | 'destination',
  ports: readonly TransportPort[],
): WrittenClause[] {
  if (ports.length === 0) return [];
  const asked = (version: 4 | 6) => (terms: PacketTerms) =>
    ports.map(({ transport, port }) => terms.port(version, transport, port, side));
  const list = ports.map(({ transport, port }) => `${transport}/${port}`).join(', ');
  return [{ name, why: `${why} (${list})`, ipv4: asked(4), ipv6: asked(6) }];
}
