import {
  CARRIER,
  EXTENSION,
  ICMP,
  IP,
  LAYER,
  LayerStack,
  PORTS,
  ROW,
  TEREDO,
  TEREDO_BIT,
} from '../decode/layers.js';
import { OFFSET_MASK } from '../decode/ipv4.js';
import { PacketDecoder } from '../decode/packet.js';
import { UDP_HEADER } from '../decode/udp.js';
import { VERDICT } from '../decode/verdicts.js';
import { is6to4Word, isTeredoWord, sixtofourV4, teredoClient } from '../wire/embedded-address.js';
import type { FrameView } from '../wire/frame.js';
import { frameOf } from '../wire/frame.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import { IP_PROTOCOL, LINK_TYPE, UDP_PORT } from '../wire/numbers.js';
import { DnsMessage } from './dns-message.js';
import { PLACE, Sightings } from './sightings.js';

export interface PacketLookOptions {
  readonly maxDepth: number;
  readonly vxlanPorts: readonly number[];
  /** What brings a mirror port here; unwrapped. */
  readonly mirrorTransports: readonly MirrorTransport[];
  /** UDP ports of name lookups, either side. */
  readonly dnsPorts: readonly number[];
}

/* The packet that caused an error stands behind 8 octets (RFC 792, RFC 4443 3). */
const QUOTE = 8;
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);
const LAST_ICMPV6_ERROR = 4;
/** Longer than any packet: a quote is never the whole of it, and its lengths are no lie for that. */
const QUOTED_LENGTH = 65_535 + 40;
/** High bits of 2000::/3, the unicast space of today. */
const UNICAST = 1;

/**
 * Finds the Teredo and 6to4 addresses of a frame, wherever it has them: headers inside tunnels, native headers, name
 * lookups, packets that ICMP errors quote. Of a fragmented packet the first fragment is looked at. It needs no state, so
 * it sees in a packet what it says by itself.
 */
export class PacketLook {
  readonly sightings = new Sightings();
  readonly #decoder: PacketDecoder;
  readonly #quotes: PacketDecoder;
  readonly #first = new LayerStack(frameOf(new Uint8Array(0)));
  readonly #dns: DnsMessage;
  readonly #isDnsPort = new Uint8Array(65_536);

  constructor({ maxDepth, vxlanPorts, mirrorTransports, dnsPorts }: PacketLookOptions) {
    const options = { maxDepth, vxlanPorts, isKnownTunnel: () => false };
    this.#decoder = new PacketDecoder({ ...options, mirrorTransports });
    this.#quotes = new PacketDecoder(options);
    this.#dns = new DnsMessage(this.sightings);
    for (const port of dnsPorts) this.#isDnsPort[port] = 1;
  }

  /** The layers of the frame that was looked at last. */
  get stack(): LayerStack {
    return this.#decoder.stack;
  }

  /** Looks at the frame at `[at, end)`. What it has is in `sightings` until the next call. */
  look(frame: FrameView, at: number, end: number, wireLength: number, linkType: number): void {
    const { sightings } = this;
    sightings.reset();
    const stack = this.#decode(this.#decoder, frame, at, end, wireLength, linkType);
    this.#headers(stack, PLACE.native, PLACE.inner);
    this.#relays(stack, PLACE.inner);
    const leaf = stack.last;
    if (leaf < 0 || stack.fragmentLayer >= 0) return;
    if (stack.kind[leaf] === LAYER.udp) this.#lookup(stack, leaf);
    else this.#icmp(stack, leaf);
  }

  #decode(
    decoder: PacketDecoder,
    frame: FrameView,
    at: number,
    end: number,
    wireLength: number,
    linkType: number,
  ): LayerStack {
    const { stack } = decoder;
    // Fragments may be nested, outer and inner; each turn adds layers.
    let verdict = decoder.decode(frame, at, end, wireLength, linkType);
    while (verdict === VERDICT.fragment && isFirstFragment(stack)) {
      this.#first.copyFrom(stack);
      verdict = decoder.resumeAlone(this.#first);
    }
    return stack;
  }

  #headers(stack: LayerStack, outside: number, inside: number): void {
    const firstInner = stack.encapsulations > 0 ? stack.inner[0]! : stack.count;
    const { words } = stack;
    for (let layer = 0; layer < stack.count; layer++) {
      if (stack.kind[layer] !== LAYER.ipv6) continue;
      const place = layer < firstInner ? outside : inside;
      for (let at = layer * ROW + IP.SRC; at <= layer * ROW + IP.DST; at += IP.DST - IP.SRC)
        this.sightings.address(place, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    }
  }

  /* Outer endpoints that stand between a Teredo or 6to4 end and native IPv6. */
  #relays(stack: LayerStack, place: number): void {
    for (let level = 0; level < stack.encapsulations; level++) {
      const inner = stack.inner[level]!;
      const outer = stack.outerIp[level]!;
      if (inner >= stack.count || stack.kind[inner] !== LAYER.ipv6 || stack.kind[outer] !== LAYER.ipv4)
        continue;
      const carrier = stack.carrier[level];
      if (carrier === CARRIER.teredo) {
        this.#teredoRelay(stack, level, IP.SRC, IP.DST, PORTS.DST, place);
        this.#teredoRelay(stack, level, IP.DST, IP.SRC, PORTS.SRC, place);
      } else if (carrier === CARRIER.ip) {
        this.#sixtofourRelay(stack, level, IP.SRC, IP.DST, place);
        this.#sixtofourRelay(stack, level, IP.DST, IP.SRC, place);
      }
    }
  }

  /*
   * The client stands on the side `client`, the relay on the side `far`, at `farPort`. A bubble carries nothing, and what
   * goes through the client's server is a test whether the other side can be reached (RFC 4380 5.2.9).
   */
  #teredoRelay(
    stack: LayerStack,
    level: number,
    client: number,
    far: number,
    farPort: number,
    place: number,
  ): void {
    const { words } = stack;
    const teredo = stack.header[level]!;
    const inner = stack.inner[level]! * ROW;
    if ((words[teredo * ROW + TEREDO.BITS]! & TEREDO_BIT.bubble) !== 0) return;
    if (!isTeredoWord(words[inner + client]!)) return;
    const native = words[inner + far]!;
    if (isTeredoWord(native) || native >>> 29 !== UNICAST) return;
    const relay = words[stack.outerIp[level]! * ROW + far + 3]!;
    const isServer =
      relay === words[inner + client + 1] && stack.word(teredo - 1, farPort) === UDP_PORT.TEREDO;
    if (!isServer) this.sightings.relayed('relay', place, relay, teredoClient(words[inner + client + 3]!));
  }

  /* The outer address of the 6to4 router must be the one in its prefix (RFC 3056 5.3): else it is no 6to4 tunnel. */
  #sixtofourRelay(stack: LayerStack, level: number, router: number, far: number, place: number): void {
    const { words } = stack;
    const inner = stack.inner[level]! * ROW;
    const outer = stack.outerIp[level]! * ROW;
    if (!is6to4Word(words[inner + router]!)) return;
    const native = words[inner + far]!;
    if (is6to4Word(native) || native >>> 29 !== UNICAST) return;
    const embedded = sixtofourV4(words[inner + router]!, words[inner + router + 1]!);
    if (embedded === words[outer + router + 3])
      this.sightings.relayed('sixtofour_relay', place, words[outer + far + 3]!, embedded);
  }

  #lookup(stack: LayerStack, udp: number): void {
    const isDns =
      this.#isDnsPort[stack.word(udp, PORTS.SRC)] === 1 || this.#isDnsPort[stack.word(udp, PORTS.DST)] === 1;
    if (isDns) this.#dns.read(stack.frame, stack.at[udp]! + UDP_HEADER, stack.end[udp]!);
  }

  /* ICMP inside a tunnel is a layer; outside the walk ends before it. */
  #icmp(stack: LayerStack, leaf: number): void {
    const kind = stack.kind[leaf]!;
    if (kind === LAYER.icmp || kind === LAYER.icmpv6) {
      if (isError(kind === LAYER.icmpv6, stack.word(leaf, ICMP.TYPE)))
        this.#quote(stack.frame, stack.at[leaf]! + QUOTE, stack.end[leaf]!);
      return;
    }
    if (stack.verdict !== VERDICT.ok || !isHeaderOfIp(kind) || stack.nextAt >= stack.nextEnd) return;
    const isV6 = stack.selector === IP_PROTOCOL.ICMPV6;
    if (!isV6 && stack.selector !== IP_PROTOCOL.ICMP) return;
    if (isError(isV6, stack.frame.bytes[stack.nextAt]!))
      this.#quote(stack.frame, stack.nextAt + QUOTE, stack.nextEnd);
  }

  #quote(frame: FrameView, at: number, end: number): void {
    if (at >= end) return;
    const quoted = this.#decode(this.#quotes, frame, at, end, QUOTED_LENGTH, LINK_TYPE.RAW);
    this.#headers(quoted, PLACE.icmp_quote, PLACE.icmp_quote);
    this.#relays(quoted, PLACE.icmp_quote);
  }
}

function isError(isV6: boolean, type: number): boolean {
  return isV6 ? type > 0 && type <= LAST_ICMPV6_ERROR : ICMP_ERRORS.has(type);
}

function isHeaderOfIp(kind: number): boolean {
  return kind === LAYER.ipv4 || kind === LAYER.ipv6 || (kind >= LAYER.hopopts && kind <= LAYER.experimental);
}

function isFirstFragment(stack: LayerStack): boolean {
  const layer = stack.fragmentLayer;
  if (layer < 0) return false;
  if (stack.kind[layer] === LAYER.fragment) return stack.word(layer, EXTENSION.DETAIL) === 0;
  return (stack.word(layer, IP.FRAGMENT_WORD) & OFFSET_MASK) === 0;
}
