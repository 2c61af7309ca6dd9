/** JSON whose numbers keep their digits, so that 64 bits survive and 1.0 differs from 1. */
export type ExactJson = null | boolean | string | ExactNumber | readonly ExactJson[] | ExactObject;

// An interface, because a type alias may not name itself inside Record.
export interface ExactObject {
  readonly [key: string]: ExactJson;
}

/** A number as it stood in the text. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;
const STRING_TAG = 's';
const NUMBER_TAG = 'n';

/** Reads JSON. Throws what JSON.parse throws. */
export function parseExactJson(text: string): ExactJson {
  // Only text that is JSON is rewritten: numbers become tagged strings, strings get another tag.
  JSON.parse(text);
  const tagged = text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') ? `"${STRING_TAG}${token.slice(1)}` : `"${NUMBER_TAG}${token}"`,
  );
  return JSON.parse(tagged, untag) as ExactJson;
}

function untag(_key: string, value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith(NUMBER_TAG) ? new ExactNumber(value.slice(1)) : value.slice(1);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof ExactNumber)
    return value;
  // A null prototype: a key named __proto__ is a key like any other.
  const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) object[key.slice(1)] = member;
  return object;
}

/** Whether it is an object with keys. */
export function isObject(json: ExactJson | undefined): json is ExactObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof ExactNumber);
}

export function isArray(json: ExactJson | undefined): json is readonly ExactJson[] {
  return Array.isArray(json);
}
