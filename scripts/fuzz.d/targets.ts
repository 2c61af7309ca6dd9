import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FuzzTarget } from './target.js';

/* Loaded when asked for: most of them begin by loading the rules. */
const LOAD = {
  frame: () => import('./targets/frame.js'),
  packets: () => import('./targets/packets.js'),
  'short-way': () => import('./targets/short-way.js'),
  inspect: () => import('./targets/inspect.js'),
  'capture-records': () => import('./targets/capture-records.js'),
  'capture-file': () => import('./targets/capture-file.js'),
  rules: () => import('./targets/rules.js'),
  condition: () => import('./targets/condition.js'),
  configuration: () => import('./targets/configuration.js'),
  endpoints: () => import('./targets/endpoints.js'),
} as const satisfies Record<string, () => Promise<FuzzTarget>>;

export const TARGET_NAMES = Object.keys(LOAD);

/** Inputs that are kept with the code: test/fuzz/corpus/TARGET/NAME. Most once broke something. */
export const CORPUS = fileURLToPath(new URL('../../test/fuzz/corpus', import.meta.url));

export interface KeptInput {
  readonly name: string;
  readonly data: Buffer;
}

export function keptInputs(target: string): KeptInput[] {
  const folder = join(CORPUS, target);
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    // A target without a folder has no kept inputs.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
  return names.map((name) => ({ name, data: readFileSync(join(folder, name)) }));
}

/** A target by its name, or a module of this shape by its path. */
export async function findTarget(name: string): Promise<FuzzTarget | undefined> {
  if (Object.hasOwn(LOAD, name)) return LOAD[name as keyof typeof LOAD]();
  if (!name.endsWith('.ts')) return undefined;
  return (await import(pathToFileURL(resolve(name)).href)) as FuzzTarget;
}
