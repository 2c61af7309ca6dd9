import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Campaign } from '../../scripts/fuzz.d/campaign.js';
import { minimised } from '../../scripts/fuzz.d/minimise.js';
import type { FuzzTarget } from '../../scripts/fuzz.d/target.js';
import { onFirstNodeOnly } from '../support/first-node.js';
import { temporaryFolder } from '../support/temporary.js';
import * as throwing from './planted/throws.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/fuzz', import.meta.url));
const planted = (name: string): string => fileURLToPath(new URL(`planted/${name}.ts`, import.meta.url));

async function inputsOf(seed: number, turns: readonly number[]): Promise<string[]> {
  const inputs: string[] = [];
  const onInput = (data: Buffer): unknown => inputs.push(data.toString('latin1'));
  const campaign = await Campaign.create(throwing, { name: 'planted', seed, kept: [], onInput });
  for (const count of turns) await campaign.turn(count);
  return inputs;
}

describe('the fuzzer', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();

  it('finds a planted fault step by step and makes its input small', async () => {
    const options = { name: 'planted', seed: 3, kept: [], onInput: (): void => undefined };
    const campaign = await Campaign.create(throwing, options);
    while (campaign.findings.length === 0 && campaign.executions < 1_000_000) await campaign.turn(1_000);
    assert.deepEqual(
      campaign.findings.map(({ data }) => data.toString()),
      ['TEREDO'],
    );
    assert.match(campaign.findings[0]!.message, /a planted fault at 6/);
  });

  it('tries the same inputs for the same seed, however they are cut into turns', async () => {
    const whole = await inputsOf(5, [600]);
    assert.deepEqual(await inputsOf(5, [100, 1, 499]), whole);
    assert.notDeepEqual(await inputsOf(6, [600]), whole);
  });

  it('tells one fault once', async () => {
    const target: FuzzTarget = {
      fuzz: (data) => {
        throw new Error(`always, ${data.length}`);
      },
      maxLength: 9,
      seeds: () => [Buffer.from('a'), Buffer.from('bb')],
    };
    const options = { name: 'planted', seed: 1, kept: [], onInput: (): void => undefined };
    const campaign = await Campaign.create(target, options);
    await campaign.turn(200);
    assert.equal(campaign.findings.length, 1);
  });

  it('minimises to what is needed alone', async () => {
    const input = Buffer.from('a lot of octets, an x and a y, and more behind');
    const small = await minimised(input, (data) => Promise.resolve(/x.*y/.test(data.toString())));
    assert.equal(small.toString(), 'xy');
  });

  describe('as a command', () => {
    onFirstNodeOnly();

    it('writes a finding, says how to replay it, and fails', () => {
      const out = folder.path('throws');
      const run = fuzz('--target', planted('throws'), '--seconds', '4', '--seed', '3', '--out', out);
      assert.equal(run.status, 1, run.stdout + run.stderr);
      assert.match(run.stdout, /FOUND in .*throws\.ts: Error: a planted fault at 6/);
      const [name = ''] = readdirSync(out);
      assert.match(run.stdout, new RegExp(`replay with: scripts/fuzz --target \\S+ \\S+${name}`));
      assert.equal(readFileSync(join(out, name), 'utf8'), 'TEREDO');
      const again = fuzz('--target', planted('throws'), join(out, name));
      assert.equal(again.status, 1);
      assert.match(again.stdout, /a planted fault/);
    });

    it('ends an input that hangs and one that ends the process, and writes both', () => {
      for (const [name, begin, why] of [
        ['hangs', 'H', /takes longer than 1 seconds/],
        ['dies', 'D', /ends the process \(SIGABRT\)/],
      ] as const) {
        const out = folder.path(name);
        const options = ['--seconds', '30', '--hang-seconds', '1', '--out', out];
        const run = fuzz('--target', planted(name), ...options);
        assert.equal(run.status, 1, run.stdout + run.stderr);
        assert.match(run.stdout, why);
        assert.equal(readFileSync(join(out, readdirSync(out)[0]!), 'latin1')[0], begin);
      }
    });

    it('refuses a target that there is not', () => {
      const run = fuzz('--target', 'nothing');
      assert.equal(run.status, 2);
      assert.match(run.stderr, /^fuzz: there is no target nothing; there are frame, /m);
    });
  });
});

function fuzz(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(SCRIPT, args, { encoding: 'utf8' });
}
