import type { Diagnostic } from '../yaml/diagnostic.js';
import { suggestion } from '../yaml/nearest-name.js';
import type { YamlFile, YamlPath } from '../yaml/yaml-file.js';
import type { Kind, Plain, Unreadable } from './kind.js';
import { UNREADABLE } from './kind.js';
import { withoutLogins } from './masking.js';
import { substitute } from './substitution.js';

/** What the reading of one file has found so far. */
export interface Findings {
  readonly file: YamlFile;
  /** Folder that relative paths start from. */
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly mistakes: Diagnostic[];
  readonly warnings: Diagnostic[];
  /** Places of the values that may be there only once, by what they are and their text. */
  readonly claims: Map<string, Diagnostic>;
}

/** Values of keys that were read before, here and further out. One that could not be read is not in it. */
export type Scope = Readonly<Record<string, unknown>>;

const LONGEST_QUOTE = 60;

/** A value in the file, and the way to report what is wrong with it. */
export class Place {
  /** The value, with variables of the environment put in. */
  readonly value: unknown;
  /** Part of the value came from the environment. It is never quoted in a message: it may be a secret. */
  readonly isSubstituted: boolean;
  readonly scope: Scope;
  readonly findings: Findings;
  readonly #path: YamlPath;
  readonly #written: unknown;
  readonly #isBroken: boolean;

  constructor(findings: Findings, path: YamlPath, written: unknown, scope: Scope, isDefault = false) {
    this.findings = findings;
    this.#path = path;
    this.#written = written;
    this.scope = scope;
    if (typeof written !== 'string' || isDefault) {
      this.value = written;
      this.isSubstituted = false;
      this.#isBroken = false;
      return;
    }
    const { text, isSubstituted, mistakes } = substitute(written, findings.environment);
    for (const { from, to, message } of mistakes) this.reportInside(from, to, message);
    this.value = text;
    this.isSubstituted = isSubstituted;
    this.#isBroken = mistakes.length > 0;
  }

  /** The value as a mapping, or undefined. */
  get mapping(): Readonly<Record<string, unknown>> | undefined {
    const { value } = this;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  }

  has(key: string): boolean {
    return this.mapping !== undefined && Object.hasOwn(this.mapping, key);
  }

  /** The place of a key of this mapping or of an item of this list. */
  child(key: string | number, scope: Scope = this.scope): Place {
    const value = (this.value as Record<string | number, unknown>)[key];
    return new Place(this.findings, [...this.#path, key], value, scope);
  }

  /** The place where a key would be, with its default. */
  absent(key: string, value: Plain, scope: Scope): Place {
    return new Place(this.findings, [...this.#path, key], value, scope, true);
  }

  /** The same place, as if `value` stood there. */
  as(value: unknown, scope: Scope = this.scope): Place {
    return new Place(this.findings, this.#path, value, scope, true);
  }

  /** Reads the value here; undefined when that is not possible, which is reported. */
  read<T>(kind: Kind<T>): T | undefined {
    if (this.#isBroken) return undefined;
    if (this.value === null || this.value === undefined) {
      this.report(`${this.#label} has no value; write one, or leave the key out`);
      return undefined;
    }
    const value = kind.read(this);
    return value === UNREADABLE ? undefined : value;
  }

  report(message: string): Unreadable {
    this.findings.mistakes.push(this.findings.file.diagnose(this.#path, message));
    return UNREADABLE;
  }

  /** Reports a mistake at a key of this mapping. */
  reportKey(key: string, message: string): Unreadable {
    this.findings.mistakes.push(this.findings.file.diagnose([...this.#path, key], message, true));
    return UNREADABLE;
  }

  /** Reports a mistake in a part of the text that is written here. */
  reportInside(from: number, to: number, message: string): Unreadable {
    const { file } = this.findings;
    this.findings.mistakes.push(
      this.isSubstituted
        ? file.diagnose(this.#path, message)
        : file.diagnoseInside(this.#path, from, to, message),
    );
    return UNREADABLE;
  }

  /** Reports that the value is not what it must be. Quotes what is written, not what the environment made of it. */
  mismatch(words: string, hint = ''): Unreadable {
    return this.report(`${this.#label} must be ${words}; ${this.#shown} is not${hint}`);
  }

  /** As mismatch, with the nearest of the words that are known. */
  unknownWord(words: string, known: readonly string[]): Unreadable {
    const { value } = this;
    return this.mismatch(
      words,
      typeof value === 'string' && !this.isSubstituted ? suggestion(value, known) : '',
    );
  }

  /** The same without quoting the value. */
  mismatchOfSecret(words: string): Unreadable {
    return this.report(`${this.#label} must be ${words}`);
  }

  warn(message: string): void {
    this.findings.warnings.push(this.findings.file.diagnose(this.#path, message));
  }

  /** Whether `value` is the first of its sort; reports it otherwise. */
  claim(what: string, value: string): boolean {
    const { file, claims } = this.findings;
    const first = claims.get(`${what} ${value}`);
    const here = file.diagnose(this.#path, '');
    if (first === undefined) {
      claims.set(`${what} ${value}`, here);
      return true;
    }
    const quoted = this.isSubstituted ? '' : ` "${value}"`;
    this.report(`the ${what}${quoted} is used twice; the first is at ${first.file}:${first.line}`);
    return false;
  }

  get #label(): string {
    const last = this.#path.at(-1);
    if (last === undefined) return 'the configuration';
    return typeof last === 'string' ? `"${last}"` : `an item of "${String(this.#path.at(-2))}"`;
  }

  get #shown(): string {
    const written = this.#written;
    if (typeof written === 'string') {
      const text = withoutLogins(written);
      return text.length > LONGEST_QUOTE ? `"${text.slice(0, LONGEST_QUOTE)}..."` : `"${text}"`;
    }
    if (Array.isArray(written)) return 'a list';
    // As YAML writes them: JavaScript's NaN would look like a fault of ours.
    if (typeof written === 'number' && !Number.isFinite(written)) {
      return Number.isNaN(written) ? '.nan' : written > 0 ? '.inf' : '-.inf';
    }
    return this.mapping === undefined ? String(written) : 'a mapping';
  }
}
