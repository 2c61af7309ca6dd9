import { onFirstNodeOnly } from './support/first-node.js';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { analyseCapture } from './support/analysing.js';
import { LAB_CAPTURES } from './support/captures.js';
import { copperhull } from './support/command.js';
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
  onFirstNodeOnly();

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

  it('shows commands and options that there are', async () => {
    const blocks = ['README.md', 'docs/run.md', 'docs/deploy.md'].flatMap((page) =>
      [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
        .filter(([, language]) => language === '' || language === 'sh')
        .map(([, , text]) => text!),
    );
    const unit = readFileSync(join(ROOT, 'deploy/copperhull.service'), 'utf8');
    const shown = [...blocks, unit].flatMap((text) =>
      [...text.matchAll(/^(?:ExecStart=| *)\S*copperhull ([a-z].*)$/gm)].map((match) =>
        match[1]!.replace(/\s#.*/, ''),
      ),
    );
    for (const command of ['check', 'run'])
      assert.ok(shown.some((text) => text.startsWith(`${command} --interface`)));
    const help = new Map<string, Promise<string>>();
    for (const text of shown) {
      const [command, ...words] = text.split(/\s+/);
      const asked = help.get(command!) ?? copperhull([command!, '--help']).then(({ stdout }) => stdout);
      help.set(command!, asked);
      const options = words.filter((word) => word.startsWith('--'));
      for (const option of options) assert.match(await asked, new RegExp(`${option}\\b`), text);
      assert.match(await asked, new RegExp(`^Usage: copperhull ${command!}\\b`), text);
    }
  });

  it('has one user, one configuration file and one folder for the service', () => {
    const unit = readFileSync(join(ROOT, 'deploy/copperhull.service'), 'utf8');
    const page = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
    assert.match(unit, /^User=copperhull$/m);
    assert.match(page, /useradd --system .* copperhull$/m);
    for (const path of ['/opt/copperhull/bin/copperhull', '/etc/copperhull/config.yaml']) {
      assert.ok(unit.includes(path), path);
      assert.ok(page.includes(path), path);
    }
  });

  it('names every command of the README as it is', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    for (const command of ['scripts/demo', 'scripts/test', 'bin/copperhull']) {
      assert.ok(readme.includes(command));
      assert.ok(existsSync(join(ROOT, command)));
    }
  });
});
