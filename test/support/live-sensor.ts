import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { CaptureFile } from '../../src/capture/capture-file.js';
import { builtCommand } from './built-command.js';
import { send, until } from './live-network.js';

/** A `copperhull run` of its own. */
export class RunningSensor {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  /** Its service log. */
  log = '';

  /** `wrapper` is a program that starts it, with its arguments; `program` is what runs as copperhull. */
  constructor(
    args: readonly string[],
    wrapper: readonly string[] = [],
    program: readonly string[] = builtCommand(),
  ) {
    const command = [...wrapper, ...program, 'run', ...args];
    this.#child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'inherit', 'pipe'] });
    running.add(this.#child);
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        running.delete(this.#child);
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Waits until the log says something, so many times. */
  async says(what: RegExp, times = 1): Promise<void> {
    const all = new RegExp(what.source, 'g');
    await until(`the log says ${what.source}; it says:\n${this.log}`, () => {
      const count = this.log.match(all)?.length ?? 0;
      if (count < times && this.#child.exitCode !== null) throw new Error(`run ended:\n${this.log}`);
      return count >= times;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** SIGTERM, and the exit code. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.#ended;
  }
}

const running = new Set<ChildProcess>();

/** Ends the sensors that failed tests leave behind. */
export function endSensors(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Parsed lines of a log file; none when there is no file. */
export function logLines(path: string): Record<string, unknown>[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Sends the packets of a capture file, one after the other. Returns how many. */
export async function sendCapture(wire: string, path: string): Promise<number> {
  const frames: string[] = [];
  const file = await CaptureFile.open(path);
  await file.read((batch, from, to) => {
    for (let i = from; i < to; i++) {
      const at = batch.at[i]!;
      frames.push(Buffer.from(batch.frame.bytes.subarray(at, at + batch.capturedLength[i]!)).toString('hex'));
    }
    return undefined;
  });
  await file.close();
  for (const hex of frames) await send(wire, 1, { hex });
  return frames.length;
}
