import { METRICS, SERIES_LEFT_OUT } from './metric-definitions.js';

/** The reference page of the metrics, in Markdown. */
export function metricsReference(): string {
  const rows = [...METRICS, SERIES_LEFT_OUT].map(({ name, type, unit, labels, meaning }) => {
    const labelled = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${unit} | ${labelled} | ${meaning} |`;
  });
  return `# Metrics

What \`/metrics\` answers, in Prometheus' text format 0.0.4; [health](health.md) says how to get there. Numbers are taken when
somebody asks. Counters never go down while the sensor runs: where a source starts anew, its counter goes on. Losses are separate
counters, so that each has a place to be mended: before the kernel's ring, in it, in the ring before the analysis, in
tables, in queues, in spools. Labels have few values: interfaces and sinks of the configuration, and closed lists.

| metric | type | unit | labels | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
