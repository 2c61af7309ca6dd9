import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { METRICS, SERIES_LEFT_OUT } from '../../src/observe/metric-definitions.js';
import { Metrics, MOST_SERIES } from '../../src/observe/metrics.js';
import type { SensorSnapshot } from '../../src/observe/sensor-snapshot.js';
import { parseExposition } from '../support/prometheus-text.js';
import { CAPTURE, later, SINK, SNAPSHOT } from '../support/snapshots.js';

async function exposed(...snapshots: SensorSnapshot[]) {
  const metrics = new Metrics();
  for (const snapshot of snapshots) metrics.observe(snapshot);
  const parsed = parseExposition(await metrics.text());
  return (name: string, labels = ''): number | undefined => parsed.get(name)?.series.get(labels);
}

describe('metrics', () => {
  it('are text that can be parsed, with every metric of the table and its type', async () => {
    const metrics = new Metrics();
    metrics.observe(SNAPSHOT);
    const parsed = parseExposition(await metrics.text());
    for (const { name, type, meaning } of [...METRICS, SERIES_LEFT_OUT]) {
      assert.equal(parsed.get(name)?.type, type, name);
      assert.equal(parsed.get(name)!.help, meaning);
      assert.ok(parsed.get(name)!.series.size > 0, name);
    }
    assert.equal(parsed.size, METRICS.length + 1);
    assert.match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
  });

  it('equal the snapshot, series by series', async () => {
    const metrics = new Metrics();
    metrics.observe(SNAPSHOT);
    const parsed = parseExposition(await metrics.text());
    for (const { name, labels, read } of METRICS) {
      const samples = read(SNAPSHOT).map(([value, ...values]) => [
        labels.map((label, i) => `${label}="${values[i]}"`).join(','),
        value,
      ]);
      assert.deepEqual([...parsed.get(name)!.series], samples, name);
    }
  });

  it('show what an operator looks for first', async () => {
    const value = await exposed(SNAPSHOT);
    assert.equal(value('copperhull_capture_packets_total', 'interface="eth1"'), 1000);
    assert.equal(value('copperhull_capture_dropped_packets_total', 'interface="eth1",reason="kernel"'), 20);
    assert.equal(value('copperhull_alerts_total', 'severity="high"'), 2);
    assert.equal(value('copperhull_alerts_total', 'severity="critical"'), 0);
    assert.equal(value('copperhull_packet_lag_seconds'), 0.25);
    assert.equal(value('copperhull_sink_state', 'sink="kafka",state="healthy"'), 1);
    assert.equal(value('copperhull_sink_state', 'sink="kafka",state="failed"'), 0);
    assert.equal(value('copperhull_spool_age_seconds', 'sink="kafka"'), 8.5);
    assert.equal(value('copperhull_rule_reloads_total', 'result="failed"'), 1);
    // Once it was what had failed less, and a reload that failed took the whole page down.
    assert.equal(value('copperhull_rule_reloads_total', 'result="ok"'), 3);
  });

  it('follow Prometheus’ conventions for names and units', () => {
    for (const { name, type, unit, meaning } of METRICS) {
      assert.match(name, /^(copperhull|process|nodejs)_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      if (unit === 'bytes' || unit === 'seconds') assert.match(name, new RegExp(`_${unit}(_total)?$`));
      assert.match(meaning, /\.$/, name);
    }
    assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
  });

  it('have no series for what is not known', async () => {
    const unknown = { kernelDrops: 'unknown', interfaceDrops: 'unknown', bytes: undefined } as const;
    const value = await exposed(SNAPSHOT, later(1, { analysis: { lagSeconds: undefined }, http: undefined }));
    assert.equal(value('copperhull_packet_lag_seconds'), undefined);
    const first = await exposed(later(1, { captures: [{ ...CAPTURE, ...unknown }], http: undefined }));
    assert.equal(
      first('copperhull_capture_dropped_packets_total', 'interface="eth1",reason="kernel"'),
      undefined,
    );
    assert.equal(
      first('copperhull_capture_dropped_packets_total', 'interface="eth1",reason="ring_full"'),
      10,
    );
    assert.equal(first('copperhull_capture_bytes_total', 'interface="eth1"'), undefined);
    assert.equal(first('copperhull_http_requests_total'), undefined);
  });

  it('go on from where they were when a source starts anew', async () => {
    const value = await exposed(
      SNAPSHOT,
      later(1, { captures: [{ ...CAPTURE, received: 30 }] }),
      later(2, { captures: [{ ...CAPTURE, received: 50 }] }),
    );
    assert.equal(value('copperhull_capture_packets_total', 'interface="eth1"'), 1050);
  });

  it('never have a counter that goes down', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 1, maxLength: 8 }), async (counts) => {
        const metrics = new Metrics();
        let before = 0;
        for (const received of counts) {
          metrics.observe(later(1, { captures: [{ ...CAPTURE, received }] }));
          const parsed = parseExposition(await metrics.text());
          const value = parsed.get('copperhull_capture_packets_total')!.series.get('interface="eth1"')!;
          assert.ok(value >= before && value >= received);
          before = value;
        }
      }),
      { numRuns: 20 },
    );
  });

  it('drop the gauges of what is gone', async () => {
    const value = await exposed(
      SNAPSHOT,
      later(1, { sinks: [{ ...SINK, name: 'files', spool: undefined }] }),
    );
    assert.equal(value('copperhull_spool_records', 'sink="kafka"'), undefined);
    assert.equal(value('copperhull_sink_queue_records', 'sink="kafka"'), undefined);
    assert.equal(value('copperhull_sink_queue_records', 'sink="files"'), 1);
  });

  it('are bounded in number, and say how many are left out', async () => {
    const captures = Array.from({ length: 2 * MOST_SERIES }, (_, i) => ({
      ...CAPTURE,
      interface: `eth${i}`,
    }));
    const metrics = new Metrics();
    for (let i = 0; i < 3; i++) metrics.observe(later(i, { captures }));
    const parsed = parseExposition(await metrics.text());
    for (const [name, { series }] of parsed) assert.ok(series.size <= MOST_SERIES, name);
    assert.ok(parsed.get(SERIES_LEFT_OUT.name)!.series.get('')! >= 5 * MOST_SERIES);
  });

  it('escape names that would break the text', async () => {
    const metrics = new Metrics();
    metrics.observe({ ...SNAPSHOT, sensor: 'a"b\\c\nd' });
    parseExposition(await metrics.text());
  });

  it('are each on the reference page', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)`\s*\| (\w+)\s*\| ([\w]+)\s*\| (.*?)\s*\| (.*?)\s*\|$/gm)];
    assert.deepEqual(
      rows.map(([, name, type, unit, labels, meaning]) => [name, type, unit, labels, meaning]),
      [...METRICS, SERIES_LEFT_OUT].map(({ name, type, unit, labels, meaning }) => [
        name,
        type,
        unit,
        labels.map((label) => `\`${label}\``).join(', '),
        meaning,
      ]),
    );
  });
});
