import { ETHERTYPE, PPP_PROTOCOL } from '../../wire/numbers.js';

/** An offset in octets: a number, or an expression of libpcap's language. */
export type Offset = number | string;
export type Width = 1 | 2 | 4;

/** How the words of a filter are written for packets that stand at a certain place in the frame. */
export interface PacketTerms {
  readonly isIpv4: string;
  readonly isIpv6: string;
  /** Load of `width` octets at an offset from the IPv4 header. */
  ipv4(offset: Offset, width?: Width): string;
  ipv6(offset: Offset, width?: Width): string;
  /** Load at an offset from the UDP header behind an IPv4 header; the expression must ask for UDP before. */
  udp4(offset: Offset, width?: Width): string;
  /** Whether the IPv4 header has options, where loads from behind it do not follow its length. */
  readonly options4?: string;
  /** Whether a TCP or UDP port is `port`, inside an IPv4 or an IPv6 packet. */
  port(version: 4 | 6, transport: 'udp' | 'tcp', port: number, side: PortSide): string;
  /** Whether the frame announces this EtherType here; missing where there is none. */
  readonly hasEthertype?: (type: number) => string;
}

export type PortSide = 'either' | 'destination';

/** EtherTypes that the decoder reads as a VLAN tag. */
export const TAG_TYPES: readonly number[] = [
  ETHERTYPE.VLAN,
  ETHERTYPE.PROVIDER_VLAN,
  ETHERTYPE.OLD_QINQ,
  ETHERTYPE.OLD_QINQ_2,
];

const PROTOCOL = { tcp: 6, udp: 17 } as const;
const IPV4_HEADER = 20;
const IPV4_PROTOCOL = 9;
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER = 6;

export function sum(a: Offset, b: Offset): Offset {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return `${a} + ${b}`;
}

function load(name: string, offset: Offset, width: Width): string {
  return width === 1 ? `${name}[${offset}]` : `${name}[${offset}:${width}]`;
}

/** libpcap's own words, for what stands right behind the link header. */
export const KEYWORDS: PacketTerms & Required<Pick<PacketTerms, 'hasEthertype'>> = {
  isIpv4: 'ip',
  isIpv6: 'ip6',
  ipv4: (offset, width = 1) => load('ip', offset, width),
  ipv6: (offset, width = 1) => load('ip6', offset, width),
  udp4: (offset, width = 1) => load('udp', offset, width),
  port: (_version, transport, port, side) => `${transport} ${side === 'either' ? '' : 'dst '}port ${port}`,
  hasEthertype: (type) => `ether proto ${hex(type)}`,
};

const ETHERTYPE_AT = 12;
const TAG_LENGTH = 4;
const PPPOE_LENGTH = 8;

/**
 * Loads at fixed places of an Ethernet frame with `tags` VLAN tags in its octets. `vlan` is not used for this: see
 * docs/kernel-filter.md.
 */
export function behindTags(tags: number): PacketTerms & Required<Pick<PacketTerms, 'hasEthertype'>> {
  const typeAt = ETHERTYPE_AT + TAG_LENGTH * tags;
  const hasEthertype = (type: number): string => [...tagTests(tags), octets(typeAt, type)].join(' and ');
  return {
    isIpv4: hasEthertype(ETHERTYPE.IPV4),
    isIpv6: hasEthertype(ETHERTYPE.IPV6),
    ...termsAt(typeAt + 2),
    hasEthertype,
  };
}

/** The same for what a PPPoE session carries (RFC 2516 4) behind `tags` VLAN tags. */
export function behindPppoe(tags: number): PacketTerms {
  const { hasEthertype } = behindTags(tags);
  const protocolAt = ETHERTYPE_AT + TAG_LENGTH * tags + PPPOE_LENGTH;
  const session = hasEthertype(ETHERTYPE.PPPOE_SESSION);
  return {
    isIpv4: `${session} and ${octets(protocolAt, PPP_PROTOCOL.IPV4)}`,
    isIpv6: `${session} and ${octets(protocolAt, PPP_PROTOCOL.IPV6)}`,
    ...termsAt(protocolAt + 2),
  };
}

/** Whether the octets of an Ethernet frame hold at least `tags` VLAN tags. */
export function hasTags(tags: number): string {
  return `(${tagTests(tags).join(' and ')})`;
}

function tagTests(tags: number): string[] {
  return Array.from({ length: tags }, (_, tag) => {
    const at = ETHERTYPE_AT + TAG_LENGTH * tag;
    return `(${TAG_TYPES.map((type) => octets(at, type)).join(' or ')})`;
  });
}

/*
 * Loads from an IP header at a fixed place of the frame, all of them at fixed places: libpcap keeps what it computes in
 * scratch registers, and the kernel refuses programs in which it cannot see that a register was written before.
 */
function termsAt(ipAt: number): Omit<PacketTerms, 'isIpv4' | 'isIpv6' | 'hasEthertype'> {
  const load4 = (offset: Offset, width: Width = 1): string => load('ether', sum(offset, ipAt), width);
  const transport4 = (offset: Offset, width: Width = 1): string => load4(sum(offset, IPV4_HEADER), width);
  return {
    ipv4: load4,
    ipv6: load4,
    udp4: transport4,
    options4: `${load4(0)} != 0x45`,
    port(version, transport, port, side) {
      const protocol = load4(version === 4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER);
      const header = version === 4 ? IPV4_HEADER : IPV6_HEADER;
      const asked = (offset: number): string => `${load4(header + offset, 2)} = ${port}`;
      const either = side === 'either' ? `${asked(0)} or ${asked(2)}` : asked(2);
      return `(${protocol} = ${PROTOCOL[transport]} and (${either}))`;
    },
  };
}

function octets(at: number, value: number): string {
  return `ether[${at}:2] = ${hex(value)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
