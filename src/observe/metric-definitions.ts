import { ANALYSIS_METRICS } from './analysis-metrics.js';
import { CAPTURE_METRICS } from './capture-metrics.js';
import type { MetricDefinition } from './metric-definition.js';
import { PROCESS_METRICS, RULE_METRICS } from './process-metrics.js';
import { SINK_METRICS } from './sink-metrics.js';

/** Every metric, in the order in which it is exposed and documented. */
export const METRICS: readonly MetricDefinition[] = [
  ...PROCESS_METRICS,
  ...CAPTURE_METRICS,
  ...ANALYSIS_METRICS,
  ...RULE_METRICS,
  ...SINK_METRICS,
];

/** Set by the registry itself. */
export const SERIES_LEFT_OUT: Omit<MetricDefinition, 'read'> = {
  name: 'copperhull_metric_series_left_out',
  type: 'gauge',
  unit: 'series',
  labels: [],
  meaning: 'Series of this exposition that were left out, because their metric has too many.',
};
