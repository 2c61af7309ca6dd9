import type { CensusEntry } from '../model/census.js';
import { CENSUS_SUBJECTS } from '../model/census.js';
import { isTeredoWord, sixtofourV4, teredoClient } from '../wire/embedded-address.js';
import { CensusTable, NO_CLIENT } from './census-table.js';
import type { Sightings } from './sightings.js';
import { WHOLE_ADDRESS } from './sightings.js';

const MOST_NUMBERS = 2 ** 32;

/**
 * Counts Teredo and 6to4 addresses by what is embedded in them: servers, relays, prefixes of clients. One table for each,
 * with `entries` at most.
 */
export class Census {
  /** In the order of {@link CENSUS_SUBJECTS}. */
  readonly tables: readonly CensusTable[];
  readonly #servers: CensusTable;
  readonly #relays: CensusTable;
  readonly #clients: CensusTable;
  readonly #sixtofourRelays: CensusTable;
  readonly #sixtofour: CensusTable;
  readonly #packet = { number: 0, seconds: 0, nanoseconds: 0 };

  constructor(entries: number) {
    const [servers, relays, clients, sixtofourRelays, sixtofour] = CENSUS_SUBJECTS.map(
      (what) => new CensusTable(what, entries),
    ) as [CensusTable, CensusTable, CensusTable, CensusTable, CensusTable];
    this.#servers = servers;
    this.#relays = relays;
    this.#clients = clients;
    this.#sixtofourRelays = sixtofourRelays;
    this.#sixtofour = sixtofour;
    this.tables = [servers, relays, clients, sixtofourRelays, sixtofour];
  }

  /** Entries of all tables that made room for others. */
  get evictions(): number {
    return this.tables.reduce((sum, { evictions }) => sum + evictions, 0);
  }

  /** Counts what one packet showed. */
  count(sightings: Sightings, seconds: number, nanoseconds: number): void {
    const packet = this.#packet;
    packet.number = (packet.number % (MOST_NUMBERS - 1)) + 1;
    packet.seconds = seconds;
    packet.nanoseconds = nanoseconds;
    const { words, bits, place } = sightings;
    for (let i = 0; i < sightings.addresses; i++) {
      const w0 = words[4 * i]!;
      const w1 = words[4 * i + 1]!;
      if (isTeredoWord(w0)) this.#teredo(w1, words[4 * i + 3]!, bits[i]!, place[i]!);
      else {
        const v4 = sixtofourV4(w0, w1);
        this.#sixtofour.see(v4, place[i]!, v4, packet);
      }
    }
    for (let i = 0; i < sightings.relays; i++) {
      const table = sightings.relayIs6to4[i] === 1 ? this.#sixtofourRelays : this.#relays;
      table.see(sightings.relay[i]!, sightings.relayPlace[i]!, sightings.relayClient[i]!, packet);
    }
  }

  /** What was seen since the last {@link clearCounts}, table after table. */
  entries(): CensusEntry[] {
    return this.tables.flatMap((table) => table.entries());
  }

  clearCounts(): void {
    for (const table of this.tables) table.clearCounts();
  }

  #teredo(server: number, obscured: number, bits: number, place: number): void {
    const client = bits === WHOLE_ADDRESS ? teredoClient(obscured) : NO_CLIENT;
    this.#servers.see(server, place, client, this.#packet);
    if (client !== NO_CLIENT) this.#clients.see(client, place, client, this.#packet);
  }
}
