import { Counter, Gauge, Registry } from 'prom-client';
import { growth } from './interval-stats.js';
import type { MetricDefinition, Sample } from './metric-definition.js';
import { METRICS, SERIES_LEFT_OUT } from './metric-definitions.js';
import type { SensorSnapshot } from './sensor-snapshot.js';

/** Series that one metric may have. Labels come from configuration and closed lists; this holds should one ever not. */
export const MOST_SERIES = 256;

/** The metrics of one sensor, in a registry of their own. Fed by snapshots; read as Prometheus text (format 0.0.4). */
export class Metrics {
  readonly #registry = new Registry();
  readonly #series = METRICS.map((definition) => new MetricSeries(definition, this.#registry));
  readonly #leftOut = new Gauge({
    name: SERIES_LEFT_OUT.name,
    help: SERIES_LEFT_OUT.meaning,
    registers: [this.#registry],
  });

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Takes the numbers of a snapshot. Snapshots come in the order of time. */
  observe(snapshot: SensorSnapshot): void {
    let leftOut = 0;
    for (const series of this.#series) leftOut += series.observe(snapshot);
    this.#leftOut.set(leftOut);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

/* One metric with its series. */
class MetricSeries {
  readonly #definition: MetricDefinition;
  readonly #metric: Counter | Gauge;
  /* What each series of a counter said last; the series of a gauge. */
  readonly #last = new Map<string, number>();

  constructor(definition: MetricDefinition, registry: Registry) {
    this.#definition = definition;
    const { name, type, meaning, labels } = definition;
    const options = { name, help: meaning, labelNames: [...labels], registers: [registry] };
    this.#metric = type === 'counter' ? new Counter(options) : new Gauge(options);
    this.#clear();
  }

  /** Returns the number of samples that are left out. */
  observe(snapshot: SensorSnapshot): number {
    const metric = this.#metric;
    // A gauge shows what the snapshot says and nothing older.
    if (metric instanceof Gauge) this.#clear();
    let leftOut = 0;
    for (const sample of this.#definition.read(snapshot)) {
      const [value, ...labels] = sample;
      const key = JSON.stringify(labels);
      const before = this.#last.get(key);
      if (before === undefined && this.#last.size >= MOST_SERIES) {
        leftOut++;
        continue;
      }
      this.#last.set(key, value);
      if (metric instanceof Gauge) metric.set(this.#named(sample), value);
      // A source that starts anew counts from zero: an interface opened again, a spool replaced. The counter goes on.
      else metric.inc(this.#named(sample), growth(before, value));
    }
    return leftOut;
  }

  /* Without labels, prom-client would go on with a 0 that nobody said. */
  #clear(): void {
    this.#last.clear();
    if (this.#definition.labels.length === 0) this.#metric.remove({});
    else this.#metric.reset();
  }

  #named([, ...values]: Sample): Record<string, string> {
    return Object.fromEntries(this.#definition.labels.map((label, i) => [label, values[i]!]));
  }
}
