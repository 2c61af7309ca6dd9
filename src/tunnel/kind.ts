import type { LayerStack } from '../decode/layers.js';
import { CARRIER, IP, LAYER, ROW, TEREDO } from '../decode/layers.js';
import { TEREDO_SHAPE } from '../decode/teredo-evidence.js';
import { KIND } from '../model/vocabulary.js';
import { UDP_PORT } from '../wire/numbers.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { destinationPort, sourcePort } from './level.js';
import {
  findV4InUpperBits,
  inSixrdDomain,
  is6to4Word,
  isIsatapWord,
  isLinkLocalWord,
  isMulticastWord,
  sixtofourV4,
} from '../wire/embedded-address.js';

/** What has been seen of an IPv6-in-IPv4 tunnel; its kind follows from all of it, and is refined as more comes. */
export const KIND_EVIDENCE = {
  sixover4: 1,
  isatap: 2,
  sixtofour: 4,
  /** A 6to4 address whose IPv4 part matches neither side. */
  foreign6to4: 8,
  /** An ISATAP address whose IPv4 part matches neither side. */
  foreignIsatap: 16,
  sixrd: 32,
  linkLocal: 64,
  /** Both inner addresses are ordinary, as a configured tunnel carries them: from the originator, and from the responder. */
  nativeFromOriginator: 128,
  nativeFromResponder: 256,
  /** A GRE tunnel over IPv4 that carries IPv6. */
  greIpv6: 512,
  /** A packet of each side was looked at. */
  lookedAtOriginator: 1024,
  lookedAtResponder: 2048,
} as const;
const NATIVE = KIND_EVIDENCE.nativeFromOriginator | KIND_EVIDENCE.nativeFromResponder;

const SIXOVER4_GROUPS = 0xefc0;
const WORD_UNSPECIFIED = 0;

/** Kind of every encapsulation but IPv6 in IPv4, which needs {@link sixInFourEvidence}. KIND.none when it is that. */
export function kindByCarrier(stack: LayerStack, level: number, innerIp: number): number {
  switch (stack.carrier[level]) {
    case CARRIER.teredo: {
      const evidence = stack.word(stack.header[level]!, TEREDO.EVIDENCE);
      if ((evidence & TEREDO_SHAPE) !== 0) return KIND.teredo;
      return kindOfRawIpv6(stack, stack.header[level]! - 1);
    }
    case CARRIER.gre:
      return KIND.gre;
    case CARRIER.vxlan:
      return KIND.vxlan;
    case CARRIER.geneve:
      return KIND.geneve;
    case CARRIER.ayiya:
      return KIND.ayiya;
    case CARRIER.l2tp:
      return KIND.l2tp;
    case CARRIER.gtp:
      return KIND['gtp-u'];
    case CARRIER.mpls:
      return KIND['mpls-in-ip'];
    case CARRIER.etherip:
      return KIND.etherip;
    case CARRIER.ethernet:
      return KIND['ethernet-in-ip'];
    case CARRIER.gue:
      return KIND.gue;
    default: {
      const outerIsV4 = stack.kind[stack.outerIp[level]!] === LAYER.ipv4;
      const innerIsV4 = stack.kind[innerIp] === LAYER.ipv4;
      if (innerIsV4) return outerIsV4 ? KIND['4in4'] : KIND['4in6'];
      return outerIsV4 ? KIND.none : KIND['6in6'];
    }
  }
}

/*
 * Brokers that speak TSP carry IPv6 on the very port that they were asked on (RFC 5572 4.4.1.2). GUE of variant 1 has no
 * header, and its sender picks the source port by hash.
 */
function kindOfRawIpv6(stack: LayerStack, udp: number): number {
  const destination = destinationPort(stack, udp);
  if (sourcePort(stack, udp) === UDP_PORT.TSP || destination === UDP_PORT.TSP) return KIND.tsp;
  return destination === UDP_PORT.GUE ? KIND.gue : KIND['raw-ipv6-in-udp'];
}

/** Evidence of one packet of protocol 41 in IPv4. */
export function sixInFourEvidence(
  stack: LayerStack,
  level: number,
  innerIp: number,
  fromOriginator: boolean,
  sixrd: readonly SixrdDomain[],
): number {
  const words = stack.words;
  const src = innerIp * ROW + IP.SRC;
  const dst = innerIp * ROW + IP.DST;
  const outer = stack.outerIp[level]! * ROW;
  const outerSrc = words[outer + IP.SRC + 3]!;
  const outerDst = words[outer + IP.DST + 3]!;
  const src0 = words[src]!;
  const dst0 = words[dst]!;
  if (outerDst >>> 16 === SIXOVER4_GROUPS) return KIND_EVIDENCE.sixover4;
  if (isIsatapWord(words[src + 2]!) && words[src + 3] === outerSrc) return KIND_EVIDENCE.isatap;
  if (isIsatapWord(words[dst + 2]!) && words[dst + 3] === outerDst) return KIND_EVIDENCE.isatap;
  const src6to4 = is6to4Word(src0);
  const dst6to4 = is6to4Word(dst0);
  if (src6to4 || dst6to4) {
    const matches =
      (src6to4 && sixtofourV4(src0, words[src + 1]!) === outerSrc) ||
      (dst6to4 && sixtofourV4(dst0, words[dst + 1]!) === outerDst);
    return matches ? KIND_EVIDENCE.sixtofour : KIND_EVIDENCE.foreign6to4;
  }
  for (const domain of sixrd) {
    if (inSixrdDomain(domain, src0, words[src + 1]!) || inSixrdDomain(domain, dst0, words[dst + 1]!)) {
      return KIND_EVIDENCE.sixrd;
    }
  }
  if (isLocalScope(src0) || isLocalScope(dst0)) return KIND_EVIDENCE.linkLocal;
  // Nothing configured: all 32 outer bits inside the upper half of the inner address give a 6rd domain away.
  const carriesSrc = outerSrc !== 0 && findV4InUpperBits(src0 | 0, words[src + 1]! | 0, outerSrc | 0) >= 0;
  const carriesDst = outerDst !== 0 && findV4InUpperBits(dst0 | 0, words[dst + 1]! | 0, outerDst | 0) >= 0;
  if (carriesSrc || carriesDst) return KIND_EVIDENCE.sixrd;
  if (isIsatapWord(words[src + 2]!) || isIsatapWord(words[dst + 2]!)) return KIND_EVIDENCE.foreignIsatap;
  return fromOriginator ? KIND_EVIDENCE.nativeFromOriginator : KIND_EVIDENCE.nativeFromResponder;
}

function isLocalScope(word0: number): boolean {
  return isLinkLocalWord(word0) || isMulticastWord(word0) || word0 === WORD_UNSPECIFIED;
}

/** Kind of an IPv6-in-IPv4 tunnel from all evidence so far. */
export function kindFromEvidence(evidence: number): number {
  if ((evidence & KIND_EVIDENCE.sixover4) !== 0) return KIND['6over4'];
  if ((evidence & KIND_EVIDENCE.isatap) !== 0) return KIND.isatap;
  if ((evidence & KIND_EVIDENCE.sixtofour) !== 0) return KIND['6to4'];
  if ((evidence & KIND_EVIDENCE.sixrd) !== 0) return KIND['6rd'];
  if ((evidence & NATIVE) !== 0) return KIND['6in4'];
  if ((evidence & KIND_EVIDENCE.foreign6to4) !== 0) return KIND['6to4'];
  return (evidence & KIND_EVIDENCE.foreignIsatap) !== 0 ? KIND.isatap : KIND['6in4'];
}

/**
 * Whether a tunnel is known to carry ordinary addresses both ways, as a configured one does. One direction is not enough:
 * a sender could make it so with one packet.
 */
export function isConfiguredTunnel(evidence: number): boolean {
  const automatic = KIND_EVIDENCE.isatap | KIND_EVIDENCE.sixtofour | KIND_EVIDENCE.sixover4;
  return (evidence & NATIVE) === NATIVE && (evidence & automatic) === 0;
}
