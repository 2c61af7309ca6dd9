import type { LayerStack } from '../decode/layers.js';
import { CARRIER, IP, LAYER, ROW, VXLAN } from '../decode/layers.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { TRAFFIC_WORDS, TrafficCounts } from '../state/traffic-counts.js';
import { murmur128 } from '../wire/hash.js';
import { IP_PROTOCOL, UDP_PORT } from '../wire/numbers.js';
import { ENDPOINT_WORDS, fillEndpoints } from './endpoint-key.js';
import { carrierUdpLayer, destinationPort, isFabric, sourcePort } from './level.js';
import { looksLikeAnswer } from './likely-server-ports.js';

export interface TunnelTableOptions {
  readonly capacity: number;
  /** Seconds of silence after which a tunnel over UDP is closed. Zeek's udp_inactivity_timeout is 60. */
  readonly udpIdleSeconds: number;
  /** Seconds of silence after which any other tunnel expires. Zeek's Tunnel::expiration_interval is 3600. */
  readonly ipIdleSeconds: number;
  /**
   * `nested` tells tunnels by all that {@link TunnelTable} says; `zeek` as Zeek does, by the addresses alone (and the ports
   * of UDP), whatever encloses them.
   */
  readonly identity?: 'nested' | 'zeek';
  /** Whether the sender of the datagram at these layers opened its flow; otherwise its ports tell. */
  readonly isFromOpener?: (stack: LayerStack, ipLayer: number, udpLayer: number) => boolean;
  /** Called when a tunnel ends by silence (or to make room); its columns are still readable. */
  readonly onEnd: (slot: number) => void;
}

const KEY_WORDS = 12;
const KEY_CARRIER = ENDPOINT_WORDS;
const KEY_PARENT = 10;
const LIST = { ip: 0, udp: 1 } as const;

/**
 * Tunnels by identity: the unordered outer pair, the carrier (protocol, or UDP ports), and the enclosing tunnel. A
 * VXLAN or GENEVE sender picks its source port by hash, so such a tunnel is its pair and network identifier. Everything else,
 * the kind included, is an attribute. Columns are indexed by slot; read them only for slots that the table returned.
 */
export class TunnelTable {
  /** Monotonic number of each tunnel, from 1: its identity inside keys of what it carries. */
  id = new Uint32Array(0);
  kind = new Uint8Array(0);
  evidence = new Uint16Array(0);
  /** Hash of the tunnel's key: the same whenever the same tunnel is opened again. */
  identityHigh = new Uint32Array(0);
  identityLow = new Uint32Array(0);
  level = new Uint8Array(0);
  /** CARRIER of its first packet. */
  carrier = new Uint8Array(0);
  direction = new Uint8Array(0);
  origPort = new Uint16Array(0);
  respPort = new Uint16Array(0);
  firstSeconds = new Uint32Array(0);
  firstNanoseconds = new Uint32Array(0);
  vlan = new Uint16Array(0);
  innerVlan = new Uint16Array(0);

  /** Set by {@link record}: the tunnel was new, and this packet came from its originator (also by {@link find}). */
  isNew = false;
  fromOriginator = true;

  /** Packets, octets and last time by slot. */
  readonly traffic: TrafficCounts;
  readonly #table: BoundedTable;
  readonly #options: TunnelTableOptions;
  readonly #asZeek: boolean;
  #nextId = 1;
  #high = false;
  readonly #hash = new Uint32Array(4);
  /** Tunnels over UDP by each of their ports. */
  readonly portUsers = new Uint32Array(65_536);

  constructor(options: TunnelTableOptions) {
    this.#options = options;
    this.#asZeek = options.identity === 'zeek';
    this.#table = new BoundedTable({
      keyWords: KEY_WORDS,
      extraWords: TRAFFIC_WORDS,
      capacity: options.capacity,
      ageLists: 2,
      onEvict: (slot) => this.#end(slot),
      onGrow: (slots) => this.#grow(slots),
    });
    this.traffic = new TrafficCounts(this.#table);
  }

  get size(): number {
    return this.#table.size;
  }

  get evictions(): number {
    return this.#table.evictions;
  }

  /** Tunnels seen since the start. */
  get total(): number {
    return this.#nextId - 1;
  }

  /** Slot of the tunnel that the UDP datagram at these layers, in no tunnel itself, belongs to by its endpoints, or -1. */
  findUdp(stack: LayerStack, ipLayer: number, udpLayer: number): number {
    const row = ipLayer * ROW;
    const source = sourcePort(stack, udpLayer);
    const destination = destinationPort(stack, udpLayer);
    return this.find(stack.words, row + IP.SRC, row + IP.DST, source, destination, IP_PROTOCOL.UDP);
  }

  /**
   * Slot of the tunnel, in no other, between the addresses at `words[src..]` and `words[dst..]`, or -1. Ports are 0 where
   * `protocol` is not UDP. Says of the packet whether it comes from the originator, and makes way for {@link count}.
   */
  find(
    words: Uint32Array,
    src: number,
    dst: number,
    source: number,
    destination: number,
    protocol: number,
  ): number {
    const key = this.#table.key;
    this.#high = fillEndpoints(key, words, src, dst, source, destination);
    key[KEY_CARRIER] = protocol;
    key[KEY_PARENT] = 0;
    key[KEY_PARENT + 1] = 0;
    const slot = this.#table.find();
    this.fromOriginator = slot >= 0 && this.#high === this.traffic.originatorIsHigh(slot);
    return slot;
  }

  /** Counts a packet, which carries `bytes`, of the tunnel that {@link find} just gave. */
  count(slot: number, bytes: number, seconds: number, nanoseconds: number, now: number): void {
    this.#table.touch(slot, now);
    this.traffic.add(slot, this.#high, bytes, seconds, nanoseconds);
  }

  /** Keeps the tunnel of the UDP datagram at these layers, if there is one, from ending by silence. */
  touchUdp(stack: LayerStack, ipLayer: number, udpLayer: number, now: number): void {
    if (this.portUsers[sourcePort(stack, udpLayer)] === 0) return;
    const slot = this.findUdp(stack, ipLayer, udpLayer);
    if (slot >= 0) this.#table.touch(slot, now);
  }

  /** Whether the packet is a UDP datagram both of whose ports some tunnel uses: two loads instead of a lookup. */
  mayBeTunnelPorts(stack: LayerStack): boolean {
    const last = stack.count - 1;
    if (last < 0 || stack.kind[last] !== LAYER.udp) return false;
    return (
      this.portUsers[sourcePort(stack, last)] !== 0 && this.portUsers[destinationPort(stack, last)] !== 0
    );
  }

  /**
   * Counts a packet of encapsulation `level`, inside the tunnel of slot `parent` (or -1), opening the tunnel when it is
   * new, and returns its slot. `wasCounted` is
   * for a packet that comes back as a first fragment judged alone.
   */
  record(
    stack: LayerStack,
    level: number,
    parent: number,
    seconds: number,
    nanoseconds: number,
    now: number,
    wasCounted: boolean,
  ): number {
    this.#fillKey(stack, level, parent);
    let slot = this.#table.find();
    this.isNew = slot < 0;
    if (slot < 0) slot = this.#open(stack, level, seconds, nanoseconds, now);
    else if (!wasCounted) this.#table.touch(slot, now);
    this.fromOriginator = this.#high === this.traffic.originatorIsHigh(slot);
    if (wasCounted) return slot;
    this.traffic.add(slot, this.#high, stack.carried[level]!, seconds, nanoseconds);
    return slot;
  }

  /** Address word `word` (0-3) of the originator, or of the responder. */
  endpointWord(slot: number, originator: boolean, word: number): number {
    const high = originator === this.traffic.originatorIsHigh(slot);
    return this.#table.keyWord(slot, (high ? 4 : 0) + word);
  }

  /** Whether UDP carries the tunnel, so that it is a connection of its own. */
  isUdp(slot: number): boolean {
    const carrier = this.#table.keyWord(slot, KEY_CARRIER);
    return carrier === IP_PROTOCOL.UDP || carrier >= VXLAN_CARRIER;
  }

  /** Copies the identity and start of a tunnel, for its uid. Returns the number of words. */
  identity(slot: number, into: Uint32Array): number {
    for (let i = 0; i < KEY_WORDS; i++) into[i] = this.#table.keyWord(slot, i);
    into[KEY_WORDS] = this.firstSeconds[slot]!;
    into[KEY_WORDS + 1] = this.firstNanoseconds[slot]!;
    return KEY_WORDS + 2;
  }

  /** Ends tunnels that were silent for too long at packet time `now` (seconds). */
  expire(now: number): void {
    this.#expireList(LIST.udp, now - this.#options.udpIdleSeconds);
    this.#expireList(LIST.ip, now - this.#options.ipIdleSeconds);
  }

  /** Slots of all tunnels, in order of first packet. */
  all(): number[] {
    const slots: number[] = [];
    for (const list of [LIST.ip, LIST.udp]) {
      for (let slot = this.#table.oldest(list); slot >= 0; slot = this.#table.younger(slot)) slots.push(slot);
    }
    return slots.sort((a, b) => this.id[a]! - this.id[b]!);
  }

  #end(slot: number): void {
    this.#options.onEnd(slot);
    if (this.isUdp(slot)) this.#countPorts(slot, -1);
  }

  #countPorts(slot: number, by: number): void {
    this.portUsers[this.origPort[slot]!]! += by;
    this.portUsers[this.respPort[slot]!]! += by;
  }

  #expireList(list: number, deadline: number): void {
    for (;;) {
      const slot = this.#table.oldest(list);
      if (slot < 0 || this.#table.lastActive(slot) > deadline) return;
      this.#end(slot);
      this.#table.remove(slot);
    }
  }

  #open(stack: LayerStack, level: number, seconds: number, nanoseconds: number, now: number): number {
    const udp = carrierUdpLayer(stack, level);
    const source = udp < 0 ? 0 : sourcePort(stack, udp);
    const destination = udp < 0 ? 0 : destinationPort(stack, udp);
    const slot = this.#table.insert(now, udp < 0 ? LIST.ip : LIST.udp);
    const isAnswer = udp >= 0 && this.#isAnswer(stack, stack.outerIp[level]!, udp);
    this.id[slot] = this.#nextId++;
    this.kind[slot] = 0;
    this.evidence[slot] = 0;
    this.level[slot] = level + 1;
    this.carrier[slot] = stack.carrier[level]!;
    this.direction[slot] = 0;
    this.traffic.open(slot, this.#high !== isAnswer, seconds, nanoseconds);
    this.origPort[slot] = isAnswer ? destination : source;
    this.respPort[slot] = isAnswer ? source : destination;
    this.firstSeconds[slot] = seconds;
    this.firstNanoseconds[slot] = nanoseconds;
    if (udp >= 0) this.#countPorts(slot, 1);
    murmur128(this.#table.key, KEY_WORDS, 0, this.#hash);
    this.identityHigh[slot] = this.#hash[0]!;
    this.identityLow[slot] = this.#hash[1]!;
    return slot;
  }

  #isAnswer(stack: LayerStack, ip: number, udp: number): boolean {
    const { isFromOpener } = this.#options;
    if (isFromOpener !== undefined) return !isFromOpener(stack, ip, udp);
    return looksLikeAnswer(sourcePort(stack, udp), destinationPort(stack, udp));
  }

  #fillKey(stack: LayerStack, level: number, parent: number): void {
    if (this.#asZeek) this.#fillZeekKey(stack, level);
    else this.#fillNestedKey(stack, level, parent);
  }

  #fillZeekKey(stack: LayerStack, level: number): void {
    const key = this.#table.key;
    const ip = stack.outerIp[level]! * ROW;
    const udp = carrierUdpLayer(stack, level);
    const source = udp < 0 ? 0 : sourcePort(stack, udp);
    const destination = udp < 0 ? 0 : destinationPort(stack, udp);
    this.#high = fillEndpoints(key, stack.words, ip + IP.SRC, ip + IP.DST, source, destination);
    key[KEY_CARRIER] = udp < 0 ? ANY_IP_CARRIER : IP_PROTOCOL.UDP;
    key[KEY_PARENT] = 0;
    key[KEY_PARENT + 1] = 0;
  }

  #fillNestedKey(stack: LayerStack, level: number, parent: number): void {
    const { words } = stack;
    const src = stack.outerIp[level]! * ROW + IP.SRC;
    const dst = stack.outerIp[level]! * ROW + IP.DST;
    const key = this.#table.key;
    const udp = carrierUdpLayer(stack, level);
    if (isFabric(stack.carrier[level]!)) {
      // VXLAN.VNI and GENEVE.VNI are one place.
      const port = stack.carrier[level] === CARRIER.vxlan ? UDP_PORT.VXLAN : UDP_PORT.GENEVE;
      this.#high = fillEndpoints(key, words, src, dst, port, port);
      key[KEY_CARRIER] = VXLAN_CARRIER + stack.word(stack.header[level]!, VXLAN.VNI);
    } else if (udp >= 0) {
      this.#high = fillEndpoints(key, words, src, dst, sourcePort(stack, udp), destinationPort(stack, udp));
      key[KEY_CARRIER] = IP_PROTOCOL.UDP;
    } else {
      this.#high = fillEndpoints(key, words, src, dst, 0, 0);
      key[KEY_CARRIER] = protocolOf(stack, level);
    }
    key[KEY_PARENT] = parent < 0 ? 0 : this.identityHigh[parent]!;
    key[KEY_PARENT + 1] = parent < 0 ? 0 : this.identityLow[parent]!;
  }

  #grow(slots: number): void {
    this.id = grown(this.id, new Uint32Array(slots));
    this.kind = grown(this.kind, new Uint8Array(slots));
    this.evidence = grown(this.evidence, new Uint16Array(slots));
    this.level = grown(this.level, new Uint8Array(slots));
    this.carrier = grown(this.carrier, new Uint8Array(slots));
    this.direction = grown(this.direction, new Uint8Array(slots));
    this.origPort = grown(this.origPort, new Uint16Array(slots));
    this.respPort = grown(this.respPort, new Uint16Array(slots));
    this.firstSeconds = grown(this.firstSeconds, new Uint32Array(slots));
    this.firstNanoseconds = grown(this.firstNanoseconds, new Uint32Array(slots));
    this.identityHigh = grown(this.identityHigh, new Uint32Array(slots));
    this.identityLow = grown(this.identityLow, new Uint32Array(slots));
    this.vlan = grown(this.vlan, new Uint16Array(slots));
    this.innerVlan = grown(this.innerVlan, new Uint16Array(slots));
  }
}

/** Carrier word of protocols 4 and 41 and of GRE, where they are told by their addresses alone. */
const ANY_IP_CARRIER = 0;
/** Carrier word of VXLAN and GENEVE: this plus the 24-bit network identifier. */
const VXLAN_CARRIER = 0x01000000;

/* Protocol of a tunnel directly in IP: 4 or 41 by the version of what is inside. */
function protocolOf(stack: LayerStack, level: number): number {
  switch (stack.carrier[level]) {
    case CARRIER.gre:
      return IP_PROTOCOL.GRE;
    case CARRIER.mpls:
      return IP_PROTOCOL.MPLS;
    case CARRIER.etherip:
      return IP_PROTOCOL.ETHERIP;
    case CARRIER.ethernet:
      return IP_PROTOCOL.ETHERNET;
    default:
      return stack.kind[stack.inner[level]!] === LAYER.ipv4 ? IP_PROTOCOL.IPV4 : IP_PROTOCOL.IPV6;
  }
}
