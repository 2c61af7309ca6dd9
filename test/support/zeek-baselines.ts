import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOREIGN_CAPTURES } from './captures.js';

/** What Zeek's own tests expect of one capture in one log; undefined where none of them looked. */
export interface Baseline {
  readonly capture: string;
  readonly tunnel: readonly string[] | undefined;
  readonly weird: readonly string[] | undefined;
}

const ID = ['id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p'];
const COLUMNS = {
  tunnel: [...ID, 'tunnel_type', 'action'],
  weird: [...ID, 'name', 'addl', 'notice', 'source'],
} as const;
export type ComparedLog = keyof typeof COLUMNS;

/*
 * Two of Zeek's tests go through several captures and write one output. Which blocks of it are a capture's follows from
 * the commands of the test (testing/btest/core/tunnels/ip-in-ip.test and ip-in-ip-version.zeek).
 */
const BLOCKS: Readonly<Record<string, readonly number[]>> = {
  'zeek-6in6in6.pcap': [1],
  'zeek-6in4.pcap': [2],
  'zeek-4in6.pcap': [3],
  'zeek-4in4.pcap': [4],
  'zeek-6in6-tunnel-change.pcap': [5, 6],
  'zeek-mpls-6in6-6in6-4in6-invalid-version-4.pcap': [0],
};

/** Names of the captures beside which lie expectations of Zeek's tests. */
export function capturesWithBaselines(): string[] {
  if (!existsSync(FOREIGN_CAPTURES)) return [];
  return readdirSync(FOREIGN_CAPTURES)
    .filter((name) => name.endsWith('.pcap.zeek'))
    .map((name) => name.replace(/\.zeek$/, ''))
    .sort();
}

export function baselineOf(capture: string): Baseline {
  const folder = join(FOREIGN_CAPTURES, `${capture}.zeek`);
  const tunnel: string[][] = [];
  const weird: string[][] = [];
  for (const test of readdirSync(folder)) {
    const read = (name: string): string | undefined => {
      const path = join(folder, test, name);
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    };
    const [tunnelLog, weirdLog, output] = ['tunnel.log', 'weird.log', 'output'].map(read);
    if (tunnelLog !== undefined) tunnel.push(logLines('tunnel', tunnelLog));
    if (weirdLog !== undefined) weird.push(logLines('weird', weirdLog));
    if (test === 'core.tunnels.ip-in-ip-version')
      weird.push(BLOCKS[capture]!.flatMap((block) => logLines('weird', logs(output!)[block]!)));
    if (test === 'core.tunnels.ip-in-ip') tunnel.push(discovered(eventBlocks(output!), BLOCKS[capture]!));
    if (test === 'core.tunnels.ip-tunnel-uid') tunnel.push(discovered(eventBlocks(output!), [0]));
  }
  return { capture, tunnel: only(tunnel), weird: only(weird) };
}

/** The compared columns of a record of ours, as Zeek's TSV has them. */
export function lineOf(log: ComparedLog, record: Readonly<Record<string, unknown>>): string {
  return COLUMNS[log].map((column) => tsv(record[column])).join('\t');
}

function tsv(value: unknown): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return value === true ? 'T' : 'F';
}

function only(all: readonly string[][]): readonly string[] | undefined {
  if (all.length > 1) throw new Error('two of the tests looked at the same log');
  return all[0];
}

function logs(text: string): string[] {
  return text.split(/(?=^#separator)/m).filter((part) => part.startsWith('#separator'));
}

function logLines(log: ComparedLog, text: string): string[] {
  const fields = /^#fields\t(.*)$/m.exec(text)![1]!.split('\t');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const values = line.split('\t');
      return COLUMNS[log].map((column) => values[fields.indexOf(column)] ?? '-').join('\t');
    });
}

/* Where a test printed the event, it is the event that tunnel.log is written from. */
function eventBlocks(output: string): string[] {
  return output.split(/(?=^(?:new_connection: tunnel|tunnel_changed:)$)/m).slice(1);
}

const ENCAPSULATION =
  /\[cid=\[orig_h=([^,]+), orig_p=(\d+)\/\w+, resp_h=([^,]+), resp_p=(\d+)\/\w+,[^\]]*ctx=\[\]\], tunnel_type=([^,]+), uid=/g;

function discovered(blocks: readonly string[], wanted: readonly number[]): string[] {
  return wanted.flatMap((block) => {
    const stack = blocks[block]!.split('\n').find((line) => /^ {4}(encap|new):/.test(line))!;
    return [...stack.matchAll(ENCAPSULATION)].map((match) =>
      [...match.slice(1, 6), 'Tunnel::DISCOVER'].join('\t'),
    );
  });
}
