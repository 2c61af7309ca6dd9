import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { LiveCapture } from '../../../src/capture/live-capture.js';
import type { LiveOptions } from '../../../src/capture/live-options.js';
import {
  TEST_FILTER,
  counting,
  liveNetwork,
  openDescriptors,
  send,
  sending,
} from '../../support/live-network.js';
import type { LiveNews, LiveTask } from '../../support/live-worker.js';

const SCRIPT = new URL('../../support/live-worker.ts', import.meta.url).href;
/* Node 20 does not give a worker the loader of the main thread. */
const START = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${JSON.stringify(SCRIPT)}, ${JSON.stringify(import.meta.url)}))`;

class LiveWorker {
  readonly worker: Worker;
  /** The code that the worker ended with. */
  readonly ended: Promise<number>;
  last: LiveNews | undefined;
  readonly #waiting: { readonly kind: LiveNews['kind']; readonly resolve: () => void }[] = [];

  constructor(task: LiveTask) {
    this.worker = new Worker(START, { eval: true, workerData: task });
    this.worker.on('message', (news: LiveNews) => {
      this.last = news;
      for (const each of this.#waiting) if (each.kind === news.kind) each.resolve();
    });
    this.ended = new Promise((resolve, reject) => {
      this.worker.on('exit', resolve).on('error', reject);
    });
  }

  tells(kind: LiveNews['kind']): Promise<void> {
    return Promise.race([
      new Promise<void>((resolve) => this.#waiting.push({ kind, resolve })),
      this.ended.then((code) => {
        throw new Error(`the worker ended with ${code} and did not tell '${kind}'`);
      }),
    ]);
  }
}

describe('live capture in worker threads', () => {
  const { wire, tap } = liveNetwork();
  const options = (more: Partial<LiveOptions> = {}): LiveOptions => ({
    interface: tap,
    filter: TEST_FILTER,
    slabs: 4,
    ...more,
  });

  it('works in a worker, where no packet touches the main thread', async () => {
    const worker = new LiveWorker({ task: 'count', options: options() });
    await worker.tells('ready');
    const sent = await send(wire, 20_000);
    worker.worker.postMessage('stop');
    assert.equal(await worker.ended, 0);
    assert.ok(worker.last?.kind === 'end');
    assert.equal(worker.last.packets, sent);
    assert.equal(worker.last.stats.received, sent);
  });

  it('works in several workers and the main thread at once, each with its own counters', async () => {
    const filters = [TEST_FILTER, 'arp', TEST_FILTER];
    const workers = filters.map((filter) => new LiveWorker({ task: 'count', options: options({ filter }) }));
    await Promise.all(workers.map((each) => each.tells('ready')));
    const own = LiveCapture.open(options());
    const { seen, done } = counting(own);
    const sent = await send(wire, 5000);
    await own.close();
    await done;
    for (const each of workers) each.worker.postMessage('stop');
    await Promise.all(workers.map((each) => each.ended));
    assert.equal(seen.packets, sent);
    assert.deepEqual(
      workers.map(({ last }) => last?.kind === 'end' && last.packets),
      [sent, 0, sent],
    );
  });

  it('survives the termination of workers that capture a flood, and leaks nothing', async function () {
    this.timeout(120_000);
    const flood = sending(wire, 1e9, { rate: 100_000 });
    const terminate = async (): Promise<void> => {
      const worker = new LiveWorker({ task: 'count', options: options({ timeoutMs: 2 }) });
      await worker.tells('packets');
      await worker.worker.terminate();
    };
    await terminate();
    const descriptors = openDescriptors();
    const memory = process.memoryUsage().rss;
    for (let i = 0; i < 15; i++) await terminate();
    assert.equal(openDescriptors(), descriptors);
    flood.stop();
    await flood.sent;
    // Each worker has 4 MiB of slabs and a ring of 32 MiB; a leak of either would be 60 MiB or more.
    const grown = process.memoryUsage().rss - memory;
    assert.ok(grown < 60 * 1024 * 1024, `${grown} octets more`);
  });

  it('leaves no descriptor behind when opened and closed 1,000 times', async function () {
    this.timeout(120_000);
    const more = { slabs: 2, slabBytes: 128 * 1024, bufferBytes: 1024 * 1024, timeoutMs: 1 };
    const cycle = async (threads: number, times: number): Promise<void> => {
      const workers = Array.from(
        { length: threads },
        () => new LiveWorker({ task: 'cycle', times, options: options(more) }),
      );
      for (const worker of workers) assert.equal(await worker.ended, 0);
    };
    await cycle(1, 1);
    const before = openDescriptors();
    // Opening and closing waits for the kernel's grace periods, so eight threads share the work.
    await cycle(8, 125);
    assert.equal(openDescriptors(), before);
  });
});
