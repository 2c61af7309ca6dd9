import { ICMP, IP, TEREDO, TEREDO_BIT } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, TEREDO_CLASS } from '../model/vocabulary.js';
import { transportChecksumHolds } from '../wire/checksum.js';
import { isTeredoWord, teredoClient, teredoPort } from '../wire/embedded-address.js';
import { IP_PROTOCOL, UDP_PORT } from '../wire/numbers.js';
import type { Site } from './site.js';
import { AdvertisementOptions } from './teredo-advertisement.js';
import { isBehindNat } from './teredo-checks.js';
import { isServer } from './teredo-class.js';
import type { TeredoClients } from './teredo-clients.js';
import type { TeredoPacket } from './teredo-packet.js';
import { isServerPort } from './teredo-packet.js';

const HOP_LIMIT = 255;
const CONE_BIT = 0x80000000;
const ADDRESS_WORDS = 8;
const { holds: HOLDS, undetermined: UNDETERMINED, violated: VIOLATED } = CHECK_VALUE;

/** Checks of router solicitations and advertisements, by which clients qualify (RFC 4380 5.2.1, 5.3.2). */
export class TeredoQualificationChecks {
  readonly #site: Site;
  readonly #clients: TeredoClients;
  readonly #options = new AdvertisementOptions();

  constructor(site: Site, clients: TeredoClients) {
    this.#site = site;
    this.#clients = clients;
  }

  check(p: TeredoPacket, out: CheckResults): void {
    this.#checkMessage(p, out);
    if (p.teredoClass === TEREDO_CLASS['router-solicitation']) {
      this.#clients.solicited(p);
      return;
    }
    const client = this.#clients.find(p.destinationV4, p.destinationPort);
    const isWaiting = client >= 0 && this.#clients.isWaiting(client, p);
    const which = isWaiting ? this.#clients.askedFrom(client, p) : -1;
    const asked = which < 0 ? 0 : this.#clients.asked(client, which);
    out.decide(CHECK.T13, isServerPort(p.sourcePort));
    this.#checkServer(p, asked, out);
    this.#checkAnswer(p, client, isWaiting, which, out);
    this.#checkOrigin(p, client, out);
    // Anyone can send an advertisement: only an answer teaches.
    if (which >= 0 && this.#clients.askedWithNonce(client, p)) this.#clients.answered(client, p);
  }

  /* T20. */
  #checkMessage(p: TeredoPacket, out: CheckResults): void {
    const { stack, words } = p;
    const isFormed = words[p.inner + IP.TTL] === HOP_LIMIT && stack.word(p.last, ICMP.CODE) === 0;
    if (!isFormed) out.set(CHECK.T20, VIOLATED);
    else if (!p.isWhole) out.set(CHECK.T20, UNDETERMINED);
    else {
      const at = stack.at[p.last]!;
      const end = stack.end[p.last]!;
      const protocol = IP_PROTOCOL.ICMPV6;
      out.decide(
        CHECK.T20,
        transportChecksumHolds(stack.frame, at, end, protocol, words, p.source, ADDRESS_WORDS),
      );
    }
  }

  /* T14, T15, T21: who the advertisement says it is from, and what it gives. */
  #checkServer(p: TeredoPacket, asked: number, out: CheckResults): void {
    const { stack, words } = p;
    const server = teredoClient(words[p.source + 3]!);
    const port = words[p.source + 2]!;
    // Servers older than RFC 4380 do not invert the port.
    const isPort = teredoPort(port) === UDP_PORT.TEREDO || (port & 0xffff) === UDP_PORT.TEREDO;
    // A server may have any second address, but says its first, which is asked first.
    const isSender = isServer(p.sourceV4, server) || server === asked;
    if (isPort && isSender) out.set(CHECK.T14, HOLDS);
    else if (isPort && isBehindNat(words, p.outerSource, p.sourceV4, this.#site)) {
      out.set(CHECK.T14, UNDETERMINED);
    } else out.set(CHECK.T14, VIOLATED);
    if (!p.isWhole) {
      out.set(CHECK.T15, UNDETERMINED);
      out.set(CHECK.T21, UNDETERMINED);
      return;
    }
    const options = this.#options;
    options.read(stack.frame, stack.at[p.last]!, stack.end[p.last]!);
    out.decide(CHECK.T21, options.areSane);
    out.decide(
      CHECK.T15,
      options.prefixes === 1 && isTeredoWord(options.prefixHigh) && options.prefixLow === server,
    );
  }

  /* T16, T17, T18: whether it answers what the client asked. */
  #checkAnswer(p: TeredoPacket, client: number, isWaiting: boolean, which: number, out: CheckResults): void {
    const clients = this.#clients;
    if (client < 0 || !clients.wasSolicited(client)) {
      // Nothing of the client is seen: it may well have asked.
      out.set(CHECK.T16, UNDETERMINED);
      out.set(CHECK.T17, UNDETERMINED);
      out.set(CHECK.T18, UNDETERMINED);
      return;
    }
    out.decide(CHECK.T16, which >= 0);
    out.set(CHECK.T17, !isWaiting ? UNDETERMINED : clients.askedWithNonce(client, p) ? HOLDS : VIOLATED);
    if (which < 0) {
      out.set(CHECK.T18, UNDETERMINED);
      return;
    }
    const isCone = (p.words[p.destination + 2]! & CONE_BIT) !== 0;
    out.decide(CHECK.T18, isCone === (p.sourceV4 !== clients.asked(client, which)));
  }

  /* T19: what the client is told that it looks like from outside. */
  #checkOrigin(p: TeredoPacket, client: number, out: CheckResults): void {
    const { words } = p;
    if ((p.bits & TEREDO_BIT.origin) === 0) {
      out.set(CHECK.T19, VIOLATED);
      return;
    }
    const isSame =
      words[p.teredo + TEREDO.ORIGIN_V4] === p.destinationV4 &&
      words[p.teredo + TEREDO.ORIGIN_PORT] === p.destinationPort;
    const told = client < 0 ? 0 : this.#clients.comparedWithTold(client, p);
    if (told < 0) out.set(CHECK.T19, VIOLATED);
    else if (isSame) out.set(CHECK.T19, HOLDS);
    else if (isBehindNat(words, p.outerDestination, p.destinationV4, this.#site)) {
      out.set(CHECK.T19, told > 0 ? HOLDS : UNDETERMINED);
    } else out.set(CHECK.T19, VIOLATED);
  }
}
