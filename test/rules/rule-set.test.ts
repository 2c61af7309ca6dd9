import assert from 'node:assert/strict';
import type { Rule } from '../../src/rules/rule.js';
import { lintRules } from '../../src/rules/lint.js';
import { readRuleSet } from '../../src/rules/rule-set.js';
import { loadEndpoints, loadRules } from '../../src/sensor/load.js';
import { readSchema } from '../../src/sensor/package-files.js';
import { runRuleTests } from '../../src/sensor/run-rule-tests.js';
import { formatDiagnostic, SourceError } from '../../src/yaml/diagnostic.js';

const SCHEMA = readSchema('rules.schema.json');

const GOOD = `- list: my_ports
  type: port
  items: [1000-1010, 7]

- macro: is_mine
  condition: inner.dst_port in my_ports

- rule: my-rule
  rev: 1
  title: A title
  on: flow
  severity: high
  status: test
  condition: is_mine and inner.proto == tcp
  note: Site::My_Rule
  message: "{inner.src} speaks to {inner.dst}"
  tests:
    - name: one
      packets:
        - [ipv4: { src: 1.2.3.4, dst: 5.6.7.8 }, ipv6: { src: "2a02::1", dst: "2a02::2" }, tcp: { dst: 1005 }]
      expect: [{ count: 1, inner.dst_port: 1005 }]
`;

function mistakes(text: string): string[] {
  try {
    readRuleSet([{ name: 'mine.yaml', text }], SCHEMA);
  } catch (error) {
    assert.ok(error instanceof SourceError, String(error));
    return error.diagnostics.map(formatDiagnostic);
  }
  return [];
}

const change = (from: string | RegExp, to: string): string => {
  const text = GOOD.replace(from, to);
  assert.notEqual(text, GOOD);
  return text;
};

describe('rule files', () => {
  it('are read with lists and macros in any order', () => {
    const { rules } = readRuleSet(
      [{ name: 'mine.yaml', text: GOOD.split('\n\n').reverse().join('\n\n') }],
      SCHEMA,
    );
    assert.deepEqual(
      rules.map(({ id, on, severity, dedupSeconds }) => [id, on, severity, dedupSeconds]),
      [['my-rule', 'flow', 'high', 3600]],
    );
  });

  const cases: [string, string, RegExp][] = [
    [
      'a misspelt field',
      change('inner.proto', 'inner.prto'),
      /^mine.yaml:14:26: there is no field "inner.prto"; did you mean "inner.proto"\?\n {4}.*\n {29}\^{10}$/,
    ],
    [
      'a misspelt key',
      change('severity:', 'severty:'),
      /^mine.yaml:12:3: unknown key "severty"; did you mean "severity"\?/,
    ],
    [
      'a wrong word',
      change('high', 'hgh'),
      /^mine.yaml:12:13: "hgh" is not one of informational.*; did you mean "high"\?/,
    ],
    ['a wrong note', change('Site::My_Rule', 'my rule'), /"my rule" is not written like Site::Name_Of_It/],
    [
      'a field in the message',
      change('{inner.dst}', '{inner.dts}'),
      /^mine.yaml:16:\d+: there is no field "inner.dts"; did you mean "inner.dst"\?/,
    ],
    [
      'a rule that is there twice',
      `${GOOD}\n${GOOD.slice(GOOD.indexOf('- rule'))}`,
      /"my-rule" is defined twice; the first is at mine.yaml:8/,
    ],
    ['a list without type', change('  type: port\n', ''), /the key "type" is missing/],
    ['broken YAML', change('items: [1000-1010, 7]', 'items: [1000-1010, 7'), /^mine.yaml:\d+:\d+: /],
    ['a layer in a test', change('tcp:', 'tpc:'), /there is no layer "tpc"; did you mean "tcp"\?/],
    ['a field of a layer', change('dst: 1005', 'dest: 1005'), /tcp has no "dest"; did you mean "dst"\?/],
    ['an address in a test', change('1.2.3.4', '1.2.3'), /"src" of ipv4 must be an IPv4 address/],
    [
      'an expected field',
      change('inner.dst_port: 1005', 'inner.port: 1005'),
      /there is no field "inner.port"/,
    ],
    [
      'a key of suppression',
      change('  tests:', '  dedup: { key: [outer.sr], for: 1h }\n  tests:'),
      /there is no field "outer.sr"; did you mean "outer.src"\?/,
    ],
    [
      'two sources of packets',
      change('      expect:', '      hex: ["00"]\n      expect:'),
      /exactly one of packets, hex and capture/,
    ],
    ['an unknown document', '- rul: x\n', /a document needs the key "list", "macro" or "rule"/],
    ['no sequence', 'rule: x\n', /a rule file is a sequence of documents/],
  ];
  for (const [what, text, expected] of cases) {
    it(`with ${what} say where and what`, () => {
      const got = mistakes(text);
      assert.ok(
        got.some((message) => expected.test(message)),
        `got:\n${got.join('\n')}`,
      );
    });
  }

  it('point into folded and multi-line conditions', () => {
    const folded = change(
      'condition: is_mine and inner.proto == tcp',
      'condition: >\n    is_mine and\n    inner.prto == tcp',
    );
    assert.match(mistakes(folded)[0]!, /^mine.yaml:16:5: there is no field "inner.prto"/);
  });

  it('refuse an exception that ends on a day that does not exist', () => {
    const exception =
      '  exceptions: [{ name: a, when: tunnel.carries_ipv6, owner: me, reason: x, expires: 2027-13-01 }]\n  tests:';
    assert.match(mistakes(change('  tests:', exception))[0]!, /this day does not exist/);
  });

  it('tell all mistakes of all files at once', () => {
    const text = GOOD.replace('inner.proto', 'inner.prto').replace('{inner.dst}', '{inner.dts}');
    assert.equal(mistakes(text).length, 2);
  });

  it('do not let a test use more than YAML (no tags, no endless aliases)', () => {
    const bomb = `- list: a\n  type: port\n  items: &a [1]\n- list: b\n  type: port\n  items: ${'['.repeat(2)}*a${']'.repeat(2)}\n`;
    assert.ok(mistakes(bomb).length > 0);
  });
});

describe('the shipped rules', () => {
  const { rules } = loadRules([]);

  it('pass the tests inside them', async () => {
    const results = await runRuleTests(rules, loadEndpoints());
    assert.deepEqual(
      results.filter(({ failure }) => failure !== undefined),
      [],
    );
    assert.ok(results.length >= 3 * rules.length);
  });

  it('have documentation, references, and tests of both kinds', () => {
    assert.deepEqual(lintRules(rules), []);
  });

  it('include the ones that this version promises', () => {
    const promised = [
      'inner-irc-port',
      'zombie-relay-endpoint',
      'deprecated-6to4-anycast',
      'obsolete-teredo-prefix',
      'teredo-source-mismatch',
      'teredo-stray-packet',
      'teredo-port-mismatch',
      'sixtofour-source-spoof',
      'isatap-source-spoof',
      'raw-ipv6-in-udp',
      'tunnel-bogon-endpoint',
      'nested-tunnel',
      'tunnel-depth-exceeded',
      'tunnel-in-use',
    ];
    const ids = new Set(rules.map(({ id }) => id));
    assert.deepEqual(
      promised.filter((id) => !ids.has(id)),
      [],
    );
  });

  it('have notes of their own module, each once', () => {
    const notes = rules.map(({ note }) => note);
    assert.equal(new Set(notes).size, notes.length);
    for (const note of notes) assert.match(note, /^TunnelAbuse::/);
  });
});

describe('rule tests', () => {
  it('fail with what was expected and what came', async () => {
    const text = change('count: 1, inner.dst_port: 1005', 'count: 2, inner.dst_port: 1006');
    const { rules } = readRuleSet([{ name: 'mine.yaml', text }], SCHEMA);
    const [result] = await runRuleTests(rules, loadEndpoints());
    assert.match(result!.failure!, /2 alerts were expected, 1 came: frame 1 "2a02::1 speaks to 2a02::2"/);
  });

  it('say which expectation was not met', async () => {
    const text = change('inner.dst_port: 1005', 'inner.dst_port: 1006');
    const { rules } = readRuleSet([{ name: 'mine.yaml', text }], SCHEMA);
    const [result] = await runRuleTests(rules, loadEndpoints());
    assert.match(
      result!.failure!,
      /1 alerts with inner.dst_port: 1006 were expected; those that came have inner.dst_port: 1005/,
    );
  });
});

describe('lint', () => {
  it('asks for what a good rule has', () => {
    const { rules } = readRuleSet([{ name: 'mine.yaml', text: GOOD }], SCHEMA);
    const messages = lintRules(rules as Rule[]).map(({ message }) => message);
    assert.ok(messages.includes('has no test that expects none'));
    assert.ok(messages.includes('has no references'));
    assert.ok(messages.includes('has no description'));
  });

  it('sees a condition that excludes itself', () => {
    const { rules } = readRuleSet(
      [
        {
          name: 'mine.yaml',
          text: change('is_mine and inner.proto == tcp', 'tunnel.kind == 6in4 and tunnel.kind == teredo'),
        },
      ],
      SCHEMA,
    );
    assert.ok(lintRules(rules).some(({ message }) => message.includes('can never be true')));
  });
});
