import { SINK_STATES } from '../model/sink-state.js';
import type { MetricDefinition, Read } from './metric-definition.js';
import { counter, gauge } from './metric-definition.js';
import type { SinkSnapshot, SpoolSnapshot } from './sensor-snapshot.js';

const ofSinks =
  (read: (sink: SinkSnapshot) => number): Read =>
  ({ sinks }) =>
    sinks.map((sink) => [read(sink), sink.name]);

const ofSpools =
  (read: (spool: SpoolSnapshot) => number): Read =>
  ({ sinks }) =>
    sinks.flatMap(({ name, spool }) => (spool === undefined ? [] : [[read(spool), name] as const]));

export const SINK_METRICS: readonly MetricDefinition[] = [
  gauge(
    'copperhull_sink_state',
    '1',
    ['sink', 'state'],
    `1 for the state that the sink is in. States: ${SINK_STATES.join(', ')}.`,
    ({ sinks }) =>
      sinks.flatMap(({ name, state }) => SINK_STATES.map((s) => [s === state ? 1 : 0, name, s] as const)),
  ),
  gauge(
    'copperhull_sink_queue_records',
    'records',
    ['sink'],
    'Records in the queue before the sink.',
    ofSinks(({ queued }) => queued),
  ),
  counter(
    'copperhull_sink_overflowed_records',
    'records',
    ['sink'],
    'Records that did not fit into that queue.',
    ofSinks(({ overflowed }) => overflowed),
  ),
  counter(
    'copperhull_sink_failed_records',
    'records',
    ['sink'],
    'Records that the sink could not take.',
    ofSinks(({ failed }) => failed),
  ),
  counter(
    'copperhull_sink_lost_records',
    'records',
    ['sink'],
    'Records that were handed over and will not reach their place.',
    ofSinks(({ lost }) => lost),
  ),
  gauge(
    'copperhull_spool_records',
    'records',
    ['sink'],
    'Records that wait in the spool.',
    ofSpools(({ waiting }) => waiting),
  ),
  gauge(
    'copperhull_spool_bytes',
    'bytes',
    ['sink'],
    'Octets that the spool takes on disk.',
    ofSpools(({ bytes }) => bytes),
  ),
  gauge(
    'copperhull_spool_age_seconds',
    'seconds',
    ['sink'],
    'Age of the oldest record that waits; 0 when none does.',
    ofSpools(({ ageSeconds }) => ageSeconds),
  ),
  counter(
    'copperhull_spool_accepted_records',
    'records',
    ['sink'],
    'Records that were safe on disk. Counts of a spool are of its whole life, over restarts.',
    ofSpools(({ accepted }) => accepted),
  ),
  counter(
    'copperhull_spool_acknowledged_records',
    'records',
    ['sink'],
    'Records that the other side has taken.',
    ofSpools(({ acknowledged }) => acknowledged),
  ),
  counter(
    'copperhull_spool_dead_lettered_records',
    'records',
    ['sink'],
    'Records that the other side refused; they are in the dead-letter file.',
    ofSpools(({ deadLettered }) => deadLettered),
  ),
  counter(
    'copperhull_spool_dropped_records',
    'records',
    ['sink'],
    'Records that a full spool dropped by its policy.',
    ofSpools(({ dropped }) => dropped),
  ),
  counter(
    'copperhull_spool_damaged_records',
    'records',
    ['sink'],
    'Records that could not be read back from disk.',
    ofSpools(({ damaged }) => damaged),
  ),
  counter(
    'copperhull_spool_refused_records',
    'records',
    ['sink'],
    'Records that were never accepted, because the disk was full.',
    ofSpools(({ refused }) => refused),
  ),
  counter(
    'copperhull_spool_resent_records',
    'records',
    ['sink'],
    'Records sent again after a send whose end is not known.',
    ofSpools(({ resent }) => resent),
  ),
];
