import { isIPv4, isIPv6 } from 'node:net';

/**
 * Addresses are four 32-bit words everywhere inside. An IPv4 address is held IPv4-mapped (`0, 0, 0xffff, v4`), as Zeek
 * does, so that one key form serves both families. Text exists only at the edges.
 */
export type AddressWords = readonly [number, number, number, number];

/** Third word of an IPv4-mapped address. */
export const MAPPED_WORD = 0xffff;

/** Dotted form of a 32-bit IPv4 address. */
export function formatIpv4(value: number): string {
  return (
    DOTTED[value >>> 24]! +
    DOTTED[(value >>> 16) & 0xff]! +
    DOTTED[(value >>> 8) & 0xff]! +
    String(value & 0xff)
  );
}

/** Octets with a dot behind. */
const DOTTED = Array.from({ length: 256 }, (_, octet) => `${octet}.`);

/**
 * Text of an address as Zeek prints it: IPv4 dotted when mapped, otherwise RFC 5952 lower case with the longest run of
 * zeros compressed; like inet_ntop it writes `::a.b.c.d` when exactly the first six groups are zero.
 */
export function formatAddress(w0: number, w1: number, w2: number, w3: number): string {
  if (w0 === 0 && w1 === 0 && w2 === MAPPED_WORD) return formatIpv4(w3);
  return formatIpv6(w0, w1, w2, w3);
}

/** As {@link formatAddress}, but an IPv4-mapped address keeps its `::ffff:` prefix. */
export function formatIpv6(w0: number, w1: number, w2: number, w3: number): string {
  const groups = GROUPS;
  groups[0] = w0 >>> 16;
  groups[1] = w0;
  groups[2] = w1 >>> 16;
  groups[3] = w1;
  groups[4] = w2 >>> 16;
  groups[5] = w2;
  groups[6] = w3 >>> 16;
  groups[7] = w3;
  let bestAt = -1;
  let bestLength = 1; // a single zero group is not compressed (RFC 5952 4.2.2)
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > bestLength) {
      bestAt = i;
      bestLength = j - i;
    }
    if (j > i) i = j;
  }
  if (bestAt === 0 && (bestLength === 6 || (bestLength === 5 && groups[5] === MAPPED_WORD))) {
    return bestLength === 6 ? `::${formatIpv4(w3)}` : `::ffff:${formatIpv4(w3)}`;
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === bestAt) {
      text += '::';
      i += bestLength - 1;
    } else {
      if (i > 0 && i !== bestAt + bestLength) text += ':';
      text += groups[i]!.toString(16);
    }
  }
  return text;
}

const GROUPS = new Uint16Array(8);

/** Value of a dotted IPv4 address, or undefined when the text is not one (no octal, no short forms). */
export function parseIpv4(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Words of an IPv6 address in text, or undefined. Zone identifiers are refused. */
export function parseIpv6(text: string): AddressWords | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  let body = text;
  const lastColon = body.lastIndexOf(':');
  const tail = parseIpv4(body.slice(lastColon + 1));
  if (tail !== undefined) {
    body = `${body.slice(0, lastColon + 1)}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`;
  }
  const [left, right] = body.split('::') as [string, string | undefined];
  const head = left === '' ? [] : left.split(':');
  const rest = right === undefined || right === '' ? [] : right.split(':');
  const gap = right === undefined ? 0 : 8 - head.length - rest.length;
  const groups = [...head, ...Array.from({ length: gap }, () => '0'), ...rest].map((group) =>
    parseInt(group, 16),
  );
  const word = (i: number): number => ((groups[i]! << 16) | groups[i + 1]!) >>> 0;
  return [word(0), word(2), word(4), word(6)];
}

/** Words of an IPv4 (mapped) or IPv6 address in text, or undefined. */
export function parseAddress(text: string): AddressWords | undefined {
  const v4 = parseIpv4(text);
  return v4 === undefined ? parseIpv6(text) : mapped(v4);
}

/** IPv4-mapped words of an IPv4 address. */
export function mapped(v4: number): AddressWords {
  return [0, 0, MAPPED_WORD, v4 >>> 0];
}

/** A prefix over the 128-bit space; an IPv4 prefix has 96 added to its length. */
export interface Prefix {
  readonly words: AddressWords;
  readonly bits: number;
}

/**
 * Parses `ADDRESS/LENGTH`, or a bare address as a full-length prefix. Returns a sentence that says what is wrong
 * when the text is not one, host bits set included.
 */
export function parsePrefix(text: string): Prefix | string {
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const words = parseAddress(addressText);
  if (words === undefined)
    return `"${text}" is not an IPv4 or IPv6 prefix; write it like 192.0.2.0/24 or 2001:db8::/32`;
  const isV4 = isIPv4(addressText);
  const most = isV4 ? 32 : 128;
  const lengthText = slash < 0 ? String(most) : text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : NaN;
  if (!(length <= most)) return `"${text}" has a prefix length that is not between 0 and ${most}`;
  const bits = isV4 ? length + 96 : length;
  const network = words.map((word, i) => (word & maskWord(bits, i)) >>> 0) as [
    number,
    number,
    number,
    number,
  ];
  if (network.some((word, i) => word !== words[i])) {
    return `"${text}" has bits set behind the prefix length; did you mean ${formatAddress(...network)}/${length}?`;
  }
  return { words: network, bits };
}

/** Text of a prefix, IPv4 in its own form. */
export function formatPrefix(prefix: Prefix): string {
  const isV4 =
    prefix.bits >= 96 && prefix.words[2] === MAPPED_WORD && prefix.words[0] === 0 && prefix.words[1] === 0;
  return `${formatAddress(...prefix.words)}/${isV4 ? prefix.bits - 96 : prefix.bits}`;
}

/** 32-bit mask for word `index` (0..3) of a prefix of `bits`. */
export function maskWord(bits: number, index: number): number {
  const inWord = bits - index * 32;
  if (inWord >= 32) return 0xffffffff;
  if (inWord <= 0) return 0;
  return (0xffffffff << (32 - inWord)) >>> 0;
}

/** Whether the address lies in the prefix. */
export function inPrefix(prefix: Prefix, w0: number, w1: number, w2: number, w3: number): boolean {
  const { words, bits } = prefix;
  return (
    ((w0 ^ words[0]) & maskWord(bits, 0)) === 0 &&
    ((w1 ^ words[1]) & maskWord(bits, 1)) === 0 &&
    ((w2 ^ words[2]) & maskWord(bits, 2)) === 0 &&
    ((w3 ^ words[3]) & maskWord(bits, 3)) === 0
  );
}

/** MAC address text from its high 16 and low 32 bits. */
export function formatMac(high: number, low: number): string {
  return `${pair(high >>> 8)}:${pair(high)}:${pair(low >>> 24)}:${pair(low >>> 16)}:${pair(low >>> 8)}:${pair(low)}`;
}

function pair(octet: number): string {
  return HEX_PAIRS[octet & 0xff]!;
}

const HEX_PAIRS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
