/* Entry of the worker thread in which packets are captured and analysed; see AnalysisHost for the other side. */
import { parentPort, workerData } from 'node:worker_threads';
import { AnalysisThread, faultOf } from './analysis-thread.js';
import type { AnalysisTask, News } from './worker-messages.js';

const port = parentPort!;
try {
  const thread = await AnalysisThread.open(port, workerData as AnalysisTask);
  await thread.run();
} catch (error) {
  port.postMessage({ kind: 'failed', fault: faultOf(error) } satisfies News);
} finally {
  port.close();
}
