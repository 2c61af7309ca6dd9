/* What tests run in worker threads: `new Worker(LIVE_WORKER, { workerData })`. */
import { parentPort, workerData } from 'node:worker_threads';
import { LiveCapture } from '../../src/capture/live-capture.js';
import type { LiveOptions } from '../../src/capture/live-options.js';
import type { CaptureStats } from '../../src/capture/live-source.js';

export interface LiveTask {
  readonly options: LiveOptions;
  /** `count` reads until it is told to stop; `cycle` opens and closes so many times, each tenth time with a wrong filter. */
  readonly task: 'count' | 'cycle';
  readonly times?: number;
}

/** What a worker tells: `ready` when it captures, then how many packets it has read, then the end. */
export type LiveNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'packets'; readonly packets: number }
  | { readonly kind: 'end'; readonly packets: number; readonly stats: CaptureStats }
  | { readonly kind: 'cycled' };

const { options, task, times = 0 } = workerData as LiveTask;
const port = parentPort!;
const tell = (news: LiveNews): void => port.postMessage(news);

async function count(): Promise<void> {
  const capture = LiveCapture.open(options);
  let packets = 0;
  port.once('message', () => void capture.close());
  const done = capture.read((_batch, from, to) => {
    packets += to - from;
    tell({ kind: 'packets', packets });
    return undefined;
  });
  tell({ kind: 'ready' });
  await done;
  tell({ kind: 'end', packets, stats: capture.stats() });
}

async function cycle(): Promise<void> {
  for (let i = 0; i < times; i++) {
    if (i % 10 === 9) {
      try {
        LiveCapture.open({ ...options, filter: 'nonsense' });
      } catch {
        // A wrong filter is refused after the interface was opened: nothing of that may stay.
      }
      continue;
    }
    const capture = LiveCapture.open(options);
    const done = capture.read(() => undefined);
    await capture.close();
    await done;
  }
  tell({ kind: 'cycled' });
}

await (task === 'count' ? count() : cycle());
