import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE } from '../model/vocabulary.js';
import { BoundedTable } from '../state/bounded-table.js';
import { isIsatapWord, isLinkLocalWord, isMulticastWord } from '../wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope } from '../wire/ipv4-space.js';
import { ICMPV6_TYPE } from '../wire/numbers.js';
import type { Proto41Packet } from './proto41-packet.js';
import type { Site } from './site.js';

const MAX_ROUTERS = 4_096;
const MAX_SOLICITATIONS = 4_096;
/** Seconds within which an advertisement belongs to a solicitation (RFC 4861 10: three, four seconds apart). */
const ANSWER_SECONDS = 12;
/** A router advertisement has not passed a router (RFC 4861 6.1.2). */
const UNTOUCHED_HOP_LIMIT = 255;
const UNIVERSAL_BIT = 0x02000000;
const GROUP_BIT = 0x01000000;
const MULTICAST_V4 = 0xe;

/** Checks of ISATAP (RFC 5214). Remembers routers and who asked them. */
export class IsatapChecks {
  /** Routers and solicitations that can be remembered. */
  static readonly CAPACITY = MAX_ROUTERS + MAX_SOLICITATIONS;
  readonly #site: Site;
  /** Senders of ISATAP router advertisements that were asked for: the potential router list as far as it was seen (RFC 5214 8.3). */
  readonly #routers = new BoundedTable({ keyWords: 1, capacity: MAX_ROUTERS });
  /** Host and router of each solicitation. */
  readonly #solicitations = new BoundedTable({ keyWords: 2, capacity: MAX_SOLICITATIONS });

  constructor(site: Site) {
    this.#site = site;
  }

  get size(): number {
    return this.#routers.size + this.#solicitations.size;
  }

  get evictions(): number {
    return this.#routers.evictions + this.#solicitations.evictions;
  }

  check(packet: Proto41Packet, now: number, out: CheckResults): void {
    const { words, src, dst, outerSrc, outerDst } = packet;
    const srcIsIsatap = isIsatapWord(words[src + 2]!);
    const dstIsIsatap = isIsatapWord(words[dst + 2]!);
    if (packet.icmpType === ICMPV6_TYPE.ROUTER_SOLICITATION && srcIsIsatap) {
      this.#solicited(outerSrc, outerDst, now);
    }
    const isAdvertisement = packet.icmpType === ICMPV6_TYPE.ROUTER_ADVERTISEMENT;
    // Anyone can advertise himself: a router is whom a host had asked.
    if (isAdvertisement && this.#isAnswer(packet, now)) this.#learnRouter(outerSrc, now);
    if (!srcIsIsatap && !dstIsIsatap) return;
    checkForm(words, srcIsIsatap ? src : -1, dstIsIsatap ? dst : -1, out);
    if (packet.isConfigured) return;
    if (srcIsIsatap) out.decide(CHECK.I01, words[src + 3] === outerSrc || this.#isRouter(outerSrc));
    this.#checkDestination(packet, srcIsIsatap, dstIsIsatap, out);
    if (isAdvertisement) this.#checkAdvertisement(packet, now, out);
    const agrees =
      (srcIsIsatap && words[src + 3] === outerSrc) || (dstIsIsatap && words[dst + 3] === outerDst);
    if (agrees) this.#checkPerimeter(packet, out);
  }

  /* I02: to the IPv4 address that the destination names, or through a router; and no multicast. */
  #checkDestination(
    packet: Proto41Packet,
    srcIsIsatap: boolean,
    dstIsIsatap: boolean,
    out: CheckResults,
  ): void {
    const { words, src, dst, outerSrc, outerDst } = packet;
    const isOwnSource = srcIsIsatap && words[src + 3] === outerSrc;
    if (dstIsIsatap) {
      if (words[dst + 3] === outerDst || this.#isRouter(outerDst)) {
        out.set(CHECK.I02, CHECK_VALUE.holds);
        return;
      }
      const sameLink = words[src] === words[dst] && words[src + 1] === words[dst + 1];
      // A node on another link is reached through a router, which may not have been seen to advertise itself.
      const isOnLink = isLinkLocalWord(words[dst]!) || (isOwnSource && sameLink);
      out.set(CHECK.I02, isOnLink ? CHECK_VALUE.violated : CHECK_VALUE.undetermined);
      return;
    }
    // In 6over4 the IPv4 network carries groups. Windows solicits all routers, by unicast IPv4.
    if (outerDst >>> 28 === MULTICAST_V4 || packet.icmpType === ICMPV6_TYPE.ROUTER_SOLICITATION) return;
    if (isOwnSource && isMulticastWord(words[dst]!)) out.set(CHECK.I02, CHECK_VALUE.violated);
  }

  /* I03: names are asked outside of the tunnel, so the list of routers is what advertised itself when it was asked to. */
  #checkAdvertisement(packet: Proto41Packet, now: number, out: CheckResults): void {
    if (!isOwnAddress(packet) || packet.hopLimit !== UNTOUCHED_HOP_LIMIT) {
      out.set(CHECK.I03, CHECK_VALUE.violated);
      return;
    }
    const wasAsked = this.#isAnswer(packet, now);
    out.set(CHECK.I03, wasAsked ? CHECK_VALUE.holds : CHECK_VALUE.undetermined);
  }

  /* I04 */
  #checkPerimeter({ words, outerSrcAt, outerDstAt }: Proto41Packet, out: CheckResults): void {
    const srcIsLocal = this.#site.isLocal(words, outerSrcAt);
    const dstIsLocal = this.#site.isLocal(words, outerDstAt);
    if (!srcIsLocal && !dstIsLocal) out.set(CHECK.I04, CHECK_VALUE.undetermined);
    else out.decide(CHECK.I04, srcIsLocal && dstIsLocal);
  }

  #isAnswer(packet: Proto41Packet, now: number): boolean {
    return (
      isOwnAddress(packet) &&
      packet.hopLimit === UNTOUCHED_HOP_LIMIT &&
      this.#wasSolicited(packet.outerDst, packet.outerSrc, now)
    );
  }

  #learnRouter(v4: number, now: number): void {
    this.#routers.key[0] = v4;
    remember(this.#routers, now);
  }

  #isRouter(v4: number): boolean {
    this.#routers.key[0] = v4;
    return this.#routers.find() >= 0;
  }

  #solicited(host: number, router: number, now: number): void {
    this.#solicitations.key[0] = host;
    this.#solicitations.key[1] = router;
    remember(this.#solicitations, now);
  }

  #wasSolicited(host: number, router: number, now: number): boolean {
    this.#solicitations.key[0] = host;
    this.#solicitations.key[1] = router;
    const slot = this.#solicitations.find();
    return slot >= 0 && now - this.#solicitations.lastActive(slot) <= ANSWER_SECONDS;
  }
}

function remember(table: BoundedTable, now: number): void {
  const slot = table.find();
  if (slot < 0) table.insert(now);
  else table.touch(slot, now);
}

/* Whether the source is the link-local ISATAP address of the sender. */
function isOwnAddress({ words, src, outerSrc }: Proto41Packet): boolean {
  return isLinkLocalWord(words[src]!) && isIsatapWord(words[src + 2]!) && words[src + 3] === outerSrc;
}

/*
 * I05: the universal bit is for addresses that are known to be unique in the world (RFC 5214 6.1). Without the bit a public
 * address is right too.
 */
function checkForm(words: Uint32Array, src: number, dst: number, out: CheckResults): void {
  out.decide(CHECK.I05, isWellFormed(words, src) && isWellFormed(words, dst));
}

function isWellFormed(words: Uint32Array, at: number): boolean {
  if (at < 0) return true;
  const word = words[at + 2]!;
  if ((word & GROUP_BIT) !== 0) return false;
  return (word & UNIVERSAL_BIT) === 0 || ipv4Scope(words[at + 3]!) === IPV4_SCOPE.global;
}
