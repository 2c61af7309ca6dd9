import type { Kind, Plain } from './kind.js';
import { isPrintable, quoteHint } from './scalars.js';

/* Kinds of mappings whose names are free. */

const MOST_NAMES = 64;
const LONGEST_TEXT = 1024;
const NO_CONTROL = 'control characters have no place here';

interface NameRules {
  /** Numbers and truth values are taken as the text that they are written as. */
  readonly takesScalars?: boolean;
  /** Names that are taken, and by what. */
  readonly taken?: { readonly names: readonly string[]; readonly by: string };
}

/** Names of your own, each with a text. */
export function textByName({ takesScalars = false, taken }: NameRules = {}): Kind<
  Readonly<Record<string, string>>
> {
  const words = 'a mapping of names to texts';
  const anyText = anyTextKind(takesScalars);
  return {
    words,
    sections: [],
    read(at) {
      if (at.mapping === undefined) return at.mismatch(words);
      const names = Object.keys(at.mapping);
      if (names.length > MOST_NAMES) return at.report(`this mapping has more than ${MOST_NAMES} names`);
      const pairs = names.flatMap((name): [string, string][] => {
        if (name === '' || !isPrintable(name)) at.reportKey(name, `a name is not empty; ${NO_CONTROL}`);
        if (taken?.names.includes(name) === true)
          at.reportKey(name, `"${name}" is ${taken.by}; take another name`);
        const value = at.child(name).read(anyText);
        return value === undefined ? [] : [[name, value]];
      });
      return Object.fromEntries(pairs);
    },
    write: (value) => value,
    schema: (definitions) => ({
      type: 'object',
      maxProperties: MOST_NAMES,
      propertyNames: { minLength: 1, ...(taken === undefined ? {} : { not: { enum: taken.names } }) },
      additionalProperties: anyText.schema(definitions),
    }),
  };
}

function anyTextKind(takesScalars: boolean): Kind<string> {
  return {
    words: 'text',
    sections: [],
    read(at) {
      const { value } = at;
      if (takesScalars && (typeof value === 'number' || typeof value === 'boolean')) return String(value);
      if (typeof value !== 'string') return at.mismatch('text', quoteHint(value));
      if (value.length > LONGEST_TEXT) return at.report(`this is longer than ${LONGEST_TEXT} characters`);
      return isPrintable(value) ? value : at.report(NO_CONTROL);
    },
    write: (value) => value,
    schema: () => ({ type: takesScalars ? ['string', 'number', 'boolean'] : 'string' }),
  };
}

const DEEPEST = 8;

/** Settings that `owner` gets as they are. `reserved` are those that have a key of our own, with that key. */
export function settingsOf(
  owner: string,
  reserved: Readonly<Record<string, string>>,
): Kind<Readonly<Record<string, Plain>>> {
  const words = `a mapping of settings of ${owner}`;
  const setting = anythingKind(DEEPEST);
  return {
    words,
    sections: [],
    read(at) {
      if (at.mapping === undefined) return at.mismatch(words);
      const pairs = Object.keys(at.mapping).flatMap((name): [string, Plain][] => {
        if (Object.hasOwn(reserved, name))
          at.reportKey(name, `"${name}" of ${owner} is set by the key "${reserved[name]!}" of this sink`);
        const value = at.child(name).read(setting);
        return value === undefined ? [] : [[name, value]];
      });
      return Object.fromEntries(pairs);
    },
    write: (value) => value,
    schema: () => ({ type: 'object', propertyNames: { not: { enum: Object.keys(reserved) } } }),
  };
}

function anythingKind(deepest: number): Kind<Plain> {
  return {
    words: 'any value',
    sections: [],
    read(at) {
      const { value, mapping } = at;
      if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
      if (typeof value === 'string') return isPrintable(value) ? value : at.report(NO_CONTROL);
      if (deepest === 0) return at.report('this is nested too deeply');
      const inside = anythingKind(deepest - 1);
      if (Array.isArray(value)) {
        return value.flatMap((_, i): Plain[] => {
          const item = at.child(i).read(inside);
          return item === undefined ? [] : [item];
        });
      }
      if (mapping === undefined)
        return at.mismatch('text, a finite number, true, false, a list or a mapping');
      const pairs = Object.keys(mapping).flatMap((name): [string, Plain][] => {
        const part = at.child(name).read(inside);
        return part === undefined ? [] : [[name, part]];
      });
      return Object.fromEntries(pairs);
    },
    write: (value) => value,
    schema: () => ({}),
  };
}
