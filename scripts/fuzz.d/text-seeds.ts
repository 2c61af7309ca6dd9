import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_EXAMPLES } from '../../src/config/examples.js';
import { FIELDS } from '../../src/model/fields.js';
import { LISTS_FOLDER, PACKAGE_FOLDER, RULES_FOLDER } from '../../src/sensor/package-files.js';

/** Marks of YAML, and what made parsers stumble before. */
const YAML_TOKENS = [
  '- ',
  ': ',
  '\n',
  '\n  ',
  '&a ',
  '*a',
  '<<: *a',
  '!!set',
  '? ',
  '|\n',
  '>-\n',
  '---\n',
  '...\n',
  '~',
  '""',
  '{}',
  '[]',
  '0x7fffffffffffffff',
  '-1',
  '1e999',
  '.nan',
  '2026-13-45',
  '__proto__',
  'constructor',
  '\u0000',
  '\ufeff',
  '\ud83d\udc1a',
  '%YAML 9\n',
  '[[[[[[[[',
  '\t',
];
const CONDITION_TOKENS = [
  ' and ',
  ' or ',
  'not ',
  ' in ',
  ' == ',
  ' != ',
  '(',
  ')',
  '[',
  ']',
  ',',
  'present(',
  ' contains ',
  ' startswith ',
  "'",
  '"',
  '0',
  '-1',
  '4294967296',
  '2001::/32',
  '0.0.0.0/0',
  '::',
  '1-65535',
  '1h',
  '64MiB',
  'violated',
  'true',
];

/** The documents of the shipped rules, lists and macros, each a file of its own, and the small files whole. */
export function ruleSeeds(): Buffer[] {
  return readTexts(RULES_FOLDER).flatMap((text) => {
    const documents = text.split(/^(?=- (?:rule|list|macro):)/m).slice(1);
    return [...documents, documents.slice(0, 4).join('')].map((document) => Buffer.from(document));
  });
}

export function endpointSeeds(): Buffer[] {
  return readTexts(LISTS_FOLDER).flatMap((text) =>
    text
      .split(/^(?=- )/m)
      .slice(1, 12)
      .map((document) => Buffer.from(document)),
  );
}

export function configSeeds(): Buffer[] {
  const shipped = readFileSync(join(PACKAGE_FOLDER, 'deploy/copperhull.yaml'), 'utf8');
  return [shipped, ...CONFIG_EXAMPLES.map(({ text }) => text)].map((text) => Buffer.from(text));
}

/** Conditions and message templates. */
export function conditionSeeds(conditions: readonly string[], messages: readonly string[]): Buffer[] {
  return [...conditions, ...messages].map((text) => Buffer.from(text));
}

export const YAML_OCTETS = octets(YAML_TOKENS);
export const RULE_OCTETS = octets([...YAML_TOKENS, ...CONDITION_TOKENS, ...fieldNames()]);
export const CONDITION_OCTETS = octets([...CONDITION_TOKENS, ...fieldNames()]);

function fieldNames(): string[] {
  return FIELDS.map(({ name }) => name);
}

function octets(texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => Buffer.from(text));
}

function readTexts(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}
