import { skip } from './skip.js';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Captures of the lab, which are the project's own. */
export const LAB_CAPTURES = join(ROOT, 'test/captures');

/** Captures of others: beside the project where someone put them, never inside it. */
export const FOREIGN_CAPTURES = join(ROOT, '../shared/captures');

export const WHY_NO_FOREIGN = 'the captures of others are not on this machine (../shared/captures)';

export const hasForeignCaptures = existsSync(FOREIGN_CAPTURES);

/** Names of the captures in a folder. */
export function captureNames(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.pcap'))
        .sort()
    : [];
}

/** Paths of all captures that this machine has. */
export function allCaptures(): string[] {
  return [LAB_CAPTURES, FOREIGN_CAPTURES].flatMap((folder) =>
    captureNames(folder).map((name) => join(folder, name)),
  );
}

/** Skips a test and says why, where captures of others are needed. */
export function needsForeignCaptures(context: Mocha.Context): void {
  if (!hasForeignCaptures) skip(context, WHY_NO_FOREIGN);
}
