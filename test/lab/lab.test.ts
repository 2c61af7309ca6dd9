import { skip } from '../support/skip.js';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPlan } from '../../scripts/lab.d/plan.js';
import { builtCommand } from '../support/built-command.js';
import { whyNotAgain } from '../support/first-node.js';
import { temporaryFolder } from '../support/temporary.js';

const LAB = fileURLToPath(new URL('../../scripts/lab', import.meta.url));
const SCENARIO_TIMEOUT_MS = 120_000;

/** Why the lab cannot run here, or should not (COPPERHULL_NO_LAB says it), or undefined. */
function obstacle(): string | undefined {
  const asked = process.env['COPPERHULL_NO_LAB'] ?? whyNotAgain();
  if (asked !== undefined) return asked;
  const { status, stderr } = spawnSync(LAB, ['check'], { encoding: 'utf8' });
  return status === 0 ? undefined : stderr.trim();
}

/** Network namespaces of a run. */
function namespaces(run: string): string[] {
  const list = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  return list.filter((line) => line.startsWith(`chl-${run}-`));
}

/** False also for a process that has ended and was not waited for. */
function isRunning(pid: string): boolean {
  const status = `/proc/${pid}/status`;
  return existsSync(status) && !/^State:\s+Z/m.test(readFileSync(status, 'utf8'));
}

describe('the live lab', function () {
  this.timeout(SCENARIO_TIMEOUT_MS);
  const temporary = temporaryFolder();

  before(function () {
    const reason = obstacle();
    if (reason === undefined) builtCommand();
    if (reason !== undefined) skip(this, reason);
  });

  /* Not spawnSync: a broker that other tests share wants to be heard in between. */
  function played(scenario: string, sensor?: string): Promise<{ status: number; output: string }> {
    return new Promise((resolve) => {
      execFile(
        LAB,
        ['run', scenario, '--quick', '--out', temporary.path('')],
        { env: { ...process.env, ...(sensor !== undefined && { LAB_SENSOR: sensor }) } },
        (error, stdout, stderr) =>
          resolve({ status: Number(error?.code ?? 0), output: `${stdout}${stderr}` }),
      );
    });
  }

  async function run(scenario: string, sensor?: string): Promise<string> {
    const { status, output } = await played(scenario, sensor);
    assert.equal(status, 0, output);
    return output;
  }

  for (const [name, { about, quick, ports }] of Object.entries(loadPlan().scenarios)) {
    if (quick !== true) continue;
    it(`${name}, live and replayed: ${about}`, async () => {
      const output = await run(name);
      for (const port of Object.keys(ports))
        assert.match(
          output,
          new RegExp(`^ok .*port ${port}, live and replayed: the same [1-9]\\d* alerts$`, 'm'),
        );
    });
  }

  it('takes another program for the live sensor', async () => {
    // Reads the port itself, and replays what it read when it is told to stop.
    const output = await run('teredo-low-mtu', `${STAND_IN} {interface} {out} {rules}`);
    assert.match(output, /^ok .* live and replayed: the same 3 alerts$/m);
    assert.ok(existsSync(join(temporary.path('teredo-low-mtu'), 'nat-outside.live/notice.log')));
  });

  it('fails when a live sensor says less than the replay', async () => {
    const deaf = 'tcpdump -qni {interface} -w /dev/null';
    const { status, output } = await played('teredo-low-mtu', deaf);
    assert.equal(status, 1);
    assert.match(output, /live sensor: raised 0 times live and 1 times in the replay: rule_id=tunnel-in-use/);
  });

  it('takes away all that it made when it is ended in the middle', async () => {
    const folder = temporary.path('runs');
    chmodSync(temporary.path(''), 0o711);
    mkdirSync(folder);
    const lab = spawn(LAB, ['run', 'teredo-idle', '--out', temporary.path('ended')], {
      stdio: 'ignore',
      env: { ...process.env, LAB_RUNS: join(folder, 'run') },
    });
    const ended = new Promise((resolve) => lab.on('exit', (code) => resolve(code)));
    while (readdirSync(folder).length === 0) await pause(20);
    const run = readdirSync(folder)[0]!;
    const token = run.replace('run.', '');
    // Miredo's server is the last but one that is started.
    while (!existsSync(join(folder, run, 'log/miredo-server'))) await pause(20);
    const processes = readFileSync(join(folder, run, 'processes'), 'utf8')
      .trim()
      .split('\n');
    assert.equal(namespaces(token).length, 11);
    lab.kill('SIGTERM');
    assert.equal(await ended, 143);
    assert.deepEqual(namespaces(token), []);
    assert.deepEqual(readdirSync(folder), []);
    for (const line of processes) assert.ok(!isRunning(line.split(' ')[1]!), line);
  });
});

const STAND_IN = fileURLToPath(new URL('stand-in-sensor', import.meta.url));
