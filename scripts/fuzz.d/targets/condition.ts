import assert from 'node:assert/strict';
import { FactSheet } from '../../../src/model/fact-sheet.js';
import { FIELDS } from '../../../src/model/fields.js';
import { compileCondition } from '../../../src/rules/compiler.js';
import { compileMessage } from '../../../src/rules/message.js';
import { parseCondition } from '../../../src/rules/parser.js';
import { ConditionError } from '../../../src/rules/syntax.js';
import { loadRules } from '../../../src/sensor/load.js';
import { CONDITION_OCTETS, conditionSeeds } from '../text-seeds.js';

/* A text as a condition, which is tried on an empty and on a full sheet, and as the template of a message. */
const shipped = loadRules([]);
const names = { lists: shipped.lists, macros: new Map([['again', parseCondition('again or again')]]) };
const sheets = [new FactSheet(), new FactSheet()];
for (const { id } of FIELDS) sheets[1]!.present[id] = 1;
let last = '';

export const maxLength = 60_000;
export const share = 0.5;
export const tokens = [...CONDITION_OCTETS, Buffer.from('again')];

export function fuzz(data: Buffer): void {
  const text = data.toString('utf8');
  const condition = unlessToldInside(text, () => compileCondition(parseCondition(text), names));
  const message = unlessToldInside(text, () => compileMessage(text));
  const results: unknown[] = [];
  for (const facts of sheets) {
    if (typeof condition !== 'string') results.push(condition.matches(facts));
    if (typeof message !== 'string') assert.equal(typeof message.render(facts), 'string');
  }
  last = typeof condition === 'string' ? condition : [...results, ...condition.fields].join();
}

export function trait(): string {
  return last;
}

export function seeds(): Buffer[] {
  return conditionSeeds(
    shipped.rules.map(({ conditionText }) => conditionText),
    shipped.rules.map(({ message }) => message.text),
  );
}

/* What was made of the text, or what is wrong with it, which must be told with a place inside it. */
function unlessToldInside<T>(text: string, work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    const { from, to } = error.span;
    assert.ok(
      from >= 0 && from < to && from <= text.length,
      `a mistake from ${from} to ${to} of ${text.length}`,
    );
    assert.notEqual(error.message, '');
    return error.message.replace(/"[^"]*"|[\d.]+|;.*/g, '').slice(0, 60);
  }
}
