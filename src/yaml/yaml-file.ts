import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Scalar } from 'yaml';
import type { Diagnostic } from './diagnostic.js';
import { tooDeepAt } from './nesting.js';
import { suggestion } from './nearest-name.js';

export type YamlPath = readonly (string | number)[];

/* Rules and lists need ten; the rest is for brackets that stand alone in texts and comments. */
const DEEPEST = 250;

/* Compiling takes ten milliseconds; an editor or a fuzzer reads many texts against one schema. */
const compiled = new WeakMap<object, Ajv2020>();

/** Compiles a schema, or the definition `pointer` of it, for {@link YamlFile.check}. Once for each schema object. */
export function compileSchema(schema: { readonly $id: string }, pointer = ''): ValidateFunction {
  let ajv = compiled.get(schema);
  if (ajv === undefined) {
    ajv = new Ajv2020({
      allErrors: true,
      allowUnionTypes: true,
      strictRequired: false,
      verbose: true,
      // A tenth of a second at each start, for schemas of ours that a test holds to the metaschema.
      validateSchema: false,
    });
    ajv.addSchema(schema);
    compiled.set(schema, ajv);
  }
  return ajv.getSchema(`${schema.$id}${pointer}`)!;
}

/**
 * A YAML text that can say where each of its values stands, so that every mistake is reported with line and column.
 */
export class YamlFile {
  readonly name: string;
  readonly value: unknown;
  /** Mistakes of the YAML itself; when there are any, `value` is not to be used. */
  readonly syntaxErrors: readonly Diagnostic[];
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(name: string, text: string) {
    this.name = name;
    this.#text = text;
    const deep = tooDeepAt(text, DEEPEST);
    this.#document = parseDocument(deep === undefined ? text : '', {
      lineCounter: this.#lines,
      strict: true,
      uniqueKeys: true,
    });
    const syntaxErrors = this.#document.errors.map((error) =>
      this.#at(error.pos[0], error.pos[1] - error.pos[0], error.message.split('\n')[0]!),
    );
    if (deep !== undefined) syntaxErrors.push(this.#inLine(deep, 'this is nested too deeply'));
    else syntaxErrors.push(...this.#badKeys());
    this.syntaxErrors = syntaxErrors;
    if (syntaxErrors.length > 0) return;
    try {
      this.value = this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      // An alias without anchor, or too many of them, shows only here.
      if (!(error instanceof ReferenceError)) throw error;
      const alias = /: (\S+)$/.exec(error.message)?.[1];
      const at = alias === undefined ? -1 : text.indexOf(`*${alias}`);
      syntaxErrors.push(this.#at(Math.max(0, at), (alias?.length ?? 0) + 1, error.message));
    }
  }

  /** A diagnostic at the value of a path, or at its key. */
  diagnose(path: YamlPath, message: string, atKey = false): Diagnostic {
    const range = this.#range(path, atKey);
    return this.#at(range[0], range[1] - range[0], message);
  }

  /** A diagnostic inside the text of a scalar: `from` and `to` index the scalar's value. */
  diagnoseInside(path: YamlPath, from: number, to: number, message: string): Diagnostic {
    const node = this.#document.getIn(path, true);
    if (!isScalar(node) || typeof node.value !== 'string') return this.diagnose(path, message);
    const start = this.#offsetInside(node as Scalar<string>, from);
    const end = this.#offsetInside(node as Scalar<string>, Math.max(from, to - 1)) + 1;
    return this.#at(start, end - start, message);
  }

  /** Checks the value at `path` against a schema and returns one diagnostic a mistake. */
  check(validate: ValidateFunction, path: YamlPath = []): Diagnostic[] {
    const node = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    const value: unknown = isNode(node) ? node.toJS(this.#document) : node;
    if (validate(value)) return [];
    // What the branches of a "one of" say is noise; the "one of" itself carries the sentence.
    const told = (validate.errors ?? []).filter((error) => !/\/(oneOf|anyOf|not)\//.test(error.schemaPath));
    return told.map((error) => this.#fromSchema(error, path));
  }

  #fromSchema(error: ErrorObject, base: YamlPath): Diagnostic {
    const path = [...base, ...pathOf(error.instancePath)];
    const params = error.params as Record<string, unknown>;
    switch (error.keyword) {
      case 'additionalProperties': {
        const key = String(params['additionalProperty']);
        const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
        return this.diagnose([...path, key], `unknown key "${key}"${suggestion(key, known)}`, true);
      }
      case 'required':
        return this.diagnose(path, `the key "${String(params['missingProperty'])}" is missing`);
      case 'enum': {
        const allowed = (params['allowedValues'] as unknown[]).map(String);
        const given = String(this.#document.getIn(path));
        return this.diagnose(
          path,
          `"${given}" is not one of ${allowed.join(', ')}${suggestion(given, allowed)}`,
        );
      }
      case 'pattern':
        return this.diagnose(path, this.#unformed(path, params['pattern'], error.parentSchema?.['examples']));
      case 'oneOf':
        return this.diagnose(path, String(error.parentSchema?.['$comment'] ?? error.message));
      default:
        return this.diagnose(path, error.message ?? error.keyword);
    }
  }

  /* With examples of the schema, which say more to most than a pattern. */
  #unformed(path: YamlPath, pattern: unknown, examples: unknown): string {
    const written = String(this.#document.getIn(path));
    if (!Array.isArray(examples)) return `"${written}" does not have the form ${String(pattern)}`;
    return `"${written}" is not written like ${examples.map(String).join(', ')}`;
  }

  #range(path: YamlPath, atKey: boolean): readonly [number, number] {
    if (atKey) {
      const parent =
        path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
      if (isMap(parent)) {
        const pair = parent.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)),
        );
        if (isNode(pair?.key) && pair.key.range) return [pair.key.range[0], pair.key.range[1]];
      }
    }
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return [node.range[0], node.range[1]];
    }
    return [0, 0];
  }

  /*
   * Where the character at `index` of a scalar's value stands in the file. Folding and indentation change only white
   * space, so the n-th other character of the value is the n-th other character of the source.
   */
  #offsetInside(node: Scalar<string>, index: number): number {
    const [start, end] = node.range ?? [0, 0];
    let here = start;
    if (node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL')
      here = this.#text.indexOf('\n', start) + 1;
    else if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') here = start + 1;
    let wanted = node.value.slice(0, index).replace(/\s/g, '').length;
    while (here < end) {
      if (!/\s/.test(this.#text[here]!)) {
        if (wanted === 0) return here;
        wanted--;
      }
      here++;
    }
    return Math.max(start, end - 1);
  }

  /* A list or a map as a key is legal YAML and means nothing in any of our files; the parser only warns of it. */
  #badKeys(): Diagnostic[] {
    const mistakes: Diagnostic[] = [];
    visit(this.#document, {
      Pair: (_, { key }) => {
        if (!isNode(key) || isScalar(key)) return;
        const [from, to] = key.range ?? [0, 1];
        mistakes.push(this.#at(from, to - from, 'a key must be a word, not a list, a map or an alias'));
      },
    });
    return mistakes;
  }

  #inLine(line: number, message: string): Diagnostic {
    const source = this.#text.split('\n')[line - 1] ?? '';
    return { file: this.name, line, column: 1, message, source, width: 1 };
  }

  #at(offset: number, width: number, message: string): Diagnostic {
    const { line, col } = this.#lines.linePos(offset);
    const source = this.#text.split('\n')[line - 1] ?? '';
    return { file: this.name, line, column: col, message, source, width: Math.max(1, width) };
  }
}

function pathOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
