import type { SensorSnapshot } from './sensor-snapshot.js';

/** A value, and a label value for each label of its metric, in that order. */
export type Sample = readonly [value: number, ...labels: string[]];

export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** `packets`, `bytes`, `seconds`, `records` and so on; `1` for a state. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** One sentence. */
  readonly meaning: string;
  /** What a snapshot says of it; nothing where it does not know. */
  readonly read: (snapshot: SensorSnapshot) => readonly Sample[];
}

export type Read = MetricDefinition['read'];

export function counter(
  name: string,
  unit: string,
  labels: readonly string[],
  meaning: string,
  read: Read,
): MetricDefinition {
  return { name: `${name}_total`, type: 'counter', unit, labels, meaning, read };
}

export function gauge(
  name: string,
  unit: string,
  labels: readonly string[],
  meaning: string,
  read: Read,
): MetricDefinition {
  return { name, type: 'gauge', unit, labels, meaning, read };
}

/** The one series of a metric without labels. */
export const one =
  (read: (snapshot: SensorSnapshot) => number): Read =>
  (snapshot) => [[read(snapshot)]];
