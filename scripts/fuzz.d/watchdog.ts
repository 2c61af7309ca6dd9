import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { closeSync, openSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, ChildOrder } from './child.js';
import { readWatched } from './watched-input.js';

/** How a child ended that did not end well, and the input that was under way. */
export interface BadEnd {
  readonly target: string;
  readonly message: string;
  readonly data: Buffer;
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const LOOK_EVERY_MS = 250;
/** An input that makes it take more is a finding, too. */
const MOST_MEGABYTES = 1_024;

/** Runs a child until its time is up. An input that takes longer than `hangMs` ends it; so does what kills the process. */
export async function runChild(
  order: ChildOrder,
  hangMs: number,
  onMessage: (message: ChildMessage) => void,
): Promise<BadEnd | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'copperhull-fuzz-'));
  const file = openSync(join(folder, 'input'), 'w+', 0o600);
  try {
    const child = fork(CHILD, [], {
      execArgv: [...process.execArgv, `--max-old-space-size=${MOST_MEGABYTES}`],
      // What a target leaves behind when it is killed goes with the folder.
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'inherit', 'inherit', file, 'ipc'],
    });
    return await new Promise((resolve, reject) => {
      watch({ child, file, order, hangMs, onMessage, resolve, reject });
    });
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Watch {
  readonly child: ChildProcess;
  readonly file: number;
  readonly order: ChildOrder;
  readonly hangMs: number;
  readonly onMessage: (message: ChildMessage) => void;
  readonly resolve: (end: BadEnd | undefined) => void;
  readonly reject: (error: Error) => void;
}

function watch({ child, file, order, hangMs, onMessage, resolve, reject }: Watch): void {
  let sequence = 0;
  let since = performance.now();
  let isHung = false;
  let isStarted = false;
  const timer = setInterval(() => {
    const now = readWatched(file)?.sequence ?? 0;
    if (now !== sequence) [sequence, since] = [now, performance.now()];
    if (sequence === 0 || performance.now() - since < hangMs) return;
    isHung = true;
    child.kill('SIGKILL');
  }, LOOK_EVERY_MS);
  child.on('message', (message) => {
    isStarted = true;
    onMessage(message as ChildMessage);
  });
  child.once('error', reject);
  child.once('exit', (code, signal) => {
    clearInterval(timer);
    const under = readWatched(file);
    if (code === 0 && !isHung) resolve(undefined);
    else if (!isStarted || under === undefined) reject(new Error('the fuzzer could not start; see above'));
    else {
      const message = isHung
        ? `takes longer than ${hangMs / 1000} seconds`
        : `ends the process (${signal ?? `exit code ${code}`})`;
      resolve({ target: order.targets[under.target]!, message, data: under.data });
    }
  });
  child.send(order);
}
