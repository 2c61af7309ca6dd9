import type { Alert } from '../model/records.js';
import type { Severity } from '../model/severity.js';
import { SEVERITIES } from '../model/severity.js';
import { terminalText } from '../model/terminal-text.js';
import { TUNNEL_KINDS } from '../model/vocabulary.js';
import type { NamedHealth } from '../sink/sink-hub.js';
import type { Analysis } from '../sensor/analysis.js';
import { analysisTables } from '../sensor/tables.js';

/** What `replay` found, and what it did not look at. */
export interface ReplaySummary {
  readonly files: number;
  readonly packets: number;
  readonly bytes: number;
  readonly tunnel_packets: number;
  readonly tunnels: Readonly<Record<string, number>>;
  readonly inner_flows: number;
  readonly alerts: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  readonly excepted: Readonly<Record<string, number>>;
  readonly weirds: number;
  readonly weirds_sampled_out: number;
  readonly not_examined: {
    readonly cut_by_snap_length: number;
    readonly undecoded: Readonly<Record<string, number>>;
    readonly unsupported_link_type: number;
    readonly unopened_carriers: Readonly<Record<string, number>>;
    readonly incomplete_fragments: number;
    readonly discarded_fragments: number;
    readonly over_a_cap: Readonly<Record<string, number>>;
  };
  /** Copies of packets that a mirror of several ports shows again. */
  readonly duplicates: number;
  /** Headers and transports whose checksum was found wrong. */
  readonly bad_checksums: number;
  readonly time_went_backwards: number;
  readonly time_jumped_ahead: number;
  readonly output: string | undefined;
  readonly sinks: Readonly<Record<string, SinkCounts>>;
}

/** What became of the records that a sink with a spool got, in this run and before. */
export interface SinkCounts {
  readonly accepted: number;
  readonly acknowledged: number;
  readonly waiting: number;
  readonly dead_lettered: number;
  readonly dropped: number;
  readonly damaged: number;
  readonly refused: number;
  readonly resent: number;
}

/** Collects the summary from an analysis that has finished. */
export function summarize(
  analysis: Analysis,
  files: number,
  output: string | undefined,
  sinks: readonly NamedHealth[],
): ReplaySummary {
  const { counters, flows, reassembler } = analysis;
  const byKind: Record<string, number> = {};
  counters.tunnelsByKind.forEach((count, kind) => {
    if (count > 0) byKind[TUNNEL_KINDS[kind]!] = count;
  });
  const caps = {
    ...Object.fromEntries(counters.byVerdict(new Set(['limit']))),
    ...Object.fromEntries(
      analysisTables(analysis).map(({ name, evictions }) => [`${name}_evicted`, evictions]),
    ),
    notes_over_8_a_packet: analysis.notesLost,
  };
  return {
    files,
    packets: counters.packets,
    bytes: counters.wireBytes,
    tunnel_packets: counters.tunnelPackets,
    tunnels: byKind,
    inner_flows: flows.total,
    alerts: Object.fromEntries(counters.alertsByRule),
    suppressed: Object.fromEntries(counters.suppressedByRule),
    excepted: Object.fromEntries(counters.excepted),
    weirds: counters.weirds,
    weirds_sampled_out: counters.weirdsSampledOut,
    not_examined: {
      cut_by_snap_length: counters.cutBySnapLength,
      undecoded: Object.fromEntries(counters.byVerdict(new Set(['truncated', 'malformed']))),
      unsupported_link_type: counters.unsupportedLinks,
      unopened_carriers: Object.fromEntries(counters.unopened),
      incomplete_fragments: reassembler.counters.timedOut,
      discarded_fragments: reassembler.counters.discarded,
      over_a_cap: Object.fromEntries(Object.entries(caps).filter(([, count]) => count > 0)),
    },
    duplicates: counters.duplicates,
    bad_checksums: counters.badChecksums,
    time_went_backwards: counters.timeBackwards,
    time_jumped_ahead: analysis.timeJumps,
    output,
    sinks: sinkCounts(sinks),
  };
}

function sinkCounts(sinks: readonly NamedHealth[]): Record<string, SinkCounts> {
  return Object.fromEntries(
    sinks.flatMap(({ name, spool }) => {
      if (spool === undefined) return [];
      const { accepted, acknowledged, waiting, deadLettered, dropped, damaged, refused, resent } = spool;
      const counts = { accepted, acknowledged, waiting, dead_lettered: deadLettered };
      return [[name, { ...counts, dropped, damaged, refused, resent }]];
    }),
  );
}

/** The summary in words. */
export function summaryText(summary: ReplaySummary): string {
  const lines = [
    `${count(summary.packets, 'packet')} in ${count(summary.files, 'file')}, ${summary.tunnel_packets} of them in tunnels`,
  ];
  const kinds = Object.entries(summary.tunnels);
  if (kinds.length === 0) lines.push('no tunnels found');
  else lines.push(`tunnels: ${list(kinds)}; inner flows: ${summary.inner_flows}`);
  const alerts = Object.entries(summary.alerts);
  if (alerts.length === 0) lines.push('no alerts');
  else lines.push(`alerts: ${list(alerts)}`);
  const suppressed = Object.entries(summary.suppressed);
  if (suppressed.length > 0) lines.push(`suppressed as repeats: ${list(suppressed)}`);
  const excepted = Object.entries(summary.excepted);
  if (excepted.length > 0) lines.push(`covered by exceptions: ${list(excepted)}`);
  const missed = notExamined(summary);
  lines.push(missed.length === 0 ? 'not examined: nothing' : `not examined: ${missed.join('; ')}`);
  if (summary.duplicates > 0) {
    lines.push(`copies of a mirror that shows packets again, left out: ${summary.duplicates}`);
  }
  if (summary.bad_checksums > 0) lines.push(`wrong checksums: ${summary.bad_checksums}`);
  if (summary.time_went_backwards > 0) {
    const hint = summary.files > 1 ? ' (--merge reads several files by time)' : '';
    lines.push(`packets whose time went backwards: ${summary.time_went_backwards}${hint}`);
  }
  if (summary.time_jumped_ahead > 0) {
    lines.push(`packets whose time was too far ahead to be believed alone: ${summary.time_jumped_ahead}`);
  }
  if (summary.weirds > 0) {
    const rest =
      summary.weirds_sampled_out > 0 ? ` (${summary.weirds_sampled_out} more were sampled out)` : '';
    lines.push(`weirds: ${summary.weirds}${rest}`);
  }
  for (const [name, { accepted, acknowledged, ...rest }] of Object.entries(summary.sinks)) {
    const troubles = Object.entries(rest).filter(([, number]) => number > 0);
    const more = troubles.length === 0 ? '' : `, ${list(troubles).replaceAll('_', '-')}`;
    lines.push(
      `sink ${name}, since its spool began: accepted ${accepted}, acknowledged ${acknowledged}${more}`,
    );
  }
  if (summary.output !== undefined) lines.push(`logs: ${terminalText(summary.output)}`);
  return `${lines.join('\n')}\n`;
}

function notExamined(summary: ReplaySummary): string[] {
  const missed = summary.not_examined;
  const parts = [
    missed.cut_by_snap_length > 0
      ? `${count(missed.cut_by_snap_length, 'packet')} cut short by the snap length`
      : '',
    sum(missed.undecoded) > 0 ? `undecoded ${list(Object.entries(missed.undecoded))}` : '',
    missed.unsupported_link_type > 0
      ? `${count(missed.unsupported_link_type, 'packet')} of an unsupported link type`
      : '',
    sum(missed.unopened_carriers) > 0
      ? `carriers that are not opened ${list(Object.entries(missed.unopened_carriers))}`
      : '',
    missed.incomplete_fragments > 0
      ? `${count(missed.incomplete_fragments, 'datagram')} with fragments missing`
      : '',
    missed.discarded_fragments > 0 ? `${count(missed.discarded_fragments, 'fragment')} discarded` : '',
    sum(missed.over_a_cap) > 0 ? `over a cap ${list(Object.entries(missed.over_a_cap))}` : '',
  ];
  return parts.filter((part) => part !== '');
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, one) => total + one, 0);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function list(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, number]) => `${name} ${number}`).join(', ');
}

const SHOWN = 25;

/** The alerts of a run for people to read: most severe first, the first few of each severity. */
export class AlertList {
  readonly #kept = new Map<Severity, string[]>();
  readonly #counts = new Map<Severity, number>();

  add(alert: Alert): void {
    const { severity } = alert.rule;
    this.#counts.set(severity, (this.#counts.get(severity) ?? 0) + 1);
    const kept = this.#kept.get(severity) ?? [];
    this.#kept.set(severity, kept);
    if (kept.length < SHOWN) kept.push(alertText(alert));
  }

  text(): string {
    let text = '';
    for (const severity of [...SEVERITIES].reverse()) {
      const kept = this.#kept.get(severity) ?? [];
      for (const line of kept) text += `${line}\n`;
      const more = (this.#counts.get(severity) ?? 0) - kept.length;
      if (more > 0) text += `${severity.toUpperCase()}  ${more} more are in notice.log\n`;
    }
    return text === '' ? '' : `${text}\n`;
  }
}

function alertText(alert: Alert): string {
  const place =
    alert.packet === undefined ? '' : `, ${alert.packet.captureFile} frame ${alert.packet.packetNumber}`;
  const merged = alert.suppressed > 0 ? ` (${alert.suppressed} like it before)` : '';
  return [
    `${alert.rule.severity.toUpperCase()}  ${alert.rule.title}${merged}`,
    `      ${alert.message}`,
    `      ${alert.rule.id}${place}`,
  ]
    .map(terminalText)
    .join('\n');
}
