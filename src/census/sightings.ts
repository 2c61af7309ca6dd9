import type { CensusSubject, SeenIn } from '../model/census.js';
import { SEEN_IN } from '../model/census.js';
import { is6to4Word, isTeredoWord } from '../wire/embedded-address.js';

/** Places where addresses are seen, as numbers. */
export const PLACE = Object.fromEntries(SEEN_IN.map((name, i) => [name, i])) as Readonly<
  Record<SeenIn, number>
>;

/** Most addresses, and most relays, of one packet. */
export const MAX_SIGHTINGS = 64;
export const WHOLE_ADDRESS = 128;
/* Leading bits that hold a Teredo server (RFC 4380 4), and the IPv4 address of 6to4 (RFC 3056 2). */
const SERVER_BITS = 64;
const SIXTOFOUR_BITS = 48;

/** Subjects that are outer endpoints of tunnels. */
export type RelaySubject = Extract<CensusSubject, 'relay' | 'sixtofour_relay'>;

/**
 * Teredo and 6to4 addresses of one packet, and relays that it passed, as columns. One object, filled again for every
 * packet, so that a packet without any costs no allocation.
 */
export class Sightings {
  addresses = 0;
  relays = 0;
  /** Sightings beyond {@link MAX_SIGHTINGS} of a packet, of all packets. */
  lost = 0;
  /** Four words for each address. */
  readonly words = new Uint32Array(4 * MAX_SIGHTINGS);
  /** How many leading bits of each address are known: 128 but for the name of a reverse zone. */
  readonly bits = new Uint8Array(MAX_SIGHTINGS);
  readonly place = new Uint8Array(MAX_SIGHTINGS);
  readonly relay = new Uint32Array(MAX_SIGHTINGS);
  /** Embedded IPv4 address of the end that each relay serves. */
  readonly relayClient = new Uint32Array(MAX_SIGHTINGS);
  readonly relayPlace = new Uint8Array(MAX_SIGHTINGS);
  readonly relayIs6to4 = new Uint8Array(MAX_SIGHTINGS);

  get isEmpty(): boolean {
    return this.addresses === 0 && this.relays === 0;
  }

  reset(): void {
    this.addresses = 0;
    this.relays = 0;
  }

  /** Takes an address if it is one of Teredo or 6to4, and if so many of its bits say what is embedded. */
  address(place: number, w0: number, w1: number, w2: number, w3: number, bits = WHOLE_ADDRESS): void {
    if (isTeredoWord(w0) ? bits < SERVER_BITS : !is6to4Word(w0) || bits < SIXTOFOUR_BITS) return;
    if (this.addresses === MAX_SIGHTINGS) {
      this.lost++;
      return;
    }
    const i = this.addresses++;
    this.words[4 * i] = w0;
    this.words[4 * i + 1] = w1;
    this.words[4 * i + 2] = w2;
    this.words[4 * i + 3] = w3;
    this.bits[i] = bits;
    this.place[i] = place;
  }

  /** Takes a relay between native IPv6 and the end with the embedded address `client`. */
  relayed(subject: RelaySubject, place: number, v4: number, client: number): void {
    if (this.relays === MAX_SIGHTINGS) {
      this.lost++;
      return;
    }
    const i = this.relays++;
    this.relay[i] = v4;
    this.relayClient[i] = client;
    this.relayPlace[i] = place;
    this.relayIs6to4[i] = subject === 'sixtofour_relay' ? 1 : 0;
  }
}
