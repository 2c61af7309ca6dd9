/** One packet of protocol 41 in IPv4, as its checks read it. One object is filled again for every packet. */
export interface Proto41Packet {
  words: Uint32Array;
  /** Where the inner source and destination, and the outer ones, begin in `words`. */
  src: number;
  dst: number;
  outerSrcAt: number;
  outerDstAt: number;
  outerSrc: number;
  outerDst: number;
  /** Inner hop limit. */
  hopLimit: number;
  /** Type of the ICMPv6 message inside, or -1. */
  icmpType: number;
  /** The tunnel is known to carry native addresses both ways: those of automatic tunnels are only passing through. */
  isConfigured: boolean;
  /** A 6to4 address agreed with the outer header in this tunnel, and how native its other packets are (KIND_EVIDENCE). */
  evidence: number;
}
