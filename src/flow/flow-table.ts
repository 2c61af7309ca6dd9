import type { LayerStack } from '../decode/layers.js';
import { ICMP, IP, LAYER, ROW, TCP } from '../decode/layers.js';
import { TRANSPORT } from '../model/vocabulary.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { TRAFFIC_WORDS, TrafficCounts } from '../state/traffic-counts.js';
import { looksLikeAnswer } from '../tunnel/likely-server-ports.js';
import { destinationPort, sourcePort } from '../tunnel/level.js';
import { ENDPOINT_WORDS, fillEndpoints } from '../tunnel/endpoint-key.js';
import { TCP_FLAG } from '../wire/numbers.js';
import { icmpCounterpart } from './icmp-counterpart.js';

export interface FlowTableOptions {
  readonly capacity: number;
  /** Seconds of silence after which an inner TCP connection is forgotten. Zeek's tcp_inactivity_timeout is 300. */
  readonly tcpIdleSeconds: number;
  /** The same for everything else. Zeek's udp_inactivity_timeout is 60. */
  readonly otherIdleSeconds: number;
  /** The same 5-tuple in two tunnels is one flow, as for Zeek. */
  readonly acrossTunnels?: boolean;
}

const KEY_WORDS = 12;
const KEY_PROTOCOL = ENDPOINT_WORDS;
/* Two of each end. */
const NOTE_WORDS = 4;
const KEY_TUNNEL = 10;
const LIST = { tcp: 0, other: 1 } as const;

/**
 * Connections inside tunnels, by 5-tuple and tunnel: the same 5-tuple in two tunnels is two flows, unless asked otherwise. ICMP uses type and
 * counterpart type as ports, as Zeek does. Columns are indexed by slot.
 */
export class FlowTable {
  id = new Uint32Array(0);
  transport = new Uint8Array(0);
  origPort = new Uint16Array(0);
  respPort = new Uint16Array(0);
  firstSeconds = new Uint32Array(0);
  firstNanoseconds = new Uint32Array(0);

  /** Set by {@link record}. */
  isNew = false;

  /** Packets, octets and last time by slot. */
  readonly traffic: TrafficCounts;
  readonly #table: BoundedTable;
  readonly #options: FlowTableOptions;
  readonly #isShared: boolean;
  #nextId = 1;
  #high = false;

  constructor(options: FlowTableOptions) {
    this.#options = options;
    this.#isShared = options.acrossTunnels === true;
    this.#table = new BoundedTable({
      keyWords: KEY_WORDS,
      extraWords: TRAFFIC_WORDS + NOTE_WORDS,
      capacity: options.capacity,
      ageLists: 2,
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

  get total(): number {
    return this.#nextId - 1;
  }

  /**
   * Counts a packet whose IP header is layer `ip` and whose transport is layer `transport`, inside the tunnel of slot
   * `tunnel`.
   * Returns the flow's slot.
   */
  record(
    stack: LayerStack,
    ip: number,
    transport: number,
    tunnels: TunnelIdentities,
    tunnel: number,
    seconds: number,
    nanoseconds: number,
    now: number,
  ): number {
    const kind = stack.kind[transport]!;
    let source = 0;
    let destination = 0;
    if (kind === LAYER.tcp || kind === LAYER.udp) {
      source = sourcePort(stack, transport);
      destination = destinationPort(stack, transport);
    } else if (kind === LAYER.icmp || kind === LAYER.icmpv6) {
      source = stack.word(transport, ICMP.TYPE);
      destination = icmpCounterpart(kind === LAYER.icmpv6, source, stack.word(transport, ICMP.CODE));
    }
    const row = ip * ROW;
    let slot = this.find(stack.words, row + IP.SRC, row + IP.DST, source, destination, kind, tunnels, tunnel);
    this.isNew = slot < 0;
    if (slot < 0)
      slot = this.#open(kind, source, destination, isSyn(stack, transport), seconds, nanoseconds, now);
    else this.#table.touch(slot, now);
    this.traffic.add(slot, this.#high, ipLength(stack, ip), seconds, nanoseconds);
    return slot;
  }

  /**
   * Slot of the flow between the addresses at `words[src..]` and `words[dst..]` inside the tunnel of slot `tunnel`, or -1;
   * `kind` is its transport layer. Makes way for {@link isNoted} and {@link count}.
   */
  find(
    words: Uint32Array,
    src: number,
    dst: number,
    source: number,
    destination: number,
    kind: number,
    tunnels: TunnelIdentities,
    tunnel: number,
  ): number {
    const key = this.#table.key;
    this.#high = fillEndpoints(key, words, src, dst, source, destination);
    key[KEY_PROTOCOL] = kind;
    // By the tunnel's identity, not its number: a tunnel that was silent and comes back carries the same flows.
    key[KEY_TUNNEL] = this.#isShared ? 0 : tunnels.identityHigh[tunnel]!;
    key[KEY_TUNNEL + 1] = this.#isShared ? 0 : tunnels.identityLow[tunnel]!;
    return this.#table.find();
  }

  /** Counts a packet of `bytes` octets, IP header included, of the flow that {@link find} just gave. */
  count(slot: number, bytes: number, seconds: number, nanoseconds: number, now: number): void {
    this.#table.touch(slot, now);
    this.traffic.add(slot, this.#high, bytes, seconds, nanoseconds);
  }

  /**
   * Whether the last note of the end that sent the packet of the last {@link record} or {@link find} was this one. A note
   * is two words that the user keeps of each end of a flow, 0 at first.
   */
  isNoted(slot: number, mark: number, version: number): boolean {
    const { words } = this.#table;
    const at = this.#noteAt(slot);
    return words[at] === mark && words[at + 1] === version;
  }

  setNote(slot: number, mark: number, version: number): void {
    const { words } = this.#table;
    const at = this.#noteAt(slot);
    words[at] = mark;
    words[at + 1] = version;
  }

  #noteAt(slot: number): number {
    return this.#table.extraAt(slot) + TRAFFIC_WORDS + (this.#high ? 2 : 0);
  }

  /** Address word `word` (0-3) of the originator, or of the responder. */
  endpointWord(slot: number, originator: boolean, word: number): number {
    const high = originator === this.traffic.originatorIsHigh(slot);
    return this.#table.keyWord(slot, (high ? 4 : 0) + word);
  }

  /** Copies the identity and start of a flow, for its uid. Returns the number of words. */
  identity(slot: number, into: Uint32Array): number {
    for (let i = 0; i < KEY_WORDS; i++) into[i] = this.#table.keyWord(slot, i);
    into[KEY_WORDS] = this.firstSeconds[slot]!;
    into[KEY_WORDS + 1] = this.firstNanoseconds[slot]!;
    return KEY_WORDS + 2;
  }

  /** Forgets flows that were silent for too long at packet time `now` (seconds). */
  expire(now: number): void {
    this.#expireList(LIST.tcp, now - this.#options.tcpIdleSeconds);
    this.#expireList(LIST.other, now - this.#options.otherIdleSeconds);
  }

  #expireList(list: number, deadline: number): void {
    for (;;) {
      const slot = this.#table.oldest(list);
      if (slot < 0 || this.#table.lastActive(slot) > deadline) return;
      this.#table.remove(slot);
    }
  }

  #open(
    kind: number,
    source: number,
    destination: number,
    isOpening: boolean,
    seconds: number,
    nanoseconds: number,
    now: number,
  ): number {
    const slot = this.#table.insert(now, kind === LAYER.tcp ? LIST.tcp : LIST.other);
    const hasPorts = kind === LAYER.tcp || kind === LAYER.udp;
    const isAnswer = hasPorts && !isOpening && looksLikeAnswer(source, destination);
    this.id[slot] = this.#nextId++;
    this.transport[slot] = transportOf(kind);
    this.traffic.open(slot, this.#high !== isAnswer, seconds, nanoseconds);
    const notes = this.#table.extraAt(slot) + TRAFFIC_WORDS;
    const { words } = this.#table;
    for (let i = 0; i < NOTE_WORDS; i++) words[notes + i] = 0;
    this.origPort[slot] = isAnswer ? destination : source;
    this.respPort[slot] = isAnswer ? source : destination;
    this.firstSeconds[slot] = seconds;
    this.firstNanoseconds[slot] = nanoseconds;
    return slot;
  }

  #grow(slots: number): void {
    this.id = grown(this.id, new Uint32Array(slots));
    this.transport = grown(this.transport, new Uint8Array(slots));
    this.origPort = grown(this.origPort, new Uint16Array(slots));
    this.respPort = grown(this.respPort, new Uint16Array(slots));
    this.firstSeconds = grown(this.firstSeconds, new Uint32Array(slots));
    this.firstNanoseconds = grown(this.firstNanoseconds, new Uint32Array(slots));
  }
}

/** What a flow needs to know of the tunnel around it. */
export interface TunnelIdentities {
  readonly identityHigh: Uint32Array;
  readonly identityLow: Uint32Array;
}

/* A SYN without ACK opens a connection, whatever its ports: its sender is the originator. */
function isSyn(stack: LayerStack, transport: number): boolean {
  if (stack.kind[transport] !== LAYER.tcp) return false;
  return (stack.word(transport, TCP.FLAGS) & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
}

/** Zeek's transport of a layer kind. */
export function transportOf(kind: number): number {
  if (kind === LAYER.tcp) return TRANSPORT.tcp;
  if (kind === LAYER.udp) return TRANSPORT.udp;
  return kind === LAYER.icmp || kind === LAYER.icmpv6 ? TRANSPORT.icmp : TRANSPORT.unknown_transport;
}

/* Octets of the IP packet as on the wire, header included. */
function ipLength(stack: LayerStack, ip: number): number {
  const length = stack.word(ip, IP.LENGTH);
  return stack.kind[ip] === LAYER.ipv4 ? length : length + stack.word(ip, IP.HEADER_LENGTH);
}
