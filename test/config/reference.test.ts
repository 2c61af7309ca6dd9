import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse as parseYaml } from 'yaml';
import { configSchema } from '../../src/config/config-schema.js';
import { CONFIGURATION } from '../../src/config/definition/configuration.js';
import type { AnySection, JsonSchema, Plain } from '../../src/config/kind.js';
import { parseConfig } from '../../src/config/load.js';
import { Place } from '../../src/config/place.js';
import { configReference, referenceSections } from '../../src/config/reference.js';
import { readSchema } from '../../src/sensor/package-files.js';
import { YamlFile } from '../../src/yaml/yaml-file.js';
import { temporaryFolder } from '../support/temporary.js';

const PAGE = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, strictRequired: false });
ajv.addSchema(configSchema());

function allSections(section: AnySection = CONFIGURATION, found = new Set<AnySection>()): Set<AnySection> {
  if (found.has(section)) return found;
  found.add(section);
  for (const { kind } of Object.values(section.keys))
    for (const inside of kind.sections) allSections(inside, found);
  return found;
}

function accepts(schema: JsonSchema, value: unknown): void {
  const validate = ajv.compile(schema);
  assert.ok(validate(value), `${JSON.stringify(validate.errors)} for ${JSON.stringify(value)}`);
}

/** Every value that the definition shows, with the schema and the reader of its kind. */
function* shownValues(): Generator<readonly [string, Plain, AnySection['keys'][string]]> {
  for (const { name, keys } of allSections()) {
    for (const [keyName, key] of Object.entries(keys)) {
      for (const value of [key.example, key.otherwise])
        if (value !== undefined) yield [`${name}.${keyName}`, value, key];
    }
  }
}

describe('the JSON schema of the configuration', () => {
  const folder = temporaryFolder();

  it('is the committed one', () => {
    assert.deepEqual(configSchema(), readSchema('config.schema.json'));
  });

  it('accepts every example and default, and so does the reader', () => {
    for (const [name, value, key] of shownValues()) {
      const definitions: Record<string, JsonSchema> = {};
      accepts({ ...key.kind.schema(definitions), $defs: configSchema()['$defs'] }, value);
      const file = new YamlFile('any.yaml', '');
      const findings = { file, folder: '/', environment: {}, mistakes: [], warnings: [], claims: new Map() };
      new Place(findings, [name], value, { sensor: 'a', type: 'a', name: 'a' }, true).read(key.kind);
      // A secret's example names a file that is not here.
      const wrong = findings.mistakes.filter(
        ({ message }: { message: string }) => !message.includes('is not there'),
      );
      assert.deepEqual(wrong, [], name);
    }
  });

  it('accepts every example of the page, and each loads', () => {
    mkdirSync(folder.path('tls'));
    writeFileSync(folder.path('tls/ca.pem'), '');
    writeFileSync(folder.path('kafka-password'), 'x');
    chmodSync(folder.path('kafka-password'), 0o600);
    const examples = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);
    assert.ok(examples.length >= 3);
    for (const text of examples) {
      accepts({ $ref: 'urn:copperhull:config' }, parseYaml(text));
      assert.deepEqual(parseConfig('example.yaml', text, {}, folder.path('')).warnings, []);
    }
  });

  it('accepts variables of the environment wherever the reader does', () => {
    const text = `sensor: $\{A}
sinks:
  - type: kafka
    brokers: ["$\{A}:$\{B}"]
    lingerMs: $\{B}
    batchBytes: $\{B}
    minSeverity: $\{C}
    tls: $\{D}
    logs: ["$\{E}"]
`;
    accepts({ $ref: 'urn:copperhull:config' }, parseYaml(text));
    const environment = { A: 'a', B: '2000', C: 'low', D: 'true', E: 'notice' };
    assert.equal(parseConfig('mine.yaml', text, environment, '/').config.sinks.length, 1);
  });

  it('refuses what an editor should mark', () => {
    const validate = ajv.compile({ $ref: 'urn:copperhull:config' });
    const wrong: unknown[] = [
      [],
      { sesnor: 'a' },
      { sinks: [{ type: 'kafka' }] },
      { sinks: [{ type: 'kafka', brokers: [] }] },
      { sinks: [{ type: 'kafka', brokers: ['a'] }] },
      { sinks: [{ type: 'files', brokers: ['a:1'] }] },
      { sinks: [{ type: 'files', keep: 0 }] },
      { sinks: [{ type: 'files', rotateBytes: '100MB' }] },
      { sinks: [{ type: 'fils' }] },
    ];
    for (const value of wrong) assert.ok(!validate(value), JSON.stringify(value));
  });
});

describe('the reference page', () => {
  it('explains every key, with a sentence', () => {
    for (const { name, doc, keys } of referenceSections()) {
      assert.match(doc, /\.$/, name);
      for (const key of keys) {
        assert.match(key.doc, /^[A-Z`_].*[.)]$/, `${name}.${key.name}`);
        assert.notEqual(key.words, '');
        assert.ok(PAGE.includes(`| \`${key.name}\``), key.name);
      }
    }
  });

  it('gives each section one name, also below another', () => {
    const names = [...allSections()].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z-]+$/);
  });

  it('has a heading for every link', () => {
    const page = configReference();
    for (const match of page.matchAll(/\]\(#([^)]+)\)/g))
      assert.ok(page.includes(`\n## ${match[1]!}\n`), match[1]);
  });
});
