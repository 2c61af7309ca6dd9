import { BoundedTable, grown } from '../state/bounded-table.js';

/** How two endpoints came to know each other. */
export const MET = {
  /** The client sent something to the other end. */
  byClient: 1,
  /** The other end sent the client a bubble, itself or by way of the client's server. */
  byBubble: 2,
  /** The other end sent packets of an IPv6 host: it is a relay. */
  asRelay: 4,
} as const;

/** Seconds for which a peer stays trusted after its last packet (RFC 4380 5.2). */
const PEER_SECONDS = 30;
/** Answers to echo requests count for this long; the standard repeats three times after 2 seconds (RFC 4380 5.2.9). */
const ECHO_SECONDS = 30;
/** Bubbles are counted over this time (RFC 4380 5.2.6). */
const BUBBLE_SECONDS = 300;
/** RFC 4380 5.2.6 allows 4 bubbles without an answer; RFC 6081 5.7.2 allows 20 to keep a mapping alive. */
const MOST_BUBBLES = 20;
/** The standard's pace is 2 seconds; this many in a row, each within one second of that before, are a flood. */
const HASTY_SECONDS = 1;
const MOST_HASTY = 2;
/** Connections may be idle for long, and known flows are counted without being looked at. */
const PAIR_SECONDS = 86_400;

/**
 * What clients, peers and relays did with each other, by outer endpoints. Four bounded tables; what is asked of one that
 * had to let entries go is answered with "not known".
 */
export class TeredoPeers {
  readonly #pairs: BoundedTable;
  readonly #relays: BoundedTable;
  readonly #echoes: BoundedTable;
  readonly #bubbles: BoundedTable;
  #met = new Uint8Array(0);
  #relayV4 = new Uint32Array(0);
  #relayPort = new Uint16Array(0);
  #echoData = new Uint32Array(0);
  #bubbleCount = new Uint8Array(0);
  #bubbleHasty = new Uint8Array(0);
  #bubblesSince = new Float64Array(0);
  #bubbleAt = new Float64Array(0);

  constructor(capacity: number) {
    this.#pairs = new BoundedTable({
      keyWords: 4,
      capacity,
      onGrow: (slots) => (this.#met = grown(this.#met, new Uint8Array(slots))),
    });
    this.#relays = new BoundedTable({
      keyWords: 6,
      capacity,
      onGrow: (slots) => {
        this.#relayV4 = grown(this.#relayV4, new Uint32Array(slots));
        this.#relayPort = grown(this.#relayPort, new Uint16Array(slots));
      },
    });
    this.#echoes = new BoundedTable({
      keyWords: 7,
      capacity,
      onGrow: (slots) => (this.#echoData = grown(this.#echoData, new Uint32Array(slots))),
    });
    this.#bubbles = new BoundedTable({
      keyWords: 7,
      capacity,
      onGrow: (slots) => {
        this.#bubbleCount = grown(this.#bubbleCount, new Uint8Array(slots));
        this.#bubbleHasty = grown(this.#bubbleHasty, new Uint8Array(slots));
        this.#bubblesSince = grown(this.#bubblesSince, new Float64Array(slots));
        this.#bubbleAt = grown(this.#bubbleAt, new Float64Array(slots));
      },
    });
  }

  get size(): number {
    return this.#pairs.size + this.#relays.size + this.#echoes.size + this.#bubbles.size;
  }

  get evictions(): number {
    return this.#pairs.evictions + this.#relays.evictions + this.#echoes.evictions + this.#bubbles.evictions;
  }

  /** Whether all pairs and echo requests are still known. */
  get forgotPairs(): boolean {
    return this.#pairs.evictions > 0;
  }

  get forgotEchoes(): boolean {
    return this.#echoes.size >= this.#echoes.capacity;
  }

  /** Notes how a client and another endpoint met (bits of {@link MET}). Returns how they met before; 0 when they did not. */
  meet(clientV4: number, clientPort: number, v4: number, port: number, how: number, now: number): number {
    this.#fillPair(clientV4, clientPort, v4, port);
    let slot = this.#pairs.find();
    if (slot < 0) {
      slot = this.#pairs.insert(now);
      this.#met[slot] = 0;
    } else this.#pairs.touch(slot, now);
    const before = this.#met[slot]!;
    this.#met[slot] = before | how;
    return before;
  }

  /** How they met so far; 0 when they did not. */
  howMet(clientV4: number, clientPort: number, v4: number, port: number): number {
    this.#fillPair(clientV4, clientPort, v4, port);
    const slot = this.#pairs.find();
    return slot < 0 ? 0 : this.#met[slot]!;
  }

  /**
   * Notes the relay that sends a client packets of the IPv6 host at `words[host..]`. False when another one did a moment
   * ago.
   */
  relay(
    clientV4: number,
    clientPort: number,
    words: Uint32Array,
    host: number,
    v4: number,
    port: number,
    now: number,
  ): boolean {
    const { key } = this.#relays;
    key[0] = clientV4;
    key[1] = clientPort;
    for (let i = 0; i < 4; i++) key[2 + i] = words[host + i]!;
    let slot = this.#relays.find();
    let isSame = true;
    if (slot < 0) slot = this.#relays.insert(now);
    else {
      isSame =
        (this.#relayV4[slot] === v4 && this.#relayPort[slot] === port) ||
        now - this.#relays.lastActive(slot) > PEER_SECONDS;
      this.#relays.touch(slot, now);
    }
    this.#relayV4[slot] = v4;
    this.#relayPort[slot] = port;
    return isSame;
  }

  /** Notes an echo request of a client to the IPv6 host at `words[host..]`; `data` stands for its octets, 0 for unknown. */
  echoRequest(
    clientV4: number,
    clientPort: number,
    words: Uint32Array,
    host: number,
    identity: number,
    data: number,
    now: number,
  ): void {
    this.#fillEcho(clientV4, clientPort, words, host, identity);
    let slot = this.#echoes.find();
    if (slot < 0) slot = this.#echoes.insert(now);
    else this.#echoes.touch(slot, now);
    this.#echoData[slot] = data;
  }

  /** Whether such a request came before the reply, with the same octets as far as they are known. */
  isEchoed(
    clientV4: number,
    clientPort: number,
    words: Uint32Array,
    host: number,
    identity: number,
    data: number,
    now: number,
  ): boolean {
    this.#fillEcho(clientV4, clientPort, words, host, identity);
    const slot = this.#echoes.find();
    if (slot < 0 || now - this.#echoes.lastActive(slot) > ECHO_SECONDS) return false;
    const asked = this.#echoData[slot]!;
    return asked === data || asked === 0 || data === 0;
  }

  /**
   * Counts a bubble from an endpoint to the address at `words[peer..]`, directly or not, at packet time `time` in
   * seconds; `where` tells apart the outer addresses that it is sent to, where that matters. False when there were too many, or too many in haste.
   */
  bubble(
    v4: number,
    portAndClass: number,
    where: number,
    words: Uint32Array,
    peer: number,
    time: number,
    now: number,
  ): boolean {
    const { key } = this.#bubbles;
    key[0] = v4;
    key[1] = portAndClass;
    for (let i = 0; i < 4; i++) key[2 + i] = words[peer + i]!;
    key[6] = where;
    let slot = this.#bubbles.find();
    if (slot < 0 || time - this.#bubblesSince[slot]! > BUBBLE_SECONDS) {
      if (slot < 0) slot = this.#bubbles.insert(now);
      else this.#bubbles.touch(slot, now);
      this.#bubbleCount[slot] = 1;
      this.#bubbleHasty[slot] = 0;
      this.#bubblesSince[slot] = time;
      this.#bubbleAt[slot] = time;
      return true;
    }
    this.#bubbles.touch(slot, now);
    const isHasty = time - this.#bubbleAt[slot]! < HASTY_SECONDS;
    this.#bubbleAt[slot] = time;
    this.#bubbleHasty[slot] = isHasty ? Math.min(this.#bubbleHasty[slot]! + 1, 255) : 0;
    this.#bubbleCount[slot] = Math.min(this.#bubbleCount[slot]! + 1, 255);
    return this.#bubbleCount[slot]! <= MOST_BUBBLES && this.#bubbleHasty[slot]! < MOST_HASTY;
  }

  /** Forgets what is too old to matter, at packet time `now` in seconds. */
  expire(now: number): void {
    forget(this.#pairs, now - PAIR_SECONDS);
    forget(this.#relays, now - PEER_SECONDS);
    forget(this.#echoes, now - ECHO_SECONDS);
    forget(this.#bubbles, now - BUBBLE_SECONDS);
  }

  #fillPair(clientV4: number, clientPort: number, v4: number, port: number): void {
    const { key } = this.#pairs;
    key[0] = clientV4;
    key[1] = clientPort;
    key[2] = v4;
    key[3] = port;
  }

  #fillEcho(clientV4: number, clientPort: number, words: Uint32Array, host: number, identity: number): void {
    const { key } = this.#echoes;
    key[0] = clientV4;
    key[1] = clientPort;
    key[2] = identity;
    for (let i = 0; i < 4; i++) key[3 + i] = words[host + i]!;
  }
}

/* Removes what was not active since `deadline`. */
function forget(table: BoundedTable, deadline: number): void {
  for (let slot = table.oldest(); slot >= 0 && table.lastActive(slot) < deadline; slot = table.oldest()) {
    table.remove(slot);
  }
}
