import type { LayerStack } from '../decode/layers.js';
import { ICMP, IP, LAYER, ROW } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, VANTAGE } from '../model/vocabulary.js';
import { BoundedTable } from '../state/bounded-table.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import {
  inSixrdDomain,
  is6to4Word,
  isIsatapWord,
  isLinkLocalWord,
  SIXTOFOUR_ANYCAST_NETWORK,
  sixrdBitsOf,
  sixrdV4Bits,
  sixtofourV4,
} from '../wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope, isSiteScope } from '../wire/ipv4-space.js';
import { ICMPV6_TYPE } from '../wire/numbers.js';
import { lastLayer } from './level.js';
import type { Site } from './site.js';

const MAX_ISATAP_ROUTERS = 4_096;
/** 2002:c058:6301::, the relay anycast address itself, is legal as a destination (RFC 3068 2.5). */
const ANYCAST_RELAY = 0xc0586301;

/** Checks of protocol 41 between inner IPv6 and outer IPv4 addresses (RFC 3964, RFC 5214 7.3, RFC 5969 9.2). */
export class Proto41Checks {
  readonly #site: Site;
  readonly #sixrd: readonly SixrdDomain[];
  /** Senders of ISATAP router advertisements: the potential router list as far as it was seen (RFC 5214 8.3). */
  readonly #isatapRouters = new BoundedTable({ keyWords: 1, capacity: MAX_ISATAP_ROUTERS });

  constructor(site: Site, sixrd: readonly SixrdDomain[]) {
    this.#site = site;
    this.#sixrd = sixrd;
  }

  /**
   * `isConfigured` says that the tunnel is known to carry native addresses both ways: then addresses of automatic
   * tunnels inside it are only passing through.
   */
  check(stack: LayerStack, level: number, isConfigured: boolean, now: number, out: CheckResults): void {
    const words = stack.words;
    const inner = stack.inner[level]! * ROW;
    const outer = stack.outerIp[level]! * ROW;
    const outerSrc = words[outer + IP.SRC + 3]!;
    const outerDst = words[outer + IP.DST + 3]!;
    if ((outerDst & 0xffffff00) >>> 0 === SIXTOFOUR_ANYCAST_NETWORK) out.set(CHECK.S12, CHECK_VALUE.violated);
    const src = inner + IP.SRC;
    const dst = inner + IP.DST;
    if (is6to4Word(words[src]!) || is6to4Word(words[dst]!)) {
      this.#check6to4(words, src, dst, outerSrc, outerDst, isConfigured, out);
    }
    this.#learnIsatapRouter(stack, level, outerSrc, now);
    if (isIsatapWord(words[src + 2]!) && !isConfigured) {
      out.decide(CHECK.I01, words[src + 3] === outerSrc || this.#isIsatapRouter(outerSrc));
    }
    for (const domain of this.#sixrd) {
      if (inSixrdDomain(domain, words[src]!, words[src + 1]!)) {
        out.decide(
          CHECK.R01,
          sixrdBitsOf(domain, words[src]!, words[src + 1]!) === sixrdV4Bits(domain, outerSrc),
        );
      }
    }
  }

  #check6to4(
    words: Uint32Array,
    src: number,
    dst: number,
    outerSrc: number,
    outerDst: number,
    isConfigured: boolean,
    out: CheckResults,
  ): void {
    let embeddedArePublic = true;
    if (is6to4Word(words[src]!)) {
      const v4 = sixtofourV4(words[src]!, words[src + 1]!);
      embeddedArePublic = ipv4Scope(v4) === IPV4_SCOPE.global;
      if (!isConfigured) this.#compare(CHECK.S01, v4, outerSrc, out);
    }
    if (is6to4Word(words[dst]!)) {
      const v4 = sixtofourV4(words[dst]!, words[dst + 1]!);
      if (ipv4Scope(v4) !== IPV4_SCOPE.global && v4 !== ANYCAST_RELAY) embeddedArePublic = false;
      if (!isConfigured) this.#compare(CHECK.S02, v4, outerDst, out);
    }
    out.decide(CHECK.S06, embeddedArePublic);
  }

  #compare(check: number, embedded: number, outer: number, out: CheckResults): void {
    // A private outer address inside the site may be translated later: nothing can be said.
    const isHidden = isSiteScope(ipv4Scope(outer)) && this.#site.vantage !== VANTAGE.outside;
    if (embedded !== outer && isHidden) out.set(check, CHECK_VALUE.undetermined);
    else out.decide(check, embedded === outer);
  }

  #learnIsatapRouter(stack: LayerStack, level: number, outerSrc: number, now: number): void {
    const last = lastLayer(stack, level);
    if (stack.kind[last] !== LAYER.icmpv6 || stack.word(last, ICMP.TYPE) !== ICMPV6_TYPE.ROUTER_ADVERTISEMENT)
      return;
    const src = stack.inner[level]! * ROW + IP.SRC;
    const words = stack.words;
    const isOwn =
      isLinkLocalWord(words[src]!) && isIsatapWord(words[src + 2]!) && words[src + 3] === outerSrc;
    if (!isOwn) return;
    this.#isatapRouters.key[0] = outerSrc;
    const slot = this.#isatapRouters.find();
    if (slot < 0) this.#isatapRouters.insert(now);
    else this.#isatapRouters.touch(slot, now);
  }

  #isIsatapRouter(v4: number): boolean {
    this.#isatapRouters.key[0] = v4;
    return this.#isatapRouters.find() >= 0;
  }
}
