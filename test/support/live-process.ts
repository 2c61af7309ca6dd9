import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('live-child.ts', import.meta.url));

/** A scenario of live-child.ts in its own process. */
export class LiveProcess {
  readonly lines: string[] = [];
  /** Exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  stderr = '';
  readonly #child;
  readonly #waiting: { readonly line: string; readonly resolve: () => void }[] = [];

  constructor(scenario: string, tap: string, ...nodeOptions: readonly string[]) {
    const child = spawn(process.execPath, [...nodeOptions, '--import', 'tsx', SCRIPT, scenario, tap], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        this.lines.push(line);
        for (const each of this.#waiting) if (each.line === line) each.resolve();
      }
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject).on('close', (code, signal) => resolve(code ?? signal!));
    });
  }

  /** Resolves when it has said this line; rejects when it ended before. */
  says(line: string): Promise<void> {
    if (this.lines.includes(line)) return Promise.resolve();
    return Promise.race([
      new Promise<void>((resolve) => this.#waiting.push({ line, resolve })),
      this.ended.then((code) => {
        throw new Error(`ended with ${code} before '${line}': ${this.stderr}`);
      }),
    ]);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}
