/**
 * IPv4 inside IPv6 addresses: Teredo (RFC 4380 4), 6to4 (RFC 3056 2), ISATAP (RFC 5214 6.1), 6rd (RFC 5969 4).
 * All functions take 32-bit words and allocate nothing.
 */

/** First word of 2001::/32, the Teredo service prefix (RFC 4380 2.6). */
export const TEREDO_PREFIX = 0x20010000;
/** First word of 3ffe:831f::/32, the prefix before RFC 4380; its block went back in 2006. */
export const OLD_TEREDO_PREFIX = 0x3ffe831f;
/** High half of the first word of 2002::/16. */
export const SIXTOFOUR_PREFIX = 0x2002;
/** 192.88.99.0/24, the deprecated 6to4 relay anycast prefix (RFC 7526). */
export const SIXTOFOUR_ANYCAST_NETWORK = 0xc0586300;

/** Whether the first word is one of the two Teredo prefixes. */
export function isTeredoWord(w0: number): boolean {
  return w0 === TEREDO_PREFIX || w0 === OLD_TEREDO_PREFIX;
}

/** The same for the prefix of RFC 4380 alone. */
export function isIanaTeredoWord(w0: number): boolean {
  return w0 === TEREDO_PREFIX;
}

/** Flags word of a Teredo address, bits 64-79. */
export function teredoFlags(w2: number): number {
  return w2 >>> 16;
}

/** Mapped UDP port of a Teredo address: the low half of word 2, all bits inverted. */
export function teredoPort(w2: number): number {
  return ~w2 & 0xffff;
}

/** Mapped IPv4 address of a Teredo client: word 3, all bits inverted. The server is word 1 as it is. */
export function teredoClient(w3: number): number {
  return ~w3 >>> 0;
}

export function is6to4Word(w0: number): boolean {
  return w0 >>> 16 === SIXTOFOUR_PREFIX;
}

/** IPv4 address in bits 16-47 of a 6to4 address. */
export function sixtofourV4(w0: number, w1: number): number {
  return ((w0 << 16) | (w1 >>> 16)) >>> 0;
}

/** Whether the interface identifier is an ISATAP one: `0000:5efe` or `0200:5efe`, the u and g bits masked. */
export function isIsatapWord(w2: number): boolean {
  return (w2 & 0xfcffffff) >>> 0 === 0x00005efe;
}

/** Whether the first word lies in fe80::/10. */
export function isLinkLocalWord(w0: number): boolean {
  return (w0 & 0xffc00000) >>> 0 === 0xfe800000;
}

/** Whether the first word lies in fec0::/10, the old site-local space (RFC 3879). */
export function isSiteLocalWord(w0: number): boolean {
  return (w0 & 0xffc00000) >>> 0 === 0xfec00000;
}

/** Whether the first word lies in ff00::/8. */
export function isMulticastWord(w0: number): boolean {
  return w0 >>> 24 === 0xff;
}

/**
 * Bit offset (0..32) at which the upper 64 bits of an address hold all 32 bits of `v4`, or -1. RFC 5969 4 sets no
 * alignment, so every offset is tried.
 */
export function findV4InUpperBits(w0: number, w1: number, v4: number): number {
  for (let shift = 0; shift <= 32; shift++) {
    const window = shift === 0 ? w0 : shift === 32 ? w1 : (w0 << shift) | (w1 >>> (32 - shift));
    if ((window | 0) === (v4 | 0)) return shift;
  }
  return -1;
}

/** A provider's 6rd parameters: delegated prefix and how many leading IPv4 bits it leaves out (RFC 5969 4). */
export interface SixrdDomain {
  readonly w0: number;
  readonly w1: number;
  readonly prefixBits: number;
  readonly v4MaskBits: number;
  /** IPv4 address of the border relay, when it is known. */
  readonly borderRelay?: number;
}

/** Whether an address lies in the 6rd domain's prefix. */
export function inSixrdDomain(domain: SixrdDomain, w0: number, w1: number): boolean {
  const bits = domain.prefixBits;
  const mask0 = bits >= 32 ? 0xffffffff : bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  const mask1 = bits <= 32 ? 0 : bits >= 64 ? 0xffffffff : (0xffffffff << (64 - bits)) >>> 0;
  return ((w0 ^ domain.w0) & mask0) === 0 && ((w1 ^ domain.w1) & mask1) === 0;
}

/**
 * The IPv4 bits that a 6rd delegated prefix carries, right-aligned: `32 - v4MaskBits` bits that follow the prefix.
 * Compare with {@link sixrdV4Bits} of the outer address.
 */
export function sixrdBitsOf(domain: SixrdDomain, w0: number, w1: number): number {
  const count = 32 - domain.v4MaskBits;
  if (count === 0) return 0;
  const from = domain.prefixBits;
  const window = from === 0 ? w0 : from >= 32 ? w1 << (from - 32) : (w0 << from) | (w1 >>> (32 - from));
  return window >>> (32 - count);
}

/** The low bits of an IPv4 address that a 6rd domain embeds. */
export function sixrdV4Bits(domain: SixrdDomain, v4: number): number {
  const count = 32 - domain.v4MaskBits;
  return count === 32 ? v4 >>> 0 : (v4 & (2 ** count - 1)) >>> 0;
}
