import { formatPrefix, parsePrefix } from './address.js';
import type { SixrdDomain } from './embedded-address.js';

/** Reads `PREFIX/LENGTH[,MASKLENGTH]` of a 6rd domain; a sentence when it is none (RFC 5969 4). */
export function parseSixrd(text: string): SixrdDomain | string {
  const [prefixText, maskText = '0', ...rest] = text.split(',');
  const prefix = parsePrefix(prefixText!);
  if (typeof prefix === 'string') return prefix;
  const mask = /^\d{1,2}$/.test(maskText) ? Number(maskText) : NaN;
  if (rest.length > 0 || !(mask <= 32))
    return `"${text}" is no 6rd domain; write PREFIX/LENGTH or PREFIX/LENGTH,MASKLENGTH`;
  if (prefix.bits + 32 - mask > 64) {
    return `"${text}" leaves no room: prefix length ${prefix.bits} and ${32 - mask} IPv4 bits are more than 64`;
  }
  return { w0: prefix.words[0], w1: prefix.words[1], prefixBits: prefix.bits, v4MaskBits: mask };
}

/** The form that {@link parseSixrd} reads. */
export function formatSixrd({ w0, w1, prefixBits, v4MaskBits }: SixrdDomain): string {
  const prefix = formatPrefix({ words: [w0, w1, 0, 0], bits: prefixBits });
  return v4MaskBits === 0 ? prefix : `${prefix},${v4MaskBits}`;
}
