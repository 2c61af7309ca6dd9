import type { LayerStack } from '../decode/layers.js';
import { FRAGMENT_BIT } from '../decode/layers.js';

/** A first fragment whose datagram was given up, kept so that it can be judged alone. */
export interface FirstFragment {
  /** The stack as it stopped at the fragment; its frame holds the fragment's first octets. */
  readonly stack: LayerStack;
  readonly origin: FragmentOrigin;
}

/** Where a frame came from; the reassembler keeps it and hands it back. */
export interface FragmentOrigin {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly packetNumber: number;
  readonly interfaceIndex: number;
  readonly wireLength: number;
}

export interface Fragment {
  offset: number;
  length: number;
  more: boolean;
  identification: number;
  protocol: number;
}

export const MAX_DATAGRAM = 65_535;
const MAX_RANGES = 256;
/** Ends that fragments may claim: one is right, and a sender who contradicts himself gets some more. */
const MAX_ENDS = 4;
/** What a datagram takes beside its octets, and a kept stack beside its frame. */
const DATAGRAM_OVERHEAD = 2_304;
const STACK_OVERHEAD = 3_072;

/** A datagram some of whose fragments came. */
export class Datagram {
  bytes = new Uint8Array(2_048);
  protocol = -1;
  first: FirstFragment | undefined;
  /** Fragments say different things of the same octets, or of the end. */
  overlapped = false;
  /** Octets of the shortest first fragment. */
  firstLength = 0;
  /** Bits of FRAGMENT_BIT. */
  bits = 0;
  /** Given up, but remembered so that later fragments of it do not start it anew. */
  discarded = false;
  /** Received ranges, sorted, as pairs of offsets. */
  readonly #ranges = new Uint32Array(MAX_RANGES * 2);
  #rangeCount = 0;
  readonly #ends = new Uint32Array(MAX_ENDS);
  #endCount = 0;

  get held(): number {
    const first = this.first === undefined ? 0 : STACK_OVERHEAD + this.first.stack.frame.bytes.length;
    return DATAGRAM_OVERHEAD + this.bytes.length + first;
  }

  /** Length of the whole payload: the least of the ends up to which all is there, or -1. */
  get length(): number {
    if (this.#rangeCount === 0 || this.#ranges[0] !== 0) return -1;
    let least = -1;
    for (let i = 0; i < this.#endCount; i++) {
      const end = this.#ends[i]!;
      if (end <= this.#ranges[1]! && (least < 0 || end < least)) least = end;
    }
    return least;
  }

  get isComplete(): boolean {
    return this.protocol >= 0 && this.length >= 0;
  }

  /**
   * Copies a fragment, whose octets are at `source[at..]`; octets that are there already stay. One that contradicts others is
   * `refused` where it says too much for IPv4, and makes IPv6 `discard` the datagram.
   */
  store(piece: Fragment, source: Uint8Array, at: number, isIpv4: boolean): 'stored' | 'refused' | 'discard' {
    const from = piece.offset;
    const to = from + piece.length;
    if (this.#contradicts(piece, to)) {
      this.#note();
      if (!isIpv4) return 'discard';
    }
    if (!piece.more && !this.#ends.subarray(0, this.#endCount).includes(to)) {
      if (this.#endCount === MAX_ENDS) return 'refused';
      this.#ends[this.#endCount++] = to;
    }
    if (to > this.bytes.length) {
      const larger = new Uint8Array(Math.min(MAX_DATAGRAM, Math.max(to, this.bytes.length * 2)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    if (!this.#copy(from, to, source, at - from) && !isIpv4) return 'discard';
    return this.#addRange(from, to) ? 'stored' : 'discard';
  }

  /* Whether a fragment ends elsewhere than another last one, or one of them goes on behind an end. */
  #contradicts(piece: Fragment, to: number): boolean {
    const end = this.#endCount > 0 ? this.#ends[0]! : -1;
    if (!piece.more && ((end >= 0 && end !== to) || this.#highest > to)) return true;
    return end >= 0 && to > end;
  }

  #note(): void {
    this.bits |= FRAGMENT_BIT.overlap;
    this.overlapped = true;
  }

  /* Copies what is not there yet. False when some of the rest differs. `base` is where offset 0 would be. */
  #copy(from: number, to: number, source: Uint8Array, base: number): boolean {
    const { bytes } = this;
    let here = from;
    let isSame = true;
    for (let r = 0; r < this.#rangeCount && here < to; r++) {
      const start = this.#ranges[r * 2]!;
      const end = this.#ranges[r * 2 + 1]!;
      if (end <= here) continue;
      if (start >= to) break;
      if (start > here) bytes.set(source.subarray(base + here, base + start), here);
      const overlapTo = Math.min(end, to);
      for (let i = Math.max(here, start); i < overlapTo && isSame; i++)
        isSame = bytes[i] === source[base + i];
      here = Math.max(here, overlapTo);
    }
    if (here < to) bytes.set(source.subarray(base + here, base + to), here);
    if (!isSame) this.#note();
    return isSame;
  }

  get #highest(): number {
    return this.#rangeCount === 0 ? 0 : this.#ranges[this.#rangeCount * 2 - 1]!;
  }

  /* Adds [from, to) to the sorted ranges, merging what touches. False when there are too many. */
  #addRange(from: number, to: number): boolean {
    const ranges = this.#ranges;
    let first = 0;
    while (first < this.#rangeCount && ranges[first * 2 + 1]! < from) first++;
    let last = first;
    let start = from;
    let end = to;
    while (last < this.#rangeCount && ranges[last * 2]! <= to) {
      start = Math.min(start, ranges[last * 2]!);
      end = Math.max(end, ranges[last * 2 + 1]!);
      last++;
    }
    const count = this.#rangeCount - (last - first) + 1;
    if (count > MAX_RANGES) return false;
    ranges.copyWithin((first + 1) * 2, last * 2, this.#rangeCount * 2);
    ranges[first * 2] = start;
    ranges[first * 2 + 1] = end;
    this.#rangeCount = count;
    return true;
  }
}
