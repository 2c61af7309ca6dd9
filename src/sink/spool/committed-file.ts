import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from './durable-file.js';

/** What a spool remembers beside its records. */
export interface Committed {
  /** Every record up to here is settled. */
  readonly settled: number;
  readonly deadLettered: number;
  /** Settled records that were dropped because the spool was full. */
  readonly dropped: number;
  /** Settled records that were found damaged or missing. */
  readonly damaged: number;
  /** Records that were refused before they were accepted, because the disk was full. */
  readonly refused: number;
  /** Records that were sent again after a send whose end is not known. */
  readonly resent: number;
}

export const NOTHING_COMMITTED: Committed = {
  settled: 0,
  deadLettered: 0,
  dropped: 0,
  damaged: 0,
  refused: 0,
  resent: 0,
};
const NAME = 'committed.json';

/** Reads the committed file of a spool; undefined when it is damaged, nothing committed when there is none. */
export async function readCommitted(folder: string): Promise<Committed | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, NAME), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING_COMMITTED;
    throw error;
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const isGood = Object.keys(NOTHING_COMMITTED).every(
      (key) => Number.isSafeInteger(value[key]) && Number(value[key]) >= 0,
    );
    return isGood ? (value as unknown as Committed) : undefined;
  } catch {
    return undefined; // the caller reports it: without this file everything is sent again
  }
}

/** Writes it as a whole. */
export function writeCommitted(folder: string, committed: Committed): Promise<void> {
  return replaceFile(join(folder, NAME), `${JSON.stringify(committed)}\n`);
}
