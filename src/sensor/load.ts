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

/** Reads the shipped rules, unless left out, and those of further folders. Throws a SourceError or a FolderError. */
export function loadRules(folders: readonly string[], withShipped = true): RuleSet {
  const all = [...(withShipped ? [RULES_FOLDER] : []), ...folders];
  const sources = all.flatMap((folder, layer) => {
    if (!isFolder(folder))
      throw new FolderError(`${folder} is no folder; --rules names a folder with rule files (*.yaml).`);
    const files = readYamlFolder(folder);
    if (files.length === 0) throw new FolderError(`${folder} holds no rule files (*.yaml).`);
    return files.map((file) => ({ ...file, layer }));
  });
  return readRuleSet(sources, readSchema('rules.schema.json'));
}

/** Reads the shipped endpoint lists, unless left out, and those of further folders. Throws a SourceError or a FolderError. */
export function loadEndpoints(folders: readonly string[] = [], withShipped = true): EndpointList {
  const all = [...(withShipped ? [LISTS_FOLDER] : []), ...folders];
  const files = all.flatMap((folder) => {
    if (!isFolder(folder))
      throw new FolderError(
        `${folder} is no folder; "lists.folders" names folders with endpoint lists (*.yaml).`,
      );
    return readYamlFolder(folder);
  });
  return readEndpointLists(files, readSchema('endpoints.schema.json'));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
