import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { CORPUS, findTarget, keptInputs, TARGET_NAMES } from '../../scripts/fuzz.d/targets.js';

describe('kept inputs of the fuzzer', function () {
  this.timeout(60_000);

  it('belong to targets that there are', () => {
    const unknown = readdirSync(CORPUS).filter((name) => !TARGET_NAMES.includes(name));
    assert.deepEqual(unknown, []);
  });

  for (const name of TARGET_NAMES) {
    for (const input of keptInputs(name)) {
      it(`break nothing: ${name}, ${input.name.replaceAll('-', ' ')}`, async () => {
        const target = await findTarget(name);
        await target!.fuzz(input.data);
      });
    }

    it(`begin beside seeds that break nothing: ${name}`, async () => {
      const target = (await findTarget(name))!;
      const seeds = await target.seeds();
      assert.ok(seeds.length > 0);
      const step = Math.ceil(seeds.length / 20);
      for (let i = 0; i < seeds.length; i += step) await target.fuzz(Buffer.from(seeds[i]!));
    });
  }
});
