import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ChildMessage, TargetProgress } from './child.js';
import { findTarget, TARGET_NAMES } from './targets.js';
import { runChild } from './watchdog.js';

/*
 * fuzz [--seconds N] [--target NAME]... [--seed N] [--out FOLDER] [--hang-seconds N] [FILE...]
 * Exit code 1 when something was found, 2 when the arguments are wrong.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string', multiple: true, default: TARGET_NAMES },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: join(ROOT, '.cache/fuzz') },
    'hang-seconds': { type: 'string', default: '5' },
  },
});
const seconds = positive(values.seconds, '--seconds');
const hangMs = positive(values['hang-seconds'], '--hang-seconds') * 1000;
const seed = positive(values.seed, '--seed');
for (const name of values.target) {
  if (!TARGET_NAMES.includes(name) && !name.endsWith('.ts')) {
    refuse(`there is no target ${name}; there are ${TARGET_NAMES.join(', ')}.`);
  }
}
let found = 0;
if (positionals.length > 0) await replay(values.target, positionals);
else await fuzz(values.target);
process.exitCode = found > 0 ? 1 : 0;

async function fuzz(names: readonly string[]): Promise<void> {
  console.log(`fuzz: ${names.length} targets, ${seconds} s, seed ${seed}`);
  const begin = performance.now();
  const progress = new Map<string, TargetProgress>();
  const onMessage = (message: ChildMessage): void => {
    if (message.is === 'progress') progress.set(message.progress.target, message.progress);
    else if (message.is === 'finding') {
      const { target, message: said } = message.finding;
      tellFinding(target, said, Buffer.from(message.base64, 'base64'));
    }
  };
  let targets = names;
  for (;;) {
    const left = seconds - (performance.now() - begin) / 1000;
    if (left <= 0 || targets.length === 0) break;
    const end = await runChild({ targets, seed, seconds: left }, hangMs, onMessage);
    if (end === undefined) break;
    // What a machine that stood still makes late is late once.
    const path = write(end.target, end.data);
    if (!isConfirmed(end.target, path)) continue;
    tellFinding(end.target, end.message, end.data);
    targets = targets.filter((name) => name !== end.target);
  }
  summarise([...progress.values()]);
}

function summarise(rows: readonly TargetProgress[]): void {
  for (const { target, executions, busyMs, corpus, traits } of rows) {
    const rate = Math.round((executions * 1000) / busyMs);
    console.log(
      `${basename(target).padEnd(16)} ${executions} executions, ${rate} a second, corpus ${corpus}, ${traits} outcomes`,
    );
  }
  const sum = (of: (row: TargetProgress) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const executions = sum((row) => row.executions);
  const rate = Math.round(
    (executions * 1000) /
      Math.max(
        1,
        sum((row) => row.busyMs),
      ),
  );
  const corpus = sum((row) => row.corpus);
  console.log(`${executions} executions, ${rate} a second, corpus ${corpus}, ${found} found`);
}

async function replay(names: readonly string[], files: readonly string[]): Promise<void> {
  const [name = ''] = names;
  const target = names.length === 1 ? await findTarget(name) : undefined;
  if (target === undefined) refuse('say with --target what the files are inputs of.');
  for (const file of files) {
    try {
      await target.fuzz(readFileSync(file));
      console.log(`${file}: nothing is wrong`);
    } catch (error) {
      found++;
      console.log(`${file}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
}

function isConfirmed(target: string, path: string): boolean {
  const main = fileURLToPath(import.meta.url);
  const again = spawnSync(process.execPath, [...process.execArgv, main, '--target', target, path], {
    timeout: hangMs * 2,
    stdio: 'ignore',
  });
  return again.status !== 0;
}

function tellFinding(target: string, message: string, data: Buffer): void {
  found++;
  const path = write(target, data);
  console.log(`FOUND in ${target}: ${message}`);
  console.log(
    `  ${data.length} octets; replay with: scripts/fuzz --target ${target} ${relative(process.cwd(), path)}`,
  );
}

function write(target: string, data: Buffer): string {
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 16);
  mkdirSync(values.out, { recursive: true, mode: 0o750 });
  const path = join(values.out, `${basename(target, '.ts')}-${hash}`);
  writeFileSync(path, data, { mode: 0o640 });
  return path;
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 2 ** 31)) refuse(`${name} takes a number above 0.`);
  return value;
}

function refuse(why: string): never {
  process.stderr.write(`fuzz: ${why}\n`);
  process.exit(2);
}
