import { ETHERTYPE, IP_PROTOCOL, LINK_TYPE, PPP_PROTOCOL } from '../wire/numbers.js';
import { isTeredoWord } from '../wire/embedded-address.js';
import type { FrameView } from '../wire/frame.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import { isBrokerTcp, remarkBrokerTcp, remarkBrokerUdp } from './broker.js';
import { decodeEtherip } from './etherip.js';
import { decodeEthernet } from './ethernet.js';
import { decodeGre } from './gre.js';
import { decodeIcmp } from './icmp.js';
import { decodeInnerIp, decodeInnerIpAsZeek } from './inner-ip.js';
import { decodeIpv4 } from './ipv4.js';
import { decodeIpv6 } from './ipv6.js';
import { decodeExtension, isExtensionHeader } from './ipv6-extension.js';
import { CARRIER, LAYER, LayerStack, MAX_ENCAPSULATIONS, MAX_LAYERS, PORTS, STEP } from './layers.js';
import { noNextHeader, otherProtocol } from './last-layer.js';
import { decodeLlc } from './llc.js';
import { decodeSll, decodeSll2 } from './linux-sll.js';
import { decodeLoopback } from './loopback.js';
import { decodeMpls } from './mpls.js';
import { decodePpp } from './ppp.js';
import { decodePppoe } from './pppoe.js';
import { decodeTcp } from './tcp.js';
import { beginsLikeTeredo, decodeTeredo } from './teredo.js';
import { ACCEPT_SCORE, KNOWN_SCORE, scoreTeredo } from './teredo-evidence.js';
import { decodeUdp } from './udp.js';
import { decodeUdpCarrier, UdpCarriers } from './udp-carriers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';
import { decodeVlan } from './vlan.js';
import type { UdpSession } from './zeek-udp.js';
import { decodeUdpAsZeek, ZeekUdp } from './zeek-udp.js';

export interface DecoderOptions {
  /** Encapsulations that are opened, at most {@link MAX_ENCAPSULATIONS}. */
  readonly maxDepth: number;
  /** UDP destination ports that carry VXLAN. */
  readonly vxlanPorts: readonly number[];
  /** What brings frames of a mirror port here, when it carries Ethernet: unwrapped, and no tunnel. ERSPAN always is. */
  readonly mirrorTransports?: readonly MirrorTransport[];
  /**
   * Whether the UDP datagram at `udpLayer` belongs to a Teredo tunnel that is already known. Asked only for payloads
   * whose own evidence is too weak to open one.
   */
  readonly isKnownTunnel: (stack: LayerStack, ipLayer: number, udpLayer: number) => boolean;
  /** What is known of UDP flows: with it, packets are taken for tunnels where Zeek does, and only there. */
  readonly zeekSession?: UdpSession;
}

/**
 * Walks a frame through all its layers and encapsulations. Plain traffic leaves early: TCP and ICMP that no tunnel
 * carries are not opened. Never throws, never reads past the captured bytes, allocates nothing.
 */
export class PacketDecoder {
  readonly stack: LayerStack;
  readonly #maxDepth: number;
  readonly #udpCarriers: UdpCarriers;
  /** Carriers that are the transport of a mirror. */
  readonly #mirrors: ReadonlySet<number>;
  readonly #isKnownTunnel: DecoderOptions['isKnownTunnel'];
  readonly #zeek: ZeekUdp | undefined;

  constructor(options: DecoderOptions) {
    this.stack = new LayerStack({ bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) });
    this.#maxDepth = Math.min(options.maxDepth, MAX_ENCAPSULATIONS);
    const mirrors = options.mirrorTransports ?? [];
    this.#udpCarriers = new UdpCarriers(options.vxlanPorts, mirrors);
    this.#mirrors = new Set(mirrors.map((name) => CARRIER[name]));
    this.#isKnownTunnel = options.isKnownTunnel;
    this.#zeek = options.zeekSession && new ZeekUdp(options.zeekSession, this.#udpCarriers, this.#maxDepth);
  }

  /** Decodes the frame at `[at, end)`, of which `wireLength` octets were on the wire. The result is in `stack`. */
  decode(frame: FrameView, at: number, end: number, wireLength: number, linkType: number): Verdict {
    const stack = this.stack;
    const wireEnd = at + wireLength;
    stack.reset(frame, at, end, wireEnd > end ? wireEnd : end);
    if (!this.#startAt(linkType, stack)) return (stack.verdict = VERDICT.unsupported_link_type);
    return this.#run(stack);
  }

  /** Goes on behind a reassembled IP header: `frame[at, end)` is the payload of `protocol`. */
  resume(frame: FrameView, at: number, end: number, protocol: number): Verdict {
    const stack = this.stack;
    if (stack.capturedTo === 0 && !stack.incompleteFragment) {
      stack.captured = stack.frame;
      stack.capturedTo = stack.count;
    }
    stack.frame = frame;
    stack.frameFrom = stack.count;
    stack.nextEnd = end;
    stack.wireEnd = end;
    stack.fragmentLayer = -1;
    stack.reassembled = true;
    stack.verdict = VERDICT.ok;
    stack.goOn(STEP.protocol, protocol, at);
    return this.#run(stack);
  }

  /**
   * Judges a first fragment whose rest never came: goes on in it as far as its octets allow. `first` is a copy of the
   * stack as it stopped at the fragment.
   */
  resumeAlone(first: LayerStack): Verdict {
    const stack = this.stack;
    stack.copyFrom(first);
    // Of the first fragment only what lies behind its header was kept.
    stack.frameFrom = stack.count;
    stack.fragmentLayer = -1;
    stack.incompleteFragment = true;
    stack.incompleteLevel = stack.encapsulations;
    stack.verdict = VERDICT.ok;
    return this.#run(stack);
  }

  #startAt(linkType: number, stack: LayerStack): boolean {
    switch (linkType) {
      case LINK_TYPE.ETHERNET:
      case LINK_TYPE.LINUX_SLL:
      case LINK_TYPE.LINUX_SLL2:
      case LINK_TYPE.NULL:
      case LINK_TYPE.LOOP:
        stack.goOn(STEP.link, linkType, stack.nextAt);
        return true;
      case LINK_TYPE.PPP:
      case LINK_TYPE.PPP_HDLC:
        stack.goOn(STEP.pppHeader, 0, stack.nextAt);
        return true;
      case LINK_TYPE.RAW:
      case LINK_TYPE.RAW_12:
      case LINK_TYPE.RAW_14: {
        const isV6 = stack.nextEnd > stack.nextAt && stack.frame.bytes[stack.nextAt]! >>> 4 === 6;
        stack.goOn(STEP.ethertype, isV6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4, stack.nextAt);
        return true;
      }
      case LINK_TYPE.IPV4:
        stack.goOn(STEP.ethertype, ETHERTYPE.IPV4, stack.nextAt);
        return true;
      case LINK_TYPE.IPV6:
        stack.goOn(STEP.ethertype, ETHERTYPE.IPV6, stack.nextAt);
        return true;
      default:
        return false;
    }
  }

  #run(stack: LayerStack): Verdict {
    let verdict: Verdict = VERDICT.ok;
    // Every turn adds a layer or stops, so there are at most MAX_LAYERS turns.
    while (stack.step !== STEP.stop) {
      if (stack.count === MAX_LAYERS) {
        verdict = VERDICT.too_many_layers;
        break;
      }
      verdict = this.#decodeNext(stack);
      if (verdict === VERDICT.ok && stack.fragmentLayer >= 0) verdict = VERDICT.fragment;
      if (verdict !== VERDICT.ok) break;
    }
    stack.verdict = verdict;
    // Only what is new is weighed: the octets of earlier layers may lie in another frame.
    for (let level = stack.accepted; level < stack.encapsulations; level++) {
      if (stack.carrier[level] === CARRIER.teredo && !this.#accept(stack, level)) {
        stack.takeBack(level);
        break;
      }
    }
    stack.accepted = stack.encapsulations;
    return stack.verdict;
  }

  #accept(stack: LayerStack, level: number): boolean {
    const score = scoreTeredo(stack, level);
    if (score >= ACCEPT_SCORE || this.#zeek !== undefined) return true;
    return (
      score >= KNOWN_SCORE && this.#isKnownTunnel(stack, stack.outerIp[level]!, stack.header[level]! - 1)
    );
  }

  #decodeNext(stack: LayerStack): Verdict {
    const { frame, nextAt: at, nextEnd: end } = stack;
    switch (stack.step) {
      case STEP.link:
        return decodeLink(frame, at, end, stack);
      case STEP.ethertype:
        return decodeByEthertype(frame, at, end, stack);
      case STEP.ppp:
        if (stack.selector === PPP_PROTOCOL.IPV4) return decodeIpv4(frame, at, end, stack);
        if (stack.selector === PPP_PROTOCOL.IPV6) return decodeIpv6(frame, at, end, stack);
        return VERDICT.not_ip;
      case STEP.llc:
        return decodeLlc(frame, at, end, stack);
      case STEP.pppHeader:
        return decodePpp(frame, at, end, stack);
      case STEP.innerIp:
        return this.#zeek === undefined
          ? decodeInnerIp(frame, at, end, stack)
          : decodeInnerIpAsZeek(frame, at, end, stack);
      case STEP.protocol:
        return this.#decodeByProtocol(frame, at, end, stack);
      default:
        return this.#zeek === undefined
          ? this.#decodeUdpPayload(frame, at, end, stack)
          : this.#zeek.decodePayload(frame, at, end, stack);
    }
  }

  #decodeByProtocol(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
    const protocol = stack.selector;
    const inside = stack.encapsulations > 0;
    switch (protocol) {
      case IP_PROTOCOL.TCP:
        if (inside) return decodeTcp(frame, at, end, stack);
        if (end - at >= 4 && isBrokerTcp(frame.view.getUint32(at))) remarkBrokerTcp(frame, at, end, stack);
        stack.stop();
        return VERDICT.ok;
      case IP_PROTOCOL.UDP:
        return this.#zeek === undefined
          ? decodeUdp(frame, at, end, stack)
          : decodeUdpAsZeek(frame, at, end, stack);
      case IP_PROTOCOL.IPV6:
        return this.#openIp(ETHERTYPE.IPV6, at, stack);
      case IP_PROTOCOL.IPV4:
        return this.#openIp(ETHERTYPE.IPV4, at, stack);
      case IP_PROTOCOL.GRE:
        return this.#openGre(frame, at, end, stack);
      case IP_PROTOCOL.ICMP:
      case IP_PROTOCOL.ICMPV6:
        if (inside) return decodeIcmp(frame, at, end, stack);
        stack.stop();
        return VERDICT.ok;
      case IP_PROTOCOL.NONE:
        return noNextHeader(at, end, stack, this.#zeek !== undefined);
      case IP_PROTOCOL.MPLS:
        return this.#openIfRead(CARRIER.mpls, decodeMpls(frame, at, end, stack), stack);
      case IP_PROTOCOL.ETHERIP:
        return this.#openIfRead(CARRIER.etherip, decodeEtherip(frame, at, end, stack), stack);
      case IP_PROTOCOL.ETHERNET:
        return this.#openEthernet(at, stack);
      default:
        if (isExtensionHeader(protocol)) {
          if (stack.kind[stack.ip] === LAYER.ipv6 || protocol === IP_PROTOCOL.AH) {
            return decodeExtension(frame, at, end, stack);
          }
        }
        return otherProtocol(protocol, at, end, stack);
    }
  }

  #openIp(ethertype: number, at: number, stack: LayerStack): Verdict {
    if (stack.encapsulations >= this.#maxDepth) return VERDICT.exceeded_tunnel_max_depth;
    stack.open(CARRIER.ip, stack.ip, at);
    stack.goOn(STEP.innerIp, ethertype, at);
    return VERDICT.ok;
  }

  #openGre(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
    const verdict = decodeGre(frame, at, end, stack);
    // A mirrored frame is no encapsulation: the walk has begun again.
    if (verdict !== VERDICT.ok || stack.count === 0 || stack.step === STEP.stop) return verdict;
    return this.#openHeader(CARRIER.gre, stack);
  }

  /* Ethernet with no header between it and IP (RFC 8986 4.9). */
  #openEthernet(at: number, stack: LayerStack): Verdict {
    if (stack.encapsulations >= this.#maxDepth) return VERDICT.exceeded_tunnel_max_depth;
    stack.open(CARRIER.ethernet, stack.ip, at);
    stack.goOn(STEP.link, LINK_TYPE.ETHERNET, at);
    return VERDICT.ok;
  }

  /* A mirror carries frames; inside a tunnel or another mirrored frame it is traffic of the network. */
  #isMirror(carrier: number, stack: LayerStack): boolean {
    const isOutermost = stack.encapsulations === 0 && !stack.isMirrored;
    return isOutermost && stack.step === STEP.link && this.#mirrors.has(carrier);
  }

  #openIfRead(carrier: number, verdict: Verdict, stack: LayerStack): Verdict {
    return verdict === VERDICT.ok ? this.#openHeader(carrier, stack) : verdict;
  }

  /* Opens the encapsulation whose header was just decoded as the last layer. */
  #openHeader(carrier: number, stack: LayerStack): Verdict {
    if (this.#isMirror(carrier, stack)) {
      stack.selector = LINK_TYPE.ETHERNET;
      stack.beginAgain();
      return VERDICT.ok;
    }
    if (stack.encapsulations >= this.#maxDepth) return VERDICT.exceeded_tunnel_max_depth;
    stack.open(carrier, stack.count - 1, stack.nextAt);
    if (stack.step === STEP.link) stack.selector = LINK_TYPE.ETHERNET;
    return VERDICT.ok;
  }

  #decodeUdpPayload(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
    const udp = stack.count - 1;
    const source = stack.word(udp, PORTS.SRC);
    const destination = stack.word(udp, PORTS.DST);
    const carrier = this.#udpCarriers.of(source, destination);
    if (carrier !== 0) {
      const verdict = decodeUdpCarrier(carrier, frame, at, end, stack);
      if (verdict === VERDICT.ok)
        return stack.step === STEP.stop ? verdict : this.#openHeader(carrier, stack);
      stack.carrierComplaint = verdict;
    }
    if (beginsLikeTeredo(frame, at, end, stack.wireEnd)) {
      const verdict = decodeTeredo(frame, at, end, stack);
      if (verdict === VERDICT.ok) {
        stack.carrierComplaint = VERDICT.ok;
        return this.#openTeredo(stack);
      }
      // A payload that is not Teredo at all says nothing against the complaint of the carrier.
      if (verdict !== VERDICT.not_teredo || stack.carrierComplaint === VERDICT.ok)
        stack.carrierComplaint = verdict;
    }
    if (
      stack.encapsulations === 0 &&
      (this.#udpCarriers.isBroker(source) || this.#udpCarriers.isBroker(destination))
    ) {
      remarkBrokerUdp(frame, at, end, source, destination, stack);
    }
    stack.stop();
    return VERDICT.ok;
  }

  #openTeredo(stack: LayerStack): Verdict {
    if (stack.encapsulations < this.#maxDepth) {
      stack.open(CARRIER.teredo, stack.count - 1, stack.nextAt);
      return VERDICT.ok;
    }
    // Beyond the depth nothing is weighed: only an inner Teredo address makes it a tunnel too many.
    const view = stack.frame.view;
    if (isTeredoWord(view.getUint32(stack.nextAt + 8)) || isTeredoWord(view.getUint32(stack.nextAt + 24))) {
      return VERDICT.exceeded_tunnel_max_depth;
    }
    stack.count--;
    stack.stop();
    return VERDICT.ok;
  }
}

function decodeLink(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
  switch (stack.selector) {
    case LINK_TYPE.ETHERNET:
      return decodeEthernet(frame, at, end, stack);
    case LINK_TYPE.LINUX_SLL:
      return decodeSll(frame, at, end, stack);
    case LINK_TYPE.LINUX_SLL2:
      return decodeSll2(frame, at, end, stack);
    default:
      return decodeLoopback(frame, at, end, stack);
  }
}

function decodeByEthertype(frame: FrameView, at: number, end: number, stack: LayerStack): Verdict {
  switch (stack.selector) {
    case ETHERTYPE.IPV4:
      return decodeIpv4(frame, at, end, stack);
    case ETHERTYPE.IPV6:
      return decodeIpv6(frame, at, end, stack);
    case ETHERTYPE.VLAN:
    case ETHERTYPE.PROVIDER_VLAN:
    case ETHERTYPE.OLD_QINQ:
    case ETHERTYPE.OLD_QINQ_2:
      return decodeVlan(frame, at, end, stack);
    case ETHERTYPE.PPPOE_SESSION:
      return decodePppoe(frame, at, end, stack);
    case ETHERTYPE.MPLS:
    case ETHERTYPE.MPLS_MULTICAST:
      return decodeMpls(frame, at, end, stack);
    default:
      return VERDICT.not_ip;
  }
}
