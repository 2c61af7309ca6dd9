import { readRuleSet } from '../../src/rules/rule-set.js';
import { loadRules } from '../../src/sensor/load.js';
import { readSchema } from '../../src/sensor/package-files.js';

/** The shipped rules without memory of earlier alerts, which would hide that a later finding went missing. */
export const FORGETFUL = loadRules([]).rules.map((rule) => ({ ...rule, dedupKey: [], dedupSeconds: 0 }));

/** A rule that asks about every packet and never matches: no packet is passed over where it is in force. */
export const EVERY_PACKET = readRuleSet(
  [
    {
      name: 'every-packet.yaml',
      text: `- rule: every-packet
  rev: 1
  title: Never
  on: packet
  severity: low
  status: test
  condition: packet.length == 1
  note: Test::Never
  message: never
  tests: [{ name: none, hex: ["00"], expect: [] }]
`,
    },
  ],
  readSchema('rules.schema.json'),
).rules.map((rule) => ({ ...rule, index: FORGETFUL.length }));
