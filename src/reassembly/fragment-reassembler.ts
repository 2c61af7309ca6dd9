import { OFFSET_MASK, MORE_FRAGMENTS } from '../decode/ipv4.js';
import { EXTENSION, FRAGMENT_BIT, IP, LAYER, LayerStack, ROW } from '../decode/layers.js';
import { BoundedTable } from '../state/bounded-table.js';
import type { FrameView } from '../wire/frame.js';
import { frameOf } from '../wire/frame.js';
import { IP_PROTOCOL } from '../wire/numbers.js';

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

export interface ReassemblerOptions {
  /** Datagrams that may be incomplete at once. */
  readonly maxDatagrams: number;
  /** Octets that incomplete datagrams may hold together. */
  readonly maxBytes: number;
  /** Seconds after which an incomplete datagram is given up. */
  readonly timeoutSeconds: number;
  /** Called for a datagram that was given up and whose first fragment was seen. */
  readonly onIncomplete: (first: FirstFragment) => void;
}

export interface ReassemblyCounters {
  fragments: number;
  completed: number;
  timedOut: number;
  evicted: number;
  /** Discarded because fragments overlap (IPv6, RFC 5722), are too many or contradict each other. */
  discarded: number;
}

const KEY_WORDS = 12;
const KEY = { ID: 8, PROTOCOL: 9, OUTER_SRC: 10, OUTER_DST: 11 } as const;
const MAX_DATAGRAM = 65_535;
const MAX_RANGES = 256;
/** Half of the least MTU that there is in practice (RFC 8200 5; RFC 1122 3.3.3): no sender has a reason to send less. */
const TINY_IPV6 = 640;
const TINY_IPV4 = 288;
const IPV6_HEADER = 40;
/** Octets of a first fragment that are kept to judge it alone. */
const KEEP_OF_FIRST = 2_048;
/** What a datagram takes beside its octets, and a kept stack beside its frame. */
const DATAGRAM_OVERHEAD = 2_304;
const STACK_OVERHEAD = 3_072;

class Datagram {
  bytes = new Uint8Array(2_048);
  /** Received ranges, sorted, as pairs of offsets. */
  readonly ranges = new Uint32Array(MAX_RANGES * 2);
  rangeCount = 0;
  /** Length of the whole payload, or -1 while the last fragment is missing. */
  total = -1;
  protocol = -1;
  first: FirstFragment | undefined;
  overlapped = false;
  /** Octets of the first fragment. */
  firstLength = 0;
  /** Bits of FRAGMENT_BIT. */
  bits = 0;
  /** Given up, but remembered so that later fragments of it do not start it anew. */
  discarded = false;

  get held(): number {
    const first = this.first === undefined ? 0 : STACK_OVERHEAD + this.first.stack.frame.bytes.length;
    return DATAGRAM_OVERHEAD + this.bytes.length + first;
  }
}

/**
 * Puts IPv4 and IPv6 fragments together, outer and inner, in any order (RFC 791 3.2, RFC 8200 4.5). Bounded in
 * datagrams and octets. Policy on overlap with different octets: IPv4 keeps what came first and says so; IPv6 discards
 * the datagram (RFC 5722). Exact duplicates are dropped.
 */
export class FragmentReassembler {
  readonly counters: ReassemblyCounters = {
    fragments: 0,
    completed: 0,
    timedOut: 0,
    evicted: 0,
    discarded: 0,
  };
  /** Payload of the datagram that {@link add} completed; valid until the next call. */
  completedFrame: FrameView = frameOf(new Uint8Array(0));
  completedLength = 0;
  completedProtocol = 0;
  completedWithOverlap = false;
  /** Octets that its first fragment held, and bits of FRAGMENT_BIT. */
  completedFirstLength = 0;
  completedBits = 0;

  readonly #options: ReassemblerOptions;
  readonly #table: BoundedTable;
  readonly #datagrams: (Datagram | undefined)[] = [];
  #heldBytes = 0;

  constructor(options: ReassemblerOptions) {
    this.#options = options;
    this.#table = new BoundedTable({
      keyWords: KEY_WORDS,
      capacity: options.maxDatagrams,
      onEvict: (slot) => {
        this.counters.evicted++;
        this.#giveUp(slot);
      },
    });
  }

  /** Octets that waiting datagrams take. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get waiting(): number {
    return this.#table.size;
  }

  /**
   * Takes the fragment at which `stack` stopped, at state time `now` (seconds). Returns true when it completes its
   * datagram, whose payload is then in `completedFrame`.
   */
  add(stack: LayerStack, origin: FragmentOrigin, now: number): boolean {
    this.counters.fragments++;
    const piece = readFragment(stack);
    if (piece.length === 0 || piece.offset + piece.length > MAX_DATAGRAM || stack.nextEnd < stack.wireEnd) {
      this.counters.discarded++;
      // Cut short by the capture it can never be completed; a first one still shows what it shows.
      if (piece.offset === 0 && piece.length > 0) this.#options.onIncomplete(keepFirst(stack, origin));
      return false;
    }
    this.#fillKey(stack, piece);
    let slot = this.#table.find();
    if (slot < 0) {
      slot = this.#table.insert(now);
      const fresh = new Datagram();
      this.#datagrams[slot] = fresh;
      this.#heldBytes += fresh.held;
    } else {
      this.#table.touch(slot, now);
    }
    const datagram = this.#datagrams[slot]!;
    if (datagram.discarded) return false;
    const before = datagram.held;
    if (piece.offset === 0) {
      datagram.protocol = piece.protocol;
      datagram.first ??= keepFirst(stack, origin);
      datagram.firstLength = piece.length;
    }
    datagram.bits |= FRAGMENT_BIT.seen | (isTiny(stack, piece) ? FRAGMENT_BIT.tiny : 0) | stack.fragments;
    const added = store(datagram, piece, stack);
    this.#heldBytes += datagram.held - before;
    if (added === 'discard') {
      this.counters.discarded++;
      this.#discard(slot, datagram);
      return false;
    }
    if (isComplete(datagram)) return this.#complete(slot, datagram);
    while (this.#heldBytes > this.#options.maxBytes && this.#table.size > 1) this.#evictOldest();
    return false;
  }

  /** Gives up what has waited too long; call with packet time. */
  expire(nowSeconds: number): void {
    for (;;) {
      const slot = this.#table.oldest();
      if (slot < 0 || this.#table.lastActive(slot) + this.#options.timeoutSeconds > nowSeconds) return;
      if (this.#datagrams[slot]?.discarded !== true) this.counters.timedOut++;
      this.#drop(slot);
    }
  }

  /** Gives up everything, at the end of the input. */
  flush(): void {
    this.expire(Infinity);
  }

  #complete(slot: number, datagram: Datagram): boolean {
    this.counters.completed++;
    this.completedFrame = frameOf(datagram.bytes);
    this.completedLength = datagram.total;
    this.completedProtocol = datagram.protocol;
    this.completedWithOverlap = datagram.overlapped;
    this.completedFirstLength = datagram.firstLength;
    this.completedBits = datagram.bits;
    this.#release(slot);
    return true;
  }

  #discard(slot: number, datagram: Datagram): void {
    const { first } = datagram;
    const before = datagram.held;
    datagram.discarded = true;
    datagram.bytes = new Uint8Array(0);
    datagram.first = undefined;
    // What is remembered of it goes on counting until it is released.
    this.#heldBytes += datagram.held - before;
    if (first !== undefined) first.stack.fragments |= datagram.bits;
    this.#table.touch(slot, this.#table.lastActive(slot));
    if (first !== undefined) this.#options.onIncomplete(first);
  }

  #evictOldest(): void {
    this.counters.evicted++;
    this.#drop(this.#table.oldest());
  }

  #drop(slot: number): void {
    const datagram = this.#datagrams[slot];
    const first = datagram?.first;
    if (first !== undefined) first.stack.fragments |= datagram!.bits;
    this.#release(slot);
    if (first !== undefined) this.#options.onIncomplete(first);
  }

  /* As #drop, for an entry that the table itself takes out. */
  #giveUp(slot: number): void {
    const datagram = this.#datagrams[slot]!;
    this.#heldBytes -= datagram.held;
    this.#datagrams[slot] = undefined;
    if (datagram.first !== undefined) this.#options.onIncomplete(datagram.first);
  }

  #release(slot: number): void {
    this.#heldBytes -= this.#datagrams[slot]!.held;
    this.#datagrams[slot] = undefined;
    this.#table.remove(slot);
  }

  #fillKey(stack: LayerStack, piece: Fragment): void {
    const key = this.#table.key;
    const ip = stack.ip * ROW;
    for (let i = 0; i < 8; i++) key[i] = stack.words[ip + IP.SRC + i]!;
    key[KEY.ID] = piece.identification;
    // IPv4 tells datagrams apart by protocol too; IPv6 does not (RFC 8200 4.5).
    key[KEY.PROTOCOL] = stack.kind[stack.ip] === LAYER.ipv4 ? piece.protocol : 256;
    const level = stack.encapsulations - 1;
    key[KEY.OUTER_SRC] = level < 0 ? 0 : stack.word(stack.outerIp[level]!, IP.SRC + 3);
    key[KEY.OUTER_DST] = level < 0 ? 0 : stack.word(stack.outerIp[level]!, IP.DST + 3);
  }
}

interface Fragment {
  offset: number;
  length: number;
  more: boolean;
  identification: number;
  protocol: number;
}

const scratch: Fragment = { offset: 0, length: 0, more: false, identification: 0, protocol: 0 };

/* Reads the fragment that the stack stopped at; one object is reused. */
function readFragment(stack: LayerStack): Fragment {
  const layer = stack.fragmentLayer;
  scratch.length = stack.nextEnd - stack.nextAt;
  if (stack.kind[layer] === LAYER.ipv4) {
    const word = stack.word(layer, IP.FRAGMENT_WORD);
    scratch.offset = (word & OFFSET_MASK) << 3;
    scratch.more = (word & MORE_FRAGMENTS) !== 0;
    scratch.identification = stack.word(layer, IP.IDENTIFICATION);
    scratch.protocol = stack.word(layer, IP.PROTOCOL);
  } else {
    scratch.offset = stack.word(layer, EXTENSION.DETAIL);
    scratch.more = stack.word(layer, EXTENSION.DETAIL_2) === 1;
    scratch.identification = stack.word(layer, EXTENSION.DETAIL_3);
    scratch.protocol = stack.word(layer, EXTENSION.NEXT);
  }
  return scratch;
}

/* A fragment with more to follow that is smaller than any network makes it. */
function isTiny(stack: LayerStack, piece: Fragment): boolean {
  if (!piece.more) return false;
  const length = stack.word(stack.ip, IP.LENGTH);
  return stack.kind[stack.ip] === LAYER.ipv4 ? length < TINY_IPV4 : length + IPV6_HEADER < TINY_IPV6;
}

function keepFirst(stack: LayerStack, origin: FragmentOrigin): FirstFragment {
  const length = Math.min(stack.nextEnd - stack.nextAt, KEEP_OF_FIRST);
  const copy = new LayerStack(stack.frame);
  copy.copyFrom(stack);
  copy.frame = frameOf(stack.frame.bytes.slice(stack.nextAt, stack.nextAt + length));
  copy.wireEnd = stack.wireEnd - stack.nextAt;
  copy.nextAt = 0;
  copy.nextEnd = length;
  return { stack: copy, origin: { ...origin } };
}

/* Copies a fragment into its datagram. Octets that are there already stay. */
function store(datagram: Datagram, piece: Fragment, stack: LayerStack): 'stored' | 'discard' {
  const from = piece.offset;
  const to = from + piece.length;
  if (!piece.more) {
    if (datagram.total >= 0 && datagram.total !== to) return 'discard';
    datagram.total = to;
  }
  if (datagram.total >= 0 && (to > datagram.total || highest(datagram) > datagram.total)) return 'discard';
  if (to > datagram.bytes.length) {
    const larger = new Uint8Array(Math.min(MAX_DATAGRAM, Math.max(to, datagram.bytes.length * 2)));
    larger.set(datagram.bytes);
    datagram.bytes = larger;
  }
  const source = stack.frame.bytes;
  const base = stack.nextAt - from;
  let here = from;
  for (let r = 0; r < datagram.rangeCount && here < to; r++) {
    const start = datagram.ranges[r * 2]!;
    const end = datagram.ranges[r * 2 + 1]!;
    if (end <= here) continue;
    if (start >= to) break;
    if (start > here) datagram.bytes.set(source.subarray(base + here, base + start), here);
    const overlapTo = Math.min(end, to);
    for (let i = Math.max(here, start); i < overlapTo; i++) {
      if (datagram.bytes[i] !== source[base + i]) {
        datagram.bits |= FRAGMENT_BIT.overlap;
        if (stack.kind[stack.ip] !== LAYER.ipv4) return 'discard';
        datagram.overlapped = true;
        break;
      }
    }
    here = Math.max(here, overlapTo);
  }
  if (here < to) datagram.bytes.set(source.subarray(base + here, base + to), here);
  return addRange(datagram, from, to) ? 'stored' : 'discard';
}

function highest(datagram: Datagram): number {
  return datagram.rangeCount === 0 ? 0 : datagram.ranges[datagram.rangeCount * 2 - 1]!;
}

/* Adds [from, to) to the sorted ranges, merging what touches. False when there are too many. */
function addRange(datagram: Datagram, from: number, to: number): boolean {
  const { ranges } = datagram;
  let first = 0;
  while (first < datagram.rangeCount && ranges[first * 2 + 1]! < from) first++;
  let last = first;
  let start = from;
  let end = to;
  while (last < datagram.rangeCount && ranges[last * 2]! <= to) {
    start = Math.min(start, ranges[last * 2]!);
    end = Math.max(end, ranges[last * 2 + 1]!);
    last++;
  }
  const count = datagram.rangeCount - (last - first) + 1;
  if (count > MAX_RANGES) return false;
  ranges.copyWithin((first + 1) * 2, last * 2, datagram.rangeCount * 2);
  ranges[first * 2] = start;
  ranges[first * 2 + 1] = end;
  datagram.rangeCount = count;
  return true;
}

function isComplete(datagram: Datagram): boolean {
  return (
    datagram.total >= 0 &&
    datagram.protocol >= 0 &&
    datagram.rangeCount === 1 &&
    datagram.ranges[0] === 0 &&
    datagram.ranges[1] === datagram.total
  );
}

/** Transports that end the walk: outside of any tunnel a datagram of one of these hides none. */
const PLAIN_PROTOCOLS: ReadonlySet<number> = new Set([
  IP_PROTOCOL.ICMP,
  IP_PROTOCOL.IGMP,
  IP_PROTOCOL.TCP,
  IP_PROTOCOL.ESP,
  IP_PROTOCOL.ICMPV6,
  IP_PROTOCOL.OSPF,
  IP_PROTOCOL.SCTP,
]);

/** Whether a fragment is worth keeping: any inside a tunnel, and outside those whose datagram may be a tunnel. */
export function isWorthReassembling(stack: LayerStack): boolean {
  return stack.encapsulations > 0 || !PLAIN_PROTOCOLS.has(stack.selector);
}
