import type { LayerStack } from '../decode/layers.js';
import { EXTENSION, HOP_OPTION, IP, LAYER, ROW, TEREDO, TEREDO_BIT, UDP } from '../decode/layers.js';
import { TEREDO_MOST_UDP } from '../decode/teredo.js';
import { DONT_FRAGMENT } from '../decode/ipv4.js';
import { VERDICT, VERDICTS } from '../decode/verdicts.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, TEREDO_CLASS } from '../model/vocabulary.js';
import { isMulticastWord, teredoFlags, teredoPort } from '../wire/embedded-address.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import type { TeredoPacket } from './teredo-packet.js';

/** Flags that no standard gives a meaning: R, U and G (RFC 5991 3.1). */
const UNDEFINED_FLAGS = 0x4300;
/** Well-known ports are nobody's mapped port; neither are these services, which answer many times what they are asked. */
const FIRST_USER_PORT = 1024;
const AMPLIFIERS: ReadonlySet<number> = new Set([1900, 11_211]);
/** Trailer types as bits of the Teredo layer's word. */
const TRAILER = { unknown: 1, nonce: 2, alternate: 8 } as const;
const ALL_NODES = 1;
const ALL_ROUTERS = 2;
const ECN = 3;
const ECN_IN_CLASS = 20;
const SOURCE_ROUTE = 0;
const IS_BROKEN = Uint8Array.from(VERDICTS, ({ family }) =>
  family === 'truncated' || family === 'malformed' ? 1 : 0,
);

/** Checks of the packet's own form, which need neither place nor memory. */
export function checkTeredoFormat(p: TeredoPacket, out: CheckResults): void {
  const { bits, stack, words } = p;
  const isCut = (bits & TEREDO_BIT.cutTrailer) !== 0;
  if (isCut) out.set(CHECK.T01, CHECK_VALUE.undetermined);
  else out.decide(CHECK.T01, (bits & TEREDO_BIT.malformedTrailer) === 0);
  out.decide(CHECK.T03, (bits & TEREDO_BIT.illegalOrder) === 0);
  checkLengths(p, out);
  if (p.sourceIsTeredo || p.destinationIsTeredo) checkAddressParts(p, out);
  if (stack.kind[p.last] === LAYER.nonext) checkBubble(p, out);
  if (isMulticastWord(words[p.destination]!)) checkGroup(p, out);
  if ((bits & TEREDO_BIT.trailer) !== 0) checkTrailers(p, isCut, out);
  checkHeaders(p, out);
  out.decide(CHECK.T40, isOuterUsual(words, p.outer, p.udp));
  out.decide(CHECK.T41, isCongestionUsual(words, p.outer, p.inner));
}

/**
 * Whether no check of the form can be violated by a packet without Teredo headers and trailers that carries TCP or UDP in
 * layer `transport`, when none was by another packet with its addresses and ports. UsualTunnel asks the same of frames.
 */
export function isUsualForm(stack: LayerStack, level: number, transport: number): boolean {
  const { words } = stack;
  const outer = stack.outerIp[level]! * ROW;
  const inner = stack.inner[level]! * ROW;
  return (
    transport === stack.inner[level]! + 1 &&
    words[inner + IP.TTL] !== 0 &&
    isOuterUsual(words, outer, (stack.header[level]! - 1) * ROW) &&
    isCongestionUsual(words, outer, inner)
  );
}

function isOuterUsual(words: Uint32Array, outer: number, udp: number): boolean {
  return (
    words[udp + UDP.LENGTH]! <= TEREDO_MOST_UDP && (words[outer + IP.FRAGMENT_WORD]! & DONT_FRAGMENT) === 0
  );
}

/* Not capable inside must be not capable outside; all else may come about on the way (RFC 6040 3-4). */
function isCongestionUsual(words: Uint32Array, outer: number, inner: number): boolean {
  return (words[outer + IP.CLASS]! & ECN) === 0 || ((words[inner + IP.CLASS]! >>> ECN_IN_CLASS) & ECN) !== 0;
}

function checkLengths(p: TeredoPacket, out: CheckResults): void {
  const { stack, words } = p;
  if (stack.incompleteFragment || stack.cutBySnapLength) {
    out.set(CHECK.T04, CHECK_VALUE.undetermined);
    return;
  }
  const isJumbo = words[p.inner + IP.LENGTH] === 0 && words[p.inner + IP.PROTOCOL] !== IP_PROTOCOL.NONE;
  // What is wrong in a tunnel inside this one is not this one's length.
  const isOwnEnd = p.last === stack.last && stack.verdict !== VERDICT.ok;
  out.decide(CHECK.T04, !isJumbo && !(isOwnEnd && IS_BROKEN[stack.verdict] === 1));
}

function checkAddressParts(p: TeredoPacket, out: CheckResults): void {
  let portsAreFree = true;
  let flagsAreLegal = true;
  for (let side = 0; side < 2; side++) {
    if (side === 0 ? !p.sourceIsTeredo : !p.destinationIsTeredo) continue;
    const word = p.words[(side === 0 ? p.source : p.destination) + 2]!;
    const port = teredoPort(word);
    if (port < FIRST_USER_PORT || AMPLIFIERS.has(port)) portsAreFree = false;
    if ((teredoFlags(word) & UNDEFINED_FLAGS) !== 0) flagsAreLegal = false;
  }
  out.decide(CHECK.T24, portsAreFree);
  out.decide(CHECK.T25, flagsAreLegal);
}

/* A bubble is nothing but an IPv6 header, from an address that a node can have. */
function checkBubble(p: TeredoPacket, out: CheckResults): void {
  const { words } = p;
  const source = words[p.source]!;
  out.decide(CHECK.T29, words[p.inner + IP.LENGTH] === 0 && source !== 0 && !isMulticastWord(source));
}

function checkGroup(p: TeredoPacket, out: CheckResults): void {
  const { words } = p;
  const group = words[p.destination + 3]!;
  const isLinkGroup =
    words[p.destination] === 0xff020000 && words[p.destination + 1] === 0 && words[p.destination + 2] === 0;
  const isSolicitation = p.teredoClass === TEREDO_CLASS['router-solicitation'];
  out.decide(
    CHECK.T36,
    isLinkGroup && ((isSolicitation && group === ALL_ROUTERS) || (p.isBubble && group === ALL_NODES)),
  );
}

/* RFC 6081 4: every defined trailer is for bubbles; an alternate address is for indirect ones, and needs a nonce. */
function checkTrailers(p: TeredoPacket, isCut: boolean, out: CheckResults): void {
  const types = p.words[p.teredo + TEREDO.TRAILER_TYPES]!;
  const hasAlternate = (types & TRAILER.alternate) !== 0;
  const isMisplaced = !p.isBubble || (hasAlternate && p.teredoClass === TEREDO_CLASS['direct-bubble']);
  const isWrong =
    isMisplaced ||
    (types & TRAILER.unknown) !== 0 ||
    (p.bits & TEREDO_BIT.malformedTrailer) !== 0 ||
    p.words[p.teredo + TEREDO.TRAILER_FAULTS] !== 0 ||
    (hasAlternate && (types & TRAILER.nonce) === 0 && !isCut);
  if (isCut && !isWrong) out.set(CHECK.T37, CHECK_VALUE.undetermined);
  else out.decide(CHECK.T37, !isWrong);
}

/* Nothing in a Teredo packet asks routers on the way for anything, or says which way to go. Bubbles may have hop limit 0. */
function checkHeaders(p: TeredoPacket, out: CheckResults): void {
  const { stack, words } = p;
  let isPlain = p.isBubble || words[p.inner + IP.TTL] !== 0;
  const ipLayer = p.inner / ROW;
  for (let layer = ipLayer + 1; layer <= p.last; layer++) {
    const kind = stack.kind[layer];
    if (kind === LAYER.routing && stack.word(layer, EXTENSION.DETAIL) === SOURCE_ROUTE) isPlain = false;
    if (kind === LAYER.hopopts) {
      const options = stack.word(layer, EXTENSION.OPTIONS);
      if ((options & (HOP_OPTION.routerAlert | HOP_OPTION.jumbo)) !== 0) isPlain = false;
    }
  }
  out.decide(CHECK.T39, isPlain);
}
