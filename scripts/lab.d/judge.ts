import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortExpectation } from './plan.js';

/** A line of a log, as it was written. */
export type Row = Readonly<Record<string, unknown>>;

/** What a sensor wrote about one mirror port. */
export interface PortLogs {
  readonly notices: readonly Row[];
  readonly tunnels: readonly Row[];
  /** Lines of stats.log; a replay writes none. */
  readonly stats?: readonly Row[];
}

/** The lab's own rule; it tells services. */
const SERVICE_RULE = 'lab-inner-service';

/** Reads the logs of a folder. A log that is not there has no lines. */
export function readLogs(folder: string): PortLogs {
  const rows = (log: string): Row[] => rowsOf(join(folder, `${log}.log`));
  return { notices: rows('notice'), tunnels: rows('tunnel'), stats: rows('stats') };
}

function rowsOf(path: string): Row[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row);
}

/** In what the logs differ from what is expected; `never` are rules that must be silent unless they are asked for. */
export function mistakes(
  expected: PortExpectation,
  never: readonly string[],
  { notices, tunnels }: PortLogs,
): string[] {
  const wrong: string[] = [];
  const { must, never: neverHere = [] } = expected.alerts;
  const raised = countBy(notices, ({ rule_id }) => String(rule_id));
  for (const [rule, count] of Object.entries(must)) {
    const found = raised.get(rule) ?? 0;
    if (count === 'any' ? found === 0 : found !== count)
      wrong.push(`${rule} was raised ${found} times instead of ${count === 'any' ? 'at least once' : count}`);
  }
  for (const rule of [...never, ...neverHere]) {
    if (!Object.hasOwn(must, rule) && raised.has(rule))
      wrong.push(`${rule} was raised ${raised.get(rule)!} times and should not be`);
  }
  const services = new Set(
    notices
      .filter(({ rule_id }) => rule_id === SERVICE_RULE)
      .map((row) => `${String(row['proto'])}:${String(row['id.resp_p'])}`),
  );
  differ(wrong, 'services inside', [...services].sort(), [...expected.services].sort());
  if (expected.tunnels !== undefined) {
    // A tunnel has several lines; its kind is what the last one says.
    const kinds = new Map(tunnels.map((row) => [row['uid'], String(row['tunnel_kind'])]));
    const counted = countBy([...kinds.values()], (kind) => kind);
    differ(wrong, 'tunnels', sorted(Object.fromEntries(counted)), sorted(expected.tunnels));
  }
  for (const key of ['vlan', 'inner_vlan'] as const) {
    if (expected[key] === undefined) continue;
    // The sensor also tells that its mirror port fell silent, which is of no VLAN.
    const ofRules = notices.filter((row) => row['rule_id'] !== undefined);
    const found = [...new Set(ofRules.map((row) => row[key] ?? null))];
    differ(wrong, key, found, [expected[key]]);
  }
  return wrong;
}

/** Columns of tunnel.log that count packets and octets. */
const TOTALS = ['orig_pkts', 'orig_bytes', 'resp_pkts', 'resp_bytes'] as const;

/**
 * What is counted otherwise where each packet is seen twice than where it is seen once. Tunnels and alerts that only
 * the second port sees are left alone.
 */
export function doubled(once: PortLogs, twice: PortLogs): string[] {
  const wrong = otherTotals(once, twice);
  // Otherwise nothing was put to the test.
  const { stats = [] } = twice;
  if (stats.length > 0 && sumOf(stats, 'duplicate_pkts') === 0) wrong.push('no packet was seen twice');
  const alert = (row: Row): string => `${String(row['rule_id'])} about ${endpoints(row)}`;
  const repeated = countBy(twice.notices, alert);
  for (const [name, count] of countBy(once.notices, alert)) {
    const found = repeated.get(name) ?? 0;
    if (found !== count) wrong.push(`${name} was raised ${found} times instead of ${count}`);
  }
  return wrong;
}

/** Packets and octets of tunnels of `right` that `found` counted otherwise. */
function otherTotals(right: PortLogs, found: PortLogs): string[] {
  const wrong: string[] = [];
  const ended = ({ tunnels }: PortLogs): Map<string, Row> =>
    new Map(tunnels.filter((row) => 'orig_pkts' in row).map((row) => [endpoints(row), row]));
  const others = ended(found);
  for (const [tunnel, row] of ended(right)) {
    const other = others.get(tunnel);
    if (other === undefined) {
      wrong.push(`the tunnel ${tunnel} is missing`);
      continue;
    }
    for (const total of TOTALS) {
      if (row[total] !== other[total])
        wrong.push(
          `${total} of the tunnel ${tunnel} is ${String(other[total])} instead of ${String(row[total])}`,
        );
    }
  }
  return wrong;
}

function endpoints(row: Row): string {
  return `${String(row['id.orig_h'])} port ${String(row['id.orig_p'])} -> ${String(row['id.resp_h'])} port ${String(row['id.resp_p'])}`;
}

/**
 * What differs between what a live sensor wrote and a replay of what its port saw: alerts, and what tunnels counted. Times,
 * identifiers made from them or from the sensor's own seed, and names of files are not compared.
 */
export function differences(live: PortLogs, replayed: PortLogs): string[] {
  const inLive = countBy(alertsOf(live), sameness);
  const inReplay = countBy(alertsOf(replayed), sameness);
  const alerts = [...new Set([...inLive.keys(), ...inReplay.keys()])]
    .map((key) => ({ key, live: inLive.get(key) ?? 0, replay: inReplay.get(key) ?? 0 }))
    .filter((alert) => alert.live !== alert.replay)
    .map((alert) => `raised ${alert.live} times live and ${alert.replay} times in the replay: ${alert.key}`);
  return [...lost(live), ...alerts, ...otherTotals(replayed, live)];
}

/* What explains the rest. */
function lost({ stats = [] }: PortLogs): string[] {
  const packets = sumOf(stats, 'pkts_dropped');
  return packets === 0 ? [] : [`${packets} packets were lost`];
}

/** The alerts of a port, a line for each rule and pair of endpoints. */
export function alertLines(logs: PortLogs): string[] {
  const lines = alertsOf(logs).map((row) => `${String(row['rule_id']).padEnd(24)} ${endpoints(row)}`);
  return [...new Set(lines)].sort();
}

const COMPARED = [
  'rule_id',
  'rule_rev',
  'severity',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'msg',
  'tunnel_kind',
  'tunnel_path',
  'tunnel_outer_orig_h',
  'tunnel_outer_orig_p',
  'tunnel_outer_resp_h',
  'tunnel_outer_resp_p',
  'teredo_server',
  'teredo_client',
  'vlan',
  'inner_vlan',
] as const;

/* Notices about the sensor itself name no rule. */
function alertsOf({ notices }: PortLogs): Row[] {
  return notices.filter(({ rule_id }) => rule_id !== undefined);
}

function sameness(row: Row): string {
  return COMPARED.filter((key) => row[key] !== undefined)
    .map((key) => `${key}=${String(row[key])}`)
    .join(' ');
}

function sumOf(rows: readonly Row[], key: string): number {
  return rows.reduce((sum, row) => sum + Number(row[key] ?? 0), 0);
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
}

function differ(wrong: string[], what: string, found: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  if (is !== should) wrong.push(`${what}: ${is} instead of ${should}`);
}
