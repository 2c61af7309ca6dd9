import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { configSchema } from '../../src/config/config-schema.js';
import { copperhull } from '../support/command.js';

const PATH = fileURLToPath(new URL('../../deploy/copperhull.yaml', import.meta.url));
const TEXT = readFileSync(PATH, 'utf8');

describe('deploy/copperhull.yaml', () => {
  it('loads without warnings, and the schema accepts it', () => {
    assert.deepEqual(loadConfig(PATH, {}).warnings, []);
    const accepts = new Ajv2020({ strict: false }).compile(configSchema());
    assert.ok(accepts(parse(TEXT)), JSON.stringify(accepts.errors));
  });

  it('loads with what is commented out, too', () => {
    const whole = TEXT.replace(/^ {2}# (?=- type| {2})/gm, '  ');
    const { config, warnings } = parseConfig('copperhull.yaml', whole, {}, '/');
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      config.sinks.map(({ type }) => type),
      ['files', 'kafka'],
    );
  });

  it('is one that check finds nothing wrong with, but for what this machine has not', async () => {
    const { stdout } = await copperhull(['check', '--config', PATH, '--json']);
    const { items } = JSON.parse(stdout) as { items: { item: string; status: string; reason: string }[] };
    for (const item of ['configuration', 'rules', 'lists'])
      assert.equal(items.find((one) => one.item === item)?.status, 'ok', stdout);
  });
});
