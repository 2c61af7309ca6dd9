import { Campaign } from './campaign.js';
import type { Finding } from './campaign.js';
import { findTarget, keptInputs } from './targets.js';
import { InputRecorder } from './watched-input.js';

/*
 * The process that executes inputs, all targets in turn. Whoever started it watches the input under way in file
 * descriptor 3, and kills and judges it when it hangs or dies.
 */
export interface ChildOrder {
  readonly targets: readonly string[];
  readonly seed: number;
  readonly seconds: number;
}

export interface TargetProgress {
  readonly target: string;
  readonly executions: number;
  readonly busyMs: number;
  readonly corpus: number;
  readonly traits: number;
}

export type ChildMessage =
  | { readonly is: 'started' }
  | { readonly is: 'progress'; readonly progress: TargetProgress }
  | { readonly is: 'finding'; readonly finding: Omit<Finding, 'data'>; readonly base64: string };

const TURN_MS = 200;
const WATCHED_FILE = 3;

process.once('message', (order) => {
  run(order as ChildOrder).then(
    () => process.disconnect(),
    (error: unknown) => {
      console.error(error);
      process.exit(3);
    },
  );
});

async function run(order: ChildOrder): Promise<void> {
  const recorder = new InputRecorder(WATCHED_FILE);
  const campaigns: Campaign[] = [];
  for (const [index, name] of order.targets.entries()) {
    const target = await findTarget(name);
    if (target === undefined) throw new Error(`there is no target ${name}`);
    const kept = keptInputs(name).map(({ data }) => data);
    const onInput = (data: Buffer): void => recorder.record(index, data);
    campaigns.push(await Campaign.create(target, { name, seed: order.seed, kept, onInput }));
  }
  tell({ is: 'started' });
  const busyMs = campaigns.map(() => 0);
  const told = campaigns.map(() => 0);
  const end = performance.now() + order.seconds * 1000;
  while (performance.now() < end) {
    for (const [index, campaign] of campaigns.entries()) {
      const begin = performance.now();
      if (begin >= end) break;
      const turnEnd = Math.min(end, begin + TURN_MS * campaign.share);
      while (performance.now() < turnEnd) await campaign.turn(1);
      busyMs[index]! += performance.now() - begin;
      for (; told[index]! < campaign.findings.length; told[index]!++) {
        const { data, ...finding } = campaign.findings[told[index]!]!;
        tell({ is: 'finding', finding, base64: data.toString('base64') });
      }
      const { name, executions, corpusSize, traits } = campaign;
      tell({
        is: 'progress',
        progress: { target: name, executions, busyMs: busyMs[index]!, corpus: corpusSize, traits },
      });
      // Messages leave, and what was thrown away by asynchronous targets is closed.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}
