import type { LayerStack } from '../decode/layers.js';
import { IP, ROW } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE } from '../model/vocabulary.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import {
  inSixrdDomain,
  is6to4Word,
  isIsatapWord,
  sixrdBitsOf,
  sixrdV4Bits,
  sixtofourV4,
} from '../wire/embedded-address.js';
import { ipv4Scope, isSiteScope } from '../wire/ipv4-space.js';
import type { Proto41Packet } from './proto41-packet.js';

/** Packets that are remembered; each takes some 40 octets. */
const MAX_PACKETS = 16_384;
/** A turn of a loop takes milliseconds; one of 255 turns is long over by then. */
const WINDOW_SECONDS = 5;
/** Sightings that make a loop. The probe of a 6rd relay comes by twice (RFC 5969 8), and so may a mirrored packet. */
const LOOP_SIGHTINGS = 3;
/** Octets of a packet that tell it from others: all headers, with sequence numbers and checksums. */
const TELLING_OCTETS = 96;
const HOP_LIMIT_WORD_AT = 4;
const TYPE = { sixtofour: 1, isatap: 2, sixrd: 4 } as const;

/**
 * Routing loops between tunnels (RFC 6324): the packet that can start one, and one that is on its way. The same packet in
 * the same direction of the same tunnel has a lower hop limit each time.
 */
export class LoopChecks {
  /** Packets that can be remembered. */
  static readonly CAPACITY = MAX_PACKETS;
  readonly #packets: BoundedTable;
  #hops = new Uint8Array(0);
  #sightings = new Uint8Array(0);

  constructor() {
    this.#packets = new BoundedTable({
      keyWords: 4,
      capacity: MAX_PACKETS,
      onGrow: (slots) => {
        this.#hops = grown(this.#hops, new Uint8Array(slots));
        this.#sightings = grown(this.#sightings, new Uint8Array(slots));
      },
    });
  }

  get size(): number {
    return this.#packets.size;
  }

  get evictions(): number {
    return this.#packets.evictions;
  }

  /** S11. A packet is remembered when it is the first of its flow, or of none (`isFirst`). */
  watch(
    stack: LayerStack,
    innerIp: number,
    packet: Proto41Packet,
    isFirst: boolean,
    now: number,
    out: CheckResults,
  ): void {
    // Where headers came in a frame that is gone there is nothing to compare.
    if (innerIp < stack.frameFrom) return;
    const { key } = this.#packets;
    key[0] = packet.outerSrc;
    key[1] = packet.outerDst;
    hashInto(stack, innerIp, key);
    const slot = this.#packets.find();
    out.set(CHECK.S11, CHECK_VALUE.holds);
    if (slot < 0) {
      if (!isFirst) return;
      const fresh = this.#packets.insert(now);
      this.#hops[fresh] = packet.hopLimit;
      this.#sightings[fresh] = 1;
      return;
    }
    const isLate = now - this.#packets.lastActive(slot) > WINDOW_SECONDS;
    this.#packets.touch(slot, now);
    if (isLate || packet.hopLimit > this.#hops[slot]!) this.#sightings[slot] = 1;
    else if (packet.hopLimit < this.#hops[slot]!) {
      const sightings = Math.min(255, this.#sightings[slot]! + 1);
      this.#sightings[slot] = sightings;
      if (sightings >= LOOP_SIGHTINGS) out.set(CHECK.S11, CHECK_VALUE.violated);
    }
    this.#hops[slot] = packet.hopLimit;
  }
}

/**
 * L01: source and destination agree with the outer header, each as an address of another kind of automatic tunnel. Such a
 * packet passes all checks of either kind, and the two routers hand it to each other until its hop limit is used up.
 */
export function checkLoopStart(
  packet: Proto41Packet,
  domains: readonly SixrdDomain[],
  out: CheckResults,
): void {
  const { words, src, dst, outerSrc, outerDst } = packet;
  const srcTypes = agreeingTypes(words, src, packet.outerSrcAt, domains);
  if (srcTypes === 0) return;
  const dstTypes = agreeingTypes(words, dst, packet.outerDstAt, domains);
  if (dstTypes === 0) return;
  if ((srcTypes & dstTypes) !== 0) {
    // Two ISATAP links of the same two routers can loop; two prefixes of one link look the same.
    const isOtherLink =
      (srcTypes & dstTypes) === TYPE.isatap &&
      (words[src] !== words[dst] || words[src + 1] !== words[dst + 1]);
    out.set(CHECK.L01, isOtherLink ? CHECK_VALUE.undetermined : CHECK_VALUE.holds);
    return;
  }
  // Private addresses exist in many places, and only in one of them does the packet loop.
  const isPrivate = isSiteScope(ipv4Scope(outerSrc)) || isSiteScope(ipv4Scope(outerDst));
  out.set(CHECK.L01, isPrivate ? CHECK_VALUE.undetermined : CHECK_VALUE.violated);
}

/* As address of which kinds of automatic tunnels the one at `at` names the IPv4 address at `outerAt`. */
function agreeingTypes(
  words: Uint32Array,
  at: number,
  outerAt: number,
  domains: readonly SixrdDomain[],
): number {
  const v4 = words[outerAt + 3]!;
  let types = 0;
  const word0 = words[at]!;
  const word1 = words[at + 1]!;
  if (is6to4Word(word0) && sixtofourV4(word0, word1) === v4) types |= TYPE.sixtofour;
  if (isIsatapWord(words[at + 2]!) && words[at + 3] === v4) types |= TYPE.isatap;
  for (const domain of domains) {
    if (!inSixrdDomain(domain, word0, word1)) continue;
    if (sixrdBitsOf(domain, word0, word1) === sixrdV4Bits(domain, v4)) types |= TYPE.sixrd;
  }
  return types;
}

/* Two lanes over the first octets of the inner packet, without its hop limit, into key words 2 and 3. */
function hashInto(stack: LayerStack, innerIp: number, key: Uint32Array): void {
  const { view, bytes } = stack.frame;
  const at = stack.at[innerIp]!;
  const end = Math.min(stack.end[innerIp]!, at + TELLING_OCTETS);
  let low = stack.words[innerIp * ROW + IP.LENGTH]!;
  let high = ~low;
  let i = at;
  for (; i + 4 <= end; i += 4) {
    const word = i === at + HOP_LIMIT_WORD_AT ? view.getUint32(i) & 0xffffff00 : view.getUint32(i);
    low = Math.imul(low ^ word, 0x9e3779b1);
    low ^= low >>> 15;
    high = Math.imul(((high << 13) | (high >>> 19)) ^ word, 0x85ebca77);
  }
  for (; i < end; i++) {
    low = Math.imul(low ^ bytes[i]!, 0x9e3779b1);
    high = Math.imul(((high << 13) | (high >>> 19)) ^ bytes[i]!, 0x85ebca77);
  }
  key[2] = low;
  key[3] = high;
}
