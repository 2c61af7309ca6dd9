import { isAlias, isNode, isScalar, parseDocument, visit } from 'yaml';
import type { Diagnostic } from '../yaml/diagnostic.js';
import { nearestName } from '../yaml/nearest-name.js';

/*
 * Mistakes are shown with the line they stand in, and that line may hold a password. Before a mistake leaves this
 * folder, every such value in its line becomes stars. They are as many as the value has characters, so that the caret
 * stays under its place; the columns of the line say no less.
 */

/** Texts that name a secret, and are none. */
const REFERENCE = /^(file:.*|\$\{[A-Za-z0-9_]*\})$/;
/** A user and a password before a host, as in a URL. */
const LOGIN = /[^\s@'":]{0,256}:[^\s'"]{1,256}(?=@)/g;

/** The text without what looks like a login. */
export function withoutLogins(text: string): string {
  return text.replace(LOGIN, '...');
}

/** A longer line says nothing to anybody. */
const LONGEST_LINE = 500;

/** Whether a key names a secret, also when it is misspelt. */
function isSecretName(key: string): boolean {
  return (
    /pass(word|wd|phrase)|secret|token/i.test(key) ||
    nearestName(key.toLowerCase(), ['password']) !== undefined
  );
}

/** The lines of a YAML text, with stars in place of secrets. */
export class MaskedText {
  readonly #lines: readonly string[];
  readonly #masked: readonly string[];

  constructor(text: string) {
    this.#lines = text.split('\n');
    const masked = text.split('');
    for (const [from, to] of secretRanges(text)) {
      for (let i = from; i < to; i++) if (!/\s/.test(masked[i]!)) masked[i] = '*';
    }
    this.#masked = masked.join('').replace(LOGIN, stars).split('\n');
  }

  /** The mistake without secrets. A message of the YAML parser may quote its line, so it goes when the line has one. */
  diagnostic(diagnostic: Diagnostic, isFromParser = false): Diagnostic {
    const i = diagnostic.line - 1;
    const source = this.#masked[i] ?? '';
    const hasSecret = source !== this.#lines[i];
    const message = isFromParser && hasSecret ? 'this line is not valid YAML' : diagnostic.message;
    return { ...diagnostic, message, source: source.length > LONGEST_LINE ? '' : source };
  }
}

/** Where values of secret keys stand, as offsets. Also works on a text that is no valid YAML. */
function secretRanges(text: string): (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  const document = parseDocument(text, { strict: false, uniqueKeys: false, logLevel: 'silent' });
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || !isSecretName(String(pair.key.value))) return;
      const value = isAlias(pair.value) ? (pair.value.resolve(document) ?? pair.value) : pair.value;
      const isReference = isScalar(value) && REFERENCE.test(String(value.value));
      if (isNode(value) && value.range && !isReference) ranges.push([value.range[0], value.range[1]]);
    },
  });
  // What the parser could not make sense of: to the end of the line, as the value may be anything.
  if (document.errors.length > 0) {
    for (const match of text.matchAll(/(?<![\w-])([\w-]+)["']?[ \t]*[:=][ \t]*(\S.*)$/gm)) {
      const to = match.index + match[0].length;
      if (isSecretName(match[1]!) && !REFERENCE.test(match[2]!.trim()))
        ranges.push([to - match[2]!.length, to]);
    }
  }
  return ranges;
}

function stars(secret: string): string {
  return '*'.repeat(secret.length);
}
