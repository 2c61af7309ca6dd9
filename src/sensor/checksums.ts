import type { LayerStack } from '../decode/layers.js';
import { ETH, EXTENSION, IP, LAYER, ROW, UDP } from '../decode/layers.js';
import { CHECKSUM_VALUE } from '../model/vocabulary.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { carrierUdpLayer } from '../tunnel/level.js';
import { fold16, sum16 } from '../wire/checksum.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import type { PacketScene } from './packet-scene.js';

/** `auto` recognises senders whose checksums a network card fills in behind the mirror. */
export type ChecksumMode = 'auto' | 'verify' | 'ignore';

/** Senders that are remembered, one entry for each protocol. */
const MAX_SENDERS = 1_024;
/** So many wrong checksums of one sender and protocol, and none right, are no faults. */
const OFFLOAD_AFTER = 20;
/** Senders that were right in this second, by a few bits of what tells them: nothing new is learned of those. Words of each. */
const RIGHT_NOW = 64;
const RIGHT_WORDS = 4;
/** Offsets of the checksum. */
const FIELD_AT = { ipv4: 10, tcp: 16, udp: 6, icmp: 2 } as const;

/** Octets of the shortest header, by layer. */
const SHORTEST: Readonly<Record<number, number>> = {
  [LAYER.tcp]: 20,
  [LAYER.udp]: 8,
  [LAYER.icmp]: 4,
  [LAYER.icmpv6]: 4,
};

/**
 * Verifies the checksums of headers and transports of a tunnel packet where the capture holds all that they cover. Values
 * are those of CHECKSUM_VALUES: what is cut, fragmented away, source-routed or not used is unknown.
 */
export class Checksums {
  readonly #mode: ChecksumMode;
  readonly #onOffload: (scene: PacketScene, sender: string) => void;
  /** By link-layer source, or outermost IP source, and protocol. */
  readonly #senders: BoundedTable;
  readonly #rightNow = new Uint32Array(RIGHT_NOW * RIGHT_WORDS);
  #right = new Uint32Array(0);
  #wrong = new Uint32Array(0);
  #isAnnounced = false;

  /** A rule asks for a value; what it tells of the sender was counted, or is not for counting. */
  #isAsked = false;

  /** `onOffload` is called once, for the first packet whose wrong checksum is taken for offload. */
  constructor(mode: ChecksumMode, onOffload: (scene: PacketScene, sender: string) => void) {
    this.#mode = mode;
    this.#onOffload = onOffload;
    this.#senders = new BoundedTable({
      keyWords: 3,
      capacity: MAX_SENDERS,
      onGrow: (slots) => {
        this.#right = grown(this.#right, new Uint32Array(slots));
        this.#wrong = grown(this.#wrong, new Uint32Array(slots));
      },
    });
  }

  /** Of the IPv4 header at `layer`. */
  header(scene: PacketScene, layer: number): number {
    const { stack } = scene;
    if (this.#mode === 'ignore' || stack.kind[layer] !== LAYER.ipv4 || layer < stack.frameFrom) {
      return CHECKSUM_VALUE.unknown;
    }
    const at = stack.at[layer]!;
    const sum = sum16(stack.frame, at, at + stack.word(layer, IP.HEADER_LENGTH), 0);
    const isBlank = stack.frame.view.getUint16(at + FIELD_AT.ipv4) === 0;
    return this.#weigh(scene, sum === 0xffff, isBlank, 0);
  }

  /** Of the TCP, UDP or ICMP at `layer`, which the IP header at `ip` carries. */
  transport(scene: PacketScene, ip: number, layer: number): number {
    const { stack } = scene;
    if (this.#mode === 'ignore' || layer < stack.frameFrom || stack.incompleteFragment) {
      return CHECKSUM_VALUE.unknown;
    }
    const kind = stack.kind[layer]!;
    const end = endOf(stack, kind, layer);
    const protocol = protocolOf(kind);
    if (protocol < 0 || end < 0 || isSourceRouted(stack, ip, layer)) return CHECKSUM_VALUE.unknown;
    const at = stack.at[layer]!;
    // Of a header that does not fit the ports may be there alone.
    if (end - at < SHORTEST[kind]! || end > stack.frame.bytes.length) return CHECKSUM_VALUE.unknown;
    const fieldAt =
      at + (kind === LAYER.tcp ? FIELD_AT.tcp : kind === LAYER.udp ? FIELD_AT.udp : FIELD_AT.icmp);
    const field = stack.frame.view.getUint16(fieldAt);
    // Without a checksum of its own (RFC 768, RFC 6935).
    if (kind === LAYER.udp && field === 0) return CHECKSUM_VALUE.unknown;
    const addresses = kind === LAYER.icmp ? 0 : addressSum(stack, ip) + protocol;
    const pseudo = kind === LAYER.icmp ? 0 : addresses + (end - at);
    const sum = sum16(stack.frame, at, end, pseudo);
    // What a sender leaves to its card is the sum of the addresses, with or without the length.
    const isLeft = kind !== LAYER.icmp && (field === fold16(pseudo) || field === fold16(addresses));
    return this.#weigh(scene, sum === 0xffff, isLeft || field === 0, protocol);
  }

  #weigh(scene: PacketScene, isRight: boolean, isLeftToCard: boolean, protocol: number): number {
    if (this.#mode === 'verify') return isRight ? CHECKSUM_VALUE.ok : CHECKSUM_VALUE.bad;
    this.#fillKey(scene, protocol);
    if (isRight && (this.#isAsked || this.#wasRightNow(scene.seconds))) return CHECKSUM_VALUE.ok;
    const slot = this.#sender(scene.seconds);
    if (isRight) {
      this.#right[slot]! += 1;
      return CHECKSUM_VALUE.ok;
    }
    const evidence = this.#isAsked ? 0 : 1;
    this.#wrong[slot]! += evidence;
    const isOffload = isLeftToCard || (this.#wrong[slot]! >= OFFLOAD_AFTER && this.#right[slot] === 0);
    if (!isOffload) return CHECKSUM_VALUE.bad;
    if (!this.#isAnnounced) {
      this.#isAnnounced = true;
      this.#onOffload(scene, scene.hasMac ? 'the same link-layer source' : 'the same IP source');
    }
    return CHECKSUM_VALUE.unknown;
  }

  #fillKey(scene: PacketScene, protocol: number): void {
    const { stack } = scene;
    const { key } = this.#senders;
    const source = stack.outerIp[0]! * ROW + IP.SRC;
    key[0] = scene.hasMac ? stack.word(0, ETH.SRC_HIGH) : stack.words[source + 1]!;
    key[1] = scene.hasMac ? stack.word(0, ETH.SRC_LOW) : stack.words[source + 3]!;
    key[2] = protocol;
  }

  /* Whether the sender with the key at hand was right in this second already; it is from now on. */
  #wasRightNow(seconds: number): boolean {
    const { key } = this.#senders;
    const known = this.#rightNow;
    const at = ((key[1]! ^ key[2]!) & (RIGHT_NOW - 1)) * RIGHT_WORDS;
    if (
      known[at] === key[0] &&
      known[at + 1] === key[1] &&
      known[at + 2] === key[2] &&
      known[at + 3] === seconds
    ) {
      return true;
    }
    known[at] = key[0]!;
    known[at + 1] = key[1]!;
    known[at + 2] = key[2]!;
    known[at + 3] = seconds;
    return false;
  }

  /* Slot of the sender with the key at hand. */
  #sender(seconds: number): number {
    let slot = this.#senders.find();
    if (slot >= 0) {
      this.#senders.touch(slot, seconds);
      return slot;
    }
    slot = this.#senders.insert(seconds);
    this.#right[slot] = 0;
    this.#wrong[slot] = 0;
    return slot;
  }

  /** Of the header that carries encapsulation `level`: IPv4, and UDP where there is one. */
  outer(scene: PacketScene, level: number): number {
    this.#isAsked = true;
    const value = this.#outer(scene, level);
    this.#isAsked = false;
    return value;
  }

  #outer(scene: PacketScene, level: number): number {
    const { stack } = scene;
    const ip = stack.outerIp[level]!;
    const header = this.header(scene, ip);
    const udp = carrierUdpLayer(stack, level);
    if (udp < 0 || header === CHECKSUM_VALUE.bad) return header;
    const datagram = this.transport(scene, ip, udp);
    return datagram === CHECKSUM_VALUE.unknown ? header : datagram;
  }

  /** Of the packet inside encapsulation `level`: its transport, and its header when that is IPv4. */
  inner(scene: PacketScene, level: number): number {
    this.#isAsked = true;
    const value = this.#inner(scene, level);
    this.#isAsked = false;
    return value;
  }

  #inner(scene: PacketScene, level: number): number {
    const ip = scene.innerIp[level]!;
    if (ip < 0) return CHECKSUM_VALUE.unknown;
    const header = this.header(scene, ip);
    const transport = scene.transport[level]!;
    if (transport < 0 || header === CHECKSUM_VALUE.bad) return header;
    return this.transport(scene, ip, transport);
  }
}

function protocolOf(kind: number): number {
  switch (kind) {
    case LAYER.tcp:
      return IP_PROTOCOL.TCP;
    case LAYER.udp:
      return IP_PROTOCOL.UDP;
    case LAYER.icmp:
      return IP_PROTOCOL.ICMP;
    case LAYER.icmpv6:
      return IP_PROTOCOL.ICMPV6;
    default:
      return -1;
  }
}

/* Where the datagram or segment ends, or -1 when the capture does not hold all of it. */
function endOf(stack: LayerStack, kind: number, layer: number): number {
  if (kind === LAYER.udp) {
    const length = stack.word(layer, UDP.LENGTH);
    const end = stack.at[layer]! + length;
    return length > 0 && stack.end[layer]! >= end ? end : -1;
  }
  // TCP and ICMP are where the walk ends.
  return stack.nextEnd < stack.wireEnd ? -1 : stack.wireEnd;
}

/* The sum is over the last destination, which a routing header holds until the packet is there (RFC 8200 8.1). */
function isSourceRouted(stack: LayerStack, ip: number, layer: number): boolean {
  for (let at = ip + 1; at < layer; at++) {
    if (stack.kind[at] === LAYER.routing && stack.word(at, EXTENSION.DETAIL_2) > 0) return true;
  }
  return false;
}

/* An IPv4 address has 0xffff before it here, which is nothing in this sum. */
function addressSum(stack: LayerStack, ip: number): number {
  const { words } = stack;
  let sum = 0;
  for (let i = ip * ROW + IP.SRC; i < ip * ROW + IP.DST + 4; i++) {
    const word = words[i]!;
    sum += (word >>> 16) + (word & 0xffff);
  }
  return sum;
}
