import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, VANTAGE } from '../model/vocabulary.js';
import {
  is6to4Word,
  isLinkLocalWord,
  isMulticastWord,
  isSiteLocalWord,
  SIXTOFOUR_ANYCAST_NETWORK,
  sixtofourV4,
} from '../wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope, isSiteScope } from '../wire/ipv4-space.js';
import { KIND_EVIDENCE } from './kind.js';
import type { Proto41Packet } from './proto41-packet.js';
import { ANYCAST_RELAY } from './site.js';
import type { Site } from './site.js';

const NATIVE = KIND_EVIDENCE.nativeFromOriginator | KIND_EVIDENCE.nativeFromResponder;
/** High half of the first word of an address in ::/16: unspecified, loopback, IPv4-mapped, IPv4-compatible. */
const LOW_SPACE = 0;

/** Checks of 6to4 between inner and outer addresses (RFC 3056, RFC 3964, RFC 7526). They need no memory. */
export function checkSixtofour(packet: Proto41Packet, site: Site, out: CheckResults): void {
  const { words, src, dst } = packet;
  if (isAnycast(packet.outerDst)) out.set(CHECK.S12, CHECK_VALUE.violated);
  const srcIs6to4 = is6to4Word(words[src]!);
  const dstIs6to4 = is6to4Word(words[dst]!);
  if (isAnycast(packet.outerSrc)) {
    out.decide(CHECK.S13, packet.outerSrc === ANYCAST_RELAY && !srcIs6to4 && dstIs6to4);
  }
  checkRoles(packet, srcIs6to4, dstIs6to4, out);
  if (!srcIs6to4 && !dstIs6to4) return;
  const srcV4 = srcIs6to4 ? sixtofourV4(words[src]!, words[src + 1]!) : 0;
  const dstV4 = dstIs6to4 ? sixtofourV4(words[dst]!, words[dst + 1]!) : 0;
  const srcIsPublic = !srcIs6to4 || ipv4Scope(srcV4) === IPV4_SCOPE.global;
  const dstIsPublic = !dstIs6to4 || ipv4Scope(dstV4) === IPV4_SCOPE.global || dstV4 === ANYCAST_RELAY;
  out.decide(CHECK.S06, srcIsPublic && dstIsPublic);
  if (srcIs6to4 && dstIs6to4) out.decide(CHECK.S08, srcV4 !== dstV4);
  if (packet.isConfigured) return;
  if (srcIs6to4) compare(CHECK.S01, srcV4, packet.outerSrc, site, out);
  if (dstIs6to4) compare(CHECK.S02, dstV4, packet.outerDst, site, out);
  checkRelays(packet, srcIs6to4, dstIs6to4, srcV4, dstV4, site, out);
}

/* S03, S07: which addresses belong into a 6to4 tunnel. */
function checkRoles(packet: Proto41Packet, srcIs6to4: boolean, dstIs6to4: boolean, out: CheckResults): void {
  const { words, src, dst, evidence } = packet;
  const isTunnel = (evidence & KIND_EVIDENCE.sixtofour) !== 0;
  const hasAddress = srcIs6to4 || dstIs6to4;
  if (packet.isConfigured || (!hasAddress && !isTunnel)) return;
  const hasOddAddress = isNeverIn6to4(words, src) || isNeverIn6to4(words, dst);
  // Native both ways: a configured tunnel may lie between the same two hosts, with all that belongs to it.
  const mayBeBoth = !hasAddress && (evidence & NATIVE) === NATIVE;
  if (mayBeBoth) {
    out.set(CHECK.S03, CHECK_VALUE.undetermined);
    if (hasOddAddress) out.set(CHECK.S07, CHECK_VALUE.undetermined);
    return;
  }
  out.decide(CHECK.S07, !hasOddAddress);
  // A link-local address says nothing of native or not: S07 has it.
  if (hasAddress || !hasOddAddress) out.decide(CHECK.S03, hasAddress);
}

function isNeverIn6to4(words: Uint32Array, at: number): boolean {
  const word = words[at]!;
  return word >>> 16 === LOW_SPACE || isLinkLocalWord(word) || isSiteLocalWord(word) || isMulticastWord(word);
}

/*
 * S04, S05, S09: which relay a packet passes. The way there and the way back may differ (RFC 7526 6), and anyone may run a
 * relay: only where the site has named its relays is another one wrong.
 */
function checkRelays(
  packet: Proto41Packet,
  srcIs6to4: boolean,
  dstIs6to4: boolean,
  srcV4: number,
  dstV4: number,
  site: Site,
  out: CheckResults,
): void {
  const { words, outerSrc, outerDst } = packet;
  if (!srcIs6to4) out.set(CHECK.S04, relayValue(words, packet.outerSrcAt, outerSrc, site));
  if (!dstIs6to4) out.set(CHECK.S05, relayValue(words, packet.outerDstAt, outerDst, site));
  const fromRelay = site.isRelay(words, packet.outerSrcAt);
  const toRelay = site.isRelay(words, packet.outerDstAt);
  if (!fromRelay && !toRelay) return;
  // The 6to4 addresses of the relay itself are its own affair.
  const isBetween = srcIs6to4 && dstIs6to4;
  const comesThrough = fromRelay && srcV4 !== outerSrc;
  const goesThrough = toRelay && dstV4 !== outerDst;
  out.decide(CHECK.S09, !(isBetween && (comesThrough || goesThrough)));
}

function relayValue(words: Uint32Array, at: number, v4: number, site: Site): number {
  if (site.isRelay(words, at)) return CHECK_VALUE.holds;
  return site.hasNamedRelays || isAnycast(v4) ? CHECK_VALUE.violated : CHECK_VALUE.undetermined;
}

function isAnycast(v4: number): boolean {
  return (v4 & 0xffffff00) >>> 0 === SIXTOFOUR_ANYCAST_NETWORK;
}

function compare(check: number, embedded: number, outer: number, site: Site, out: CheckResults): void {
  // A private outer address inside the site may be translated later: nothing can be said.
  const isHidden = isSiteScope(ipv4Scope(outer)) && site.vantage !== VANTAGE.outside;
  if (embedded !== outer && isHidden) out.set(check, CHECK_VALUE.undetermined);
  else out.decide(check, embedded === outer);
}
