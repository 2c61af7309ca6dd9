import { SEVERITIES } from '../model/severity.js';
import type { MetricDefinition, Sample } from './metric-definition.js';
import { counter, gauge, one } from './metric-definition.js';

const entries = (counts: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(counts).map(([key, count]) => [count, key]);

export const ANALYSIS_METRICS: readonly MetricDefinition[] = [
  counter(
    'copperhull_analysis_packets',
    'packets',
    [],
    'Packets analysed.',
    one(({ analysis }) => analysis.packets),
  ),
  counter(
    'copperhull_analysis_bytes',
    'bytes',
    [],
    'Their octets on the wire.',
    one(({ analysis }) => analysis.bytes),
  ),
  counter(
    'copperhull_analysis_tunnel_packets',
    'packets',
    [],
    'Packets that at least one tunnel carried.',
    one(({ analysis }) => analysis.tunnelPackets),
  ),
  counter(
    'copperhull_analysis_duplicate_packets',
    'packets',
    [],
    'Copies that a mirror of several ports shows again.',
    one(({ analysis }) => analysis.duplicates),
  ),
  counter(
    'copperhull_analysis_cut_packets',
    'packets',
    [],
    'Packets that could not be read to their end, because fewer octets were captured.',
    one(({ analysis }) => analysis.cutPackets),
  ),
  counter(
    'copperhull_bad_checksums',
    'checksums',
    [],
    'Wrong checksums of headers and transports, in first packets of flows and packets of none.',
    one(({ analysis }) => analysis.badChecksums),
  ),
  counter(
    'copperhull_analysis_verdicts',
    'packets',
    ['family'],
    'Packets by family of their decoder verdict.',
    ({ analysis }) => entries(analysis.verdictFamilies),
  ),
  counter('copperhull_tunnels', 'tunnels', ['kind'], 'Tunnels found.', ({ analysis }) =>
    entries(analysis.tunnelsByKind),
  ),
  counter(
    'copperhull_flows',
    'flows',
    [],
    'Inner connections found.',
    one(({ analysis }) => analysis.flows),
  ),
  gauge('copperhull_table_entries', 'entries', ['table'], 'Entries of a bounded table.', ({ analysis }) =>
    analysis.tables.map(({ name, size }) => [size, name]),
  ),
  gauge(
    'copperhull_table_capacity_entries',
    'entries',
    ['table'],
    'Most entries of that table.',
    ({ analysis }) => analysis.tables.map(({ name, capacity }) => [capacity, name]),
  ),
  counter(
    'copperhull_table_evictions',
    'entries',
    ['table'],
    'Entries that made room for others before their time.',
    ({ analysis }) => analysis.tables.map(({ name, evictions }) => [evictions, name]),
  ),
  gauge(
    'copperhull_fragment_bytes',
    'bytes',
    [],
    'Octets of fragments that wait for the rest of their datagram.',
    one(({ analysis }) => analysis.fragmentBytes),
  ),
  counter('copperhull_alerts', 'alerts', ['severity'], 'Alerts raised.', ({ analysis }) =>
    SEVERITIES.map((severity) => [analysis.alerts[severity], severity]),
  ),
  counter(
    'copperhull_suppressed_findings',
    'findings',
    [],
    'Findings merged into an earlier alert.',
    one(({ analysis }) => analysis.suppressed),
  ),
  counter(
    'copperhull_excepted_findings',
    'findings',
    [],
    'Findings that an exception of a rule took out.',
    one(({ analysis }) => analysis.excepted),
  ),
  counter(
    'copperhull_weirds',
    'records',
    [],
    'Weird records written.',
    one(({ analysis }) => analysis.weirds),
  ),
  counter(
    'copperhull_weirds_sampled_out',
    'records',
    [],
    'Weirds that sampling left out.',
    one(({ analysis }) => analysis.weirdsSampledOut),
  ),
  gauge(
    'copperhull_packet_lag_seconds',
    'seconds',
    [],
    'Wall clock minus the time of the newest packet; below zero when the clocks differ. No series before the first packet.',
    ({ analysis }) => (analysis.lagSeconds === undefined ? [] : [[analysis.lagSeconds]]),
  ),
  gauge(
    'copperhull_record_queue_records',
    'records',
    [],
    'Finished records on their way from analysis to sinks.',
    one(({ analysis }) => analysis.queue.records),
  ),
  gauge(
    'copperhull_record_queue_capacity_records',
    'records',
    [],
    'Most records there.',
    one(({ analysis }) => analysis.queue.capacity),
  ),
  counter(
    'copperhull_record_queue_dropped_records',
    'records',
    [],
    'Records that did not fit there.',
    one(({ analysis }) => analysis.queue.dropped),
  ),
  gauge(
    'copperhull_analysis_answer_age_seconds',
    'seconds',
    [],
    'Time since the analysis thread last answered.',
    one(({ analysis }) => analysis.answerAgeSeconds),
  ),
];
