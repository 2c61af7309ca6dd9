/** Protocol layers. The names are the words of `tunnel_path`. */
export const LAYER = {
  eth: 1,
  vlan: 2,
  pppoe: 3,
  sll: 4,
  sll2: 5,
  loopback: 6,
  ipv4: 7,
  ipv6: 8,
  hopopts: 9,
  routing: 10,
  fragment: 11,
  dstopts: 12,
  ah: 13,
  mobility: 14,
  hip: 15,
  shim6: 16,
  experimental: 17,
  udp: 18,
  tcp: 19,
  icmp: 20,
  icmpv6: 21,
  teredo: 22,
  gre: 23,
  vxlan: 24,
  ipproto: 25,
  nonext: 26,
  mpls: 27,
  ppp: 28,
  geneve: 29,
  ayiya: 30,
  gtp: 31,
  l2tp: 32,
  llc: 33,
  etherip: 34,
  gue: 35,
} as const;

export const LAYER_NAMES: readonly string[] = [
  '',
  ...Object.entries(LAYER)
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => name),
];

/** What opens a tunnel. */
export const CARRIER = {
  ip: 1,
  teredo: 2,
  gre: 3,
  vxlan: 4,
  geneve: 5,
  ayiya: 6,
  l2tp: 7,
  gtp: 8,
  mpls: 9,
  etherip: 10,
  ethernet: 11,
  gue: 12,
  tzsp: 13,
} as const;
