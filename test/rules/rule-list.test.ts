import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FactSheet } from '../../src/model/fact-sheet.js';
import { FIELD } from '../../src/model/fields.js';
import type { Rule } from '../../src/rules/rule.js';
import { RuleList } from '../../src/rules/rule-list.js';
import { readRuleSet } from '../../src/rules/rule-set.js';
import { readSchema } from '../../src/sensor/package-files.js';
import { parseAddress } from '../../src/wire/address.js';

function rulesOf(conditions: readonly string[]): readonly Rule[] {
  const text = conditions.map((condition, n) =>
    [
      `- rule: rule-${n}`,
      '  rev: 1',
      '  title: made by a test',
      '  on: flow',
      '  severity: low',
      '  status: test',
      `  condition: '${condition}'`,
      '  note: Site::Test',
      '  message: test',
      '  tests: [{ name: none, packets: [[ipv4: { src: 81.0.0.1, dst: 81.0.0.2 }]], expect: [] }]',
    ].join('\n'),
  );
  return readRuleSet(
    [{ name: 'test.yaml', text: text.join('\n'), layer: 0 }],
    readSchema('rules.schema.json'),
  ).rules;
}

const CONDITIONS = [
  'inner.dst_port == 6667',
  'inner.dst_port == 6668',
  'inner.dst_port in [6660-6669]',
  'inner.dst_port == 80 or inner.dst_port == 6667',
  'inner.dst_port == 6667 and inner.src in [2001:db8:1::/48]',
  'inner.src in [2001:db8:1::/48]',
  'inner.src in [2001:db8:2::/48]',
  'inner.src in [2001:db8:3::/48, 2001:db8:1::7]',
  'inner.src in [2001:db8:1::/64]',
  'inner.src in [2001:db8::/32]',
  'inner.src == 192.0.2.1',
  'inner.src in [192.0.2.0/24]',
  'inner.src in [192.0.2.0/25, 198.51.100.0/24]',
  'inner.src in [192.0.2.128/25]',
  'inner.dst_port != 80',
  'not inner.dst_port == 80',
] as const;
const RULES = rulesOf(CONDITIONS);

function factsOf(port: number | undefined, source: string | undefined): FactSheet {
  const facts = new FactSheet();
  // What an earlier packet left in the words is not there for this one.
  facts.setNumber(FIELD['inner.dst_port'], 6667);
  facts.setAddress(FIELD['inner.src'], Uint32Array.from(parseAddress('2001:db8:1::1')!), 0);
  facts.clear();
  if (port !== undefined) facts.setNumber(FIELD['inner.dst_port'], port);
  if (source !== undefined) facts.setAddress(FIELD['inner.src'], Uint32Array.from(parseAddress(source)!), 0);
  return facts;
}

describe('rules that are found by the value they wait for', () => {
  it('match what they match when each is asked', () => {
    const port = fc.constantFrom(undefined, 80, 6660, 6667, 6668, 6670);
    const source = fc.constantFrom(undefined, '2001:db8:1::7', '2001:db8:2::1', '2001:db9::', '192.0.2.1');
    fc.assert(
      fc.property(port, source, fc.subarray([...RULES]), (number, address, rules) => {
        const list = new RuleList(rules);
        const facts = factsOf(number, address);
        const asked = [...list.always, ...list.byValue.flatMap((index) => index.find(facts).rules)];
        const matching = (from: readonly Rule[]): string[] =>
          from.filter(({ matches }) => matches(facts)).map(({ id }) => id);
        assert.deepEqual(matching(asked).sort(), matching(rules).sort());
        assert.equal(new Set(asked).size, asked.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('cost nothing when no packet has the value, however many they are', () => {
    const list = new RuleList(
      rulesOf(Array.from({ length: 500 }, (_, n) => `inner.dst_port == ${10_000 + n}`)),
    );
    assert.deepEqual([list.size, list.always.length, list.byValue.length], [500, 0, 1]);
    assert.equal(list.byValue[0]!.find(factsOf(80, undefined)).rules.length, 0);
    assert.equal(list.byValue[0]!.find(factsOf(10_007, undefined)).rules.length, 1);
  });

  it('read the facts that their look-up and their condition need', () => {
    const ports = CONDITIONS.slice(0, 5);
    const list = new RuleList(rulesOf(ports.map((text) => `outer.ttl < 9 and (${text})`)));
    const [index] = list.byValue;
    assert.equal(list.always.length, 0);
    const { rules, reads } = index!.find(factsOf(6667, undefined));
    assert.equal(
      reads,
      rules.reduce((all, rule) => all | rule.reads, 0),
    );
    assert.ok((list.reads & reads) === list.reads && list.reads !== reads);
  });
});
