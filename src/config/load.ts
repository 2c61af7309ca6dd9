import { dirname, relative } from 'node:path';
import type { Diagnostic } from '../yaml/diagnostic.js';
import { SourceError } from '../yaml/diagnostic.js';
import { tooDeepAt } from '../yaml/nesting.js';
import { YamlFile } from '../yaml/yaml-file.js';
import { readBoundedFile } from './bounded-file.js';
import type { Config } from './definition/configuration.js';
import { CONFIGURATION } from './definition/configuration.js';
import { MaskedText } from './masking.js';
import type { Findings } from './place.js';
import { Place } from './place.js';
import { Secret } from './secret.js';

/** A configuration, and what is allowed in it but not wise: `file:line:column: sentence`. */
export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
}

const MAX_CONFIG_BYTES = 256 * 1024;
const MOST_MISTAKES = 100;
const DEEPEST = 64;

/**
 * Reads a configuration file. Throws a ConfigError when it cannot be read, and a SourceError with all mistakes in it.
 * Relative paths in it start from its folder.
 */
export function loadConfig(path: string, environment: NodeJS.ProcessEnv): LoadedConfig {
  const { text } = readBoundedFile(path, MAX_CONFIG_BYTES, 'configuration file');
  const short = relative(process.cwd(), path);
  return parseConfig(short.startsWith('..') ? path : short, text, environment, dirname(path));
}

/**
 * Reads the text of a configuration. `name` stands in messages; relative paths start from `folder`. Throws a SourceError
 * that tells all mistakes.
 */
export function parseConfig(
  name: string,
  text: string,
  environment: NodeJS.ProcessEnv,
  folder: string,
): LoadedConfig {
  const deep = tooDeepAt(text, DEEPEST);
  if (deep !== undefined) {
    const message = 'this is nested too deeply for a configuration';
    throw new SourceError([{ file: name, line: deep, column: 1, message, source: '', width: 1 }]);
  }
  const file = new YamlFile(name, text);
  const masked = new MaskedText(text);
  if (file.syntaxErrors.length > 0)
    throw new SourceError(inOrder(file.syntaxErrors).map((mistake) => masked.diagnostic(mistake, true)));
  const findings: Findings = { file, folder, environment, mistakes: [], warnings: [], claims: new Map() };
  // An empty file is a file without keys.
  const root = new Place(findings, [], file.value ?? {}, {});
  const config = root.read(CONFIGURATION);
  if (findings.mistakes.length > 0 || config === undefined)
    throw new SourceError(inOrder(findings.mistakes).map((mistake) => masked.diagnostic(mistake)));
  const warnings = inOrder(findings.warnings).map(
    ({ file: at, line, column, message }) => `${at}:${line}:${column}: ${message}`,
  );
  return { config: frozen(config), warnings };
}

/** By place in the file, each once: what an alias repeats, and what two checks looked at, is told once. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const sorted = [...diagnostics].sort((a, b) => a.line - b.line || a.column - b.column);
  const seen = new Set<string>();
  const different = sorted.filter(({ line, column, message }) => {
    const key = `${line}:${column}:${message}`;
    return !seen.has(key) && seen.add(key);
  });
  return atMost(MOST_MISTAKES, different);
}

function atMost(most: number, diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const next = diagnostics[most];
  if (next === undefined) return [...diagnostics];
  return [
    ...diagnostics.slice(0, most),
    { ...next, message: `and ${diagnostics.length - most} more, from here on` },
  ];
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** What an empty file gives. */
export const DEFAULT_CONFIG: Config = parseConfig('default', '', {}, '/').config;
