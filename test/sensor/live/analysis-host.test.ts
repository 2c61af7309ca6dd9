import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { DEFAULT_CONFIG } from '../../../src/config/load.js';
import type { LogRecord } from '../../../src/model/records.js';
import type { HostEvents } from '../../../src/sensor/live/analysis-host.js';
import { AnalysisError, AnalysisHost, HOST_OPTIONS } from '../../../src/sensor/live/analysis-host.js';
import type { AnalysisTask } from '../../../src/sensor/live/worker-messages.js';

const TASK: AnalysisTask = { config: DEFAULT_CONFIG, seed: 1 };
const STATE = `{ interfaces: [], rules: 0, analysis: { packets: 7, queue: {}, tables: [] }, mostLagSeconds: 0, recordsDropped: {} }`;

/* A thread that says it is ready, and then does what the body says with each order. */
function thread(body: string, start = 'tell({ kind: "ready", state })'): Worker {
  return new Worker(
    `const { parentPort } = require('node:worker_threads');
     const tell = (news) => parentPort.postMessage(news);
     const state = ${STATE};
     parentPort.on('message', (order) => { ${body} });
     ${start};`,
    { eval: true },
  );
}

const ANSWERS = `if (order.kind === 'ping') tell({ kind: 'sign', id: order.id, state });
  if (order.kind === 'stop') tell({ kind: 'stopped', state });`;

interface Seen {
  readonly down: string[];
  readonly records: LogRecord[];
  ended: number;
}

function hostOf(threads: readonly (() => Worker)[], options: { watchdogMs?: number } = {}) {
  const seen: Seen = { down: [], records: [], ended: 0 };
  let started = 0;
  let tellUp: () => void = () => undefined;
  const up = new Promise<void>((resolve) => (tellUp = resolve));
  const events: HostEvents = {
    onRecords: (records) => {
      seen.records.push(...records);
      return undefined;
    },
    onInterface: () => undefined,
    onState: (_, wasEnded) => void (seen.ended += wasEnded ? 1 : 0),
    onDown: (reason) => seen.down.push(reason),
    onUp: () => tellUp(),
  };
  const host = new AnalysisHost(
    TASK,
    {
      ...HOST_OPTIONS,
      watchdogMs: 60_000,
      pingMs: 20,
      restart: { initialMs: 5, maxMs: 20 },
      launch: () => threads[Math.min(started++, threads.length - 1)]!(),
      ...options,
    },
    events,
  );
  return { host, seen, up };
}

describe('the keeper of the analysis thread', () => {
  it('starts a thread that broke again, counts it, and keeps what it had counted', async () => {
    const breaks = () => thread(`if (order.kind === 'ping') throw new Error('out of luck');`);
    const { host, seen, up } = hostOf([breaks, () => thread(ANSWERS)]);
    await host.start();
    await up;
    assert.equal(host.restarts, 1);
    assert.equal(seen.ended, 1);
    assert.match(seen.down.join(), /The analysis thread broke: out of luck/);
    assert.equal(await host.stop(5000), true);
  });

  it('ends a thread that gives no sign of life, and starts another', async () => {
    const stuck = () => thread(`for (;;);`);
    const { host, seen, up } = hostOf([stuck, () => thread(ANSWERS)], { watchdogMs: 300 });
    await host.start();
    await up;
    assert.equal(host.stuck, 1);
    assert.match(seen.down.join(), /gave no sign of life/);
    await host.stop(5000);
  });

  it('does not try again when the first start fails, and says why', async () => {
    const fault = `{ sort: 'capture', message: 'There is no interface "eth9".' }`;
    const { host, seen } = hostOf([() => thread('', `tell({ kind: 'failed', fault: ${fault} })`)]);
    await assert.rejects(host.start(), (error) => {
      assert.ok(error instanceof AnalysisError);
      assert.deepEqual([error.sort, error.message], ['capture', 'There is no interface "eth9".']);
      return true;
    });
    assert.deepEqual(seen.down, []);
  });

  it('keeps the old task when a reload is refused', async () => {
    const refuses = `${ANSWERS} if (order.kind === 'reload')
      tell({ kind: 'reloaded', id: order.id, fault: { sort: 'source', message: 'a.yaml:3:7: no' } });`;
    const { host } = hostOf([() => thread(refuses)]);
    await host.start();
    await assert.rejects(host.reload(DEFAULT_CONFIG), /a\.yaml:3:7: no/);
    await host.stop(5000);
  });

  it('gives up on a thread that does not finish in time', async () => {
    const { host } = hostOf([() => thread(`if (order.kind === 'stop') for (;;);`)]);
    await host.start();
    assert.equal(await host.stop(100), false);
  });
});
