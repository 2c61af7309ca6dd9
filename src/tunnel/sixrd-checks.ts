import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE } from '../model/vocabulary.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import {
  findV4InUpperBits,
  inSixrdDomain,
  is6to4Word,
  isTeredoWord,
  sixrdBitsOf,
  sixrdV4Bits,
} from '../wire/embedded-address.js';
import type { Proto41Packet } from './proto41-packet.js';

/** Checks of 6rd (RFC 5969 7-9). Which addresses are 6rd ones has to be said: `domains`. They need no memory. */
export function checkSixrd(packet: Proto41Packet, domains: readonly SixrdDomain[], out: CheckResults): void {
  const { words, src, dst } = packet;
  let srcIsKnown = false;
  for (const domain of domains) {
    const srcIsInside = inSixrdDomain(domain, words[src]!, words[src + 1]!);
    if (srcIsInside) {
      srcIsKnown = true;
      const isDirect = bitsAgree(domain, words, src, packet.outerSrc);
      // From one customer through the relay to another, or back to the first, which probes the relay so (RFC 5969 8).
      out.decide(CHECK.R01, isDirect || packet.outerSrc === domain.borderRelay);
    }
    if (inSixrdDomain(domain, words[dst]!, words[dst + 1]!)) {
      out.set(CHECK.R02, destinationValue(packet, domain, srcIsInside));
    }
  }
  checkDomain(packet, srcIsKnown, domains.length > 0, out);
}

/* R02 */
function destinationValue(packet: Proto41Packet, domain: SixrdDomain, srcIsInside: boolean): number {
  const { words, dst, outerSrc, outerDst } = packet;
  const { borderRelay } = domain;
  const agrees = bitsAgree(domain, words, dst, outerDst);
  if (srcIsInside) {
    if (agrees || outerDst === borderRelay) return CHECK_VALUE.holds;
    return borderRelay === undefined ? CHECK_VALUE.undetermined : CHECK_VALUE.violated;
  }
  if (!agrees) return CHECK_VALUE.violated;
  if (borderRelay === undefined) return CHECK_VALUE.undetermined;
  return outerSrc === borderRelay ? CHECK_VALUE.holds : CHECK_VALUE.violated;
}

/* R03: an address that carries all bits of the outer source looks like 6rd, of a domain that nobody named. */
function checkDomain(
  { words, src, outerSrc }: Proto41Packet,
  isKnown: boolean,
  hasDomains: boolean,
  out: CheckResults,
): void {
  if (isKnown) {
    out.set(CHECK.R03, CHECK_VALUE.holds);
    return;
  }
  const word0 = words[src]!;
  if (outerSrc === 0 || is6to4Word(word0) || isTeredoWord(word0)) return;
  if (findV4InUpperBits(word0 | 0, words[src + 1]! | 0, outerSrc | 0) < 0) return;
  out.set(CHECK.R03, hasDomains ? CHECK_VALUE.violated : CHECK_VALUE.undetermined);
}

function bitsAgree(domain: SixrdDomain, words: Uint32Array, at: number, v4: number): boolean {
  return sixrdBitsOf(domain, words[at]!, words[at + 1]!) === sixrdV4Bits(domain, v4);
}
