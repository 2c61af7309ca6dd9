import type { FactSheet } from '../model/fact-sheet.js';
import type { Field } from '../model/fields.js';
import { FIELDS, findField } from '../model/fields.js';
import { suggestion } from '../yaml/nearest-name.js';
import { ConditionError } from './syntax.js';

/** A message with `{field}` in it, compiled. */
export interface MessageTemplate {
  readonly text: string;
  readonly fields: readonly Field[];
  render(facts: FactSheet): string;
}

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** Compiles a message template. Throws a ConditionError that points at an unknown field. */
export function compileMessage(text: string): MessageTemplate {
  const parts: (string | Field)[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const name = match[1]!;
    const field = findField(name);
    if (field === undefined) {
      const hint = suggestion(
        name,
        FIELDS.map((known) => known.name),
      );
      const from = match.index + 1;
      throw new ConditionError(`there is no field "${name}"${hint}`, {
        from,
        to: from + Math.max(1, name.length),
      });
    }
    parts.push(text.slice(at, match.index), field);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return {
    text,
    fields: parts.filter((part): part is Field => typeof part !== 'string'),
    render: (facts) => {
      let rendered = '';
      for (const part of parts) rendered += typeof part === 'string' ? part : facts.text(part);
      return rendered;
    },
  };
}
