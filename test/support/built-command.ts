import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `copperhull`, as a user runs it: program and first argument. Built anew when a source is younger than what is built. */
export function builtCommand(): readonly [program: string, script: string] {
  if (!isBuilt) build();
  isBuilt = true;
  return [process.execPath, join(ROOT, 'bin/copperhull')];
}

let isBuilt = false;

function build(): void {
  const builtAt = newest('dist', (name) => name === 'main.js');
  if (newest('src', (name) => name.endsWith('.ts')) < builtAt) return;
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`copperhull does not compile: ${stdout}`);
}

/* Time of the last change, in milliseconds; 0 when there is no such file. */
function newest(folder: string, isMeant: (name: string) => boolean): number {
  let last = 0;
  try {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !isMeant(entry.name)) continue;
      last = Math.max(last, statSync(join(entry.parentPath, entry.name)).mtimeMs);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return last;
}
