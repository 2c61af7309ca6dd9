import type { Kind } from './kind.js';
import { orFromEnvironment } from './kind.js';
import type { Place } from './place.js';

/* Kinds of values without units: text, words, numbers, truth. */

const LONGEST_TEXT = 1024;

// eslint-disable-next-line no-control-regex -- the control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a text may go to a terminal, a path or a record as it is. */
export function isPrintable(text: string): boolean {
  return !CONTROL.test(text);
}

interface TextForm {
  /** The whole value; without flags. */
  readonly pattern?: RegExp;
  readonly words?: string;
  readonly maxLength?: number;
}

/** Text of at least one character, without control characters. */
export function text({ pattern, words = 'text', maxLength = LONGEST_TEXT }: TextForm = {}): Kind<string> {
  return {
    words,
    sections: [],
    read(at) {
      const { value } = at;
      if (typeof value !== 'string') return at.mismatch(words, quoteHint(value));
      if (value === '') return at.mismatch(words);
      if (value.length > maxLength) return at.report(`this is longer than ${maxLength} characters`);
      if (!isPrintable(value)) return at.report('control characters have no place here');
      return pattern === undefined || pattern.test(value) ? value : at.mismatch(words);
    },
    write: (value) => value,
    schema: () =>
      orFromEnvironment({
        type: 'string',
        minLength: 1,
        maxLength,
        ...(pattern === undefined ? {} : { pattern: pattern.source }),
      }),
  };
}

/** `; put it in quotes` for a value that YAML took for something else than text. */
export function quoteHint(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? '; put it in quotes' : '';
}

/** One of some words. */
export function oneOf<const W extends string>(choices: readonly W[]): Kind<W> {
  const words = `one of ${choices.join(', ')}`;
  return {
    words,
    sections: [],
    read: (at) => choices.find((choice) => choice === at.value) ?? at.unknownWord(words, choices),
    write: (value) => value,
    schema: () => orFromEnvironment({ enum: choices }),
  };
}

export const boolean: Kind<boolean> = {
  words: 'true or false',
  sections: [],
  read(at) {
    if (typeof at.value === 'boolean') return at.value;
    if (at.isSubstituted && (at.value === 'true' || at.value === 'false')) return at.value === 'true';
    return at.mismatch(this.words);
  },
  write: (value) => value,
  schema: () => orFromEnvironment({ type: 'boolean' }),
};

/** A whole number with bounds and a unit in the plural, or none. */
export function integer(least: number, most: number, unit = ''): Kind<number> {
  const words = `a whole number from ${least} to ${most}${unit === '' ? '' : ` (${unit})`}`;
  return {
    words,
    sections: [],
    read(at) {
      const value = wholeNumber(at);
      return value !== undefined && value >= least && value <= most ? value : at.mismatch(words);
    },
    write: (value) => value,
    schema: () => orFromEnvironment({ type: 'integer', minimum: least, maximum: most }),
  };
}

/** A number with bounds, not always whole, and a unit in the plural. */
export function number(least: number, most: number, unit: string): Kind<number> {
  const words = `a number from ${least} to ${most} (${unit})`;
  return {
    words,
    sections: [],
    read(at) {
      const { value } = at;
      const isText = at.isSubstituted && typeof value === 'string' && /^\d{1,15}(\.\d{1,15})?$/.test(value);
      const number = isText ? Number(value) : value;
      const isFine = typeof number === 'number' && number >= least && number <= most;
      return isFine ? number : at.mismatch(words);
    },
    write: (value) => value,
    schema: () => orFromEnvironment({ type: 'number', minimum: least, maximum: most }),
  };
}

/** Milliseconds, for keys that end in Ms. */
export function milliseconds(least: number, most: number): Kind<number> {
  return integer(least, most, 'milliseconds');
}

/** The whole number here: as YAML has it, or from the environment, which knows only texts. */
export function wholeNumber(at: Place): number | undefined {
  const { value } = at;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  const isNumber = at.isSubstituted && typeof value === 'string' && /^\d{1,15}$/.test(value);
  return isNumber ? Number(value) : undefined;
}
