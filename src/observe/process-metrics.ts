import type { MetricDefinition } from './metric-definition.js';
import { counter, gauge, one } from './metric-definition.js';
import { LIFE_STATES } from './sensor-snapshot.js';

export const RULE_METRICS: readonly MetricDefinition[] = [
  gauge(
    'copperhull_rules_loaded',
    'rules',
    [],
    'Rules in force.',
    one(({ rules }) => rules.loaded),
  ),
  counter(
    'copperhull_rule_reloads',
    'events',
    ['result'],
    'Reloads: ok, or failed, after which the old rules stayed.',
    ({ rules }) => [
      [rules.reloads, 'ok'],
      [rules.failedReloads, 'failed'],
    ],
  ),
  gauge(
    'copperhull_rules_loaded_timestamp_seconds',
    'seconds',
    [],
    'When the rules in force were loaded.',
    one(({ rules }) => rules.loadedAtSeconds),
  ),
];

export const PROCESS_METRICS: readonly MetricDefinition[] = [
  gauge(
    'copperhull_info',
    '1',
    ['sensor', 'version'],
    'Always 1; its labels say what runs.',
    ({ sensor, version }) => [[1, sensor, version]],
  ),
  gauge(
    'copperhull_state',
    '1',
    ['state'],
    `1 for the state that the sensor is in. States: ${LIFE_STATES.join(', ')}.`,
    ({ state }) => LIFE_STATES.map((s) => [s === state ? 1 : 0, s]),
  ),
  gauge(
    'process_start_time_seconds',
    'seconds',
    [],
    'When the process started.',
    one((s) => s.process.startedAtSeconds),
  ),
  counter(
    'process_cpu_seconds',
    'seconds',
    [],
    'Processor time of all threads.',
    one((s) => s.process.cpuSeconds),
  ),
  gauge(
    'process_resident_memory_bytes',
    'bytes',
    [],
    'Memory of the process.',
    one((s) => s.process.residentBytes),
  ),
  gauge(
    'nodejs_heap_size_used_bytes',
    'bytes',
    [],
    'Used heap of the main thread.',
    one((s) => s.process.heapUsedBytes),
  ),
  gauge(
    'nodejs_external_memory_bytes',
    'bytes',
    [],
    'Memory outside that heap that its objects hold.',
    one((s) => s.process.externalBytes),
  ),
  gauge(
    'copperhull_event_loop_delay_seconds',
    'seconds',
    [],
    'Longest time that the main thread was late since the snapshot before.',
    one((s) => s.process.eventLoopDelaySeconds),
  ),
  counter('copperhull_http_requests', 'requests', [], 'Requests to this server.', ({ http }) =>
    http ? [[http.requests]] : [],
  ),
  counter(
    'copperhull_http_failed_requests',
    'requests',
    [],
    'Requests that ended with an error of the sensor.',
    ({ http }) => (http ? [[http.failures]] : []),
  ),
  counter(
    'copperhull_http_refused_connections',
    'connections',
    [],
    'Connections over the cap.',
    ({ http }) => (http ? [[http.refusedConnections]] : []),
  ),
];
