import type { Stats } from 'node:fs';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { syncFolder } from '../spool/durable-file.js';
import { FILE_MODE } from './log-file.js';

/** What a compressed file is called until it is whole. */
export const PARTIAL = '.partial';

/**
 * Puts `path.gz` in the place of `path`, with the same time of last change, and returns its octets. The compressed file
 * gets its name when it is whole and durable, and the original goes last: a crash leaves the original, and perhaps a
 * `.gz.partial`. The work is done outside the main thread, in pieces.
 */
export async function gzipFile(path: string, signal: AbortSignal): Promise<number> {
  const target = `${path}.gz`;
  const partial = `${target}${PARTIAL}`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(partial, { mode: FILE_MODE }), {
      signal,
    });
    const bytes = await makeDurable(partial, await stat(path));
    await rename(partial, target);
    await syncFolder(dirname(path));
    await rm(path);
    return bytes;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function makeDurable(partial: string, { atime, mtime }: Stats): Promise<number> {
  const handle = await open(partial, 'r+');
  try {
    await handle.utimes(atime, mtime);
    await handle.sync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
