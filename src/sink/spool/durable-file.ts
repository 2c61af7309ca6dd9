import type { FileHandle } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const FILE_MODE = 0o640;

/**
 * Makes a folder and those above it. Node's own recursive form never ends where a folder is there and takes no entries
 * (below /proc).
 */
export async function makeFolder(folder: string, mode = 0o750): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || above === folder || existsSync(above)) throw error;
    await makeFolder(above, mode);
    await mkdir(folder, { mode });
  }
}

/** Makes the entries of a folder durable: names that were made, renamed or removed. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes all octets at `position`. One write may take fewer, on a disk that is nearly full above all. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

/** Replaces a file as a whole: after a crash there is the old content or the new, never a mixture. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const next = `${path}.next`;
  const handle = await open(next, 'w', FILE_MODE);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(next, path);
  await syncFolder(dirname(path));
}
