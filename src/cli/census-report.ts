import type { CensusEntry, CensusSubject, SeenIn } from '../model/census.js';
import { CENSUS_SUBJECTS, CLIENT_PREFIX_BITS, isPrefixSubject, SEEN_IN } from '../model/census.js';
import type { PacketTime } from '../model/records.js';
import type { CensusWatch } from '../sensor/census/census-watch.js';
import { formatIpv4 } from '../wire/address.js';
import { table } from './table.js';

/** One server, relay or prefix of the report. */
export interface CensusRow {
  /** IPv4 address, or prefix with its length. */
  readonly address: string;
  readonly packets: number;
  /** Of the packets that name any entry of the table, from 0 to 1. */
  readonly share: number;
  readonly stands_out: boolean;
  readonly distinct_clients: number;
  readonly seen: Readonly<Record<SeenIn, number>>;
  /** RFC 3339, UTC. */
  readonly first_seen: string;
  readonly last_seen: string;
}

export interface CensusPart {
  /** Entries that were counted, those that are not among the rows included. */
  readonly entries: number;
  /** Entries that made room for others; their counts are lost. */
  readonly evicted: number;
  readonly packets: number;
  /** Entries that stand out, those that are not among the rows included. */
  readonly standing_out: number;
  readonly rows: readonly CensusRow[];
}

export type CensusReport = Readonly<Record<CensusSubject, CensusPart>> & {
  readonly files: number;
  readonly packets: number;
  /** Packets with a Teredo or 6to4 address. */
  readonly telling_packets: number;
  readonly duplicates: number;
  /** Addresses beyond the most that one packet may show. */
  readonly sightings_lost: number;
};

/** What stands out has at least this share each, */
const LEAST_SHARE = 0.05;
/** and what comes next has at most a third of it. */
const LEAST_GAP = 3;

/**
 * How many of the largest entries stand out from the rest: those above the widest gap, if what is below it has at most a
 * third, and if each of them has 5 % at least. 0 when all are alike or alone.
 */
export function standingOut(shares: readonly number[]): number {
  let count = 0;
  let widest = LEAST_GAP;
  for (let i = 0; i + 1 < shares.length && shares[i]! >= LEAST_SHARE; i++) {
    const gap = shares[i]! / shares[i + 1]!;
    if (gap < widest) continue;
    widest = gap;
    count = i + 1;
  }
  return count;
}

/** The report of a census that has read its files, with so many rows in each table. */
export function censusReport(watch: CensusView, files: number, top: number): CensusReport {
  const parts = Object.fromEntries(
    watch.census.tables.map((one) => {
      const entries = one.entries();
      const shares = entries.map(({ packets }) => packets / one.packets);
      const standing = standingOut(shares);
      const rows = entries.slice(0, top).map((entry, i) => row(entry, shares[i]!, i < standing));
      const part: CensusPart = {
        entries: entries.length,
        evicted: one.evictions,
        packets: one.packets,
        standing_out: standing,
        rows,
      };
      return [one.what, part];
    }),
  ) as Record<CensusSubject, CensusPart>;
  return {
    files,
    packets: watch.packets,
    telling_packets: watch.telling,
    duplicates: watch.duplicates,
    sightings_lost: watch.sightingsLost,
    ...parts,
  };
}

/** What the report takes of a census. */
export type CensusView = Pick<CensusWatch, 'census' | 'packets' | 'telling' | 'duplicates' | 'sightingsLost'>;

function row(entry: CensusEntry, share: number, standsOut: boolean): CensusRow {
  const address = formatIpv4(entry.v4);
  return {
    address: isPrefixSubject(entry.what) ? `${address}/${CLIENT_PREFIX_BITS}` : address,
    packets: entry.packets,
    share: Math.round(share * 10_000) / 10_000,
    stands_out: standsOut,
    distinct_clients: entry.clients,
    seen: Object.fromEntries(SEEN_IN.map((name, i) => [name, entry.seen[i]!])) as Record<SeenIn, number>,
    first_seen: timeText(entry.firstSeen),
    last_seen: timeText(entry.lastSeen),
  };
}

function timeText({ seconds, nanoseconds }: PacketTime): string {
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000)).toISOString();
}

const TITLES: Readonly<Record<CensusSubject, readonly [one: string, many: string]>> = {
  server: ['Teredo server', 'Teredo servers'],
  relay: ['Teredo relay', 'Teredo relays'],
  client_prefix: ['prefix of Teredo clients', 'prefixes of Teredo clients'],
  sixtofour_relay: ['6to4 relay', '6to4 relays'],
  sixtofour_prefix: ['prefix of 6to4 sites', 'prefixes of 6to4 sites'],
};

/** The report for people to read. It holds nothing that a packet could have spelled. */
export function censusText(report: CensusReport): string {
  const { files, packets, telling_packets: telling, duplicates } = report;
  const lines = [
    `${counted(packets, 'packet')} in ${counted(files, 'file')}, ${telling} of them with a Teredo or 6to4 address\n`,
  ];
  if (duplicates > 0) lines.push(`copies of a mirror that shows packets again, left out: ${duplicates}\n`);
  if (report.sightings_lost > 0)
    lines.push(`addresses beyond the 64 that one packet may show, left out: ${report.sightings_lost}\n`);
  for (const what of CENSUS_SUBJECTS) lines.push(partText(what, report[what]));
  return lines.join('');
}

function partText(what: CensusSubject, part: CensusPart): string {
  if (part.entries === 0) return '';
  const { entries, standing_out: standing, evicted, rows } = part;
  const facts = [
    `${entries} ${TITLES[what][entries === 1 ? 0 : 1]} in ${counted(part.packets, 'packet')}`,
    ...(standing > 0 ? [standing === 1 ? '1 stands out (*)' : `${standing} stand out (*)`] : []),
    ...(rows.length < entries ? [`the first ${rows.length} of them`] : []),
    ...(evicted > 0 ? [`${evicted} more made room for others (--entries)`] : []),
  ];
  const head = [
    '',
    isPrefixSubject(what) ? 'prefix' : 'address',
    'packets',
    'share',
    'clients',
    ...SEEN_IN.map((name) => name.replace('_', ' ')),
    'first seen',
    'last seen',
  ];
  const body = rows.map((one) => [
    one.stands_out ? '*' : '',
    one.address,
    String(one.packets),
    `${(one.share * 100).toFixed(1)}%`,
    String(one.distinct_clients),
    ...SEEN_IN.map((name) => String(one.seen[name])),
    one.first_seen,
    one.last_seen,
  ]);
  return `\n${facts.join(', ')}\n${table(head, body)}`;
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
