import assert from 'node:assert/strict';
import { liveness, readiness } from '../../src/observe/health.js';
import { ProcessWatch } from '../../src/observe/process-watch.js';
import type { SinkState } from '../../src/model/sink-state.js';
import { ANALYSIS, CAPTURE, SINK, SNAPSHOT } from '../support/snapshots.js';

const STUCK = { ...SNAPSHOT, analysis: { ...ANALYSIS, answerAgeSeconds: 40.2 } };

describe('liveness', () => {
  it('is ok while the analysis thread answers, whatever captures and sinks do', () => {
    const broken = {
      ...SNAPSHOT,
      captures: [{ ...CAPTURE, isOpen: false }],
      sinks: [{ ...SINK, state: 'failed' as const }],
    };
    assert.deepEqual(liveness(broken), { status: 'ok', reasons: [] });
  });

  it('fails when the analysis thread is stuck, and says for how long', () => {
    assert.deepEqual(liveness(STUCK, { answerSeconds: 15 }), {
      status: 'failing',
      reasons: [
        {
          part: 'analysis',
          weight: 'fatal',
          message: 'The analysis thread has not answered for 40 seconds; the limit is 15.',
        },
      ],
    });
  });
});

describe('readiness', () => {
  const withSink = (state: SinkState, reason?: string) => ({
    ...SNAPSHOT,
    sinks: [{ ...SINK, state, reason }],
  });

  it('is ok when all is well', () => {
    assert.deepEqual(readiness(SNAPSHOT), { status: 'ok', reasons: [] });
  });

  it('is degraded while a broker is away, because the spool holds what waits', () => {
    const report = readiness(withSink('retrying', 'The broker is away.'));
    assert.equal(report.status, 'degraded');
    assert.deepEqual(report.reasons, [
      {
        part: 'sink',
        name: 'kafka',
        weight: 'degraded',
        message: 'Sink kafka is retrying: The broker is away. Waiting in its spool: 14.',
      },
    ]);
    assert.equal(readiness(withSink('starting')).status, 'degraded');
  });

  it('fails when a sink loses records, waits for somebody, or is closed', () => {
    for (const state of ['failed', 'stopped', 'closed'] as const)
      assert.equal(readiness(withSink(state)).status, 'failing', state);
  });

  it('fails when any interface is not captured, and names it', () => {
    const lost = { ...CAPTURE, interface: 'eth2', isOpen: false, reason: 'The interface eth2 went away.' };
    const report = readiness({ ...SNAPSHOT, captures: [CAPTURE, lost] });
    assert.equal(report.status, 'failing');
    assert.deepEqual(report.reasons, [
      { part: 'capture', name: 'eth2', weight: 'fatal', message: 'The interface eth2 went away.' },
    ]);
  });

  it('fails without any interface, and while the sensor starts or stops', () => {
    assert.equal(readiness({ ...SNAPSHOT, captures: [] }).status, 'failing');
    assert.equal(readiness({ ...SNAPSHOT, state: 'starting' }).status, 'failing');
    assert.equal(readiness({ ...SNAPSHOT, state: 'stopping' }).status, 'failing');
  });

  it('gives every reason at once', () => {
    const report = readiness({
      ...STUCK,
      captures: [{ ...CAPTURE, isOpen: false }],
      sinks: withSink('retrying').sinks,
    });
    assert.deepEqual(
      report.reasons.map(({ part, weight }) => `${part} ${weight}`),
      ['analysis fatal', 'capture fatal', 'sink degraded'],
    );
  });
});

describe('a watch over the process', () => {
  it('gives plausible numbers of this process', () => {
    const watch = new ProcessWatch();
    const first = watch.snapshot();
    const second = watch.snapshot();
    watch.close();
    assert.ok(Math.abs(first.startedAtSeconds + first.uptimeSeconds - Date.now() / 1000) < 60);
    assert.ok(first.residentBytes > first.heapUsedBytes && first.heapUsedBytes > 0);
    assert.ok(second.cpuSeconds >= first.cpuSeconds && second.uptimeSeconds >= first.uptimeSeconds);
    assert.ok(Number.isFinite(second.eventLoopDelaySeconds) && second.eventLoopDelaySeconds >= 0);
  });
});
