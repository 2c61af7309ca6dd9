import type { Prefix } from '../wire/address.js';
import { inPrefix, parsePrefix } from '../wire/address.js';
import { VANTAGE } from '../model/vocabulary.js';
import { BoundedTable, grown } from '../state/bounded-table.js';

export interface SiteOptions {
  /** Networks inside the site, beside private space. */
  readonly localNetworks: readonly Prefix[];
  /** `auto` learns it: inside when a server told a client another address than the packet had (RFC 4380 5.3.2). */
  readonly vantage: 'inside' | 'outside' | 'auto';
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

  readonly #local: readonly Prefix[];
  readonly #configured: SiteOptions['vantage'];
  readonly #mappings: BoundedTable;
  #v4 = new Uint32Array(0);
  #port = new Uint16Array(0);
  #natSeen = false;
  #plainSeen = false;

  constructor(options: SiteOptions) {
    this.#local = [...PRIVATE_SPACE, ...options.localNetworks];
    this.#configured = options.vantage;
    this.#mappings = new BoundedTable({
      keyWords: 2,
      capacity: options.maxMappings,
      onGrow: (slots) => {
        this.#v4 = grown(this.#v4, new Uint32Array(slots));
        this.#port = grown(this.#port, new Uint16Array(slots));
      },
    });
  }

  get vantage(): number {
    if (this.#configured !== 'auto') return VANTAGE[this.#configured];
    if (this.#natSeen) return VANTAGE.inside;
    return this.#plainSeen ? VANTAGE.outside : VANTAGE.unknown;
  }

  get mappings(): number {
    return this.#mappings.size;
  }

  get evictions(): number {
    return this.#mappings.evictions;
  }

  isLocal(words: Uint32Array, at: number): boolean {
    for (const prefix of this.#local) {
      if (inPrefix(prefix, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)) return true;
    }
    return false;
  }

  /** Notes that a server told the client at `v4:port` that it is seen as `mappedV4:mappedPort`. */
  learn(v4: number, port: number, mappedV4: number, mappedPort: number, now: number): void {
    if (v4 === mappedV4 && port === mappedPort) this.#plainSeen = true;
    else this.#natSeen = true;
    const { key } = this.#mappings;
    key[0] = v4;
    key[1] = port;
    let slot = this.#mappings.find();
    if (slot < 0) slot = this.#mappings.insert(now);
    else this.#mappings.touch(slot, now);
    this.#v4[slot] = mappedV4;
    this.#port[slot] = mappedPort;
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
    for (;;) {
      const slot = this.#mappings.oldest();
      if (slot < 0 || this.#mappings.lastActive(slot) + MAPPING_LIFETIME > now) return;
      this.#mappings.remove(slot);
    }
  }
}
