import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the package: the same from src/sensor and from dist/sensor. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));
export const RULES_FOLDER = join(PACKAGE_FOLDER, 'rules');
export const LISTS_FOLDER = join(RULES_FOLDER, 'lists');
const SCHEMAS_FOLDER = join(PACKAGE_FOLDER, 'schemas');

/** A schema of schemas/, by its file name. */
export function readSchema(name: string): { readonly $id: string } {
  return JSON.parse(readFileSync(join(SCHEMAS_FOLDER, name), 'utf8')) as { readonly $id: string };
}

/** Texts of the YAML files directly in a folder, in order of name. Names are relative to the working folder where short. */
export function readYamlFolder(folder: string): { readonly name: string; readonly text: string }[] {
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const short = relative(process.cwd(), path);
      return { name: short.startsWith('..') ? path : short, text: readFileSync(path, 'utf8') };
    });
}

/** Whether this user may read the package; a process that gave up root perhaps may not. */
export function isPackageReadable(): boolean {
  try {
    for (const path of [join(PACKAGE_FOLDER, 'package.json'), RULES_FOLDER, SCHEMAS_FOLDER])
      accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Version of the package. */
export function packageVersion(): string {
  const text = readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
