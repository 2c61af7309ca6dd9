import { statSync } from 'node:fs';
import type { EndpointList } from '../intel/endpoint-list.js';
import { readEndpointLists } from '../intel/endpoint-list.js';
import type { RuleSet } from '../rules/rule-set.js';
import { readRuleSet } from '../rules/rule-set.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { parsePrefix } from '../wire/address.js';
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

/** Reads the shipped endpoint lists. */
export function loadEndpoints(): EndpointList {
  return readEndpointLists(readYamlFolder(LISTS_FOLDER), readSchema('endpoints.schema.json'));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Reads `PREFIX/LENGTH[,MASKLENGTH]` of a 6rd domain; a sentence when it is none (RFC 5969 4). */
export function parseSixrd(text: string): SixrdDomain | string {
  const [prefixText, maskText = '0', ...rest] = text.split(',');
  const prefix = parsePrefix(prefixText!);
  if (typeof prefix === 'string') return prefix;
  const mask = /^\d{1,2}$/.test(maskText) ? Number(maskText) : NaN;
  if (rest.length > 0 || !(mask <= 32))
    return `"${text}" is no 6rd domain; write PREFIX/LENGTH or PREFIX/LENGTH,MASKLENGTH`;
  if (prefix.bits + 32 - mask > 64) {
    return `"${text}" leaves no room: prefix length ${prefix.bits} and ${32 - mask} IPv4 bits are more than 64`;
  }
  return { w0: prefix.words[0], w1: prefix.words[1], prefixBits: prefix.bits, v4MaskBits: mask };
}
