import type { FactSheet } from '../model/fact-sheet.js';
import type { Field } from '../model/fields.js';
import { FIELDS, findField } from '../model/fields.js';
import { PrefixTable } from '../wire/prefix-table.js';
import type { Prefix } from '../wire/address.js';
import { maskWord } from '../wire/address.js';
import type { Gate } from './gate.js';
import { gateOf } from './gate.js';
import { suggestion } from '../yaml/nearest-name.js';
import type { CompareOperator, Expression, WordNode } from './syntax.js';
import { ConditionError } from './syntax.js';
import type { Parsed } from './values.js';
import {
  isNumeric,
  parseBool,
  parseEnum,
  parseIp,
  parseMac,
  parseNetwork,
  parseNumber,
  parseRange,
} from './values.js';

/** A compiled condition: reads facts, allocates nothing, throws nothing. */
export type Predicate = (facts: FactSheet) => boolean;

/** What a condition may refer to beside fields. */
export interface Names {
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly macros: ReadonlyMap<string, Expression>;
}

export interface CompiledCondition {
  readonly matches: Predicate;
  readonly gate: Gate;
  /** Names of the fields that it reads. */
  readonly fields: ReadonlySet<string>;
}

const MAX_MACRO_DEPTH = 16;
/** Parts of a condition, with those of its macros as often as they are used: each is a call inside another. */
const MAX_PARTS = 2_000;

/** Type-checks a parsed condition and turns it into a closure. Throws a ConditionError that points at the mistake. */
export function compileCondition(expression: Expression, names: Names): CompiledCondition {
  const compiler = new Compiler(names);
  const matches = compiler.compile(expression, 0);
  return { matches, gate: gateOf(expression, names), fields: compiler.fields };
}

class Compiler {
  readonly fields = new Set<string>();
  readonly #names: Names;
  #parts = 0;

  constructor(names: Names) {
    this.#names = names;
  }

  compile(expression: Expression, macroDepth: number): Predicate {
    if (++this.#parts > MAX_PARTS) {
      const message = `a condition has ${MAX_PARTS} parts at most, those of its macros counted; use a list`;
      throw new ConditionError(message, expression);
    }
    switch (expression.node) {
      case 'and': {
        const left = this.compile(expression.left, macroDepth);
        const right = this.compile(expression.right, macroDepth);
        return (facts) => left(facts) && right(facts);
      }
      case 'or': {
        const left = this.compile(expression.left, macroDepth);
        const right = this.compile(expression.right, macroDepth);
        return (facts) => left(facts) || right(facts);
      }
      case 'not': {
        const inner = this.compile(expression.inner, macroDepth);
        return (facts) => !inner(facts);
      }
      case 'present': {
        const { id, check } = this.#field(expression.field);
        if (check >= 0) return () => true;
        return (facts) => facts.present[id] === 1;
      }
      case 'name':
        return this.#name(expression.word, macroDepth);
      case 'in':
        return this.#in(expression);
      case 'compare':
        return this.#compare(expression.operator, expression.left, expression.right);
    }
  }

  #name(word: WordNode, macroDepth: number): Predicate {
    const macro = word.quoted ? undefined : this.#names.macros.get(word.text);
    if (macro !== undefined) {
      if (macroDepth >= MAX_MACRO_DEPTH)
        throw new ConditionError(`the macro "${word.text}" refers to itself`, word);
      try {
        return this.compile(macro, macroDepth + 1);
      } catch (error) {
        // The macro's own text is checked where it is defined; here the mistake is the use of it.
        if (error instanceof ConditionError)
          throw new ConditionError(`in macro "${word.text}": ${error.message}`, word);
        throw error;
      }
    }
    const field = this.#field(word, this.#names.macros.keys());
    if (field.type !== 'bool') {
      throw new ConditionError(
        `${field.name} is ${article(field)}, not true or false; compare it with something`,
        word,
      );
    }
    const { id, slot } = field;
    return (facts) => facts.present[id] === 1 && facts.words[slot] === 1;
  }

  #compare(
    operator: CompareOperator | 'contains' | 'startswith',
    left: WordNode,
    right: WordNode,
  ): Predicate {
    const field = this.#field(left);
    if (operator === 'contains' || operator === 'startswith' || field.type === 'string') {
      return this.#compareText(operator, field, left, right);
    }
    const other = right.quoted ? undefined : findField(right.text);
    if (other !== undefined) {
      this.fields.add(other.name);
      return compareFields(operator, field, other, { from: left.from, to: right.to });
    }
    if (isNumeric(field.type)) {
      return compareNumber(operator, field, take(parseNumber(right.text, field), right));
    }
    if (operator !== '==' && operator !== '!=') {
      throw new ConditionError(`${field.name} is ${article(field)}: it has no order, use == or !=`, {
        from: left.from,
        to: right.to,
      });
    }
    return compareEquality(operator, field, right);
  }

  #compareText(operator: string, field: Field, left: WordNode, right: WordNode): Predicate {
    if (field.type !== 'string') {
      throw new ConditionError(`"${operator}" works on text, and ${field.name} is ${article(field)}`, left);
    }
    const { id } = field;
    const text = right.text;
    switch (operator) {
      case '==':
        return (facts) => facts.present[id] === 1 && facts.textOf(id) === text;
      case '!=':
        return (facts) => facts.present[id] === 1 && facts.textOf(id) !== text;
      case 'contains':
        return (facts) => facts.present[id] === 1 && facts.textOf(id).includes(text);
      case 'startswith':
        return (facts) => facts.present[id] === 1 && facts.textOf(id).startsWith(text);
      default:
        throw new ConditionError(`text has no order: "${operator}" does not work on ${field.name}`, left);
    }
  }

  #in(expression: Extract<Expression, { node: 'in' }>): Predicate {
    const field = this.#field(expression.left);
    const items = this.#items(expression, field);
    const isIn = membership(field, items);
    if (!expression.negated) return isIn;
    const { id, check } = field;
    return (facts) => (check >= 0 || facts.present[id] === 1) && !isIn(facts);
  }

  #items(expression: Extract<Expression, { node: 'in' }>, field: Field): WordNode[] {
    if (expression.bracketed) return [...expression.set];
    const word = expression.set[0]!;
    const list = word.quoted ? undefined : this.#names.lists.get(word.text);
    if (list !== undefined) return list.map((text) => ({ ...word, text }));
    if (field.type === 'ip' && /[./:]/.test(word.text)) return [word];
    const hint = suggestion(word.text, this.#names.lists.keys());
    throw new ConditionError(`there is no list "${word.text}"${hint}; write [a, b] for items`, word);
  }

  #field(word: WordNode, otherNames: Iterable<string> = []): Field {
    const field = word.quoted ? undefined : findField(word.text);
    if (field !== undefined) {
      this.fields.add(field.name);
      return field;
    }
    const known = [...FIELDS.map(({ name }) => name), ...otherNames];
    throw new ConditionError(`there is no field "${word.text}"${suggestion(word.text, known)}`, word);
  }
}

function article(field: Field): string {
  switch (field.type) {
    case 'ip':
      return 'an IP address';
    case 'enum':
      return `one of ${field.words.length} words`;
    case 'bool':
      return 'true or false';
    case 'mac':
      return 'a MAC address';
    case 'string':
      return 'text';
    default:
      return `a number (${field.type})`;
  }
}

function take<T>(parsed: Parsed<T>, word: WordNode): T {
  if ('error' in parsed) throw new ConditionError(parsed.error, word);
  return parsed.value;
}

function compareNumber(operator: CompareOperator, field: Field, value: number): Predicate {
  const { id, slot } = field;
  const isWide = field.type === 'u64';
  const read = isWide ? (facts: FactSheet) => facts.number(field) : (facts: FactSheet) => facts.words[slot]!;
  switch (operator) {
    case '==':
      return (facts) => facts.present[id] === 1 && read(facts) === value;
    case '!=':
      return (facts) => facts.present[id] === 1 && read(facts) !== value;
    case '<':
      return (facts) => facts.present[id] === 1 && read(facts) < value;
    case '<=':
      return (facts) => facts.present[id] === 1 && read(facts) <= value;
    case '>':
      return (facts) => facts.present[id] === 1 && read(facts) > value;
    case '>=':
      return (facts) => facts.present[id] === 1 && read(facts) >= value;
  }
}

function compareEquality(operator: '==' | '!=', field: Field, word: WordNode): Predicate {
  const isEqual = equality(field, word);
  if (operator === '==') return isEqual;
  const { id, check } = field;
  return (facts) => (check >= 0 || facts.present[id] === 1) && !isEqual(facts);
}

function equality(field: Field, word: WordNode): Predicate {
  const { id, slot, check } = field;
  switch (field.type) {
    case 'enum': {
      const value = take(parseEnum(word.text, field), word);
      if (check >= 0) return (facts) => facts.checks.get(check) === value;
      return (facts) => facts.present[id] === 1 && facts.words[slot] === value;
    }
    case 'bool': {
      const value = take(parseBool(word.text, field), word);
      return (facts) => facts.present[id] === 1 && facts.words[slot] === value;
    }
    case 'mac': {
      const [high, low] = take(parseMac(word.text, field), word);
      return (facts) =>
        facts.present[id] === 1 && facts.words[slot] === high && facts.words[slot + 1] === low;
    }
    default: {
      const [w0, w1, w2, w3] = take(parseIp(word.text, field), word).words;
      return (facts) => {
        const words = facts.words;
        return (
          facts.present[id] === 1 &&
          words[slot + 3] === w3 &&
          words[slot + 2] === w2 &&
          words[slot + 1] === w1 &&
          words[slot] === w0
        );
      };
    }
  }
}

function compareFields(
  operator: CompareOperator,
  left: Field,
  right: Field,
  span: { from: number; to: number },
): Predicate {
  const bothNumbers = isNumeric(left.type) && isNumeric(right.type);
  if (!bothNumbers && left.type !== right.type) {
    throw new ConditionError(
      `${left.name} is ${article(left)} and ${right.name} is ${article(right)}: they cannot be compared`,
      span,
    );
  }
  const present = (facts: FactSheet): boolean => facts.has(left.id) && facts.has(right.id);
  if (bothNumbers) {
    const order = (test: (difference: number) => boolean): Predicate => {
      return (facts) => present(facts) && test(facts.number(left) - facts.number(right));
    };
    switch (operator) {
      case '==':
        return order((difference) => difference === 0);
      case '!=':
        return order((difference) => difference !== 0);
      case '<':
        return order((difference) => difference < 0);
      case '<=':
        return order((difference) => difference <= 0);
      case '>':
        return order((difference) => difference > 0);
      case '>=':
        return order((difference) => difference >= 0);
    }
  }
  if ((operator !== '==' && operator !== '!=') || left.check >= 0 || right.check >= 0) {
    throw new ConditionError(`${left.name} and ${right.name} can only be compared by == and !=`, span);
  }
  const width = left.type === 'ip' ? 4 : left.type === 'mac' ? 2 : 1;
  const wanted = operator === '==';
  return (facts) => {
    if (!present(facts)) return false;
    for (let i = 0; i < width; i++) {
      if (facts.words[left.slot + i] !== facts.words[right.slot + i]) return !wanted;
    }
    return wanted;
  };
}

function inOnePrefix(id: number, slot: number, { words: [p0, p1, p2, p3], bits }: Prefix): Predicate {
  const [m0, m1, m2, m3] = [maskWord(bits, 0), maskWord(bits, 1), maskWord(bits, 2), maskWord(bits, 3)];
  return (facts) => {
    if (facts.present[id] === 0) return false;
    const words = facts.words;
    return (
      ((words[slot + 3]! ^ p3) & m3) === 0 &&
      ((words[slot + 2]! ^ p2) & m2) === 0 &&
      ((words[slot + 1]! ^ p1) & m1) === 0 &&
      ((words[slot]! ^ p0) & m0) === 0
    );
  };
}

function membership(field: Field, items: readonly WordNode[]): Predicate {
  const { id, slot, check } = field;
  if (field.type === 'ip') {
    const prefixes = items.map((word): readonly [Prefix, true] => [
      take(parseNetwork(word.text), word),
      true,
    ]);
    // Most rules name one network: comparing is a tenth of a look-up.
    if (prefixes.length === 1) return inOnePrefix(id, slot, prefixes[0]![0]);
    const table = new PrefixTable(prefixes);
    return (facts) => facts.present[id] === 1 && table.find(facts.words, slot) === true;
  }
  if (field.type === 'enum' || field.type === 'bool') {
    const parse = field.type === 'enum' ? parseEnum : parseBool;
    let mask = 0;
    for (const word of items) mask |= 1 << take(parse(word.text, field), word);
    if (check >= 0) return (facts) => ((mask >>> facts.checks.get(check)) & 1) === 1;
    return (facts) => facts.present[id] === 1 && ((mask >>> facts.words[slot]!) & 1) === 1;
  }
  if (isNumeric(field.type)) {
    const ranges = items.map((word) => take(parseRange(word.text, field), word));
    if (field.type === 'port' || field.type === 'u16' || field.type === 'u8') {
      const isMember = new Uint8Array(65_536);
      for (const [from, to] of ranges) isMember.fill(1, from, to + 1);
      return (facts) => facts.present[id] === 1 && isMember[facts.words[slot]!] === 1;
    }
    return (facts) => {
      if (facts.present[id] === 0) return false;
      const value = facts.number(field);
      return ranges.some(([from, to]) => value >= from && value <= to);
    };
  }
  if (field.type === 'string') {
    const texts = new Set(items.map((word) => word.text));
    return (facts) => facts.present[id] === 1 && texts.has(facts.textOf(id));
  }
  const addresses = items.map((word) => equality(field, word));
  return (facts) => addresses.some((isEqual) => isEqual(facts));
}
