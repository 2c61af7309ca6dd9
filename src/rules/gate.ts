import { CHECK_WORDS } from '../model/checks.js';
import { findField } from '../model/fields.js';
import { CHECK_VALUE, TUNNEL_KINDS } from '../model/vocabulary.js';
import type { Names } from './compiler.js';
import type { Expression } from './syntax.js';

/**
 * What must be so for a condition to be true at all, read off its text: one of these checks violated, one of these
 * tunnel kinds. The engine tests it with a few masks, so a rule that cannot match costs nothing.
 */
export interface Gate {
  /** One of these checks must be violated; undefined when the condition does not say so. */
  readonly violated: Uint32Array | undefined;
  /** Bit per tunnel kind. */
  readonly kinds: number;
}

const ALL_KINDS = 2 ** TUNNEL_KINDS.length - 1;
const OPEN: Gate = { violated: undefined, kinds: ALL_KINDS };
const MAX_DEPTH = 32;

/** The gate of a condition. Never narrower than the condition itself. */
export function gateOf(expression: Expression, names: Names, depth = 0): Gate {
  if (depth > MAX_DEPTH) return OPEN;
  switch (expression.node) {
    case 'and': {
      const left = gateOf(expression.left, names, depth + 1);
      const right = gateOf(expression.right, names, depth + 1);
      return { violated: narrower(left.violated, right.violated), kinds: left.kinds & right.kinds };
    }
    case 'or': {
      const left = gateOf(expression.left, names, depth + 1);
      const right = gateOf(expression.right, names, depth + 1);
      return { violated: union(left.violated, right.violated), kinds: left.kinds | right.kinds };
    }
    case 'name': {
      const macro = names.macros.get(expression.word.text);
      return macro === undefined ? OPEN : gateOf(macro, names, depth + 1);
    }
    case 'compare': {
      if (expression.operator !== '==') return OPEN;
      return atom(expression.left.text, [expression.right.text]);
    }
    case 'in':
      if (expression.negated || !expression.bracketed) return OPEN;
      return atom(
        expression.left.text,
        expression.set.map((word) => word.text),
      );
    default:
      return OPEN;
  }
}

function atom(fieldName: string, values: readonly string[]): Gate {
  const field = findField(fieldName);
  if (field === undefined) return OPEN;
  if (field.name === 'tunnel.kind') {
    const numbers = values.map((value) => field.words.indexOf(value));
    if (numbers.some((number) => number < 0)) return OPEN;
    return { violated: undefined, kinds: numbers.reduce((mask, number) => mask | (1 << number), 0) };
  }
  if (field.check < 0 || values.some((value) => field.words.indexOf(value) !== CHECK_VALUE.violated))
    return OPEN;
  const violated = new Uint32Array(CHECK_WORDS);
  violated[field.check >>> 5] = 1 << (field.check & 31);
  return { violated, kinds: ALL_KINDS };
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
