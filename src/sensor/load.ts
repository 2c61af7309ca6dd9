import { statSync } from 'node:fs';
import type { EndpointList } from '../intel/endpoint-list.js';
import { readEndpointLists } from '../intel/endpoint-list.js';
import type { RuleSet } from '../rules/rule-set.js';
import { readRuleSet } from '../rules/rule-set.js';
import { LISTS_FOLDER, readSchema, readYamlFolder, RULES_FOLDER } from './package-files.js';

/** A folder that was named and cannot be read. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

/** Where a folder was named: an option of the command line, or a key of the configuration. */
export type FolderOrigin = '--rules' | '"rules.folders"' | '"lists.folders"';

/**
 * Reads the shipped rules, unless left out, and those of further folders, which `origin` named. Throws a SourceError or a
 * FolderError.
 */
export function loadRules(
  folders: readonly string[],
  withShipped = true,
  origin: FolderOrigin = '"rules.folders"',
): RuleSet {
  const all = [...(withShipped ? [RULES_FOLDER] : []), ...folders];
  const sources = all.flatMap((folder, layer) => {
    const files = yamlFiles(folder, `${origin} names folders with rule files (*.yaml)`);
    if (files.length === 0) throw new FolderError(`${folder} holds no rule files (*.yaml, *.yml).`);
    return files.map((file) => ({ ...file, layer }));
  });
  return readRuleSet(sources, readSchema('rules.schema.json'));
}

/** Reads the shipped endpoint lists, unless left out, and those of further folders. Throws a SourceError or a FolderError. */
export function loadEndpoints(folders: readonly string[] = [], withShipped = true): EndpointList {
  const all = [...(withShipped ? [LISTS_FOLDER] : []), ...folders];
  const origin: FolderOrigin = '"lists.folders"';
  const files = all.flatMap((folder) =>
    yamlFiles(folder, `${origin} names folders with endpoint lists (*.yaml)`),
  );
  return readEndpointLists(files, readSchema('endpoints.schema.json'));
}

function yamlFiles(folder: string, expectation: string): ReturnType<typeof readYamlFolder> {
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return readYamlFolder(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EACCES' ? 'permission denied' : message;
    throw new FolderError(
      `${folder} cannot be read: ${reason}; put it where the user of copperhull may read it.`,
      { cause: error },
    );
  }
  throw new FolderError(`${folder} is no folder; ${expectation}.`);
}
