import { open, rm } from 'node:fs/promises';
import { makeFolder } from '../spool/durable-file.js';
import { join } from 'node:path';
import { FILE_MODE } from './log-file.js';

export const FOLDER_MODE = 0o750;
const NAME = '.copperhull-trial';
const BYTES = 64 * 1024;

/** Writes a file into a folder and removes it: rejects when nothing can be written there. */
export async function tryToWrite(folder: string): Promise<void> {
  const path = join(folder, NAME);
  await makeFolder(folder, FOLDER_MODE);
  try {
    const handle = await open(path, 'w', FILE_MODE);
    try {
      await handle.writeFile(Buffer.alloc(BYTES));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}

/** Removes the file of a trial that was killed. */
export function removeTrial(folder: string): Promise<void> {
  return rm(join(folder, NAME), { force: true });
}
