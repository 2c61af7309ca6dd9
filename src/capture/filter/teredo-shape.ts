import type { Offset, Width } from './packet-terms.js';

/*
 * RFC 4380 5.1.1 and RFC 6081 4: [authentication] [origin] ipv6 trailer*. Offsets count from the UDP header.
 * The IPv6 packet may be shorter than the datagram, for what follows are trailers, and never longer.
 */
const UDP_HEADER = 8;
const IPV6_HEADER = 40;
const IPV6_PAYLOAD_LENGTH = 4;
const AUTH_ID_LENGTH = UDP_HEADER + 2;
const AUTH_VALUE_LENGTH = UDP_HEADER + 3;
/** Marks and lengths (4), nonce (8), confirmation (1). */
const AUTH_FIXED = 13;
const ORIGIN_LENGTH = 8;
const ORIGIN_MARK = 0;
const AUTH_MARK = 1;

type Load = (offset: Offset, width?: Width) => string;

/**
 * Whether a UDP datagram has the shape of Teredo; `udp` loads from its header. Every load stands behind a comparison
 * with the datagram's length, for a load past the packet's end rejects the packet whatever else is asked. A length of 0
 * is what offload leaves and passes, as the decoder takes such a datagram to the packet's end.
 *
 * Behind an authentication header one octet of what follows is asked, in one go for both forms: an IPv6 nibble (6) and
 * the mark of an origin (0) have neither bit of 0x90. Hardly anything else looks like this. STUN, which begins with the
 * same mark, never has room for the lengths that its own length would then be.
 */
export function teredoShape(udp: Load): string {
  const length = udp(4, 2);
  const ipv6At = (at: number): string =>
    `${udp(at)} & 0xf0 = 0x60 and ${udp(at + IPV6_PAYLOAD_LENGTH, 2)} + ${at + IPV6_HEADER} <= ${length}`;
  const bare = ipv6At(UDP_HEADER);
  const originEnd = UDP_HEADER + ORIGIN_LENGTH;
  const origin = `${udp(UDP_HEADER, 2)} = ${ORIGIN_MARK} and ${length} >= ${originEnd + IPV6_HEADER} and ${ipv6At(originEnd)}`;
  const variable = `${udp(AUTH_ID_LENGTH)} + ${udp(AUTH_VALUE_LENGTH)}`;
  const authEnd = `${variable} + ${UDP_HEADER + AUTH_FIXED}`;
  const authentication = [
    `${udp(UDP_HEADER, 2)} = ${AUTH_MARK}`,
    `${variable} + ${UDP_HEADER + AUTH_FIXED + IPV6_HEADER} <= ${length}`,
    `${udp(authEnd)} & 0x90 = 0`,
  ].join(' and ');
  return `(${length} = 0 or (${length} >= ${UDP_HEADER + IPV6_HEADER} and ((${bare}) or (${origin}) or (${authentication}))))`;
}
