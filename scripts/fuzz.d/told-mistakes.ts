import assert from 'node:assert/strict';
import type { Diagnostic } from '../../src/yaml/diagnostic.js';
import { formatDiagnostic, SourceError } from '../../src/yaml/diagnostic.js';

/**
 * Does `work` on a text. Undefined when the text is wrong and that was told as it must be: each mistake with a place and a sentence.
 * `mistakes` gets their sentences without what they quote.
 */
export function unlessTold<T>(text: string, work: () => T, mistakes: string[]): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    assert.ok(error.diagnostics.length > 0, 'an error without a mistake');
    for (const mistake of error.diagnostics) mistakes.push(form(mistake, text));
    return undefined;
  }
}

function form(mistake: Diagnostic, text: string): string {
  const { line, column, message, width } = mistake;
  assert.ok(line >= 1 && column >= 1 && width >= 1, `a mistake at ${line}:${column}, ${width} wide`);
  assert.notEqual(message, '');
  const words = message.replace(/"[^"]*"/g, '').match(/undefined|\[object|NaN/g) ?? [];
  // A sentence may quote what is written; what JavaScript makes of a missing value is written nowhere.
  for (const word of words) assert.ok(text.includes(word), message);
  assert.ok(formatDiagnostic(mistake).includes('^'));
  return message.replace(/"[^"]*"|[\d.]+|did you mean.*/g, '').slice(0, 40);
}
