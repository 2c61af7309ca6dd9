import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { AnalysisTask } from './worker-messages.js';

const NAME = 'analysis';
/**
 * New objects of the analysis are records, which live until the sinks' thread has them: a young generation of 8 MiB does, of
 * the 32 that V8 would take and keep.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

/** Starts the analysis thread. */
export function startWorker(workerData: AnalysisTask): Worker {
  const entry = new URL('./analysis-worker.js', import.meta.url);
  if (!import.meta.url.endsWith('.ts')) return new Worker(entry, { workerData, name: NAME, resourceLimits });
  // Run from its source, as in tests: Node 20 does not hand the loader of TypeScript on to threads.
  const here = JSON.stringify(import.meta.url);
  const source = JSON.stringify(fileURLToPath(entry).replace(/js$/, 'ts'));
  const start = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${source}, ${here}))`;
  return new Worker(start, { eval: true, workerData, name: NAME, resourceLimits });
}
