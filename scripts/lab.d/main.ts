import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PortLogs } from './judge.js';
import { alertLines, differences, doubled, mistakes, readLogs } from './judge.js';
import type { PortExpectation } from './plan.js';
import { loadPlan, scenarioOf } from './plan.js';

/*
 * The part of scripts/lab that reads scenarios and logs: `list`, `names`, `row SCENARIO` (what the shell part needs of
 * it), `judge SCENARIO FOLDER`.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RULES = join(ROOT, 'scripts/lab.d/rules');
const REPLAY_TIMEOUT_MS = 60_000;

const plan = loadPlan();

/* Replays what a port saw into `PORT.replay` beside it. */
function replay(folder: string, port: string): PortLogs {
  const out = join(folder, `${port}.replay`);
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...['--import', 'tsx', 'src/cli/main.ts', 'replay', join(folder, `${port}.pcap`)],
      ...['--out', out, '--overwrite', '--quiet', '--rules', RULES, '--sensor', 'lab'],
    ],
    { cwd: ROOT, encoding: 'utf8', timeout: REPLAY_TIMEOUT_MS },
  );
  if (status !== 0) throw new Error(`replay of mirror port ${port} failed: ${stderr.trim()}`);
  return readLogs(out);
}

/** True when all ports of the scenario saw what they should, live and replayed. */
function judge(name: string, folder: string): boolean {
  const { ports } = scenarioOf(plan, name);
  const ofPorts = (read: (port: string) => PortLogs): Map<string, PortLogs> =>
    new Map(Object.keys(ports).map((port) => [port, read(port)]));
  const replays = ofPorts((port) => replay(folder, port));
  const lives = existsSync(join(folder, `${Object.keys(ports)[0]!}.live`))
    ? ofPorts((port) => readLogs(join(folder, `${port}.live`)))
    : undefined;
  let isRight = true;
  for (const [port, expected] of Object.entries(ports)) {
    const wrong = wrongOf(port, expected, replays);
    if (lives !== undefined) {
      const live = lives.get(port)!;
      const inLive = [...differences(live, replays.get(port)!), ...wrongOf(port, expected, lives)];
      wrong.push(...inLive.map((text) => `live sensor: ${text}`));
    }
    const alerts = alertLines(replays.get(port)!);
    const how = lives === undefined ? 'replayed' : 'live and replayed';
    const same = lives === undefined || wrong.length > 0 ? '' : 'the same ';
    console.log(
      `${wrong.length === 0 ? 'ok' : 'FAILED'} ${name}, mirror port ${port}, ${how}: ${same}${alerts.length} alerts`,
    );
    for (const text of wrong) console.log(`  wrong: ${text}`);
    for (const text of alerts) console.log(`  ${text}`);
    if (wrong.length > 0) isRight = false;
  }
  return isRight;
}

function wrongOf(port: string, expected: PortExpectation, logs: ReadonlyMap<string, PortLogs>): string[] {
  const own = logs.get(port)!;
  const once = logs.get(expected.same_totals_as ?? '');
  return [...mistakes(expected, plan.never, own), ...(once === undefined ? [] : doubled(once, own))];
}

function run(command: string | undefined, name = '', folder = ''): boolean {
  const { scenarios } = plan;
  switch (command) {
    case 'names':
      for (const scenario of Object.keys(scenarios)) console.log(scenario);
      return true;
    case 'list':
      for (const [scenario, { about, kernel, quick }] of Object.entries(scenarios)) {
        console.log(
          `${scenario.padEnd(33)}${kernel.padEnd(5)}${quick === true ? 'quick  ' : '       '}${about}`,
        );
      }
      return true;
    case 'row': {
      const { network, kernel, sensors = 'outside', seconds, ports } = scenarioOf(plan, name);
      console.log([network, kernel, sensors, seconds, ...Object.keys(ports)].join(' '));
      return true;
    }
    case 'judge':
      return judge(name, folder);
    default:
      throw new Error(`no command ${command ?? ''}`);
  }
}

try {
  process.exitCode = run(...(process.argv.slice(2) as [string?, string?, string?])) ? 0 : 1;
} catch (error) {
  console.error(`lab: ${(error as Error).message}`);
  process.exitCode = 1;
}
