import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** Which folder may import which (docs/design.md section 3). */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  state: [],
  yaml: [],
  model: ['wire'],
  config: ['wire', 'model', 'yaml'],
  decode: ['wire'],
  capture: ['wire'],
  reassembly: ['wire', 'decode', 'state'],
  tunnel: ['wire', 'decode', 'state', 'model'],
  flow: ['wire', 'decode', 'state', 'model', 'tunnel'],
  rules: ['wire', 'model', 'yaml'],
  intel: ['wire', 'model', 'yaml'],
  census: ['wire', 'decode', 'state', 'model'],
  zeek: ['wire', 'model'],
  sink: ['model', 'zeek'],
  observe: ['model'],
  sensor: [
    'wire',
    'state',
    'yaml',
    'model',
    'config',
    'decode',
    'capture',
    'reassembly',
    'tunnel',
    'flow',
    'rules',
    'intel',
    'census',
    'zeek',
    'sink',
    'observe',
  ],
  cli: ['wire', 'yaml', 'model', 'config', 'rules', 'intel', 'zeek', 'sink', 'observe', 'sensor', 'capture'],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sourceFiles(path) : path.endsWith('.ts') ? [path] : [];
  });
}

function imports(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)'/g)].map((match) =>
    resolve(dirname(path), match[1]!),
  );
}

describe('the layout', () => {
  const files = sourceFiles(SRC);

  it('knows every folder of src', () => {
    const folders = new Set(files.map((file) => relative(SRC, file).split('/')[0]!));
    assert.deepEqual([...folders].sort(), Object.keys(ARROWS).sort());
  });

  it('has arrows that point one way', () => {
    const wrong = files.flatMap((file) => {
      const from = relative(SRC, file).split('/')[0]!;
      return imports(file)
        .map((target) => relative(SRC, target).split('/')[0]!)
        .filter((to) => to !== from && !ARROWS[from]!.includes(to))
        .map((to) => `${relative(SRC, file)} imports ${to}`);
    });
    assert.deepEqual(wrong, []);
  });

  it('has no cycle between folders', () => {
    const done = new Set<string>();
    const visit = (folder: string, above: readonly string[]): void => {
      assert.ok(!above.includes(folder), `cycle: ${[...above, folder].join(' -> ')}`);
      if (done.has(folder)) return;
      for (const next of ARROWS[folder]!) visit(next, [...above, folder]);
      done.add(folder);
    };
    for (const folder of Object.keys(ARROWS)) visit(folder, []);
  });

  it('keeps files below 400 lines', () => {
    const long = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > 401);
    assert.deepEqual(
      long.map((file) => relative(SRC, file)),
      [],
    );
  });

  it('has no file called utils or common', () => {
    assert.deepEqual(
      files.filter((file) => /\/(utils?|common|helpers?)\.ts$/.test(file)),
      [],
    );
  });
});
