import { CHECK_WORDS } from '../model/checks.js';
import { findField } from '../model/fields.js';
import { CHECK_VALUE, TUNNEL_KINDS } from '../model/vocabulary.js';
import type { Names } from './compiler.js';
import type { Expression, WordNode } from './syntax.js';
import {
  comparisonIsUnusual,
  membershipIsUnusual,
  nameIsUnusual,
  presenceIsUnusual,
} from './unusual-shape.js';
import type { ValueKey } from './value-key.js';
import { eitherKey, keyOfValues, narrowerKey } from './value-key.js';

/**
 * What must be so for a condition to be true at all, read off its text: one of these checks violated, one of these
 * tunnel kinds, one of these values of a field, a packet of unusual shape. The engine tests it with a few masks and look-ups, so a rule that cannot
 * match costs nothing.
 */
export interface Gate {
  /** One of these checks must be violated; undefined when the condition does not say so. */
  readonly violated: Uint32Array | undefined;
  /** Bit per tunnel kind. */
  readonly kinds: number;
  /** One of its values must be there; undefined when the condition does not say so. */
  readonly value: ValueKey | undefined;
  /** The packet cannot be one of the usual shape (tunnel/level). */
  readonly unusual: boolean;
}

const ALL_KINDS = 2 ** TUNNEL_KINDS.length - 1;
const OPEN: Gate = { violated: undefined, kinds: ALL_KINDS, value: undefined, unusual: false };
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
        value: narrowerKey(left.value, right.value),
        unusual: left.unusual || right.unusual,
      };
    }
    case 'or': {
      const left = gateOf(expression.left, names, depth + 1);
      const right = gateOf(expression.right, names, depth + 1);
      return {
        violated: union(left.violated, right.violated),
        kinds: left.kinds | right.kinds,
        value: eitherKey(left.value, right.value),
        unusual: left.unusual && right.unusual,
      };
    }
    case 'name': {
      const macro = names.macros.get(expression.word.text);
      return macro === undefined
        ? { ...OPEN, unusual: nameIsUnusual(expression.word) }
        : gateOf(macro, names, depth + 1);
    }
    case 'present':
      return { ...OPEN, unusual: presenceIsUnusual(expression.field) };
    case 'compare': {
      const { operator, left, right } = expression;
      const gate = operator === '==' ? atom(left, [right]) : OPEN;
      return { ...gate, unusual: comparisonIsUnusual(operator, left, right) };
    }
    case 'in': {
      const { left, negated } = expression;
      const items = itemsOf(expression, names);
      return {
        ...(negated ? OPEN : atom(left, items)),
        unusual: membershipIsUnusual(left, items, negated),
      };
    }
    default:
      return OPEN;
  }
}

/* The items of a list in brackets, of a named list, or one network. */
function itemsOf(
  { set, bracketed }: Extract<Expression, { node: 'in' }>,
  { lists }: Names,
): readonly WordNode[] {
  const word = set[0];
  if (bracketed || word === undefined) return set;
  return lists.get(word.text)?.map((text) => ({ ...word, text })) ?? set;
}

function atom(left: WordNode, items: readonly WordNode[]): Gate {
  const field = left.quoted ? undefined : findField(left.text);
  if (field === undefined) return OPEN;
  const values = items.map(({ text }) => text);
  if (field.name === 'tunnel.kind') {
    const numbers = values.map((value) => field.words.indexOf(value));
    if (numbers.some((number) => number < 0)) return OPEN;
    return { ...OPEN, kinds: numbers.reduce((mask, number) => mask | (1 << number), 0) };
  }
  if (field.check < 0) return { ...OPEN, value: keyOfValues(field, items) };
  if (values.some((value) => field.words.indexOf(value) !== CHECK_VALUE.violated)) return OPEN;
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
