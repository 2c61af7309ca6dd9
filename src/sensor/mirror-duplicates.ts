import type { LayerStack } from '../decode/layers.js';
import { LAYER } from '../decode/layers.js';
import type { UsualTunnel } from '../decode/usual-tunnel.js';
import type { FrameView } from '../wire/frame.js';

/** Packets that are remembered; a newer one takes the place of an older one of the same row. */
const ROWS = 4096;
/** A router passes a packet on within microseconds; a mirror may reorder it by some milliseconds. */
const WINDOW_MS = 50;
/** Routers in a row whose ports one mirror copies; a packet that lost more hops goes in a circle. */
const MOST_ROUTERS = 4;
const IPV4_IDENTIFICATION_AT = 4;
const IPV4_TTL_AT = 8;
const IPV6_LENGTH_AT = 4;
const IPV6_HOP_LIMIT_AT = 7;
const NONE = -1;
/** Behind any packet: the decoder has compared its length with that of the frame. */
const NO_LIMIT = 0x3fffffff;
/** Words of a payload that are looked at: one in each of as many equal parts. */
const SAMPLES = 16;
const WORD_OCTETS = 4;

/**
 * Tells further copies of a packet where a mirror port copies several ports: every octet from the outermost IP header on is
 * the same, link header and VLAN tags aside, and it comes within 50 ms of the first. Behind a router the TTL is one less
 * (and so is the header checksum that follows from it). With the same TTL only an IPv4 packet with an identification is
 * a copy: a sender gives each packet another (RFC 6864 4), but may repeat one whose identification is 0, and IPv6 has none.
 * What loses more hops than routers are mirrored goes in a circle, and each round counts.
 *
 * The whole packet is hashed, so that a packet with the same beginning cannot hide behind another; the hash has
 * the seed of the sensor, so that a sender cannot make two that collide. Of a usual tunnel packet, which is only counted,
 * that is the headers and 16 words of what they carry, at places that follow from the seed: the checksum in
 * the transport header covers the rest, and a sender who makes up for it cannot foresee which octets are looked at.
 */
export class MirrorDuplicates {
  /** Both lanes of the hash. Columns, not rows: the first is all that most packets read, and stays near the processor. */
  readonly #low = new Int32Array(ROWS);
  readonly #high = new Int32Array(ROWS);
  /** Of the first copy; the lowest so far; whether the packet goes in a circle. */
  readonly #firstHops = new Uint8Array(ROWS);
  readonly #lowestHops = new Uint8Array(ROWS);
  readonly #circles = new Uint8Array(ROWS);
  readonly #firstMs = new Float64Array(ROWS).fill(-Infinity);
  readonly #lastMs = new Float64Array(ROWS).fill(-Infinity);
  readonly #usual: UsualTunnel;
  readonly #seedLow: number;
  readonly #seedHigh: number;
  /** Where in its part of a payload each word is looked at: fractions of 65,536. */
  readonly #places = new Uint16Array(SAMPLES);
  #hashLow = 0;
  #hashHigh = 0;

  /**
   * `seed` is the sensor's own when live, so that nobody can foresee the hash, and fixed in a replay; `usual` is for the
   * headers of a packet.
   */
  constructor(seed: number, usual: UsualTunnel) {
    this.#usual = usual;
    this.#seedLow = seed >>> 0;
    this.#seedHigh = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
    for (let i = 0; i < SAMPLES; i++) {
      const mixed = Math.imul((this.#seedHigh ^ (this.#seedLow >>> 15)) + i * 0x9e3779b9, 0xc2b2ae35);
      this.#places[i] = mixed >>> 16;
    }
  }

  /** True for a copy of the packet that `stack` was decoded from; remembers the packet otherwise. */
  isCopy(stack: LayerStack, frame: FrameView, seconds: number, nanoseconds: number): boolean {
    const layer = stack.encapsulations > 0 ? stack.outerIp[0]! : stack.ip;
    if (layer === NONE) return false;
    const at = stack.at[layer]!;
    const end = stack.end[layer]!;
    // The same answer for packet and copy, whatever is known when they come.
    const isUsual = stack.kind[layer] === LAYER.ipv4 && this.#usual.readIpv4(frame, at, end, NO_LIMIT);
    return this.isCopyOf(frame, at, isUsual ? this.#usual.headersEnd : end, end, seconds, nanoseconds);
  }

  /** The same of a packet that begins with its outermost IP header, at `at`; behind `headersEnd` it is only counted. */
  isCopyOf(
    frame: FrameView,
    at: number,
    headersEnd: number,
    end: number,
    seconds: number,
    nanoseconds: number,
  ): boolean {
    const isIpv4 = frame.bytes[at]! >>> 4 === 4;
    if (isIpv4) this.#hash(frame, at, headersEnd, end, at + IPV4_TTL_AT, 0x00ff0000);
    else this.#hash(frame, at, headersEnd, end, at + IPV6_LENGTH_AT, 0xffffff00);
    const row = this.#hashLow & (ROWS - 1);
    const hops = frame.bytes[at + (isIpv4 ? IPV4_TTL_AT : IPV6_HOP_LIMIT_AT)]!;
    const timeMs = seconds * 1e3 + nanoseconds / 1e6;
    const isSame =
      this.#low[row] === this.#hashLow &&
      this.#high[row] === this.#hashHigh &&
      Math.abs(timeMs - this.#lastMs[row]!) <= WINDOW_MS;
    this.#lastMs[row] = timeMs;
    if (isSame) {
      if (this.#circles[row] === 1) return false;
      const fall = this.#firstHops[row]! - hops;
      const lowest = this.#lowestHops[row]!;
      if (fall > MOST_ROUTERS) this.#circles[row] = 1;
      const isNext = fall >= 0 && fall <= MOST_ROUTERS && hops >= lowest - 1;
      const isTold = hops < lowest || (isIpv4 && frame.view.getUint16(at + IPV4_IDENTIFICATION_AT) !== 0);
      if (isNext && isTold && Math.abs(timeMs - this.#firstMs[row]!) <= WINDOW_MS) {
        if (hops < lowest) this.#lowestHops[row] = hops;
        return true;
      }
    } else this.#circles[row] = 0;
    // The first of its copies. Here, because a time that is handed on may become an object for each packet.
    this.#low[row] = this.#hashLow;
    this.#high[row] = this.#hashHigh;
    this.#firstHops[row] = hops;
    this.#lowestHops[row] = hops;
    this.#firstMs[row] = timeMs;
    return false;
  }

  /*
   * Two lanes, each over all words of the headers, without TTL and IPv4 header checksum: of the word at `hopsAt` they take
   * `mask`. Then samples of what lies behind `headersEnd`, in turns. The IP header was decoded whole.
   */
  #hash(
    { bytes, view }: FrameView,
    at: number,
    headersEnd: number,
    end: number,
    hopsAt: number,
    mask: number,
  ): void {
    let low = this.#seedLow;
    let high = this.#seedHigh ^ (end - at);
    let i = at;
    for (; i + WORD_OCTETS <= headersEnd; i += WORD_OCTETS) {
      const word = i === hopsAt ? view.getUint32(i) & mask : view.getUint32(i);
      low = Math.imul(low ^ word, 0x9e3779b1);
      low ^= low >>> 15;
      high = Math.imul(((high << 13) | (high >>> 19)) ^ word, 0x85ebca77);
    }
    const part = ((end - i) / SAMPLES) | 0;
    if (part >= WORD_OCTETS) {
      const places = this.#places;
      const room = part - WORD_OCTETS + 1;
      for (let n = 0; n < SAMPLES; n += 2, i += 2 * part) {
        const first = view.getUint32(i + ((places[n]! * room) >>> 16));
        const second = view.getUint32(i + part + ((places[n + 1]! * room) >>> 16));
        low = Math.imul(((low << 13) | (low >>> 19)) ^ first, 0x9e3779b1);
        high = Math.imul(((high << 13) | (high >>> 19)) ^ second, 0x85ebca77);
      }
    }
    for (; i + WORD_OCTETS <= end; i += WORD_OCTETS) {
      low = Math.imul(((low << 13) | (low >>> 19)) ^ view.getUint32(i), 0x9e3779b1);
      high = Math.imul(high ^ low, 0x85ebca77);
    }
    for (; i < end; i++) {
      low = Math.imul(low ^ bytes[i]!, 0x9e3779b1);
      high = Math.imul(((high << 13) | (high >>> 19)) ^ bytes[i]!, 0x85ebca77);
    }
    this.#hashLow = low ^ (low >>> 13);
    this.#hashHigh = high ^ (high >>> 16);
  }
}
