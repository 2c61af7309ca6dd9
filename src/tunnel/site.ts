import type { Prefix } from '../wire/address.js';
import { parsePrefix } from '../wire/address.js';
import { PrefixTable } from '../wire/prefix-table.js';
import { VANTAGE } from '../model/vocabulary.js';
import { ipv4Scope, isSiteScope } from '../wire/ipv4-space.js';
import { BoundedTable, grown } from '../state/bounded-table.js';

export interface SiteOptions {
  /** Networks inside the site, beside private space. */
  readonly localNetworks: readonly Prefix[];
  /** `auto` learns it: inside when a server told a private client another address than it has (RFC 4380 5.3.2). */
  readonly vantage: 'inside' | 'outside' | 'auto';
  /** 6to4 relays that may be used, beside the anycast one. */
  readonly sixtofourRelays?: readonly Prefix[];
  /** Client mappings that are remembered. */
  readonly maxMappings: number;
}

/** Private space is local by default, as in Zeek since 6.1. */
const PRIVATE_SPACE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
].map((text) => parsePrefix(text) as Prefix);

/** 192.88.99.1, the 6to4 relay anycast address (RFC 3068 2.4). */
export const ANYCAST_RELAY = 0xc0586301;

/** Nonce of an authentication header (RFC 4380 5.1.1). */
export interface Nonce {
  readonly isThere: boolean;
  readonly high: number;
  readonly low: number;
}

/** A client by the outer header: address words at `words[at..]`, and port. */
export interface ClientEndpoint {
  readonly words: Uint32Array;
  readonly at: number;
  readonly port: number;
}

/** Seconds within which a server's answer belongs to a solicitation (RFC 4380 5.2.1 waits 4, three times). */
const ANSWER_SECONDS = 12;
/** Seconds for which a mapping is believed after it was last confirmed. */
const MAPPING_LIFETIME = 86_400;

/**
 * What is known of the site's own addresses: which networks are local, which side of the NAT the mirror port sees, and
 * which public address and port stand for each local Teredo client, learned from the origin indications that servers
 * send (RFC 4380 5.3.2).
 */
export class Site {
  /** Mapped endpoint of the last {@link findMapping} that found one. */
  mappedV4 = 0;
  mappedPort = 0;

  /** Whether relays were named: then any other is wrong. */
  readonly hasNamedRelays: boolean;

  readonly #local: PrefixTable<true>;
  readonly #relays: PrefixTable<true>;
  readonly #configured: SiteOptions['vantage'];
  readonly #mappings: BoundedTable;
  readonly #solicitations: BoundedTable;
  #v4 = new Uint32Array(0);
  #port = new Uint16Array(0);
  #nonceHigh = new Uint32Array(0);
  #nonceLow = new Uint32Array(0);
  #hasNonce = new Uint8Array(0);
  #natSeen = false;
  /** Changes whenever {@link vantage} or an answer of {@link findMapping} may have changed. */
  version = 0;

  constructor(options: SiteOptions) {
    this.#local = new PrefixTable(
      [...PRIVATE_SPACE, ...options.localNetworks].map((prefix) => [prefix, true]),
    );
    const relays = options.sixtofourRelays ?? [];
    this.hasNamedRelays = relays.length > 0;
    this.#relays = new PrefixTable(relays.map((prefix) => [prefix, true]));
    this.#configured = options.vantage;
    this.#mappings = new BoundedTable({
      keyWords: 2,
      capacity: options.maxMappings,
      onGrow: (slots) => {
        this.#v4 = grown(this.#v4, new Uint32Array(slots));
        this.#port = grown(this.#port, new Uint16Array(slots));
      },
    });
    this.#solicitations = new BoundedTable({
      keyWords: 2,
      capacity: options.maxMappings,
      onGrow: (slots) => {
        this.#nonceHigh = grown(this.#nonceHigh, new Uint32Array(slots));
        this.#nonceLow = grown(this.#nonceLow, new Uint32Array(slots));
        this.#hasNonce = grown(this.#hasNonce, new Uint8Array(slots));
      },
    });
  }

  get vantage(): number {
    if (this.#configured !== 'auto') return VANTAGE[this.#configured];
    // That nobody was seen behind a NAT proves nothing, so "outside" is never inferred.
    return this.#natSeen ? VANTAGE.inside : VANTAGE.unknown;
  }

  get mappings(): number {
    return this.#mappings.size;
  }

  get evictions(): number {
    return this.#mappings.evictions + this.#solicitations.evictions;
  }

  isLocal(words: Uint32Array, at: number): boolean {
    return this.#local.find(words, at) !== undefined;
  }

  /** Whether an outer address, as four words, is a 6to4 relay that may be used. */
  isRelay(words: Uint32Array, at: number): boolean {
    return (
      words[at + 3] === ANYCAST_RELAY || (this.hasNamedRelays && this.#relays.find(words, at) !== undefined)
    );
  }

  /** Notes a router solicitation of the client at `v4:port`. */
  solicited(v4: number, port: number, nonce: Nonce, now: number): void {
    const { key } = this.#solicitations;
    key[0] = v4;
    key[1] = port;
    let slot = this.#solicitations.find();
    if (slot < 0) slot = this.#solicitations.insert(now);
    else this.#solicitations.touch(slot, now);
    this.#nonceHigh[slot] = nonce.high;
    this.#nonceLow[slot] = nonce.low;
    this.#hasNonce[slot] = nonce.isThere ? 1 : 0;
  }

  /**
   * Notes that a server told a client that it is seen as `mappedV4:mappedPort`. Believed only as the answer to a
   * solicitation of that client, with its nonce, and only for a client that can stand behind a NAT: anyone can send an
   * advertisement.
   */
  answered(client: ClientEndpoint, nonce: Nonce, mappedV4: number, mappedPort: number, now: number): void {
    const v4 = client.words[client.at + 3]!;
    if (!this.#wasAsked(v4, client.port, nonce, now)) return;
    const isHidden =
      isSiteScope(ipv4Scope(v4)) || (this.#configured === 'inside' && this.isLocal(client.words, client.at));
    if (!isHidden) return;
    const wasSeen = this.#natSeen;
    if (v4 !== mappedV4 || client.port !== mappedPort) this.#natSeen = true;
    const { key } = this.#mappings;
    key[0] = v4;
    key[1] = client.port;
    let slot = this.#mappings.find();
    const isNew = slot < 0;
    if (isNew) slot = this.#mappings.insert(now);
    else this.#mappings.touch(slot, now);
    const isOther = this.#v4[slot] !== mappedV4 || this.#port[slot] !== mappedPort;
    if (isNew || isOther || wasSeen !== this.#natSeen) this.version++;
    this.#v4[slot] = mappedV4;
    this.#port[slot] = mappedPort;
  }

  #wasAsked(v4: number, port: number, nonce: Nonce, now: number): boolean {
    const { key } = this.#solicitations;
    key[0] = v4;
    key[1] = port;
    const slot = this.#solicitations.find();
    if (slot < 0 || now - this.#solicitations.lastActive(slot) > ANSWER_SECONDS) return false;
    if (this.#hasNonce[slot] === 0) return true;
    return nonce.isThere && this.#nonceHigh[slot] === nonce.high && this.#nonceLow[slot] === nonce.low;
  }

  /** Looks up the mapping of a local endpoint; the result is in `mappedV4` and `mappedPort`. */
  findMapping(v4: number, port: number): boolean {
    const { key } = this.#mappings;
    key[0] = v4;
    key[1] = port;
    const slot = this.#mappings.find();
    if (slot < 0) return false;
    this.mappedV4 = this.#v4[slot]!;
    this.mappedPort = this.#port[slot]!;
    return true;
  }

  expire(now: number): void {
    const { size } = this.#mappings;
    forget(this.#mappings, now - MAPPING_LIFETIME);
    if (this.#mappings.size !== size) this.version++;
    forget(this.#solicitations, now - ANSWER_SECONDS);
  }
}

/* Removes what was not active since `deadline`. */
function forget(table: BoundedTable, deadline: number): void {
  for (let slot = table.oldest(); slot >= 0 && table.lastActive(slot) < deadline; slot = table.oldest()) {
    table.remove(slot);
  }
}
