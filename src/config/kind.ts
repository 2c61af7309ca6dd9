import type { Place } from './place.js';

/** A value as it stands in a YAML file. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Stands for a value that could not be read, which was reported. */
export const UNREADABLE = Symbol('unreadable');
export type Unreadable = typeof UNREADABLE;

/**
 * A kind of value: how it is read, written, described to an editor and to a person. Everything that the configuration
 * knows of a kind is here, so that a new one is one object.
 */
export interface Kind<T> {
  /** What may be written, with its article: `a whole number from 0 to 9`. */
  readonly words: string;
  /** The value at a place, or UNREADABLE after the place was told what is wrong. Called by {@link Place.read}. */
  read(at: Place): T | Unreadable;
  /** The value in a form that `read` takes again; secrets are hidden. */
  write(value: T): Plain;
  /** Schema of what may be written; sections add theirs to `definitions` and return a reference. */
  schema(definitions: Record<string, JsonSchema>): JsonSchema;
  /** The sections that a value of this kind holds. */
  readonly sections: readonly AnySection[];
}

export type Presence = 'required' | 'optional' | 'default';

/** A key of a section. */
export interface Key<T = unknown, P extends Presence = Presence> {
  readonly kind: Kind<T>;
  /** One line for the reference page and for editors. */
  readonly doc: string;
  readonly presence: P;
  /** What is read when the key is not there, as it would be written. */
  readonly otherwise: Plain | undefined;
  /** The same, from keys read before: `<name>` stands for the value of the key "name", here or further out. */
  readonly derived: string | undefined;
  /** A value as it would be written. */
  readonly example: Plain | undefined;
  /** No two values in the whole file may be equal; says what they are: `sink name`. */
  readonly unique: string | undefined;
}

export type Keys = Readonly<Record<string, Key>>;

/** The loaded form of a section with these keys. */
export type Values<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Key<infer T, infer P>
    ? P extends 'optional'
      ? T | undefined
      : T
    : never;
};

/** A mapping with known keys. */
export interface AnySection {
  /** Name in the schema and the reference page: small letters and dashes. */
  readonly name: string;
  readonly doc: string;
  readonly keys: Keys;
  /** The value of its key "type", when it is one of several forms. */
  readonly tag: string | undefined;
  readonly example: Plain | undefined;
}

/** What the value of a kind is when loaded. */
export type Loaded<K> = K extends Kind<infer T> ? T : never;

interface Extra {
  readonly example?: Plain;
  readonly unique?: string;
}

const key = <T, P extends Presence>(
  kind: Kind<T>,
  presence: P,
  doc: string,
  more: Extra & { readonly otherwise?: Plain; readonly derived?: string },
): Key<T, P> => ({
  kind,
  presence,
  doc,
  otherwise: more.otherwise,
  derived: more.derived,
  example: more.example,
  unique: more.unique,
});

/** A key that must be there. */
export function required<T>(kind: Kind<T>, doc: string, extra: Extra = {}): Key<T, 'required'> {
  return key(kind, 'required', doc, extra);
}

/** A key that may be absent, and then is undefined. */
export function optional<T>(kind: Kind<T>, doc: string, extra: Extra = {}): Key<T, 'optional'> {
  return key(kind, 'optional', doc, extra);
}

/** A key with a default, given as it would be written. */
export function withDefault<T>(
  kind: Kind<T>,
  otherwise: Plain,
  doc: string,
  extra: Extra = {},
): Key<T, 'default'> {
  return key(kind, 'default', doc, { ...extra, otherwise });
}

/** A key whose default follows from other keys: `/var/spool/copperhull/<name>`. */
export function withDerived<T>(
  kind: Kind<T>,
  derived: string,
  doc: string,
  extra: Extra = {},
): Key<T, 'default'> {
  return key(kind, 'default', doc, { ...extra, derived });
}

/* A text with a dollar may become anything, so an editor must not complain about it. */
export const FROM_ENVIRONMENT = 'fromEnvironment';

/** The schema, or a text that the environment completes. */
export function orFromEnvironment(...schemas: readonly JsonSchema[]): JsonSchema {
  return { anyOf: [...schemas, { $ref: `#/$defs/${FROM_ENVIRONMENT}` }] };
}
