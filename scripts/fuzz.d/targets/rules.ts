import { lintRules } from '../../../src/rules/lint.js';
import { readRuleSet } from '../../../src/rules/rule-set.js';
import { readSchema } from '../../../src/sensor/package-files.js';
import { RULE_OCTETS, ruleSeeds } from '../text-seeds.js';
import { unlessTold } from '../told-mistakes.js';

/* A rule file. Mistakes are told with their places; what has none becomes rules that can be looked over. */
const schema = readSchema('rules.schema.json');
const NOW_SECONDS = 1_800_000_000;
let last = '';

export const maxLength = 6_000;
export const tokens = RULE_OCTETS;
export const seeds = ruleSeeds;

export function fuzz(data: Buffer): void {
  const traits: string[] = [];
  const text = data.toString('utf8');
  const set = unlessTold(text, () => readRuleSet([{ name: 'fuzz.yaml', text }], schema), traits);
  if (set !== undefined)
    traits.push(...lintRules(set.rules, NOW_SECONDS).map(({ message }) => message.slice(0, 20)));
  last = [...new Set(traits)].sort().join();
}

export function trait(): string {
  return last;
}
