import { formatIpv4, formatPrefix, parseIpv4, parsePrefix } from './address.js';
import type { SixrdDomain } from './embedded-address.js';

/** Reads `PREFIX/LENGTH[,MASKLENGTH[,RELAY]]` of a 6rd domain; a sentence when it is none (RFC 5969 4). */
export function parseSixrd(text: string): SixrdDomain | string {
  const [prefixText, maskText = '0', relayText, ...rest] = text.split(',');
  const prefix = parsePrefix(prefixText!);
  if (typeof prefix === 'string') return prefix;
  const mask = /^\d{1,2}$/.test(maskText) ? Number(maskText) : NaN;
  const relay = relayText === undefined ? undefined : parseIpv4(relayText);
  if (rest.length > 0 || !(mask <= 32) || (relayText !== undefined && relay === undefined))
    return `"${text}" is no 6rd domain; write PREFIX/LENGTH, PREFIX/LENGTH,MASKLENGTH or PREFIX/LENGTH,MASKLENGTH,RELAY`;
  if (prefix.bits + 32 - mask > 64) {
    return `"${text}" leaves no room: prefix length ${prefix.bits} and ${32 - mask} IPv4 bits are more than 64`;
  }
  const domain = { w0: prefix.words[0], w1: prefix.words[1], prefixBits: prefix.bits, v4MaskBits: mask };
  return relay === undefined ? domain : { ...domain, borderRelay: relay };
}

/** The form that {@link parseSixrd} reads. */
export function formatSixrd({ w0, w1, prefixBits, v4MaskBits, borderRelay }: SixrdDomain): string {
  const prefix = formatPrefix({ words: [w0, w1, 0, 0], bits: prefixBits });
  if (borderRelay !== undefined) return `${prefix},${v4MaskBits},${formatIpv4(borderRelay)}`;
  return v4MaskBits === 0 ? prefix : `${prefix},${v4MaskBits}`;
}
