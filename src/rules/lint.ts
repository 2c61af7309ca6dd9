import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DETECTIONS } from '../model/detections.js';
import type { Rule } from './rule.js';

export interface LintWarning {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** What a rule should have beyond being correct: documentation, and tests of both kinds. */
export function lintRules(rules: readonly Rule[], today = Date.now() / 1000): LintWarning[] {
  return rules.flatMap((rule) => {
    const messages = [
      rule.description === '' ? 'has no description' : '',
      rule.references.length === 0 ? 'has no references' : '',
      rule.falsePositives === '' ? 'does not say what raises it falsely (false_positives)' : '',
      rule.attack.length === 0 ? 'names no ATT&CK technique' : '',
      rule.message.fields.length === 0 ? 'has a message that names no field' : '',
      rule.tests.some((test) => expected(test.expect) > 0) ? '' : 'has no test that expects an alert',
      rule.tests.some((test) => expected(test.expect) === 0) ? '' : 'has no test that expects none',
      ...rule.exceptions
        .filter(({ expiresAt }) => expiresAt <= today)
        .map(({ name }) => `has the exception "${name}", which has expired`),
      ...rule.tests
        .filter(({ capture }) => capture !== undefined && !existsSync(resolve(dirname(rule.file), capture)))
        .map(({ name }) => `has the test "${name}", whose capture is not there`),
      /\{[^}]*$|^[^{]*\}/.test(rule.message.text) ? 'has a message with a brace that stands alone' : '',
      ...rule.detections
        .filter((detection) => !Object.hasOwn(DETECTIONS, detection))
        .map((detection) => `names the detection ${detection}, which the catalogue does not have`),
      rule.gate.kinds === 0 ? 'can never be true: its conditions on tunnel.kind exclude each other' : '',
    ];
    return messages
      .filter((message) => message !== '')
      .map((message) => ({ file: rule.file, line: rule.line, rule: rule.id, message }));
  });
}

function expected(expectations: readonly { readonly count: number }[]): number {
  return expectations.reduce((sum, { count }) => sum + count, 0);
}
