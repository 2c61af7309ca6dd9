import assert from 'node:assert/strict';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { configSchema } from '../../src/config/config-schema.js';
import { CONFIGURATION } from '../../src/config/definition/configuration.js';
import type { Key } from '../../src/config/kind.js';
import type { LoadedConfig } from '../../src/config/load.js';
import { parseConfig } from '../../src/config/load.js';
import { effectiveConfigText } from '../../src/config/show.js';
import { SourceError } from '../../src/yaml/diagnostic.js';
import { compileSchema, YamlFile } from '../../src/yaml/yaml-file.js';

const ENVIRONMENT = { A: '1', B: 'x y', EMPTY: '' };
const validate = compileSchema(configSchema());

/** The configuration, or undefined when it is wrong and that was told as it must be. */
function parse(text: string): LoadedConfig | undefined {
  try {
    return parseConfig('any.yaml', text, ENVIRONMENT, '/etc/copperhull');
  } catch (error) {
    assert.ok(error instanceof SourceError, error instanceof Error ? error.stack : String(error));
    assert.ok(error.diagnostics.length > 0);
    for (const { line, column, message } of error.diagnostics) {
      assert.ok(line >= 1 && column >= 1, `${line}:${column}`);
      assert.ok(message !== '');
    }
    return undefined;
  }
}

/* Values that are right somewhere, nearly right, or wrong everywhere. */
const scalar = fc.oneof(
  fc.constantFrom(
    '64MiB',
    '1h',
    'never',
    'notice',
    'medium',
    'a:1',
    '[::1]:9092',
    'zeek.{log}',
    '{tenant}',
    'flat',
    'tagged',
    'beats',
    'true',
  ),
  fc.constantFrom(
    '${A}',
    '${B}',
    '${NONE}',
    '${NONE:-5}',
    '$$',
    '${',
    'file:/none',
    'file:',
    '~',
    '[secret]',
    'ws://a/',
    'wss://u:p@h/',
    '127.0.0.1:9092',
  ),
  fc.string({ maxLength: 12 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom('type', 'name', '__proto__', 'a'), fc.string({ maxLength: 5 })),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
})).value;

/** Values for a section: its keys, mostly with values of the right shape. */
function sectionOf(keys: Readonly<Record<string, Key>>, tag?: string): fc.Arbitrary<unknown> {
  const parts = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, valueOf(key)]));
  return fc
    .record(parts, { requiredKeys: Object.keys(keys).filter((name) => keys[name]!.presence === 'required') })
    .map((record) => (tag === undefined ? record : { type: tag, ...record }));
}

function valueOf({ kind, otherwise, example }: Key): fc.Arbitrary<unknown> {
  const known = [otherwise, example].filter((part) => part !== undefined);
  const right =
    known.length === 0 ? [] : [{ weight: 64, arbitrary: fc.constantFrom(...known) as fc.Arbitrary<unknown> }];
  const sections = kind.sections.map((section) => sectionOf(section.keys, section.tag));
  const isList = Array.isArray(otherwise);
  return fc.oneof(
    ...right,
    { weight: 1, arbitrary: value },
    ...sections.map((arbitrary) => ({
      weight: 32,
      arbitrary: isList ? fc.array(arbitrary, { maxLength: 3 }) : arbitrary,
    })),
  );
}

describe('any text as configuration', () => {
  it('is read, or refused with places', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void parse(text)),
      { numRuns: 500 },
    );
    const yaml = fc.string({
      unit: fc.constantFrom(...'sinks:-type&a*a{}[]"\'|>!#$%@`,?~ \n\t\u0000'.split('')),
      maxLength: 60,
    });
    fc.assert(
      fc.property(yaml, (text) => void parse(text)),
      { numRuns: 1000 },
    );
  });

  it('made of any values is read, or refused with places', () => {
    fc.assert(
      fc.property(value, (any) => void parse(stringify(any))),
      { numRuns: 1000 },
    );
  });

  it('made of its own keys is read, or refused with places', () => {
    let read = 0;
    fc.assert(
      fc.property(sectionOf(CONFIGURATION.keys), (any) => {
        const text = stringify(any, { aliasDuplicateObjects: false });
        const loaded = parse(text);
        if (loaded === undefined) return;
        read++;
        // The schema refuses nothing that is read, so that no editor complains about a good file.
        assert.ok(
          validate(new YamlFile('any.yaml', text).value),
          `${JSON.stringify(validate.errors)}\n${text}`,
        );
        // What is shown is a configuration again, and the same one.
        const shown = effectiveConfigText(loaded.config);
        if (!shown.includes('[secret]')) assert.deepEqual(parse(shown)?.config, loaded.config);
      }),
      { numRuns: 1000 },
    );
    assert.ok(read > 50, `only ${read} were right`);
  });
});
