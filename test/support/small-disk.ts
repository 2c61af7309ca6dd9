import { skip } from './skip.js';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Context } from 'mocha';

/**
 * Mounts a tmpfs with these options on a new folder, runs the work, and unmounts it. Skips the test, and says why, where
 * that is not allowed.
 */
export async function onTmpfs(
  context: Context,
  folder: string,
  options: string,
  work: () => Promise<void>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], {
    encoding: 'utf8',
  });
  if (status !== 0)
    skip(context, `a tmpfs cannot be mounted here: ${(stderr as string | null)?.trim() ?? 'no mount'}`);
  try {
    await work();
  } finally {
    const unmounted = spawnSync('umount', [folder], { encoding: 'utf8' });
    if (unmounted.status !== 0) spawnSync('umount', ['-l', folder]);
  }
}

/** Changes the mount options of {@link onTmpfs}. */
export function remount(folder: string, options: string): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${options}`, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`remount failed: ${stderr}`);
}
