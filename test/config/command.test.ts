import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { copperhull } from '../support/command.js';
import { temporaryFolder } from '../support/temporary.js';

describe('copperhull config', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const file = (name: string, text: string): string => {
    const path = folder.path(name);
    writeFileSync(path, text);
    return path;
  };

  it('shows the defaults without a file', async () => {
    const { code, stdout, stderr } = await copperhull(['config', 'show']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^sensor: copperhull\ninterfaces: \[\]\ncapture:\n {2}driver: libpcap\n/);
    assert.match(stdout, /\nsinks: \[\]\n$/);
  });

  it('shows what follows from a file, with defaults, without secrets, and warns', async () => {
    const password = file('password', 'correct-horse\n');
    chmodSync(password, 0o600);
    const sink = (name: string, secret: string): string =>
      `  - type: kafka\n    name: ${name}\n    brokers: ["[::1]:9092"]\n    sasl: { mechanism: plain, username: a, password: ${secret} }\n`;
    const path = file(
      'config.yaml',
      `sensor: s\nsinks:\n${sink('a', 'file:password')}${sink('b', 'hunter2')}`,
    );
    const yaml = await copperhull(['config', 'show', path]);
    const json = await copperhull(['config', 'show', path, '--json']);
    assert.equal(yaml.code, 0);
    assert.match(
      yaml.stderr,
      /^warning: \S+config.yaml:10:54: this secret stands in the configuration file; .*\n$/,
    );
    assert.deepEqual(parse(yaml.stdout), JSON.parse(json.stdout));
    const { sensor, sinks } = JSON.parse(json.stdout) as { sensor: string; sinks: Record<string, unknown>[] };
    assert.equal(sensor, 's');
    assert.deepEqual(sinks[0]!['brokers'], ['[::1]:9092']);
    assert.equal((sinks[0]!['spool'] as Record<string, unknown>)['maxBytes'], '1GiB');
    assert.deepEqual(
      sinks.map((sinkShown) => (sinkShown['sasl'] as Record<string, unknown>)['password']),
      [`file:${password}`, '[secret]'],
    );
    for (const { stdout, stderr } of [yaml, json]) assert.ok(!/correct-horse|hunter2/.test(stdout + stderr));
  });

  it('ends with 3 and the places when the file is wrong', async () => {
    const path = file('wrong.yaml', 'sesnor: a\nsinks: [{ type: kafka }]\n');
    const { code, stdout, stderr } = await copperhull(['config', 'show', path]);
    assert.equal(code, 3);
    assert.equal(stdout, '');
    assert.match(stderr, /wrong.yaml:1:1: unknown key "sesnor"; did you mean "sensor"\?\n/);
    assert.match(stderr, /wrong.yaml:2:9: the key "brokers" is missing\n/);
  });

  it('ends with 3 and one sentence when there is no file', async () => {
    const { code, stderr } = await copperhull(['config', 'show', folder.path('none.yaml')]);
    assert.equal(code, 3);
    assert.match(stderr, /^\S+none.yaml: the configuration file is not there; check the path\.\n$/);
  });

  it('explains every key as text, and as a JSON Schema', async () => {
    const text = await copperhull(['config', 'reference']);
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^CONFIGURATION\n/);
    assert.match(text.stdout, /\n {2}lingerMs\n {6}How long .*\n {6}whole number .*; default 5\n/);
    const json = await copperhull(['config', 'reference', '--json']);
    const committed = readFileSync(new URL('../../schemas/config.schema.json', import.meta.url), 'utf8');
    assert.deepEqual(JSON.parse(json.stdout), JSON.parse(committed));
  });

  it('has help with an example', async () => {
    for (const args of [
      ['config', 'show'],
      ['config', 'reference'],
    ]) {
      const { code, stdout } = await copperhull([...args, '--help']);
      assert.equal(code, 0);
      assert.match(stdout, /Example:\n {2}\$ copperhull config/);
    }
  });
});
