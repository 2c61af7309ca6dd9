import { findField, FIELDS } from '../model/fields.js';
import { groupsOf } from '../model/fact-groups.js';
import type { Field } from '../model/fields.js';
import type { Severity } from '../model/severity.js';
import type { Diagnostic } from '../yaml/diagnostic.js';
import { SourceError } from '../yaml/diagnostic.js';
import { suggestion } from '../yaml/nearest-name.js';
import type { YamlPath } from '../yaml/yaml-file.js';
import { compileSchema, YamlFile } from '../yaml/yaml-file.js';
import type { CompiledCondition, Names } from './compiler.js';
import { compileCondition } from './compiler.js';
import { compileMessage } from './message.js';
import type { MessageTemplate } from './message.js';
import { parseCondition } from './parser.js';
import type { Rule, RuleEvent, RuleException } from './rule.js';
import { readRuleTest } from './rule-test.js';
import type { Expression } from './syntax.js';
import { ConditionError } from './syntax.js';
import { parseDuration } from './values.js';

/** A rule file's text. */
export interface RuleSource {
  readonly name: string;
  readonly text: string;
  /** Sources of a higher layer may replace lists and macros of lower ones: a site's own those that are shipped. */
  readonly layer?: number;
}

/** Rules that passed every check. */
export interface RuleSet {
  readonly rules: readonly Rule[];
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

interface RawRule {
  readonly rule: string;
  readonly rev: number;
  readonly title: string;
  readonly description?: string;
  readonly on: RuleEvent;
  readonly about?: 'flow' | 'tunnel';
  readonly severity: Severity;
  readonly status: string;
  readonly condition: string;
  readonly note: string;
  readonly message: string;
  readonly dedup?: { readonly key: readonly string[]; readonly for: string };
  readonly attack?: readonly string[];
  readonly detections?: readonly string[];
  readonly references?: readonly string[];
  readonly false_positives?: string;
  readonly exceptions?: readonly {
    readonly name: string;
    readonly when: string;
    readonly owner: string;
    readonly reason: string;
    readonly expires?: string;
  }[];
  readonly tests: readonly Parameters<typeof readRuleTest>[2][];
}

/** Zeek suppresses equal notices for an hour; so does a rule that says nothing. */
const DEFAULT_DEDUP = { key: ['outer.src', 'outer.dst'], for: '1h' } as const;

/** The three definitions of schemas/rules.schema.json. */
export type RuleSchema = { readonly $id: string } & object;

/** Reads rule files together: a list or macro may stand in any of them. Throws a SourceError that tells all mistakes. */
export function readRuleSet(sources: readonly RuleSource[], schema: RuleSchema): RuleSet {
  return new Reader(schema).read(sources);
}

class Reader {
  readonly #diagnostics: Diagnostic[] = [];
  readonly #lists = new Map<string, readonly string[]>();
  readonly #macros = new Map<string, Expression>();
  readonly #rules: Rule[] = [];
  readonly #taken = new Map<string, string>();
  readonly #validate;

  constructor(schema: RuleSchema) {
    this.#validate = {
      list: compileSchema(schema, '#/$defs/list'),
      macro: compileSchema(schema, '#/$defs/macro'),
      rule: compileSchema(schema, '#/$defs/rule'),
    };
  }

  read(sources: readonly RuleSource[]): RuleSet {
    const files = [...sources]
      .sort((a, b) => (a.layer ?? 0) - (b.layer ?? 0))
      .map(({ name, text, layer = 0 }) => ({ file: new YamlFile(name, text), layer }));
    // Lists and macros first: conditions refer to them wherever they stand.
    for (const pass of ['names', 'rules'] as const) {
      for (const { file, layer } of files) this.#readFile(file, pass, layer);
    }
    if (this.#diagnostics.length > 0) throw new SourceError(this.#diagnostics);
    return { rules: this.#rules, lists: this.#lists };
  }

  #readFile(file: YamlFile, pass: 'names' | 'rules', layer: number): void {
    if (file.syntaxErrors.length > 0 || !Array.isArray(file.value)) {
      if (pass === 'names') this.#diagnostics.push(...file.syntaxErrors);
      if (pass === 'names' && file.syntaxErrors.length === 0) {
        this.#diagnostics.push(
          file.diagnose([], 'a rule file is a sequence of documents, each starting with "- "'),
        );
      }
      return;
    }
    file.value.forEach((document: unknown, i) => {
      const keys = document !== null && typeof document === 'object' ? Object.keys(document) : [];
      const kind = (['list', 'macro', 'rule'] as const).find((key) => keys.includes(key));
      if (kind === undefined) {
        if (pass === 'names') {
          this.#diagnostics.push(file.diagnose([i], 'a document needs the key "list", "macro" or "rule"'));
        }
        return;
      }
      if ((pass === 'rules') !== (kind === 'rule')) return;
      const mistakes = file.check(this.#validate[kind], [i]);
      this.#diagnostics.push(...mistakes);
      if (mistakes.length > 0) return;
      this.#claim(file, [i, kind], (document as Record<string, string>)[kind]!, layer);
      if (kind === 'rule') this.#readRule(file, [i], document as RawRule);
      else if (kind === 'macro') this.#readMacro(file, [i], document as { macro: string; condition: string });
      else {
        const { list, items } = document as { list: string; items: (string | number)[] };
        this.#lists.set(list, items.map(String));
      }
    });
  }

  /* A rule's name is used once; a list's or macro's once a layer. */
  #claim(file: YamlFile, path: YamlPath, name: string, layer: number): void {
    const key = path.at(-1) === 'rule' ? `rule ${name}` : `${layer} ${name}`;
    const place = this.#taken.get(key);
    const here = file.diagnose(path, `"${name}" is defined twice; the first is at ${place ?? ''}`);
    if (place === undefined) this.#taken.set(key, `${here.file}:${here.line}`);
    else this.#diagnostics.push(here);
  }

  #readMacro(file: YamlFile, path: YamlPath, raw: { macro: string; condition: string }): void {
    this.#guard(file, [...path, 'condition'], () =>
      this.#macros.set(raw.macro, parseCondition(raw.condition)),
    );
  }

  #readRule(file: YamlFile, path: YamlPath, raw: RawRule): void {
    const names: Names = { lists: this.#lists, macros: this.#macros };
    const before = this.#diagnostics.length;
    const condition = this.#condition(file, [...path, 'condition'], raw.condition, names);
    const message = this.#message(file, [...path, 'message'], raw.message);
    const dedup = raw.dedup ?? DEFAULT_DEDUP;
    const dedupKey = this.#dedupKey(file, path, dedup.key);
    const exceptions = (raw.exceptions ?? []).map((exception, i): RuleException | undefined => {
      const when = this.#condition(file, [...path, 'exceptions', i, 'when'], exception.when, names);
      if (when === undefined) return undefined;
      const expiresAt =
        exception.expires === undefined ? Infinity : Date.parse(`${exception.expires}T00:00:00Z`) / 1000;
      if (Number.isNaN(expiresAt)) {
        this.#diagnostics.push(
          file.diagnose([...path, 'exceptions', i, 'expires'], 'this day does not exist'),
        );
      }
      const { name, owner, reason } = exception;
      return { name, owner, reason, matches: when.matches, expiresAt };
    });
    const tests = raw.tests.map((test, i) =>
      readRuleTest(file, [...path, 'tests', i], test, this.#diagnostics),
    );
    if (this.#diagnostics.length > before || condition === undefined || message === undefined) return;
    this.#rules.push({
      index: this.#rules.length,
      id: raw.rule,
      rev: raw.rev,
      title: raw.title,
      description: raw.description ?? '',
      on: raw.on,
      about: raw.about ?? (raw.on === 'tunnel' ? 'tunnel' : 'flow'),
      severity: raw.severity,
      status: raw.status,
      note: raw.note,
      conditionText: raw.condition.trim(),
      matches: condition.matches,
      gate: condition.gate,
      fields: condition.fields,
      reads: groupsOf(condition.fields),
      readsTotals: condition.fields.has('tunnel.packets') || condition.fields.has('tunnel.bytes'),
      message,
      dedupKey,
      dedupSeconds: parseDuration(dedup.for),
      attack: raw.attack ?? [],
      detections: raw.detections ?? [],
      references: raw.references ?? [],
      falsePositives: raw.false_positives ?? '',
      exceptions: exceptions.filter((exception) => exception !== undefined),
      tests,
      file: file.name,
      line: file.diagnose([...path, 'rule'], '').line,
    });
  }

  #dedupKey(file: YamlFile, path: YamlPath, names: readonly string[]): Field[] {
    return names.flatMap((name, i) => {
      const field = findField(name);
      if (field !== undefined && field.type !== 'string') return [field];
      const hint = suggestion(
        name,
        FIELDS.map((known) => known.name),
      );
      const message =
        field === undefined ? `there is no field "${name}"${hint}` : `"${name}" is text and cannot be a key`;
      this.#diagnostics.push(file.diagnose([...path, 'dedup', 'key', i], message));
      return [];
    });
  }

  #condition(file: YamlFile, path: YamlPath, text: string, names: Names): CompiledCondition | undefined {
    return this.#guard(file, path, () => compileCondition(parseCondition(text), names));
  }

  #message(file: YamlFile, path: YamlPath, text: string): MessageTemplate | undefined {
    return this.#guard(file, path, () => compileMessage(text));
  }

  #guard<T>(file: YamlFile, path: YamlPath, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      this.#diagnostics.push(file.diagnoseInside(path, error.span.from, error.span.to, error.message));
      return undefined;
    }
  }
}
