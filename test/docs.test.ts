import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { analyseCapture } from './support/analysing.js';
import { LAB_CAPTURES } from './support/captures.js';
import { REPLAY_SEED } from '../src/sensor/replay.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function pages(folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|dist|captures|\.\w+|.*\.copperhull)$/.test(entry.name) ? [] : pages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

describe('the documentation', () => {
  it('has no link to a page that is not there', () => {
    const broken = pages().flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#:\s]+)(#[^)]*)?\)/g)]
        .map((match) => match[1]!)
        .filter((target) => !existsSync(resolve(dirname(page), target)))
        .map((target) => `${relative(ROOT, page)} -> ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  it('shows in the README the alert that the demo raises, byte for byte', async () => {
    const text = /```json\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))![1]!;
    const { lines } = await analyseCapture(join(LAB_CAPTURES, 'teredo-qualify-irc-http-natoutside.pcap'), {
      sensor: 'copperhull',
      seed: REPLAY_SEED,
    });
    const alert = lines('notice').find((line) => line['rule_id'] === 'inner-irc-port');
    assert.deepEqual(JSON.parse(text), alert);
  });

  it('names every command of the README as it is', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    for (const command of ['scripts/demo', 'scripts/test', 'bin/copperhull']) {
      assert.ok(readme.includes(command));
      assert.ok(existsSync(join(ROOT, command)));
    }
  });
});
