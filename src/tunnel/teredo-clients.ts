import { BoundedTable, grown } from '../state/bounded-table.js';
import { TEREDO, TEREDO_BIT } from '../decode/layers.js';
import type { TeredoPacket } from './teredo-packet.js';

/** What is known of a client. */
const KNOWN = { solicited: 1, qualified: 2, sent: 4, beganWithSolicitation: 8 } as const;

/** Solicitations that are remembered of each client: a repeated one, or one to each address of a server. */
const SOLICITATIONS = 2;
/* Words of one solicitation. */
const ASKED = { SERVER: 0, SOURCE: 1, HAS_NONCE: 5, NONCE_HIGH: 6, NONCE_LOW: 7 } as const;
const WORDS = 8;
/** Seconds within which an answer belongs to a solicitation (RFC 4380 5.2.1 waits 4, three times). */
const ANSWER_SECONDS = 12;
/** Clients that are silent for longer are forgotten. */
const CLIENT_SECONDS = 3600;
/** An active client refreshes its mapping within this time (RFC 6081 5.1.1), so that a sensor that runs for longer knows it. */
const WARM_UP_SECONDS = 60;
const NONE = -1;
const NEVER = -1;

/**
 * Teredo clients by their outer endpoint: what they asked servers, and what they were told. Filled by router
 * solicitations and advertisements (RFC 4380 5.2.1) and by what clients send; packet time is the only clock.
 */
export class TeredoClients {
  readonly #table: BoundedTable;
  #known = new Uint8Array(0);
  #asked = new Uint32Array(0);
  #askedAt = new Float64Array(0);
  #next = new Uint8Array(0);
  #server = new Uint32Array(0);
  #originV4 = new Uint32Array(0);
  #originPort = new Uint16Array(0);
  #originAt = new Float64Array(0);
  /** When the first packet of all was seen. */
  #began = NEVER;

  constructor(capacity: number) {
    this.#table = new BoundedTable({
      keyWords: 2,
      capacity,
      onGrow: (slots) => {
        this.#known = grown(this.#known, new Uint8Array(slots));
        this.#asked = grown(this.#asked, new Uint32Array(slots * SOLICITATIONS * WORDS));
        this.#askedAt = grown(this.#askedAt, new Float64Array(slots * SOLICITATIONS));
        this.#next = grown(this.#next, new Uint8Array(slots));
        this.#server = grown(this.#server, new Uint32Array(slots));
        this.#originV4 = grown(this.#originV4, new Uint32Array(slots));
        this.#originPort = grown(this.#originPort, new Uint16Array(slots));
        this.#originAt = grown(this.#originAt, new Float64Array(slots));
      },
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get evictions(): number {
    return this.#table.evictions;
  }

  /** Slot of the client at an outer endpoint, or -1. */
  find(v4: number, port: number): number {
    this.#table.key[0] = v4;
    this.#table.key[1] = port;
    return this.#table.find();
  }

  /** Notes that the client at the packet's source sent something. */
  sent(p: TeredoPacket): void {
    // First the slot: the columns are other arrays once the table has grown.
    const slot = this.#enter(p, 0);
    this.#known[slot]! |= KNOWN.sent;
  }

  /** Notes a router solicitation. */
  solicited(p: TeredoPacket): void {
    const isWarm = this.#began !== NEVER && p.time - this.#began > WARM_UP_SECONDS;
    const slot = this.#enter(p, isWarm ? KNOWN.beganWithSolicitation : 0);
    this.#known[slot]! |= KNOWN.solicited | KNOWN.sent;
    const which = this.#next[slot]!;
    this.#next[slot] = (which + 1) % SOLICITATIONS;
    const { words } = p;
    const at = (slot * SOLICITATIONS + which) * WORDS;
    this.#askedAt[slot * SOLICITATIONS + which] = p.time;
    this.#asked[at + ASKED.SERVER] = p.destinationV4;
    for (let i = 0; i < 4; i++) this.#asked[at + ASKED.SOURCE + i] = words[p.source + i]!;
    this.#asked[at + ASKED.HAS_NONCE] = p.bits & TEREDO_BIT.auth;
    this.#asked[at + ASKED.NONCE_HIGH] = words[p.teredo + TEREDO.NONCE_HIGH]!;
    this.#asked[at + ASKED.NONCE_LOW] = words[p.teredo + TEREDO.NONCE_LOW]!;
  }

  /** Notes an advertisement that answers the client. */
  answered(slot: number, p: TeredoPacket): void {
    this.#known[slot]! |= KNOWN.qualified;
    this.#server[slot] = p.sourceV4;
    if ((p.bits & TEREDO_BIT.origin) === 0) return;
    this.#originV4[slot] = p.words[p.teredo + TEREDO.ORIGIN_V4]!;
    this.#originPort[slot] = p.words[p.teredo + TEREDO.ORIGIN_PORT]!;
    this.#originAt[slot] = p.time;
  }

  /** Notes the packet's time: how long there has been something to see. */
  see(p: TeredoPacket): void {
    if (this.#began === NEVER) this.#began = p.time;
  }

  /** Whether the client was seen to ask a server. */
  wasSolicited(slot: number): boolean {
    return (this.#known[slot]! & KNOWN.solicited) !== 0;
  }

  isQualified(slot: number): boolean {
    return (this.#known[slot]! & KNOWN.qualified) !== 0;
  }

  /** Whether the client's own packets are seen. */
  hasSent(slot: number): boolean {
    return (this.#known[slot]! & KNOWN.sent) !== 0;
  }

  /** Whether nothing of the client was before its first solicitation that was seen. */
  isKnownFromStart(slot: number): boolean {
    return (this.#known[slot]! & KNOWN.beganWithSolicitation) !== 0;
  }

  /** Server that answered the client last, or 0. */
  server(slot: number): number {
    return this.#server[slot]!;
  }

  /**
   * How the origin of an advertisement compares with what the client was told before: 1 the same, -1 other than moments
   * ago, 0 unknown, or long ago.
   */
  comparedWithTold(slot: number, p: TeredoPacket): number {
    const at = this.#originAt[slot]!;
    if (at === NEVER) return 0;
    const isSame =
      this.#originV4[slot] === p.words[p.teredo + TEREDO.ORIGIN_V4] &&
      this.#originPort[slot] === p.words[p.teredo + TEREDO.ORIGIN_PORT];
    if (isSame) return 1;
    return p.time - at <= ANSWER_SECONDS ? -1 : 0;
  }

  /** Whether some solicitation of the client still waits for its answer. */
  isWaiting(slot: number, p: TeredoPacket): boolean {
    for (let i = 0; i < SOLICITATIONS; i++) if (this.#isOpen(slot, i, p)) return true;
    return false;
  }

  /** Number of the waiting solicitation whose source the advertisement goes to, or -1; that with its nonce before others. */
  askedFrom(slot: number, p: TeredoPacket): number {
    let found = NONE;
    for (let i = 0; i < SOLICITATIONS; i++) {
      if (!this.#isOpen(slot, i, p) || !this.#isSource(slot, i, p)) continue;
      if (found === NONE || this.#hasNonceOf(slot, i, p)) found = i;
    }
    return found;
  }

  /** Whether a waiting solicitation has the advertisement's nonce, or none where that has none. */
  askedWithNonce(slot: number, p: TeredoPacket): boolean {
    for (let i = 0; i < SOLICITATIONS; i++) {
      if (this.#isOpen(slot, i, p) && this.#hasNonceOf(slot, i, p)) return true;
    }
    return false;
  }

  /** Server that solicitation `which` went to. */
  asked(slot: number, which: number): number {
    return this.#asked[(slot * SOLICITATIONS + which) * WORDS + ASKED.SERVER]!;
  }

  /** Forgets clients that were silent for long, at packet time `now` in seconds. */
  expire(now: number): void {
    const table = this.#table;
    for (let slot = table.oldest(); slot >= 0; slot = table.oldest()) {
      if (table.lastActive(slot) >= now - CLIENT_SECONDS) return;
      table.remove(slot);
    }
  }

  #isOpen(slot: number, which: number, p: TeredoPacket): boolean {
    const at = this.#askedAt[slot * SOLICITATIONS + which]!;
    return at !== NEVER && p.time - at <= ANSWER_SECONDS;
  }

  #isSource(slot: number, which: number, p: TeredoPacket): boolean {
    const at = (slot * SOLICITATIONS + which) * WORDS + ASKED.SOURCE;
    for (let i = 0; i < 4; i++) if (this.#asked[at + i] !== p.words[p.destination + i]) return false;
    return true;
  }

  #hasNonceOf(slot: number, which: number, p: TeredoPacket): boolean {
    const at = (slot * SOLICITATIONS + which) * WORDS;
    if (this.#asked[at + ASKED.HAS_NONCE] !== (p.bits & TEREDO_BIT.auth)) return false;
    if ((p.bits & TEREDO_BIT.auth) === 0) return true;
    return (
      this.#asked[at + ASKED.NONCE_HIGH] === p.words[p.teredo + TEREDO.NONCE_HIGH] &&
      this.#asked[at + ASKED.NONCE_LOW] === p.words[p.teredo + TEREDO.NONCE_LOW]
    );
  }

  /* Slot of the client at the packet's source; `whenNew` is what is known of one that was not known. */
  #enter(p: TeredoPacket, whenNew: number): number {
    const found = this.find(p.sourceV4 | 0, p.sourcePort);
    const now = Math.floor(p.time);
    if (found >= 0) {
      this.#table.touch(found, now);
      return found;
    }
    const slot = this.#table.insert(now);
    this.#known[slot] = whenNew;
    this.#next[slot] = 0;
    this.#server[slot] = 0;
    this.#originAt[slot] = NEVER;
    this.#askedAt.fill(NEVER, slot * SOLICITATIONS, (slot + 1) * SOLICITATIONS);
    return slot;
  }
}
