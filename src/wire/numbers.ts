/** IANA protocol numbers that this sensor tells apart (IPv4 protocol, IPv6 next header). */
export const IP_PROTOCOL = {
  HOPOPTS: 0,
  ICMP: 1,
  IGMP: 2,
  IPV4: 4,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  ROUTING: 43,
  FRAGMENT: 44,
  GRE: 47,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  NONE: 59,
  DSTOPTS: 60,
  OSPF: 89,
  ETHERIP: 97,
  SCTP: 132,
  MOBILITY: 135,
  UDPLITE: 136,
  MPLS: 137,
  HIP: 139,
  SHIM6: 140,
  ETHERNET: 143,
  EXPERIMENT_1: 253,
  EXPERIMENT_2: 254,
} as const;

export const ETHERTYPE = {
  IPV4: 0x0800,
  ARP: 0x0806,
  TRANSPARENT_ETHERNET: 0x6558,
  VLAN: 0x8100,
  PPTP_PPP: 0x880b,
  IPV6: 0x86dd,
  MPLS: 0x8847,
  MPLS_MULTICAST: 0x8848,
  PPPOE_SESSION: 0x8864,
  PROVIDER_VLAN: 0x88a8,
  ERSPAN_II: 0x88be,
  ERSPAN_III: 0x22eb,
  OLD_QINQ: 0x9100,
  OLD_QINQ_2: 0x9200,
} as const;

/** PPP protocol field values (RFC 1332, RFC 5072). */
export const PPP_PROTOCOL = { IPV4: 0x0021, IPV6: 0x0057 } as const;

/** Capture link types (tcpdump.org LINKTYPE_ registry) that the decoder accepts. */
export const LINK_TYPE = {
  NULL: 0,
  ETHERNET: 1,
  RAW_12: 12,
  RAW_14: 14,
  PPP: 9,
  PPP_HDLC: 50,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

export const UDP_PORT = {
  TEREDO: 3544,
  VXLAN: 4789,
  AYIYA: 5072,
  GENEVE: 6081,
  L2TP: 1701,
  GTP_U: 2152,
  GTP_C: 2123,
  TSP: 3653,
  /** Heartbeat of SixXS. */
  HEARTBEAT: 3740,
  GUE: 6080,
  TZSP: 37_008,
} as const;

/** TCP ports of tunnel brokers. */
export const BROKER_TCP_PORT = { TSP: 3653, TIC: 3874 } as const;

export const ICMPV6_TYPE = {
  UNREACHABLE: 1,
  ECHO_REQUEST: 128,
  ECHO_REPLY: 129,
  ROUTER_SOLICITATION: 133,
  ROUTER_ADVERTISEMENT: 134,
} as const;

/** TCP flag bits (RFC 9293 3.1). */
export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;
