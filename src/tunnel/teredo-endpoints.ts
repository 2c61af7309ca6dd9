import type { LayerStack } from '../decode/layers.js';
import { TEREDO, TEREDO_BIT } from '../decode/layers.js';
import { TEREDO_SHAPE } from '../decode/teredo-evidence.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, TEREDO_CLASS } from '../model/vocabulary.js';
import { sum16 } from '../wire/checksum.js';
import { teredoFlags } from '../wire/embedded-address.js';
import { ICMPV6_TYPE, UDP_PORT } from '../wire/numbers.js';
import type { Site } from './site.js';
import { isServer } from './teredo-class.js';
import { TeredoClients } from './teredo-clients.js';
import { checkTeredoFormat } from './teredo-format-checks.js';
import { isServerPort, TeredoPacket } from './teredo-packet.js';
import { MET, TeredoPeers } from './teredo-peers.js';
import { TeredoQualificationChecks } from './teredo-qualification-checks.js';
import { checkTeredoRoles } from './teredo-role-checks.js';

/* Clients, and the four of TeredoPeers. */
const TABLES = 5;
const CONE_FLAG = 0x8000;
/* ICMPv6 echo: type, code, checksum, identifier and sequence number, data. */
const ECHO_IDENTITY = 4;
const ECHO_DATA = 8;
/** UDP ports of services that a Teredo datagram would be taken for, or be hidden among. */
const OTHER_SERVICES: ReadonlySet<number> = new Set([
  53, 67, 69, 123, 137, 161, 443, 500, 514, 1194, 1900, 3478, 4500, 5060, 5353, 5355, 11_211, 19_302, 51_820,
]);
const { holds: HOLDS, undetermined: UNDETERMINED, violated: VIOLATED } = CHECK_VALUE;

/**
 * What Teredo clients, servers and relays did, and the checks of a packet that follow from it, with those of its form and
 * its role. Bounded tables, each of `capacity` entries; packet time is the only clock.
 */
export class TeredoEndpoints {
  /** Entries that all tables together can have. */
  readonly capacity: number;
  readonly #site: Site;
  readonly #p: TeredoPacket;
  readonly #clients: TeredoClients;
  readonly #peers: TeredoPeers;
  readonly #qualification: TeredoQualificationChecks;

  constructor(stack: LayerStack, site: Site, capacity: number) {
    this.#site = site;
    this.#p = new TeredoPacket(stack);
    this.#clients = new TeredoClients(capacity);
    this.#peers = new TeredoPeers(capacity);
    this.capacity = TABLES * capacity;
    this.#qualification = new TeredoQualificationChecks(site, this.#clients);
  }

  get size(): number {
    return this.#clients.size + this.#peers.size;
  }

  get evictions(): number {
    return this.#clients.evictions + this.#peers.evictions;
  }

  expire(now: number): void {
    this.#clients.expire(now);
    this.#peers.expire(now);
  }

  /**
   * Checks Teredo encapsulation `level` and remembers what it tells. `time` is the packet's in seconds, `now` that of all
   * state. T07 to T09P are in `out` already.
   */
  check(level: number, teredoClass: number, time: number, now: number, out: CheckResults): void {
    const p = this.#p;
    if (!p.read(level, teredoClass, time)) return;
    const isTeredo = (p.words[p.teredo + TEREDO.EVIDENCE]! & TEREDO_SHAPE) !== 0;
    // IPv6 in UDP without any Teredo trait has T05 to itself.
    if (!isTeredo && !p.isQualification) return;
    this.#clients.see(p);
    checkTeredoFormat(p, out);
    checkTeredoRoles(p, this.#site, out);
    if (p.isQualification) this.#qualification.check(p, out);
    p.sourceIsQualified = this.#isQualified(p.sourceV4 | 0, p.sourcePort);
    p.destinationIsQualified = this.#isQualified(p.destinationV4 | 0, p.destinationPort);
    if (!p.isQualification) this.#checkTraffic(p, now, out);
    checkPorts(p, out);
  }

  #checkTraffic(p: TeredoPacket, now: number, out: CheckResults): void {
    this.#checkToServer(p, out);
    switch (p.teredoClass) {
      case TEREDO_CLASS['direct-bubble']:
      case TEREDO_CLASS['indirect-bubble-to-server']: {
        const key = (p.teredoClass << 16) | p.sourcePort;
        // A peer may be asked at each of its alternate addresses at once (RFC 6081 5.6.4.2).
        const isDirect = p.teredoClass === TEREDO_CLASS['direct-bubble'];
        const where = isDirect ? (p.destinationV4 ^ Math.imul(p.destinationPort, 0x9e3779b1)) >>> 0 : 0;
        out.decide(
          CHECK.T30,
          this.#peers.bubble(p.sourceV4, key, where, p.words, p.destination, p.time, now),
        );
        break;
      }
      case TEREDO_CLASS['indirect-bubble-from-server']:
        this.#checkForwarded(p, out);
        break;
      case TEREDO_CLASS.data:
      case TEREDO_CLASS['data-to-server']:
        this.#checkEnds(p, out);
        break;
      default:
    }
    if (p.isFromRelay) this.#checkRelay(p, now, out);
    this.#remember(p, now);
  }

  /* T12, T27: what goes to the port of servers. A relay may have that port too, or be one with the server. */
  #checkToServer(p: TeredoPacket, out: CheckResults): void {
    switch (p.teredoClass) {
      case TEREDO_CLASS['ping-test']:
        out.set(CHECK.T12, HOLDS);
        out.set(CHECK.T27, HOLDS);
        return;
      case TEREDO_CLASS['indirect-bubble-to-server']:
        out.set(CHECK.T27, HOLDS);
        return;
      case TEREDO_CLASS['data-to-server']:
        if (p.icmpType >= 0) out.set(CHECK.T27, HOLDS);
        else out.set(CHECK.T27, this.#goesToRelay(p) ? UNDETERMINED : VIOLATED);
        return;
      case TEREDO_CLASS.data: {
        const isTest = p.icmpType === ICMPV6_TYPE.ECHO_REQUEST && p.sourceIsTeredo && !p.destinationIsTeredo;
        if (!isTest || p.destinationPort !== UDP_PORT.TEREDO || this.#goesToRelay(p)) return;
        // A relay and its client meet before this: seen if the client is known from its start.
        out.set(CHECK.T12, this.#isKnownFromStart(p.sourceV4, p.sourcePort) ? VIOLATED : UNDETERMINED);
        return;
      }
      default:
    }
  }

  #goesToRelay(p: TeredoPacket): boolean {
    const how = this.#peers.howMet(p.sourceV4, p.sourcePort, p.destinationV4, p.destinationPort);
    return (how & (MET.byBubble | MET.asRelay)) !== 0;
  }

  /* T13: bubbles are forwarded by the server of the one that they are for. */
  #checkForwarded(p: TeredoPacket, out: CheckResults): void {
    if (!p.destinationIsTeredo) {
      out.set(CHECK.T13, UNDETERMINED);
      return;
    }
    const client = this.#clients.find(p.destinationV4, p.destinationPort);
    const isItsServer =
      isServer(p.sourceV4, p.words[p.destination + 1]!) ||
      (client >= 0 && this.#clients.server(client) === p.sourceV4);
    if (isItsServer) {
      // The server that the client was seen to have, which its address need not name, passes on what others send.
      out.set(CHECK.T07, CHECK_VALUE['not-applicable']);
      out.set(CHECK.T08, CHECK_VALUE['not-applicable']);
    }
    if (isServerPort(p.sourcePort) && isItsServer) out.set(CHECK.T13, HOLDS);
    // Without an origin it may be a direct bubble of a client or relay that has the port of servers.
    else out.set(CHECK.T13, (p.bits & TEREDO_BIT.origin) === 0 ? UNDETERMINED : VIOLATED);
  }

  /* T38: each Teredo address is where it says, or its holder was seen to qualify there. */
  #checkEnds(p: TeredoPacket, out: CheckResults): void {
    let worst: number = HOLDS;
    if (p.sourceIsTeredo && !p.sourceIsQualified) {
      worst = worse(worst, endOf(out.get(CHECK.T07), out.get(CHECK.T08)));
    }
    const goesToPeer = p.teredoClass === TEREDO_CLASS.data;
    if (p.destinationIsTeredo && goesToPeer && !p.destinationIsQualified) {
      worst = worse(worst, endOf(out.get(CHECK.T09), out.get(CHECK.T09P)));
    }
    out.set(CHECK.T38, worst);
  }

  /* T32, T33, T34: packets of IPv6 hosts, which a relay sends to a client. */
  #checkRelay(p: TeredoPacket, now: number, out: CheckResults): void {
    const { words, sourceV4: v4, sourcePort: port, destinationV4: clientV4, destinationPort: clientPort } = p;
    const peers = this.#peers;
    const met = peers.meet(clientV4 | 0, clientPort, v4 | 0, port, MET.asRelay, now);
    if (p.teredoClass === TEREDO_CLASS['ping-reply']) this.#checkEchoReply(p, now, out);
    else if ((teredoFlags(words[p.destination + 2]!) & CONE_FLAG) === 0) {
      if ((met & (MET.byClient | MET.byBubble)) !== 0) out.set(CHECK.T34, HOLDS);
      else {
        out.set(CHECK.T34, this.#isKnownFromStart(clientV4, clientPort) ? VIOLATED : UNDETERMINED);
      }
    }
    out.decide(CHECK.T33, peers.relay(clientV4 | 0, clientPort, words, p.source, v4, port, now));
  }

  #checkEchoReply(p: TeredoPacket, now: number, out: CheckResults): void {
    const client = this.#clients.find(p.destinationV4, p.destinationPort);
    const identity = echoIdentity(p);
    if (client < 0 || !this.#clients.hasSent(client) || identity < 0) {
      out.set(CHECK.T32, UNDETERMINED);
      return;
    }
    const { words, destinationV4, destinationPort } = p;
    const isEchoed = this.#peers.isEchoed(
      destinationV4,
      destinationPort,
      words,
      p.source,
      identity,
      echoData(p),
      now,
    );
    if (isEchoed) out.set(CHECK.T32, HOLDS);
    else out.set(CHECK.T32, this.#peers.forgotEchoes ? UNDETERMINED : VIOLATED);
  }

  #remember(p: TeredoPacket, now: number): void {
    const { words, sourceV4, sourcePort, destinationV4, destinationPort } = p;
    const peers = this.#peers;
    if (p.teredoClass === TEREDO_CLASS['indirect-bubble-from-server']) {
      if ((p.bits & TEREDO_BIT.origin) === 0) return;
      const v4 = words[p.teredo + TEREDO.ORIGIN_V4]!;
      peers.meet(
        destinationV4,
        destinationPort,
        v4,
        words[p.teredo + TEREDO.ORIGIN_PORT]!,
        MET.byBubble,
        now,
      );
      return;
    }
    if (!p.isSentByPeer) return;
    const isDirectBubble = p.teredoClass === TEREDO_CLASS['direct-bubble'];
    if (isDirectBubble)
      peers.meet(destinationV4 | 0, destinationPort, sourceV4 | 0, sourcePort, MET.byBubble, now);
    // Clients send bubbles from link-local addresses too.
    if (p.sourceIsTeredo || isDirectBubble) {
      peers.meet(sourceV4 | 0, sourcePort, destinationV4 | 0, destinationPort, MET.byClient, now);
    }
    if (!p.sourceIsTeredo) return;
    this.#clients.sent(p);
    if (p.icmpType !== ICMPV6_TYPE.ECHO_REQUEST) return;
    const identity = echoIdentity(p);
    if (identity < 0) return;
    peers.echoRequest(sourceV4, sourcePort, words, p.destination, identity, echoData(p), now);
  }

  #isQualified(v4: number, port: number): boolean {
    const slot = this.#clients.find(v4, port);
    return slot >= 0 && this.#clients.isQualified(slot);
  }

  #isKnownFromStart(v4: number, port: number): boolean {
    const slot = this.#clients.find(v4, port);
    return slot >= 0 && this.#clients.isKnownFromStart(slot) && !this.#peers.forgotPairs;
  }
}

/* T42. A client that was seen to qualify has its port for Teredo, whatever the number. */
function checkPorts(p: TeredoPacket, out: CheckResults): void {
  const { sourceIsQualified, destinationIsQualified } = p;
  const isOther =
    (!sourceIsQualified && OTHER_SERVICES.has(p.sourcePort)) ||
    (!destinationIsQualified && OTHER_SERVICES.has(p.destinationPort));
  const isTeredos =
    sourceIsQualified ||
    destinationIsQualified ||
    p.sourcePort === UDP_PORT.TEREDO ||
    p.destinationPort === UDP_PORT.TEREDO;
  out.set(CHECK.T42, isOther ? VIOLATED : isTeredos ? HOLDS : UNDETERMINED);
}

/* One end of a data packet, by the checks of its address and port. Symmetric NATs give other ports. */
function endOf(address: number, port: number): number {
  if (address === VIOLATED) return VIOLATED;
  return address === HOLDS && port === HOLDS ? HOLDS : UNDETERMINED;
}

function worse(a: number, b: number): number {
  if (a === VIOLATED || b === VIOLATED) return VIOLATED;
  return a === UNDETERMINED || b === UNDETERMINED ? UNDETERMINED : HOLDS;
}

/* Identifier and sequence number of an echo message, or -1 when they were not captured. */
function echoIdentity(p: TeredoPacket): number {
  const { stack } = p;
  const at = stack.at[p.last]!;
  return stack.end[p.last]! - at < ECHO_DATA ? -1 : stack.frame.view.getUint32(at + ECHO_IDENTITY);
}

/* Length and sum of an echo message's data, or 0 when not all of it was captured. */
function echoData(p: TeredoPacket): number {
  if (!p.isWhole) return 0;
  const { stack } = p;
  const at = stack.at[p.last]! + ECHO_DATA;
  const end = stack.end[p.last]!;
  return ((((end - at + 1) & 0xffff) << 16) | sum16(stack.frame, at, end, 0)) >>> 0;
}
