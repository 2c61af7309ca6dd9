import assert from 'node:assert/strict';

export interface ExposedMetric {
  readonly type: string;
  readonly help: string;
  /** By label set, written as in the text without its braces; `''` without labels. */
  readonly series: Map<string, number>;
}

const HELP = /^# HELP ([a-z_][a-z0-9_]*) (.+)$/;
const TYPE = /^# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)$/;
const LABEL = '[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(
  `^([a-z_][a-z0-9_]*)(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$`,
);

/** Reads Prometheus' text format 0.0.4 as its documentation describes it, and fails on anything else. */
export function parseExposition(text: string): Map<string, ExposedMetric> {
  assert.ok(text.endsWith('\n'));
  const metrics = new Map<string, ExposedMetric>();
  let help: [name: string, text: string] | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const helpMatch = HELP.exec(line);
    const typeMatch = TYPE.exec(line);
    if (helpMatch !== null) help = [helpMatch[1]!, helpMatch[2]!];
    else if (typeMatch !== null) {
      assert.equal(help?.[0], typeMatch[1], 'TYPE follows the HELP of its metric');
      assert.ok(!metrics.has(typeMatch[1]!), 'a metric comes once');
      metrics.set(typeMatch[1]!, { type: typeMatch[2]!, help: help![1], series: new Map() });
    } else {
      const match = SAMPLE.exec(line);
      assert.ok(match !== null, `a sample: ${line}`);
      const metric = metrics.get(match[1]!);
      assert.ok(metric !== undefined && [...metrics.keys()].at(-1) === match[1], 'samples follow their TYPE');
      assert.ok(!metric.series.has(match[2] ?? ''), `a series comes once: ${line}`);
      metric.series.set(match[2] ?? '', Number(match[3]));
    }
  }
  return metrics;
}
