import type { LayerStack } from '../decode/layers.js';
import {
  CARRIER,
  ETH,
  EXTENSION,
  ICMP,
  IP,
  LAYER,
  PORTS,
  ROW,
  TCP,
  TEREDO,
  TEREDO_BIT,
} from '../decode/layers.js';
import { transportOf } from '../flow/flow-table.js';
import type { Endpoint, EndpointList } from '../intel/endpoint-list.js';
import { FACT_GROUP } from '../model/fact-groups.js';
import type { FactSheet } from '../model/fact-sheet.js';
import { FIELD } from '../model/fields.js';
import { ENDPOINT_STATUS, INTEL_PLACE, IPV6_TUNNEL_KINDS, KIND, TRANSPORT } from '../model/vocabulary.js';
import { KIND_EVIDENCE } from '../tunnel/kind.js';
import { carrierUdpLayer, isFabric } from '../tunnel/level.js';
import type { Site } from '../tunnel/site.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { MAPPED_WORD } from '../wire/address.js';
import {
  is6to4Word,
  isIsatapWord,
  isTeredoWord,
  sixtofourV4,
  teredoClient,
  teredoFlags,
  teredoPort,
} from '../wire/embedded-address.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import { CovertFacts } from './covert-facts.js';
import type { Checksums } from './checksums.js';
import type { PacketScene } from './packet-scene.js';

/* RFC 5991 3.1: cone bit; reserved, U and G, which must be 0; 12 random bits. */
const TEREDO_CONE = 0x8000;
const TEREDO_RESERVED = 0x4300;
const TEREDO_RANDOM = 0x3cff;
const FLOW_LABEL_BITS = 20;
const FLOW_LABEL = 0xfffff;

/**
 * Fills the fact sheet of one tunnel of a packet, for the rules, as far as they read it. Called only when a rule is about
 * to be asked; the judge clears the sheet.
 */
export class FactFiller {
  readonly facts: FactSheet;
  readonly #tunnels: TunnelTable;
  readonly #site: Site;
  readonly #endpoints: EndpointList;
  readonly #covert: CovertFacts;
  readonly #checksums: Checksums;
  readonly #address = new Uint32Array(4);
  #endpointName = '';
  #scene: PacketScene | undefined;
  /** Makes the text of `tunnel.path`. */
  describePath: (scene: PacketScene) => string = () => '-';

  constructor(
    facts: FactSheet,
    tunnels: TunnelTable,
    site: Site,
    endpoints: EndpointList,
    checksums: Checksums,
  ) {
    this.facts = facts;
    this.#tunnels = tunnels;
    this.#site = site;
    this.#endpoints = endpoints;
    this.#covert = new CovertFacts(facts);
    this.#checksums = checksums;
    facts.textOf = (field) => {
      if (field === FIELD['intel.name']) return this.#endpointName;
      if (field === FIELD['teredo.nonce']) return this.#covert.nonce;
      if (field === FIELD['teredo.trailer_types']) return this.#covert.trailerTypes;
      return this.#scene === undefined ? '-' : this.describePath(this.#scene);
    };
  }

  /** Adds groups of facts (model/fact-groups) of tunnel `level` of the packet. */
  fill(scene: PacketScene, level: number, groups: number): void {
    const { facts } = this;
    const { stack } = scene;
    const innerIp = scene.innerIp[level]!;
    this.#scene = scene;
    if ((groups & FACT_GROUP.packet) !== 0) this.#packet(scene);
    if ((groups & FACT_GROUP.outer) !== 0) this.#outer(stack, level);
    if ((groups & FACT_GROUP.outermost) !== 0) {
      const outermost = stack.outerIp[0]! * ROW;
      facts.setAddress(FIELD['outermost.src'], stack.words, outermost + IP.SRC);
      facts.setAddress(FIELD['outermost.dst'], stack.words, outermost + IP.DST);
    }
    if ((groups & FACT_GROUP.tunnel) !== 0) {
      facts.setText(FIELD['tunnel.path']);
      this.#tunnel(scene.tunnel[level]!, level, scene, this.#tunnels.kind[scene.tunnel[0]!]!);
    }
    if ((groups & FACT_GROUP.inner) !== 0) {
      facts.setNumber(FIELD['inner.length'], stack.carried[level]!);
      if (innerIp >= 0) this.#inner(stack, innerIp, scene.transport[level]!);
    }
    if ((groups & FACT_GROUP.embedded) !== 0 && innerIp >= 0 && stack.kind[innerIp] === LAYER.ipv6) {
      this.#embedded(stack, innerIp);
    }
    if ((groups & FACT_GROUP.teredo) !== 0 && stack.carrier[level] === CARRIER.teredo) {
      this.#teredo(stack, level, scene.teredoClass[level]!);
    }
    if ((groups & FACT_GROUP.checksum) !== 0) {
      facts.setNumber(FIELD['outer.checksum'], this.#checksums.outer(scene, level));
      facts.setNumber(FIELD['inner.checksum'], this.#checksums.inner(scene, level));
    }
    if ((groups & FACT_GROUP.intel) !== 0) this.#intel(stack, level, innerIp);
    if ((groups & FACT_GROUP.covert) !== 0) this.#covert.fill(stack, level, innerIp);
  }

  /** Facts of a tunnel that ended: there is no packet. */
  fillEnded(slot: number): void {
    const { facts } = this;
    facts.clear();
    facts.checks.reset();
    this.#scene = undefined;
    const tunnels = this.#tunnels;
    for (const originator of [true, false]) {
      for (let i = 0; i < 4; i++) this.#address[i] = tunnels.endpointWord(slot, originator, i);
      facts.setAddress(originator ? FIELD['outer.src'] : FIELD['outer.dst'], this.#address, 0);
      const local = this.#site.isLocal(this.#address, 0);
      facts.setFlag(originator ? FIELD['outer.src_local'] : FIELD['outer.dst_local'], local);
    }
    if (tunnels.isUdp(slot)) {
      facts.setNumber(FIELD['outer.src_port'], tunnels.origPort[slot]!);
      facts.setNumber(FIELD['outer.dst_port'], tunnels.respPort[slot]!);
    }
    this.#tunnel(slot, tunnels.level[slot]! - 1, undefined, tunnels.kind[slot]!);
  }

  #packet(scene: PacketScene): void {
    const { facts } = this;
    const { stack } = scene;
    facts.setNumber(FIELD['packet.length'], scene.wireLength);
    facts.setFlag(FIELD['packet.reassembled'], stack.reassembled);
    facts.setFlag(FIELD['packet.incomplete'], stack.incompleteFragment);
    const vlan = scene.vlanId(0);
    if (vlan >= 0) {
      facts.setNumber(FIELD['packet.vlan'], vlan);
      const inner = scene.vlanId(1);
      if (inner >= 0) facts.setNumber(FIELD['packet.inner_vlan'], inner);
    }
    if (scene.hasMac) {
      facts.setMac(FIELD['packet.src_mac'], stack.word(0, ETH.SRC_HIGH), stack.word(0, ETH.SRC_LOW));
      facts.setMac(FIELD['packet.dst_mac'], stack.word(0, ETH.DST_HIGH), stack.word(0, ETH.DST_LOW));
    }
    facts.setNumber(FIELD['site.vantage'], this.#site.vantage);
  }

  #outer(stack: LayerStack, level: number): void {
    const { facts } = this;
    const outer = stack.outerIp[level]!;
    const row = outer * ROW;
    facts.setAddress(FIELD['outer.src'], stack.words, row + IP.SRC);
    facts.setAddress(FIELD['outer.dst'], stack.words, row + IP.DST);
    facts.setNumber(FIELD['outer.ttl'], stack.word(outer, IP.TTL));
    facts.setFlag(FIELD['outer.src_local'], this.#site.isLocal(stack.words, row + IP.SRC));
    facts.setFlag(FIELD['outer.dst_local'], this.#site.isLocal(stack.words, row + IP.DST));
    const udp = carrierUdpLayer(stack, level);
    if (udp >= 0) {
      facts.setNumber(FIELD['outer.src_port'], stack.word(udp, PORTS.SRC));
      facts.setNumber(FIELD['outer.dst_port'], stack.word(udp, PORTS.DST));
    }
  }

  #tunnel(slot: number, level: number, scene: PacketScene | undefined, outermostKind: number): void {
    const { facts } = this;
    const tunnels = this.#tunnels;
    const kind = tunnels.kind[slot]!;
    facts.setNumber(FIELD['tunnel.kind'], kind);
    facts.setNumber(FIELD['tunnel.outermost_kind'], outermostKind);
    facts.setNumber(FIELD['tunnel.level'], level + 1);
    const depth = scene?.levels ?? level + 1;
    facts.setNumber(FIELD['tunnel.depth'], depth);
    let fabrics = 0;
    if (scene === undefined) fabrics = kind === KIND.vxlan || kind === KIND.geneve ? 1 : 0;
    else for (let i = 0; i < depth; i++) if (isFabric(scene.stack.carrier[i]!)) fabrics++;
    facts.setNumber(FIELD['tunnel.nesting'], depth - fabrics);
    facts.setNumber(FIELD['tunnel.direction'], tunnels.direction[slot]!);
    const greIpv6 = (tunnels.evidence[slot]! & KIND_EVIDENCE.greIpv6) !== 0;
    facts.setFlag(FIELD['tunnel.carries_ipv6'], IPV6_TUNNEL_KINDS.has(kind) || greIpv6);
    const { traffic } = tunnels;
    facts.setCount(FIELD['tunnel.packets'], traffic.packets(slot, true) + traffic.packets(slot, false));
    facts.setCount(FIELD['tunnel.bytes'], traffic.bytes(slot, true) + traffic.bytes(slot, false));
    this.#host(slot);
  }

  /* The local endpoint; the originator when both or none are local. */
  #host(slot: number): void {
    // Each call leaves its endpoint in the scratch address.
    if (!this.#isLocalEnd(slot, true) && !this.#isLocalEnd(slot, false)) this.#isLocalEnd(slot, true);
    this.facts.setAddress(FIELD['tunnel.host'], this.#address, 0);
  }

  #isLocalEnd(slot: number, originator: boolean): boolean {
    for (let i = 0; i < 4; i++) this.#address[i] = this.#tunnels.endpointWord(slot, originator, i);
    return this.#site.isLocal(this.#address, 0);
  }

  #inner(stack: LayerStack, ip: number, transport: number): void {
    const { facts } = this;
    const row = ip * ROW;
    const isV6 = stack.kind[ip] === LAYER.ipv6;
    facts.setNumber(FIELD['inner.version'], isV6 ? 6 : 4);
    facts.setAddress(FIELD['inner.src'], stack.words, row + IP.SRC);
    facts.setAddress(FIELD['inner.dst'], stack.words, row + IP.DST);
    facts.setNumber(FIELD['inner.hop_limit'], stack.word(ip, IP.TTL));
    let nextHeader = stack.word(ip, IP.PROTOCOL);
    let extensions = 0;
    for (let layer = ip + 1; layer < stack.count && isExtension(stack.kind[layer]!); layer++) {
      nextHeader = stack.word(layer, EXTENSION.NEXT);
      extensions++;
    }
    facts.setNumber(FIELD['inner.next_header'], nextHeader);
    if (isV6) {
      const classAndLabel = stack.word(ip, IP.CLASS);
      facts.setNumber(FIELD['inner.traffic_class'], classAndLabel >>> FLOW_LABEL_BITS);
      facts.setNumber(FIELD['inner.flow_label'], classAndLabel & FLOW_LABEL);
      facts.setNumber(FIELD['inner.extension_headers'], extensions);
    }
    if (transport < 0) {
      facts.setNumber(FIELD['inner.proto'], transportOfProtocol(nextHeader));
      return;
    }
    const kind = stack.kind[transport]!;
    facts.setNumber(FIELD['inner.proto'], transportOf(kind));
    if (kind === LAYER.tcp || kind === LAYER.udp) {
      facts.setNumber(FIELD['inner.src_port'], stack.word(transport, PORTS.SRC));
      facts.setNumber(FIELD['inner.dst_port'], stack.word(transport, PORTS.DST));
      if (kind === LAYER.tcp) facts.setNumber(FIELD['inner.tcp_flags'], stack.word(transport, TCP.FLAGS));
    } else if (kind === LAYER.icmp || kind === LAYER.icmpv6) {
      facts.setNumber(FIELD['inner.icmp_type'], stack.word(transport, ICMP.TYPE));
      facts.setNumber(FIELD['inner.icmp_code'], stack.word(transport, ICMP.CODE));
    }
  }

  /* IPv4 addresses inside the inner IPv6 addresses. */
  #embedded(stack: LayerStack, ip: number): void {
    const { facts } = this;
    const words = stack.words;
    const src = ip * ROW + IP.SRC;
    const dst = ip * ROW + IP.DST;
    if (isTeredoWord(words[dst]!)) {
      facts.setIpv4(FIELD['teredo.dst_server'], words[dst + 1]!);
      facts.setIpv4(FIELD['teredo.dst_client'], teredoClient(words[dst + 3]!));
      facts.setNumber(FIELD['teredo.dst_port'], teredoPort(words[dst + 2]!));
      const flags = teredoFlags(words[dst + 2]!);
      facts.setNumber(FIELD['teredo.dst_flags'], flags);
      facts.setFlag(FIELD['teredo.dst_cone'], (flags & TEREDO_CONE) !== 0);
      facts.setNumber(FIELD['teredo.dst_reserved_flags'], flags & TEREDO_RESERVED);
      facts.setNumber(FIELD['teredo.dst_random_flags'], flags & TEREDO_RANDOM);
      facts.setIpv4(FIELD['teredo.server'], words[dst + 1]!);
    }
    if (isTeredoWord(words[src]!)) {
      facts.setIpv4(FIELD['teredo.src_server'], words[src + 1]!);
      facts.setIpv4(FIELD['teredo.src_client'], teredoClient(words[src + 3]!));
      facts.setNumber(FIELD['teredo.src_port'], teredoPort(words[src + 2]!));
      const flags = teredoFlags(words[src + 2]!);
      facts.setNumber(FIELD['teredo.src_flags'], flags);
      facts.setFlag(FIELD['teredo.src_cone'], (flags & TEREDO_CONE) !== 0);
      facts.setNumber(FIELD['teredo.src_reserved_flags'], flags & TEREDO_RESERVED);
      facts.setNumber(FIELD['teredo.src_random_flags'], flags & TEREDO_RANDOM);
      facts.setIpv4(FIELD['teredo.server'], words[src + 1]!);
    }
    if (is6to4Word(words[src]!))
      facts.setIpv4(FIELD['sixtofour.src'], sixtofourV4(words[src]!, words[src + 1]!));
    if (is6to4Word(words[dst]!))
      facts.setIpv4(FIELD['sixtofour.dst'], sixtofourV4(words[dst]!, words[dst + 1]!));
    if (isIsatapWord(words[src + 2]!)) facts.setIpv4(FIELD['isatap.src'], words[src + 3]!);
    if (isIsatapWord(words[dst + 2]!)) facts.setIpv4(FIELD['isatap.dst'], words[dst + 3]!);
  }

  #teredo(stack: LayerStack, level: number, teredoClass: number): void {
    const { facts } = this;
    const layer = stack.header[level]!;
    const bits = stack.word(layer, TEREDO.BITS);
    facts.setNumber(FIELD['teredo.score'], stack.word(layer, TEREDO.SCORE));
    facts.setNumber(FIELD['teredo.class'], teredoClass);
    facts.setFlag(FIELD['teredo.bubble'], (bits & TEREDO_BIT.bubble) !== 0);
    facts.setNumber(FIELD['teredo.trailer_length'], stack.word(layer, TEREDO.TRAILER_LENGTH));
    const hasAuth = (bits & TEREDO_BIT.auth) !== 0;
    facts.setFlag(FIELD['teredo.auth'], hasAuth);
    if (hasAuth) {
      facts.setNumber(FIELD['teredo.auth_id_length'], stack.word(layer, TEREDO.ID_LENGTH));
      facts.setNumber(FIELD['teredo.auth_value_length'], stack.word(layer, TEREDO.AUTH_LENGTH));
      facts.setNumber(FIELD['teredo.confirmation'], stack.word(layer, TEREDO.CONFIRMATION));
    }
    const hasOrigin = (bits & TEREDO_BIT.origin) !== 0;
    facts.setFlag(FIELD['teredo.origin'], hasOrigin);
    if (hasOrigin) {
      facts.setIpv4(FIELD['teredo.origin_addr'], stack.word(layer, TEREDO.ORIGIN_V4));
      facts.setNumber(FIELD['teredo.origin_port'], stack.word(layer, TEREDO.ORIGIN_PORT));
    }
  }

  /* The listed endpoint that the packet touches; one that is dead, withdrawn or deprecated goes before others. */
  #intel(stack: LayerStack, level: number, innerIp: number): void {
    const words = stack.words;
    const outer = stack.outerIp[level]! * ROW;
    this.#consider(
      this.#endpoints.find(words, outer + IP.DST),
      INTEL_PLACE['outer-destination'],
      words,
      outer + IP.DST,
    );
    this.#consider(
      this.#endpoints.find(words, outer + IP.SRC),
      INTEL_PLACE['outer-source'],
      words,
      outer + IP.SRC,
    );
    if (innerIp < 0 || stack.kind[innerIp] !== LAYER.ipv6) return;
    for (const isSource of [true, false]) {
      const at = innerIp * ROW + (isSource ? IP.SRC : IP.DST);
      if (isTeredoWord(words[at]!)) {
        this.#considerV4(
          words[at + 1]!,
          isSource ? INTEL_PLACE['server-in-source'] : INTEL_PLACE['server-in-destination'],
        );
      } else if (is6to4Word(words[at]!)) {
        const v4 = sixtofourV4(words[at]!, words[at + 1]!);
        this.#considerV4(v4, isSource ? INTEL_PLACE['relay-in-source'] : INTEL_PLACE['relay-in-destination']);
      }
    }
  }

  #considerV4(v4: number, place: number): void {
    const address = this.#address;
    address[0] = 0;
    address[1] = 0;
    address[2] = MAPPED_WORD;
    address[3] = v4;
    this.#consider(this.#endpoints.findV4(v4), place, address, 0);
  }

  #consider(endpoint: Endpoint | undefined, place: number, words: Uint32Array, at: number): void {
    if (endpoint === undefined) return;
    const { facts } = this;
    const known = facts.has(FIELD['intel.status']);
    if (known && !(isGone(endpoint.statusNumber) && !this.#isGone)) return;
    this.#isGone = isGone(endpoint.statusNumber);
    this.#endpointName = endpoint.name;
    facts.setNumber(FIELD['intel.status'], endpoint.statusNumber);
    facts.setNumber(FIELD['intel.role'], endpoint.roleNumber);
    facts.setNumber(FIELD['intel.place'], place);
    facts.setAddress(FIELD['intel.endpoint'], words, at);
    facts.setText(FIELD['intel.name']);
  }

  #isGone = false;
}

function isGone(status: number): boolean {
  return status >= ENDPOINT_STATUS.deprecated;
}

function isExtension(kind: number): boolean {
  return kind >= LAYER.hopopts && kind <= LAYER.experimental;
}

function transportOfProtocol(protocol: number): number {
  if (protocol === IP_PROTOCOL.TCP) return TRANSPORT.tcp;
  if (protocol === IP_PROTOCOL.UDP) return TRANSPORT.udp;
  return protocol === IP_PROTOCOL.ICMP || protocol === IP_PROTOCOL.ICMPV6
    ? TRANSPORT.icmp
    : TRANSPORT.unknown_transport;
}
