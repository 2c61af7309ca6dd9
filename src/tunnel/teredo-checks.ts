import type { LayerStack } from '../decode/layers.js';
import { IP, PORTS, ROW, TEREDO, TEREDO_BIT } from '../decode/layers.js';
import { TEREDO_PROPER } from '../decode/teredo-evidence.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, TEREDO_CLASS, VANTAGE } from '../model/vocabulary.js';
import { isTeredoWord, OLD_TEREDO_PREFIX, teredoClient, teredoPort } from '../wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope, isSiteScope } from '../wire/ipv4-space.js';
import type { Site } from './site.js';
import { isServer } from './teredo-class.js';

/**
 * Checks of one Teredo packet between its inner addresses and its outer header (RFC 4380 5.2-5.4). Behind a NAT without
 * a learned mapping the honest answer is "undetermined".
 */
export function checkTeredo(
  stack: LayerStack,
  level: number,
  teredoClass: number,
  site: Site,
  out: CheckResults,
): void {
  const words = stack.words;
  const inner = stack.inner[level]! * ROW;
  const evidence = words[stack.header[level]! * ROW + TEREDO.EVIDENCE]!;
  const srcIsTeredo = isTeredoWord(words[inner + IP.SRC]!);
  const dstIsTeredo = isTeredoWord(words[inner + IP.DST]!);
  out.decide(CHECK.T05, (evidence & TEREDO_PROPER) !== 0);
  if (srcIsTeredo || dstIsTeredo) {
    const isOld = words[inner + IP.SRC] === OLD_TEREDO_PREFIX || words[inner + IP.DST] === OLD_TEREDO_PREFIX;
    out.decide(CHECK.T26, !isOld);
    checkEmbedded(words, inner, srcIsTeredo, dstIsTeredo, out);
  }
  if (srcIsTeredo) checkSource(stack, level, teredoClass, site, out);
  if (dstIsTeredo) checkDestination(stack, level, teredoClass, site, out);
}

function checkEmbedded(
  words: Uint32Array,
  inner: number,
  srcIsTeredo: boolean,
  dstIsTeredo: boolean,
  out: CheckResults,
): void {
  let clients = true;
  let servers = true;
  for (let side = 0; side < 2; side++) {
    if (side === 0 ? !srcIsTeredo : !dstIsTeredo) continue;
    const address = inner + (side === 0 ? IP.SRC : IP.DST);
    const client = teredoClient(words[address + 3]!);
    const server = words[address + 1]!;
    if (ipv4Scope(client | 0) !== IPV4_SCOPE.global) clients = false;
    if (ipv4Scope(server | 0) !== IPV4_SCOPE.global || server === client) servers = false;
  }
  out.decide(CHECK.T22, clients);
  out.decide(CHECK.T23, servers);
}

/* T07, T08: the sender is the client that its address names, unless a server forwards for it. */
function checkSource(
  stack: LayerStack,
  level: number,
  teredoClass: number,
  site: Site,
  out: CheckResults,
): void {
  if (teredoClass === TEREDO_CLASS['indirect-bubble-from-server'] && isForwarded(stack, level)) return;
  if (teredoClass === TEREDO_CLASS['local-discovery']) return;
  const words = stack.words;
  const inner = stack.inner[level]! * ROW + IP.SRC;
  const outer = stack.outerIp[level]! * ROW + IP.SRC;
  const port = words[(stack.header[level]! - 1) * ROW + PORTS.SRC]!;
  compare(words, inner, outer, port, site, CHECK.T07, CHECK.T08, out);
}

/*
 * Whether a bubble from the port of servers is one that a server passes on: with an origin indication (RFC 4380 5.3.1), or from
 * the server that the destination names. A peer may have that port too.
 */
function isForwarded(stack: LayerStack, level: number): boolean {
  const { words } = stack;
  if ((words[stack.header[level]! * ROW + TEREDO.BITS]! & TEREDO_BIT.origin) !== 0) return true;
  const destination = stack.inner[level]! * ROW + IP.DST;
  const sender = words[stack.outerIp[level]! * ROW + IP.SRC + 3]!;
  return isTeredoWord(words[destination]!) && isServer(sender, words[destination + 1]!);
}

/* T09, T10: the packet goes where the destination address says. */
function checkDestination(
  stack: LayerStack,
  level: number,
  teredoClass: number,
  site: Site,
  out: CheckResults,
): void {
  const words = stack.words;
  const inner = stack.inner[level]! * ROW + IP.DST;
  const outer = stack.outerIp[level]! * ROW + IP.DST;
  const port = words[(stack.header[level]! - 1) * ROW + PORTS.DST]!;
  switch (teredoClass) {
    case TEREDO_CLASS['direct-bubble']:
    case TEREDO_CLASS['ping-reply']:
    case TEREDO_CLASS.data:
      compare(words, inner, outer, port, site, CHECK.T09, CHECK.T09P, out);
      return;
    case TEREDO_CLASS['indirect-bubble-from-server']:
      compare(words, inner, outer, port, site, CHECK.T10, CHECK.T10P, out);
      return;
    default:
  }
}

/*
 * Compares the client inside the Teredo address at `inner` with the outer endpoint at `outer`, or with what is known to
 * stand for that endpoint outside the NAT.
 */
function compare(
  words: Uint32Array,
  inner: number,
  outer: number,
  port: number,
  site: Site,
  addressCheck: number,
  portCheck: number,
  out: CheckResults,
): void {
  const v4 = words[outer + 3]!;
  let expectedV4 = v4;
  let expectedPort = port;
  if (site.findMapping(v4 | 0, port)) {
    expectedV4 = site.mappedV4;
    expectedPort = site.mappedPort;
  } else if (isBehindNat(words, outer, v4 | 0, site)) {
    out.set(addressCheck, CHECK_VALUE.undetermined);
    out.set(portCheck, CHECK_VALUE.undetermined);
    return;
  }
  const sameAddress = teredoClient(words[inner + 3]!) === expectedV4;
  out.decide(addressCheck, sameAddress);
  // A port can be compared only when the address is right.
  if (sameAddress) out.decide(portCheck, teredoPort(words[inner + 2]!) === expectedPort);
}

/** Whether an endpoint without a learned mapping may stand behind a NAT. */
export function isBehindNat(words: Uint32Array, outer: number, v4: number, site: Site): boolean {
  if (site.vantage === VANTAGE.outside) return false;
  if (isSiteScope(ipv4Scope(v4))) return true;
  return site.vantage === VANTAGE.inside && site.isLocal(words, outer);
}
