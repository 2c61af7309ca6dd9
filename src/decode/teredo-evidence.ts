import { transportChecksumHolds } from '../wire/checksum.js';
import {
  isLinkLocalWord,
  isMulticastWord,
  isTeredoWord,
  teredoClient,
  teredoPort,
} from '../wire/embedded-address.js';
import { ICMPV6_TYPE, IP_PROTOCOL, UDP_PORT } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { ICMP, IP, LAYER, PORTS, ROW, TEREDO, TEREDO_BIT, UDP } from './layers.js';
import { VERDICT, VERDICTS } from './verdicts.js';

/** What speaks for (and against) a UDP payload being Teredo. Bits of the Teredo layer's evidence word. */
export const EVIDENCE = {
  /** An inner address lies in 2001::/32 or 3ffe:831f::/32. */
  teredoAddress: 1,
  /** An embedded client address equals the outer address on the same side. */
  embeddedMatch: 2,
  /** Router solicitation or advertisement of the shape that qualification has (RFC 4380 5.2.1). */
  qualification: 4,
  servicePort: 8,
  authentication: 16,
  origin: 32,
  /** Nothing but well-formed trailers after the IPv6 packet. */
  exactLength: 64,
  innerChecksum: 128,
  plausibleAddresses: 256,
  implausibleAddresses: 512,
  badInnerChecksum: 1024,
  /** The IPv6 header walk failed, not for lack of captured bytes. */
  walkFailed: 2048,
} as const;

const WEIGHT: readonly (readonly [bit: number, points: number])[] = [
  [EVIDENCE.teredoAddress, 3],
  [EVIDENCE.embeddedMatch, 3],
  [EVIDENCE.qualification, 3],
  [EVIDENCE.servicePort, 2],
  [EVIDENCE.authentication, 1],
  [EVIDENCE.origin, 2],
  [EVIDENCE.exactLength, 1],
  [EVIDENCE.innerChecksum, 2],
  [EVIDENCE.plausibleAddresses, 1],
  [EVIDENCE.implausibleAddresses, -1],
  [EVIDENCE.badInnerChecksum, -2],
  [EVIDENCE.walkFailed, -3],
];

/** A first packet needs this score to open a tunnel; a later one of a known tunnel needs only {@link KNOWN_SCORE}. */
export const ACCEPT_SCORE = 4;
export const KNOWN_SCORE = 0;

/** What only Teredo addresses and qualification have (T05). Others can write a header in front of any packet. */
export const TEREDO_PROPER = EVIDENCE.teredoAddress | EVIDENCE.qualification;

/** What makes a tunnel Teredo by its first packet: without any of these it is raw IPv6 in UDP. */
export const TEREDO_SHAPE =
  EVIDENCE.teredoAddress | EVIDENCE.qualification | EVIDENCE.authentication | EVIDENCE.origin;

/**
 * Weighs encapsulation `level` of a decoded packet, writes evidence and score into its Teredo layer and returns the
 * score. The inner checksum is computed only when it can decide.
 */
export function scoreTeredo(out: LayerStack, level: number): number {
  const teredo = out.header[level]!;
  const inner = out.inner[level]!;
  const words = out.words;
  const row = teredo * ROW;
  const bits = words[row + TEREDO.BITS]!;
  const udp = (teredo - 1) * ROW;
  let evidence = 0;
  if (words[udp + PORTS.SRC] === UDP_PORT.TEREDO || words[udp + PORTS.DST] === UDP_PORT.TEREDO) {
    evidence |= EVIDENCE.servicePort;
  }
  if ((bits & TEREDO_BIT.auth) !== 0) evidence |= EVIDENCE.authentication;
  if ((bits & TEREDO_BIT.origin) !== 0) evidence |= EVIDENCE.origin;
  if ((bits & TEREDO_BIT.malformedTrailer) === 0) evidence |= EVIDENCE.exactLength;
  if (walkFailed(out, level)) evidence |= EVIDENCE.walkFailed;
  if (inner < out.count) evidence |= addressEvidence(out, level);

  let score = scoreOf(evidence);
  if (score < ACCEPT_SCORE && score + 2 >= KNOWN_SCORE && inner < out.count) {
    evidence |= checksumEvidence(out, inner);
    score = scoreOf(evidence);
  }
  words[row + TEREDO.EVIDENCE] = evidence;
  words[row + TEREDO.SCORE] = score > 0 ? score : 0;
  return score;
}

/* Score by evidence: a look-up, because every Teredo packet is weighed. */
const SCORE = Int8Array.from({ length: 2 ** WEIGHT.length }, (_, evidence) =>
  WEIGHT.reduce((sum, [bit, points]) => ((evidence & bit) === 0 ? sum : sum + points), 0),
);

function scoreOf(evidence: number): number {
  return SCORE[evidence]!;
}

/* The walk of this level failed when the packet ended here, in a way that whole bytes contradict. */
function walkFailed(out: LayerStack, level: number): boolean {
  if (out.encapsulations !== level + 1 || out.cutBySnapLength) return false;
  if (out.verdict === VERDICT.unknown_protocol) return true;
  const family = VERDICTS[out.verdict]!.family;
  if (family === 'truncated' || family === 'malformed') return true;
  // "No next header" with a payload is a bubble no more.
  const last = out.count - 1;
  return out.kind[last] === LAYER.nonext && out.word(out.ip, IP.LENGTH) !== 0;
}

function addressEvidence(out: LayerStack, level: number): number {
  const words = out.words;
  const src = out.inner[level]! * ROW + IP.SRC;
  const dst = out.inner[level]! * ROW + IP.DST;
  const outer = out.outerIp[level]! * ROW;
  const udp = (out.header[level]! - 1) * ROW;
  const src0 = words[src]!;
  const dst0 = words[dst]!;
  let evidence = 0;
  if (isTeredoWord(src0)) {
    evidence |= EVIDENCE.teredoAddress;
    const sameAddress = teredoClient(words[src + 3]!) === words[outer + IP.SRC + 3];
    if (sameAddress && teredoPort(words[src + 2]!) === words[udp + PORTS.SRC])
      evidence |= EVIDENCE.embeddedMatch;
  }
  if (isTeredoWord(dst0)) {
    evidence |= EVIDENCE.teredoAddress;
    const sameAddress = teredoClient(words[dst + 3]!) === words[outer + IP.DST + 3];
    if (sameAddress && teredoPort(words[dst + 2]!) === words[udp + PORTS.DST])
      evidence |= EVIDENCE.embeddedMatch;
  }
  if (isQualification(out, src0, dst0)) evidence |= EVIDENCE.qualification;
  const plausible = isUnicast(src0) && (isUnicast(dst0) || isMulticastWord(dst0));
  return evidence | (plausible ? EVIDENCE.plausibleAddresses : EVIDENCE.implausibleAddresses);
}

/**
 * Whether the inner addresses, by their first words, are enough for any packet whose walk went well and that ends where
 * its lengths say: {@link scoreTeredo} accepts it whatever the outer header and the payload are.
 */
export function isTeredoByAddresses(src0: number, dst0: number): boolean {
  return (isTeredoWord(src0) || isTeredoWord(dst0)) && isUnicast(src0) && isUnicast(dst0);
}

/* RS or RA: link-local source, hop limit 255 (RFC 4861 6.1), nothing between IPv6 and ICMPv6. */
function isQualification(out: LayerStack, src0: number, dst0: number): boolean {
  const last = out.count - 1;
  if (out.kind[last] !== LAYER.icmpv6 || out.ip !== last - 1 || !isLinkLocalWord(src0)) return false;
  if (out.word(out.ip, IP.TTL) !== 255) return false;
  const type = out.word(last, ICMP.TYPE);
  if (type === ICMPV6_TYPE.ROUTER_SOLICITATION) return isMulticastWord(dst0);
  return type === ICMPV6_TYPE.ROUTER_ADVERTISEMENT && isLinkLocalWord(dst0);
}

/* 2000::/3, fc00::/7, fe80::/10. */
function isUnicast(word0: number): boolean {
  return word0 >>> 29 === 1 || word0 >>> 25 === 0x7e || isLinkLocalWord(word0);
}

/* The transport checksum directly inside the IPv6 packet at layer `inner`, when every octet of it was captured. */
function checksumEvidence(out: LayerStack, inner: number): number {
  let leaf = inner + 1;
  while (leaf < out.count && out.kind[leaf]! >= LAYER.hopopts && out.kind[leaf]! <= LAYER.experimental)
    leaf++;
  if (leaf >= out.count || out.fragmentLayer >= 0 || out.incompleteFragment || out.nextEnd < out.wireEnd)
    return 0;
  const protocol = transportProtocol(out, leaf);
  if (protocol < 0) return 0;
  const address = inner * ROW + IP.SRC;
  const holds = transportChecksumHolds(
    out.frame,
    out.at[leaf]!,
    out.end[leaf]!,
    protocol,
    out.words,
    address,
    8,
  );
  return holds ? EVIDENCE.innerChecksum : EVIDENCE.badInnerChecksum;
}

function transportProtocol(out: LayerStack, leaf: number): number {
  switch (out.kind[leaf]) {
    case LAYER.tcp:
      return IP_PROTOCOL.TCP;
    case LAYER.icmpv6:
      return IP_PROTOCOL.ICMPV6;
    case LAYER.udp:
      return out.word(leaf, UDP.CHECKSUM) === 0 ? -1 : IP_PROTOCOL.UDP;
    default:
      return -1;
  }
}
