import type { Field } from '../model/fields.js';
import { findField } from '../model/fields.js';
import type { CompareOperator, TextOperator, WordNode } from './syntax.js';
import { isNumeric, parseBool, parseEnum, parseNumber, parseRange } from './values.js';

/*
 * Whether a part of a condition is false of every packet of the usual shape (tunnel/level). The dictionary says which
 * values a field has in such packets; the part cannot be true of them when it is true of none of these values.
 */

/** A field that stands alone, as true. */
export function nameIsUnusual(word: WordNode): boolean {
  return isUnusual(fieldOf(word), (value) => value === 1);
}

/** `present(field)`. */
export function presenceIsUnusual(word: WordNode): boolean {
  return isUnusual(fieldOf(word), () => true);
}

/** A comparison. One with another field, or of text, is taken to be true wherever the field is there. */
export function comparisonIsUnusual(
  operator: CompareOperator | TextOperator,
  left: WordNode,
  right: WordNode,
): boolean {
  const field = fieldOf(left);
  const number = field === undefined ? undefined : numberOf(field, right.text);
  return isUnusual(field, (value) => number === undefined || compares(operator, value, number));
}

/** A field in a set of items, or not in it. */
export function membershipIsUnusual(left: WordNode, items: readonly WordNode[], negated: boolean): boolean {
  const field = fieldOf(left);
  if (field === undefined) return false;
  const ranges = items.map(({ text }) => rangeOf(field, text));
  return isUnusual(field, (value) => {
    const isIn = ranges.some((range) => range !== undefined && value >= range[0] && value <= range[1]);
    return ranges.includes(undefined) || isIn !== negated;
  });
}

function fieldOf(word: WordNode): Field | undefined {
  return word.quoted ? undefined : findField(word.text);
}

function isUnusual(field: Field | undefined, isTrueOf: (value: number) => boolean): boolean {
  return field?.usual !== undefined && !field.usual.some(isTrueOf);
}

function compares(operator: CompareOperator | TextOperator, value: number, number: number): boolean {
  switch (operator) {
    case '==':
      return value === number;
    case '!=':
      return value !== number;
    case '<':
      return value < number;
    case '<=':
      return value <= number;
    case '>':
      return value > number;
    case '>=':
      return value >= number;
    default:
      return true;
  }
}

function numberOf(field: Field, text: string): number | undefined {
  if (!isNumeric(field.type) && field.type !== 'enum' && field.type !== 'bool') return undefined;
  const parse = field.type === 'enum' ? parseEnum : field.type === 'bool' ? parseBool : parseNumber;
  const parsed = parse(text, field);
  return 'error' in parsed ? undefined : parsed.value;
}

function rangeOf(field: Field, text: string): readonly [number, number] | undefined {
  if (!isNumeric(field.type)) {
    const number = numberOf(field, text);
    return number === undefined ? undefined : [number, number];
  }
  const range = parseRange(text, field);
  return 'error' in range ? undefined : range.value;
}
