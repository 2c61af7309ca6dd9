import type { LayerStack } from '../decode/layers.js';
import { ICMP, IP, LAYER, ROW } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { IsatapChecks } from './isatap-checks.js';
import { isConfiguredTunnel } from './kind.js';
import { lastLayer } from './level.js';
import { checkLoopStart, LoopChecks } from './loop-checks.js';
import type { Proto41Packet } from './proto41-packet.js';
import type { Site } from './site.js';
import { checkSixrd } from './sixrd-checks.js';
import { checkSixtofour } from './sixtofour-checks.js';

/** What happened before in the tunnel of a packet. */
export interface Proto41History {
  /** All evidence of the tunnel's kind (KIND_EVIDENCE). */
  readonly evidence: number;
  /** The packet is the first of its flow, or belongs to none. */
  readonly isFirst: boolean;
}

/** Checks of protocol 41 between inner IPv6 and outer IPv4 addresses (RFC 3964, RFC 5214, RFC 5969, RFC 6324). */
export class Proto41Checks {
  readonly #site: Site;
  readonly #sixrd: readonly SixrdDomain[];
  /** What was seen of ISATAP routers, and of packets that may come back: bounded, and counted with the other tables. */
  readonly isatap: IsatapChecks;
  readonly loops = new LoopChecks();
  readonly #packet: Proto41Packet = {
    words: new Uint32Array(0),
    src: 0,
    dst: 0,
    outerSrcAt: 0,
    outerDstAt: 0,
    outerSrc: 0,
    outerDst: 0,
    hopLimit: 0,
    icmpType: -1,
    isConfigured: false,
    evidence: 0,
  };

  constructor(site: Site, sixrd: readonly SixrdDomain[]) {
    this.#site = site;
    this.#sixrd = sixrd;
    this.isatap = new IsatapChecks(site);
  }

  check(stack: LayerStack, level: number, history: Proto41History, now: number, out: CheckResults): void {
    const packet = this.#read(stack, level, history.evidence);
    checkSixtofour(packet, this.#site, out);
    this.isatap.check(packet, now, out);
    checkSixrd(packet, this.#sixrd, out);
    checkLoopStart(packet, this.#sixrd, out);
    this.loops.watch(stack, stack.inner[level]!, packet, history.isFirst, now, out);
  }

  #read(stack: LayerStack, level: number, evidence: number): Proto41Packet {
    const packet = this.#packet;
    const { words } = stack;
    const innerIp = stack.inner[level]!;
    const outer = stack.outerIp[level]! * ROW;
    const last = lastLayer(stack, level);
    packet.words = words;
    packet.src = innerIp * ROW + IP.SRC;
    packet.dst = innerIp * ROW + IP.DST;
    packet.outerSrcAt = outer + IP.SRC;
    packet.outerDstAt = outer + IP.DST;
    packet.outerSrc = words[outer + IP.SRC + 3]!;
    packet.outerDst = words[outer + IP.DST + 3]!;
    packet.hopLimit = stack.word(innerIp, IP.TTL);
    packet.icmpType = stack.kind[last] === LAYER.icmpv6 ? stack.word(last, ICMP.TYPE) : -1;
    packet.isConfigured = isConfiguredTunnel(evidence);
    packet.evidence = evidence;
    return packet;
  }
}
