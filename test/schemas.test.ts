import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

const FOLDER = new URL('../schemas/', import.meta.url);

describe('the schemas', () => {
  // The program does not check them at each start.
  for (const name of readdirSync(FOLDER)) {
    it(`${name} is a JSON Schema of draft 2020-12`, () => {
      const schema = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as object;
      const ajv = new Ajv2020();
      assert.ok(ajv.validateSchema(schema), ajv.errorsText());
    });
  }

  it('are refused when they are none', () => {
    assert.equal(new Ajv2020({ logger: false }).validateSchema({ type: 'strnig' }), false);
  });
});
