import { suggestion } from '../yaml/nearest-name.js';
import type { AnySection, JsonSchema, Key, Keys, Kind, Plain, Values } from './kind.js';
import { orFromEnvironment, UNREADABLE } from './kind.js';
import type { Place, Scope } from './place.js';
import { oneOf } from './scalars.js';

/**
 * Looks at the keys of a section together. A value, or a part of it, is missing when it could not be read. The scope of
 * the place has the values further out.
 */
export type Check<K extends Keys> = (values: Partial<Values<K>>, at: Place) => void;

/** A mapping with known keys. */
export interface Section<K extends Keys = Keys> extends AnySection, Kind<Values<K>> {
  readonly keys: K;
}

interface SectionParts<K extends Keys> {
  readonly name: string;
  readonly doc: string;
  /** In the order in which they are read: a derived default needs keys before it. */
  readonly keys: K;
  readonly tag?: string;
  readonly example?: Plain;
  readonly check?: Check<K>;
}

export function section<K extends Keys>(parts: SectionParts<K>): Section<K> {
  const { name, doc, keys, tag, example, check } = parts;
  const words = `a mapping with the keys of ${name}`;
  const self: Section<K> = {
    name,
    doc,
    keys,
    tag,
    example,
    words,
    get sections() {
      return [self];
    },
    read(at) {
      if (at.mapping === undefined) return at.mismatch(words);
      reportUnknown(at, Object.keys(keys), tag);
      const values: Record<string, unknown> = {};
      let scope: Scope = at.scope;
      for (const [keyName, key] of Object.entries(keys)) {
        values[keyName] = readKey(at, keyName, key, scope);
        const isUnreadable = values[keyName] === undefined && at.has(keyName);
        if (!isUnreadable) scope = { ...scope, [keyName]: values[keyName] };
      }
      check?.(values as Partial<Values<K>>, at);
      return values as Values<K>;
    },
    write(values) {
      const pairs = Object.entries(keys).flatMap(([keyName, { kind, presence }]): [string, Plain][] => {
        const value: unknown = values[keyName];
        return value === undefined && presence === 'optional' ? [] : [[keyName, kind.write(value)]];
      });
      return { ...(tag === undefined ? {} : { type: tag }), ...Object.fromEntries(pairs) };
    },
    schema(definitions) {
      definitions[name] ??= schemaOf(self, definitions);
      return { $ref: `#/$defs/${name}` };
    },
  };
  return self;
}

function reportUnknown(at: Place, names: readonly string[], tag: string | undefined): void {
  const known = tag === undefined ? names : ['type', ...names];
  for (const key of Object.keys(at.mapping ?? {})) {
    if (!known.includes(key)) at.reportKey(key, `unknown key "${key}"${suggestion(key, known)}`);
  }
}

function readKey(at: Place, name: string, key: Key, scope: Scope): unknown {
  const place = placeOfKey(at, name, key, scope);
  if (place === undefined) return undefined;
  const value = place.read(key.kind);
  if (key.unique === undefined || typeof value !== 'string') return value;
  return place.claim(key.unique, value) ? value : undefined;
}

function placeOfKey(at: Place, name: string, key: Key, scope: Scope): Place | undefined {
  if (at.has(name)) return at.child(name, scope);
  if (key.presence === 'required') {
    at.report(`the key "${name}" is missing`);
    return undefined;
  }
  if (key.otherwise !== undefined) return at.absent(name, key.otherwise, scope);
  const derived = key.derived === undefined ? undefined : derive(key.derived, scope);
  return derived === undefined ? undefined : at.absent(name, derived, scope);
}

/* Undefined when a key that the default follows from could not be read; that was reported there. */
function derive(template: string, scope: Scope): string | undefined {
  const names = [...template.matchAll(/<(\w+)>/g)].map((match) => match[1]!);
  if (names.some((name) => typeof scope[name] !== 'string')) return undefined;
  return template.replace(/<(\w+)>/g, (_, name: string) => scope[name] as string);
}

function schemaOf({ doc, keys, tag }: AnySection, definitions: Record<string, JsonSchema>): JsonSchema {
  const needed = Object.keys(keys).filter((name) => keys[name]!.presence === 'required');
  const properties = Object.entries(keys).map(([name, key]) => [
    name,
    {
      description: key.derived === undefined ? key.doc : `${key.doc} Default: ${key.derived}.`,
      ...key.kind.schema(definitions),
      ...(key.otherwise === undefined ? {} : { default: key.otherwise }),
      ...(key.example === undefined ? {} : { examples: [key.example] }),
    },
  ]);
  return {
    description: doc,
    type: 'object',
    additionalProperties: false,
    required: [...(tag === undefined ? [] : ['type']), ...needed],
    properties: {
      ...(tag === undefined ? {} : { type: { const: tag } }),
      ...(Object.fromEntries(properties) as JsonSchema),
    },
  };
}

type Tagged<V> = {
  [T in keyof V]: V[T] extends Section<infer K> ? { readonly type: T } & Values<K> : never;
}[keyof V];

/** One of several sections, told apart by the key "type". Their tags must be the names that they have here. */
export function variants<V extends Readonly<Record<string, Section>>>(choices: V): Kind<Tagged<V>> {
  const tags = Object.keys(choices);
  const words = `a mapping whose key "type" is one of ${tags.join(', ')}`;
  const tag = oneOf(tags);
  return {
    words,
    sections: Object.values(choices),
    read(at) {
      if (at.mapping === undefined) return at.mismatch(words);
      if (!at.has('type')) return at.report(`the key "type" is missing; it is ${tag.words}`);
      const type = at.child('type').read(tag);
      if (type === undefined) return UNREADABLE;
      const inside = at.as(at.value, { ...at.scope, type });
      return { type, ...inside.read(choices[type]!) } as Tagged<V>;
    },
    write: (value) => choices[String(value.type)]!.write(value),
    schema: (definitions) => ({ oneOf: Object.values(choices).map((choice) => choice.schema(definitions)) }),
  };
}

/** A section that may be switched off: false, true for its defaults, or a mapping. Undefined when off. */
export function switchable<K extends Keys>(inside: Section<K>): Kind<Values<K> | undefined> {
  const words = `true, false, or ${inside.words}`;
  return {
    words,
    sections: inside.sections,
    read(at) {
      if (at.value === false || (at.isSubstituted && at.value === 'false')) return undefined;
      if (at.value === true || (at.isSubstituted && at.value === 'true')) return at.as({}).read(inside);
      return at.mapping === undefined ? at.mismatch(words) : at.read(inside);
    },
    write: (value) => (value === undefined ? false : inside.write(value)),
    schema: (definitions) => orFromEnvironment({ type: 'boolean' }, inside.schema(definitions)),
  };
}
