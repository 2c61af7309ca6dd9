import { CHECK_WORDS } from '../model/checks.js';
import type { Field } from '../model/fields.js';
import { findField } from '../model/fields.js';
import { CHECK_VALUE, TUNNEL_KINDS } from '../model/vocabulary.js';
import type { Names } from './compiler.js';
import type { Expression } from './syntax.js';
import { isNumeric, parseBool, parseEnum, parseNumber, parseRange } from './values.js';

/**
 * What must be so for a condition to be true at all, read off its text: one of these checks violated, one of these
 * tunnel kinds, a packet of unusual shape. The engine tests it with a few masks, so a rule that cannot match costs nothing.
 */
export interface Gate {
  /** One of these checks must be violated; undefined when the condition does not say so. */
  readonly violated: Uint32Array | undefined;
  /** Bit per tunnel kind. */
  readonly kinds: number;
  /** The packet cannot be one of the usual shape (tunnel/level). */
  readonly unusual: boolean;
}

const ALL_KINDS = 2 ** TUNNEL_KINDS.length - 1;
const OPEN: Gate = { violated: undefined, kinds: ALL_KINDS, unusual: false };
const MAX_DEPTH = 32;

/** The gate of a condition. Never narrower than the condition itself. */
export function gateOf(expression: Expression, names: Names, depth = 0): Gate {
  if (depth > MAX_DEPTH) return OPEN;
  switch (expression.node) {
    case 'and': {
      const left = gateOf(expression.left, names, depth + 1);
      const right = gateOf(expression.right, names, depth + 1);
      return {
        violated: narrower(left.violated, right.violated),
        kinds: left.kinds & right.kinds,
        unusual: left.unusual || right.unusual,
      };
    }
    case 'or': {
      const left = gateOf(expression.left, names, depth + 1);
      const right = gateOf(expression.right, names, depth + 1);
      return {
        violated: union(left.violated, right.violated),
        kinds: left.kinds | right.kinds,
        unusual: left.unusual && right.unusual,
      };
    }
    case 'name': {
      const macro = names.macros.get(expression.word.text);
      return macro === undefined
        ? ofShape(isUnusual(findField(expression.word.text), (value) => value === 1))
        : gateOf(macro, names, depth + 1);
    }
    case 'present':
      return ofShape(isUnusual(findField(expression.field.text), () => true));
    case 'compare': {
      const { operator, left, right } = expression;
      const unusual = isUnusual(findField(left.text), compares(operator, left.text, right.text));
      if (operator !== '==') return ofShape(unusual);
      return { ...atom(left.text, [right.text]), unusual };
    }
    case 'in': {
      const { left, set, negated, bracketed } = expression;
      const items = bracketed ? set.map((word) => word.text) : names.lists.get(set[0]!.text);
      const isIn = items === undefined ? () => true : contains(left.text, items);
      const unusual = isUnusual(findField(left.text), (value) => isIn(value) !== negated);
      if (negated || !bracketed) return ofShape(items === undefined ? false : unusual);
      return { ...atom(left.text, items ?? []), unusual };
    }
    default:
      return OPEN;
  }
}

function ofShape(unusual: boolean): Gate {
  return unusual ? { ...OPEN, unusual } : OPEN;
}

/* Whether no value that the field has in packets of the usual shape passes the test. */
function isUnusual(field: Field | undefined, test: (value: number) => boolean): boolean {
  return field?.usual !== undefined && !field.usual.some(test);
}

/* A comparison with another field, or with what is no number, may be true. */
function compares(operator: string, left: string, right: string): (value: number) => boolean {
  const number = numberOf(left, right);
  if (number === undefined) return () => true;
  switch (operator) {
    case '==':
      return (value) => value === number;
    case '!=':
      return (value) => value !== number;
    case '<':
      return (value) => value < number;
    case '<=':
      return (value) => value <= number;
    case '>':
      return (value) => value > number;
    case '>=':
      return (value) => value >= number;
    default:
      return () => true;
  }
}

function contains(fieldName: string, items: readonly string[]): (value: number) => boolean {
  const ranges = items.map((text) => {
    const field = findField(fieldName);
    if (field !== undefined && isNumeric(field.type)) {
      const range = parseRange(text, field);
      return 'error' in range ? undefined : range.value;
    }
    const number = numberOf(fieldName, text);
    return number === undefined ? undefined : ([number, number] as const);
  });
  return (value) => ranges.some((range) => range === undefined || (value >= range[0] && value <= range[1]));
}

function numberOf(fieldName: string, text: string): number | undefined {
  const field = findField(fieldName);
  if (field === undefined) return undefined;
  const parse = field.type === 'enum' ? parseEnum : field.type === 'bool' ? parseBool : parseNumber;
  if (parse === parseNumber && !isNumeric(field.type)) return undefined;
  const parsed = parse(text, field);
  return 'error' in parsed ? undefined : parsed.value;
}

function atom(fieldName: string, values: readonly string[]): Gate {
  const field = findField(fieldName);
  if (field === undefined) return OPEN;
  if (field.name === 'tunnel.kind') {
    const numbers = values.map((value) => field.words.indexOf(value));
    if (numbers.some((number) => number < 0)) return OPEN;
    return { ...OPEN, kinds: numbers.reduce((mask, number) => mask | (1 << number), 0) };
  }
  if (field.check < 0 || values.some((value) => field.words.indexOf(value) !== CHECK_VALUE.violated))
    return OPEN;
  const violated = new Uint32Array(CHECK_WORDS);
  violated[field.check >>> 5] = 1 << (field.check & 31);
  return { ...OPEN, violated };
}

/* Of two necessary sets, the smaller says more. */
function narrower(a: Uint32Array | undefined, b: Uint32Array | undefined): Uint32Array | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return bits(a) <= bits(b) ? a : b;
}

function union(a: Uint32Array | undefined, b: Uint32Array | undefined): Uint32Array | undefined {
  return a === undefined || b === undefined ? undefined : a.map((word, i) => word | b[i]!);
}

function bits(mask: Uint32Array): number {
  let count = 0;
  for (let word of mask) for (; word !== 0; word = (word & (word - 1)) >>> 0) count++;
  return count;
}
