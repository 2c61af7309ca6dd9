import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpoolError } from './spool-error.js';

const NAME = 'lock';

/**
 * One writer a spool. The lock file names the process and when it began, so that one left behind by a killed process is
 * recognised even when its number was given to another.
 */
export class SpoolLock {
  readonly #path: string;
  readonly #content: string;

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
  }

  /** Takes the lock of a folder. Throws a SpoolError when a living process has it. */
  static take(folder: string): SpoolLock {
    const path = join(folder, NAME);
    const content = `${process.pid} ${startOf(process.pid) ?? '-'}\n`;
    const own = join(folder, `${NAME}.${process.pid}.${Math.random().toString(36).slice(2)}`);
    writeFileSync(own, content, { mode: 0o640 });
    try {
      for (let attempt = 0; attempt < 10; attempt++) {
        try {
          // A link either makes the name or fails: nobody sees half a lock.
          linkSync(own, path);
          return new SpoolLock(path, content);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const holder = holderOf(path);
        if (holder !== undefined && isAlive(holder)) {
          throw new SpoolError(
            'in-use',
            `The spool ${folder} is in use by process ${holder.pid}; stop it or name another folder.`,
          );
        }
        takeAway(path, own);
      }
      throw new SpoolError('in-use', `The spool ${folder} is being taken by another process; try again.`);
    } finally {
      rmSync(own, { force: true });
    }
  }

  /** Throws a SpoolError when the lock is not ours any more: another process took it for one left behind. */
  assertHeld(): void {
    if (readIfThere(this.#path) === this.#content) return;
    throw new SpoolError(
      'in-use',
      `The lock ${this.#path} was taken away; end one of the processes that use it.`,
    );
  }

  /** Gives the lock back, if it is still ours. */
  release(): void {
    if (readIfThere(this.#path) === this.#content) rmSync(this.#path, { force: true });
  }

  /** Process that holds the lock of a folder, if a living one does. */
  static holder(folder: string): number | undefined {
    const holder = holderOf(join(folder, NAME));
    return holder !== undefined && isAlive(holder) ? holder.pid : undefined;
  }
}

interface Holder {
  readonly pid: number;
  readonly start: string;
}

function holderOf(path: string): Holder | undefined {
  const match = /^(\d+) (\S+)\n$/.exec(readIfThere(path) ?? '');
  return match === null ? undefined : { pid: Number(match[1]), start: match[2]! };
}

function isAlive({ pid, start }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive too.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return now === undefined || start === '-' || now === start;
}

/* Start time of a process in clock ticks since boot (proc(5), stat field 22); undefined where /proc is not there. */
function startOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command name in field 2 may hold spaces and parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/* Moves a dead process's lock aside: of several who try, one succeeds. */
function takeAway(path: string, own: string): void {
  try {
    renameSync(path, `${own}.stale`);
    rmSync(`${own}.stale`, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
