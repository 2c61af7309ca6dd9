import type { PacketTime } from './records.js';

/* The words of the census of Teredo and 6to4 addresses. Their places in these lists are used as numbers. */

/** Where an address was seen. */
export const SEEN_IN = ['inner', 'native', 'dns_query', 'dns_answer', 'icmp_quote'] as const;
export type SeenIn = (typeof SEEN_IN)[number];

/** What is counted. */
export const CENSUS_SUBJECTS = [
  'server',
  'relay',
  'client_prefix',
  'sixtofour_relay',
  'sixtofour_prefix',
] as const;
export type CensusSubject = (typeof CENSUS_SUBJECTS)[number];

/** Length of the prefixes that clients are counted by. */
export const CLIENT_PREFIX_BITS = 24;

/** One server, relay or prefix, and how often it was seen. */
export interface CensusEntry {
  readonly what: CensusSubject;
  /** IPv4 address of a server or relay, as a 32-bit number; the network of a prefix. */
  readonly v4: number;
  /** Packets in which it was seen, once each. */
  readonly packets: number;
  /** Addresses that name it, by where they were seen; in the order of {@link SEEN_IN}. */
  readonly seen: readonly number[];
  /** Distinct embedded IPv4 addresses: exact for a prefix, an estimate for a server or relay. */
  readonly clients: number;
  readonly firstSeen: PacketTime;
  readonly lastSeen: PacketTime;
}

/** What was seen of one entry in an interval; its counts are of the interval, `firstSeen` is since it is known. */
export interface CensusEvent {
  /** End of the interval, packet time. */
  readonly time: PacketTime;
  /** Length of the interval in seconds. */
  readonly seconds: number;
  readonly entry: CensusEntry;
  readonly sensor: string;
}

/** Whether a subject is counted by prefix, not by address. */
export function isPrefixSubject(what: CensusSubject): boolean {
  return what === 'client_prefix' || what === 'sixtofour_prefix';
}
