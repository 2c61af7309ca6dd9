import { IP, TEREDO_BIT } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, TEREDO_CLASS } from '../model/vocabulary.js';
import {
  is6to4Word,
  isLinkLocalWord,
  isMulticastWord,
  isTeredoWord,
  sixtofourV4,
  teredoClient,
  teredoPort,
} from '../wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope } from '../wire/ipv4-space.js';
import { UDP_PORT } from '../wire/numbers.js';
import type { Site } from './site.js';
import { isBehindNat } from './teredo-checks.js';
import { DISCOVERY_GROUP, isServer } from './teredo-class.js';
import type { TeredoPacket } from './teredo-packet.js';
import { isServerPort } from './teredo-packet.js';

const DISCOVERY_TTL = 1;
const DOCUMENTATION_PREFIX = 0x20010db8;
const ALL_NODES = [0xff020000, 0, 0, 1] as const;

/** Checks of who may send what where; they need the site, but no memory. */
export function checkTeredoRoles(p: TeredoPacket, site: Site, out: CheckResults): void {
  checkHeadersOfRole(p, out);
  if (p.isBubble) {
    checkServerOfBubble(p, site, out);
    checkDiscovery(p, site, out);
  }
  checkLoop(p, out);
  if (p.isFromRelay) out.decide(CHECK.T35, isHostOfRelay(p, site));
}

/* T02: authentication is for qualification, and an origin indication is what servers add. */
function checkHeadersOfRole(p: TeredoPacket, out: CheckResults): void {
  const { bits } = p;
  if ((bits & (TEREDO_BIT.auth | TEREDO_BIT.origin)) === 0) return;
  const isStrayAuth = (bits & TEREDO_BIT.auth) !== 0 && !p.isQualification;
  const isStrayOrigin = (bits & TEREDO_BIT.origin) !== 0 && !isServerPort(p.sourcePort);
  out.decide(CHECK.T02, !isStrayAuth && !isStrayOrigin);
}

/* T11: a bubble to the port of servers goes to the server of its destination, or to a client that has that port. */
function checkServerOfBubble(p: TeredoPacket, site: Site, out: CheckResults): void {
  if (!p.destinationIsTeredo) return;
  if (p.teredoClass === TEREDO_CLASS['indirect-bubble-to-server']) out.decide(CHECK.T11, true);
  if (p.teredoClass !== TEREDO_CLASS['direct-bubble'] || p.destinationPort !== UDP_PORT.TEREDO) return;
  if (teredoPort(p.words[p.destination + 2]!) === UDP_PORT.TEREDO) return;
  if (site.findMapping(p.destinationV4, p.destinationPort)) return;
  if (isBehindNat(p.words, p.outerDestination, p.destinationV4, site)) {
    out.set(CHECK.T11, CHECK_VALUE.undetermined);
  } else out.decide(CHECK.T11, false);
}

/* T31: local discovery goes to its group alone, not beyond the link, and names the sender's own address. */
function checkDiscovery(p: TeredoPacket, site: Site, out: CheckResults): void {
  const { words } = p;
  const isToGroup = p.destinationV4 === DISCOVERY_GROUP;
  let isToAllNodes = true;
  for (let i = 0; i < 4; i++) if (words[p.destination + i] !== ALL_NODES[i]) isToAllNodes = false;
  if (!isToGroup && !isToAllNodes) return;
  const isLocal =
    isToGroup &&
    isToAllNodes &&
    p.sourceIsTeredo &&
    words[p.outer + IP.TTL] === DISCOVERY_TTL &&
    p.destinationPort === UDP_PORT.TEREDO;
  if (!isLocal) {
    out.decide(CHECK.T31, false);
    return;
  }
  let v4 = p.sourceV4;
  let port = p.sourcePort;
  if (site.findMapping(v4, port)) {
    v4 = site.mappedV4;
    port = site.mappedPort;
  } else if (isBehindNat(words, p.outerSource, v4, site)) {
    out.set(CHECK.T31, CHECK_VALUE.undetermined);
    return;
  }
  const isOwn = teredoClient(words[p.source + 3]!) === v4 && teredoPort(words[p.source + 2]!) === port;
  out.decide(CHECK.T31, isOwn);
}

/* T28: no address in the packet makes a node send to itself. */
function checkLoop(p: TeredoPacket, out: CheckResults): void {
  const { words } = p;
  let isLoop = p.sourceV4 === p.destinationV4 && p.sourcePort === p.destinationPort;
  let isSameAddress = true;
  for (let i = 0; i < 4; i++) {
    if (words[p.source + i] !== words[p.destination + i]) isSameAddress = false;
  }
  if (isSameAddress) isLoop = true;
  if (p.sourceIsTeredo && isServerItself(words, p.source)) isLoop = true;
  if (p.destinationIsTeredo) {
    if (isServerItself(words, p.destination) || isSenderItself(p)) isLoop = true;
    // A server that sends to itself what is for a client of its own.
    const server = words[p.destination + 1]!;
    const isOwn = isServer(p.sourceV4, server) && isServer(p.destinationV4, server);
    if (isOwn && p.sourcePort === UDP_PORT.TEREDO && p.destinationPort === UDP_PORT.TEREDO) isLoop = true;
  }
  out.decide(CHECK.T28, !isLoop);
}

/* A client address that is its own server's. */
function isServerItself(words: Uint32Array, address: number): boolean {
  const server = words[address + 1]!;
  const client = teredoClient(words[address + 3]!);
  const isItsPort = teredoPort(words[address + 2]!) === UDP_PORT.TEREDO;
  return client === server || (isItsPort && isServer(client, server));
}

function isSenderItself(p: TeredoPacket): boolean {
  const { words } = p;
  const isItsAddress = teredoClient(words[p.destination + 3]!) === p.sourceV4;
  return isItsAddress && teredoPort(words[p.destination + 2]!) === p.sourcePort;
}

/* T35: a relay sends for hosts of the IPv6 Internet, and not for the site's own. */
function isHostOfRelay(p: TeredoPacket, site: Site): boolean {
  const { words } = p;
  const w0 = words[p.source]!;
  // Unspecified, loopback, IPv4-mapped and -compatible addresses begin with 0.
  if (w0 === 0 || isTeredoWord(w0) || w0 === DOCUMENTATION_PREFIX || isMulticastWord(w0)) return false;
  // fe80::/10, the withdrawn fec0::/10, and fc00::/7.
  if (isLinkLocalWord(w0) || (w0 & 0xffc00000) >>> 0 === 0xfec00000 || w0 >>> 25 === 0x7e) return false;
  if (is6to4Word(w0) && ipv4Scope(sixtofourV4(w0, words[p.source + 1]!)) !== IPV4_SCOPE.global) return false;
  return !site.isLocal(words, p.source) || site.isLocal(words, p.outerSource);
}
