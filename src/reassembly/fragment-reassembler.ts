import { OFFSET_MASK, MORE_FRAGMENTS } from '../decode/ipv4.js';
import { EXTENSION, FRAGMENT_BIT, IP, LAYER, LayerStack, ROW } from '../decode/layers.js';
import { BoundedTable } from '../state/bounded-table.js';
import type { FrameView } from '../wire/frame.js';
import { frameOf } from '../wire/frame.js';
import { IP_PROTOCOL } from '../wire/numbers.js';
import type { FirstFragment, Fragment, FragmentOrigin } from './datagram.js';
import { Datagram, MAX_DATAGRAM } from './datagram.js';

export type { FirstFragment, FragmentOrigin } from './datagram.js';

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
/** Half of the least MTU that there is in practice (RFC 8200 5; RFC 1122 3.3.3): no sender has a reason to send less. */
const TINY_IPV6 = 640;
const TINY_IPV4 = 288;
const IPV6_HEADER = 40;
/** Octets of a first fragment that are kept to judge it alone. */
const KEEP_OF_FIRST = 2_048;

/**
 * Puts IPv4 and IPv6 fragments together, outer and inner, in any order (RFC 791 3.2, RFC 8200 4.5). Bounded in
 * datagrams and octets. Policy on overlap with different octets, and on fragments that contradict each other about the end:
 * IPv4 keeps what came first, ends at the first of the ends up to which all is there, and says so; IPv6 discards the datagram
 * (RFC 5722). Exact duplicates are dropped.
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
      // The shortest that came: a longer repetition must not hide that headers were split.
      const { firstLength } = datagram;
      datagram.firstLength = firstLength === 0 ? piece.length : Math.min(firstLength, piece.length);
    }
    datagram.bits |= FRAGMENT_BIT.seen | (isTiny(stack, piece) ? FRAGMENT_BIT.tiny : 0) | stack.fragments;
    const isIpv4 = stack.kind[stack.ip] === LAYER.ipv4;
    const added = datagram.store(piece, stack.frame.bytes, stack.nextAt, isIpv4);
    this.#heldBytes += datagram.held - before;
    if (added === 'refused') {
      this.counters.discarded++;
      return false;
    }
    if (added === 'discard') {
      this.counters.discarded++;
      this.#discard(slot, datagram);
      return false;
    }
    if (datagram.isComplete) return this.#complete(slot, datagram);
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
    this.completedLength = datagram.length;
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
    if (datagram.first === undefined) return;
    datagram.first.stack.fragments |= datagram.bits;
    this.#options.onIncomplete(datagram.first);
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
