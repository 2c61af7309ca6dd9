import { BROKER_TCP_PORT, UDP_PORT } from '../../wire/numbers.js';
import { FilterError } from './filter-error.js';

export interface BrokerPort {
  readonly transport: 'udp' | 'tcp';
  readonly port: number;
}

/** What stands between the link header and IP on this link, as configured. */
export interface LinkCarriers {
  /** Frames with one IEEE 802.1Q tag. */
  readonly vlan: boolean;
  /** Frames with two tags; implies `vlan`. */
  readonly qinq: boolean;
  readonly mpls: boolean;
  readonly pppoe: boolean;
}

/** What rules and decoders need to see of one interface. Ports are numbers from 1 to 65535. */
export interface FilterNeeds {
  /** LINKTYPE_ value of the interface, one of those that the decoder reads. */
  readonly linkType: number;
  /** UDP ports, either side, whose datagrams all pass: also those that only claim to be Teredo. */
  readonly teredoPorts: readonly number[];
  /** UDP ports of name lookups, either side. */
  readonly dnsPorts: readonly number[];
  /** Ports of tunnel brokers, either side. */
  readonly brokerPorts: readonly BrokerPort[];
  /** UDP destination ports of VXLAN. */
  readonly vxlanPorts: readonly number[];
  /** UDP destination ports of what carries a mirror port here; its frames all pass. */
  readonly mirrorPorts?: readonly number[];
  /** Whether IPv6 packets that no tunnel carries, but with a Teredo or 6to4 address, are wanted. */
  readonly nativeIpv6: boolean;
  /** Whether ICMP and ICMPv6 that no tunnel carries are wanted: errors quote the packets that they are about. */
  readonly icmp: boolean;
  readonly carriers: LinkCarriers;
  /** Filter of the user, in libpcap's language: narrows what passes. */
  readonly userBpf?: string;
}

/** Most ports of one kind. */
export const MAX_PORTS = 32;

/** DNS and LLMNR: where names of Teredo servers and of ISATAP routers are asked for (RFC 5214 9, RFC 7123 3.5). */
export const DEFAULT_DNS_PORTS: readonly number[] = [53, 5355];

/** TSP (RFC 5572 2), and the heartbeat and TIC of SixXS: the decoder tells what they say. */
const TOLD_BROKER_PORTS: readonly BrokerPort[] = [
  { transport: 'udp', port: UDP_PORT.TSP },
  { transport: 'tcp', port: BROKER_TCP_PORT.TSP },
  { transport: 'udp', port: UDP_PORT.HEARTBEAT },
  { transport: 'tcp', port: BROKER_TCP_PORT.TIC },
];

/** The same, and AYIYA. */
export const DEFAULT_BROKER_PORTS: readonly BrokerPort[] = [
  ...TOLD_BROKER_PORTS,
  { transport: 'udp', port: UDP_PORT.AYIYA },
  { transport: 'tcp', port: UDP_PORT.AYIYA },
];

/** Everything that a filter can pass, on a link with both kinds of VLAN tags. */
export function defaultNeeds(linkType: number): FilterNeeds {
  return {
    linkType,
    teredoPorts: [UDP_PORT.TEREDO],
    dnsPorts: DEFAULT_DNS_PORTS,
    brokerPorts: DEFAULT_BROKER_PORTS,
    vxlanPorts: [UDP_PORT.VXLAN],
    nativeIpv6: true,
    icmp: true,
    carriers: { vlan: true, qinq: true, mpls: false, pppoe: false },
  };
}

/** What the decoders open: tunnels, all that comes to the port of Teredo, and talk with brokers. The same link. */
export function tunnelNeeds(linkType: number): FilterNeeds {
  return {
    ...defaultNeeds(linkType),
    dnsPorts: [],
    brokerPorts: TOLD_BROKER_PORTS,
    nativeIpv6: false,
    icmp: false,
  };
}

/** Throws a FilterError for a port that is none, or for too many. */
export function checkPorts(needs: FilterNeeds): void {
  const kinds: readonly (readonly [kind: string, ports: readonly number[]])[] = [
    ['Teredo', needs.teredoPorts],
    ['DNS', needs.dnsPorts],
    ['broker', needs.brokerPorts.map(({ port }) => port)],
    ['VXLAN', needs.vxlanPorts],
  ];
  for (const [kind, ports] of kinds) {
    if (ports.length > MAX_PORTS)
      throw new FilterError(
        `There are ${ports.length} ${kind} ports to filter for; name ${MAX_PORTS} at most.`,
      );
    const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65535);
    if (wrong !== undefined) throw new FilterError(`${wrong} is no ${kind} port; ports are 1 to 65535.`);
  }
}
