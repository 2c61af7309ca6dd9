import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CHECK, CHECKS } from '../../src/model/checks.js';
import { FactSheet } from '../../src/model/fact-sheet.js';
import { FIELD, FIELDS } from '../../src/model/fields.js';
import { CHECK_VALUE, KIND, TRANSPORT, TUNNEL_KINDS } from '../../src/model/vocabulary.js';
import { compileCondition } from '../../src/rules/compiler.js';
import { parseCondition } from '../../src/rules/parser.js';
import { ConditionError } from '../../src/rules/syntax.js';
import { hasKey } from '../../src/rules/value-key.js';
import { parseAddress } from '../../src/wire/address.js';

const NAMES = {
  lists: new Map([
    ['irc_ports', ['6660-6669', '6697']],
    ['lab_nets', ['10.0.0.0/8', '2001:db8::/32']],
  ]),
  macros: new Map([
    ['is_tcp', parseCondition('inner.proto == tcp')],
    ['loop', parseCondition('loop')],
  ]),
};

function sheet(): FactSheet {
  const facts = new FactSheet();
  facts.setAddress(FIELD['outer.src'], Uint32Array.from(parseAddress('10.1.2.3')!), 0);
  facts.setAddress(FIELD['outer.dst'], Uint32Array.from(parseAddress('84.20.40.2')!), 0);
  facts.setAddress(FIELD['inner.src'], Uint32Array.from(parseAddress('2001:db8::1')!), 0);
  facts.setNumber(FIELD['inner.proto'], TRANSPORT.tcp);
  facts.setNumber(FIELD['inner.src_port'], 40000);
  facts.setNumber(FIELD['inner.dst_port'], 6667);
  facts.setNumber(FIELD['tunnel.kind'], KIND['6in4']);
  facts.setCount(FIELD['tunnel.bytes'], 2 ** 40 + 5);
  facts.setFlag(FIELD['packet.reassembled'], false);
  facts.setFlag(FIELD['tunnel.carries_ipv6'], true);
  facts.setMac(FIELD['packet.src_mac'], 0xaabb, 0xccddeeff);
  facts.setText(FIELD['tunnel.path']);
  facts.textOf = () => 'eth/ipv4/ipv6/dstopts/tcp:6667';
  facts.checks.decide(CHECK.T07, false);
  facts.checks.decide(CHECK.S01, true);
  return facts;
}

const evaluate = (text: string): boolean => compileCondition(parseCondition(text), NAMES).matches(sheet());

function mistake(text: string): { message: string; at: string } {
  try {
    compileCondition(parseCondition(text), NAMES);
  } catch (error) {
    assert.ok(error instanceof ConditionError, String(error));
    return { message: error.message, at: text.slice(error.span.from, error.span.to) };
  }
  throw new assert.AssertionError({ message: `"${text}" was accepted` });
}

describe('conditions', () => {
  const cases: [string, boolean][] = [
    ['inner.proto == tcp', true],
    ['inner.proto != tcp', false],
    ['inner.dst_port == 6667', true],
    ['inner.dst_port == 0x1a0b', true],
    ['inner.dst_port > 6667', false],
    ['inner.dst_port >= 6667 and inner.dst_port <= 6667', true],
    ['inner.dst_port in irc_ports', true],
    ['inner.src_port in irc_ports', false],
    ['inner.src_port not in irc_ports', true],
    ['inner.dst_port in [80, 6660-6669]', true],
    ['outer.src in 10.0.0.0/8', true],
    ['outer.src in lab_nets and inner.src in lab_nets', true],
    ['outer.dst in [10.0.0.0/8, 84.20.40.2]', true],
    ['outer.src == 10.1.2.3', true],
    ['inner.src == 2001:DB8:0::1', true],
    ['outer.src != outer.dst', true],
    ['inner.src_port > inner.dst_port', true],
    ['tunnel.kind == 6in4', true],
    ['tunnel.kind in [6to4, raw-ipv6-in-udp, 6in4]', true],
    ['tunnel.bytes == 1099511627781', true],
    ['tunnel.bytes > 1099511627780', true],
    ['packet.src_mac == aa:bb:cc:dd:ee:ff', true],
    ['tunnel.path contains dstopts', true],
    ['tunnel.path startswith "eth/ipv4"', true],
    ['tunnel.path contains "tcp:6668"', false],
    ['tunnel.carries_ipv6', true],
    ['not tunnel.carries_ipv6', false],
    ['packet.reassembled == false', true],
    ['check.T07 == violated', true],
    ['check.S01 == holds', true],
    ['check.S02 == not-applicable', true],
    ['check.T07 in [violated, undetermined]', true],
    ['check.T07 != violated', false],
    ['is_tcp and not (inner.dst_port == 80 or inner.dst_port == 443)', true],
    ['present(inner.src) and not present(inner.dst)', true],
  ];
  for (const [text, expected] of cases) {
    it(`${text} is ${expected}`, () => assert.equal(evaluate(text), expected));
  }

  it('bind "and" closer than "or", and "not" closer than both', () => {
    const t = 'tunnel.carries_ipv6';
    const f = 'packet.reassembled';
    assert.ok(evaluate(`${t} or ${f} and ${f}`));
    assert.ok(!evaluate(`(${t} or ${f}) and ${f}`));
    assert.ok(evaluate(`not ${f} and ${t}`));
    assert.ok(!evaluate(`not (${f} or ${t})`));
  });

  it('are false for a field that is absent, whatever the comparison', () => {
    for (const text of [
      'inner.dst == 2001:db8::2',
      'inner.dst != 2001:db8::2',
      'inner.dst in lab_nets',
      'inner.dst not in lab_nets',
      'outer.dst_port == 1',
      'outer.dst_port != 1',
      'outer.dst_port < 1',
      'outer.dst_port not in irc_ports',
      'teredo.auth',
      'teredo.class == data',
      'teredo.class != data',
      'intel.name == x',
      'intel.name != x',
      'inner.dst != inner.src',
    ]) {
      assert.ok(!evaluate(text), text);
    }
  });

  it('point at their mistakes and name what was probably meant', () => {
    const cases: [string, RegExp, string][] = [
      [
        'inner.dst_prot == 5',
        /there is no field "inner.dst_prot"; did you mean "inner.dst_port"\?/,
        'inner.dst_prot',
      ],
      ['inner.dst_port == 70000', /70000 is larger than inner.dst_port can be \(65535\)/, '70000'],
      ['inner.dst_port == http', /inner.dst_port is a number \(port\); "http" is not/, 'http'],
      ['tunnel.kind == 6to5', /"6to5" is not; did you mean "6to4"\?/, '6to5'],
      ['tunnel.kind < 6to4', /has no order, use == or !=/, 'tunnel.kind < 6to4'],
      ['outer.src == 10.0.0.0/8', /a prefix needs "in"/, '10.0.0.0/8'],
      ['outer.src in 10.0.0.1/8', /did you mean 10.0.0.0\/8/, '10.0.0.1/8'],
      ['inner.dst_port in irc_port', /there is no list "irc_port"; did you mean "irc_ports"\?/, 'irc_port'],
      ['outer.src contains "10."', /"contains" works on text, and outer.src is an IP address/, 'outer.src'],
      ['tunnel.path < abc', /text has no order/, 'tunnel.path'],
      ['inner.dst_port', /is a number \(port\), not true or false/, 'inner.dst_port'],
      ['teredo.auth == maybe', /true or false; "maybe" is neither/, 'maybe'],
      ['inner.src == inner.dst_port', /they cannot be compared/, 'inner.src == inner.dst_port'],
      ['packet.src_mac == aa:bb', /is a MAC address; "aa:bb" is not/, 'aa:bb'],
      ['inner.dst_port in [80-70]', /the range 80-70 runs backwards/, '80-70'],
      ['loop', /the macro "loop" refers to itself|in macro "loop"/, 'loop'],
      ['inner.dst_port = 80', /use == to compare/, '='],
      ['inner.dst_port == 80 && tunnel.carries_ipv6', /use and, or, not/, '&'],
      ['inner.dst_port == 80 tunnel.carries_ipv6', /join two tests with and, or/, 'tunnel.carries_ipv6'],
      ['(inner.dst_port == 80', /"\)" is missing here/, ''],
      ['inner.dst_port ==', /a value is missing at the end/, ''],
      ['tunnel.path contains "abc', /does not end/, '"abc'],
      ['count() over 10m by outer.src >= 20', /this version does not have yet/, 'count'],
      ['inner.dst_port not 80', /must be followed by "in"/, 'not'],
    ];
    for (const [text, message, at] of cases) {
      const got = mistake(text);
      assert.match(got.message, message, text);
      assert.equal(got.at, at, text);
    }
  });

  it('never crash the parser, whatever the text', () => {
    const words = [
      'and',
      'or',
      'not',
      'in',
      '(',
      ')',
      '[',
      ']',
      ',',
      '==',
      '<',
      'inner.dst_port',
      '80',
      'tunnel.kind',
      '6in4',
      '"x"',
      'present',
      '6660-6669',
    ];
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...words)).map((list) => list.join(' ')),
        ),
        (text) => {
          try {
            compileCondition(parseCondition(text), NAMES).matches(sheet());
          } catch (error) {
            assert.ok(error instanceof ConditionError, String(error));
            assert.ok(error.span.from >= 0 && error.span.from <= text.length);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('refuse nesting without end', () => {
    assert.match(mistake(`${'('.repeat(500)}teredo.auth${')'.repeat(500)}`).message, /64 deep at most/);
  });

  it('are never gated more narrowly than they match', () => {
    const check = fc.constantFrom(...CHECKS.map(({ name }) => name));
    const kind = fc.constantFrom(...TUNNEL_KINDS);
    const atom = fc.oneof(
      fc
        .tuple(check, fc.constantFrom('violated', 'holds', 'undetermined'))
        .map(([name, value]) => `check.${name} == ${value}`),
      kind.map((name) => `tunnel.kind == ${name}`),
      fc.array(kind, { minLength: 1, maxLength: 3 }).map((list) => `tunnel.kind in [${list.join(', ')}]`),
      kind.map((name) => `tunnel.kind != ${name}`),
      fc.constant('tunnel.carries_ipv6'),
      fc.constantFrom(
        'inner.dst_port == 6667',
        'inner.dst_port in [6660-6669, 7000]',
        'inner.dst_port != 6667',
        'inner.dst_port > 6600',
        'inner.dst_port in irc_ports',
        'inner.dst_port == outer.dst_port',
        'inner.src == 2001:db8::1',
        'inner.src in [2001:db8::/48]',
        'inner.src in [2001:db8::/32, 192.0.2.1]',
        'inner.src in 192.0.2.0/24',
        'inner.src == outer.dst',
      ),
    );
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        atom,
        fc
          .tuple(tie('tree'), fc.constantFrom('and', 'or'), tie('tree'))
          .map(([a, op, b]) => `(${a} ${op} ${b})`),
        tie('tree').map((inner) => `not (${inner})`),
      ),
    }));
    const facts = fc.tuple(
      kind,
      fc.boolean(),
      fc.array(fc.tuple(check, fc.constantFrom(...Object.values(CHECK_VALUE)))),
      fc.constantFrom(undefined, 6667, 6665, 7000, 80),
      fc.constantFrom('2001:db8::1', '2001:db8:0:1::1', '2001:db8:1::1', '192.0.2.1', '192.0.2.77'),
    );
    fc.assert(
      fc.property(tree, facts, (text, [kindName, carries, values, port, source]) => {
        const { matches, gate } = compileCondition(parseCondition(text), NAMES);
        const sheetOf = new FactSheet();
        sheetOf.setNumber(FIELD['tunnel.kind'], KIND[kindName]);
        sheetOf.setFlag(FIELD['tunnel.carries_ipv6'], carries);
        for (const [name, value] of values) sheetOf.checks.set(CHECK[name], value);
        if (port !== undefined) {
          sheetOf.setNumber(FIELD['inner.dst_port'], port);
          sheetOf.setNumber(FIELD['outer.dst_port'], 6667);
        }
        sheetOf.setAddress(FIELD['inner.src'], Uint32Array.from(parseAddress(source)!), 0);
        sheetOf.setAddress(FIELD['outer.dst'], Uint32Array.from(parseAddress('192.0.2.77')!), 0);
        if (!matches(sheetOf)) return;
        assert.ok(gate.value === undefined || hasKey(gate.value, sheetOf), `${text} has another key`);
        assert.ok(((gate.kinds >>> KIND[kindName]) & 1) === 1, `${text} matches ${kindName}`);
        if (gate.violated !== undefined) {
          assert.ok(
            gate.violated.some((word, i) => (word & sheetOf.checks.violated(i)) !== 0),
            `${text} is gated away`,
          );
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a condition that packets of the usual shape cannot meet', () => {
  const isGated = (text: string): boolean => compileCondition(parseCondition(text), NAMES).gate.unusual;

  for (const text of [
    'inner.icmp_type == 134',
    'inner.icmp_type not in [128, 129]',
    'present(teredo.nonce)',
    'teredo.nonce startswith "00"',
    'teredo.auth',
    'teredo.auth == true',
    'teredo.auth != false',
    'teredo.trailer_length > 0',
    'teredo.trailer_length >= 1',
    'teredo.trailer_length in [1-64]',
    'inner.proto == icmp',
    'inner.proto != tcp and inner.extension_headers > 0',
    'teredo.class in [router-solicitation, router-advertisement]',
    'inner.next_header not in [6, 17]',
    'inner.unknown_options > 0 or inner.padding_data > 0',
  ]) {
    it(`is known as such: ${text}`, () => assert.ok(isGated(text)));
  }

  for (const text of [
    'teredo.trailer_length >= 0',
    'teredo.trailer_length < 5',
    'not teredo.auth',
    'teredo.auth == false',
    'teredo.class == data',
    'teredo.class not in [data]',
    'inner.proto != tcp',
    'inner.next_header in [6, 58]',
    'inner.unknown_options > 0 or tunnel.kind == teredo',
    'not (inner.unknown_options > 0)',
    'teredo.trailer_length > tunnel.depth',
  ]) {
    it(`is not claimed of: ${text}`, () => assert.ok(!isGated(text)));
  }
});

describe('the field dictionary', () => {
  it('has unique names, a sentence each, and words for every enum', () => {
    assert.equal(new Set(FIELDS.map(({ name }) => name)).size, FIELDS.length);
    for (const { name, doc, type, words } of FIELDS) {
      assert.match(doc, /^[A-Z].*\.$/, name);
      assert.equal(words.length > 0, type === 'enum', name);
    }
  });

  it('gives every field its own place', () => {
    const facts = new FactSheet();
    const numeric = FIELDS.filter(({ check, type }) => check < 0 && type !== 'string');
    numeric.forEach(({ id, type }, i) => {
      if (type === 'ip') facts.setIpv4(id, i);
      else if (type === 'mac') facts.setMac(id, i, i);
      else if (type === 'u64') facts.setCount(id, i);
      else facts.setNumber(id, i);
    });
    numeric.forEach((field, i) => {
      const at =
        field.slot +
        { ip: 3, mac: 1, u64: 1, port: 0, u8: 0, u16: 0, u32: 0, bool: 0, enum: 0, string: 0 }[field.type];
      assert.equal(facts.words[at], i, field.name);
    });
  });
});
