import { spawn } from 'node:child_process';
import { builtCommand } from './built-command.js';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as a process of its own. */
export function copperhull(
  args: readonly string[],
  options: { cwd?: string; input?: Uint8Array } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const [program, script] = builtCommand();
    const child = spawn(program, [script, ...args], {
      cwd: options.cwd,
      stdio: 'pipe',
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
    child.stdin.on('error', () => undefined); // a command that refuses its arguments does not read
    child.stdin.end(options.input);
  });
}
