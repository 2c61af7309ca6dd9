import { skip } from '../support/skip.js';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { whyNotAgain } from '../support/first-node.js';
import { whyNoLiveTest } from '../support/live-network.js';

const SCRIPTS = fileURLToPath(new URL('../../scripts/bench/live/', import.meta.url));
/* Few frames, and far slower than any machine: what is claimed must hold however busy this one is. */
const SMALL = ['--from-source', '--frames', '20000', '--senders', '1', '--tunnel-percent', '40'];

function bench(script: string, ...args: readonly string[]): Promise<{ code: number | null; text: string }> {
  const command = ['--import', 'tsx', `${SCRIPTS}${script}.ts`, ...SMALL, ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, text }));
  });
}

describe('the live sensor, in a short form of its benchmarks,', function () {
  this.timeout(120_000);
  before(function () {
    const reason = whyNotAgain() ?? whyNoLiveTest();
    if (reason !== undefined) skip(this, reason);
  });

  it('loses nothing under load, and alerts every planted positive once', async () => {
    const rate = ['--rate', '3000', '--seconds', '3', '--probe-seconds', '1', '--plant-ms', '50'];
    const { code, text } = await bench('load', ...rate);
    assert.equal(code, 0, text);
    assert.match(text, /ok +sent = captured and analysed/);
    assert.match(text, /ok +each planted positive was alerted once: \d+ planted, 0 missing/);
  });

  it('accounts for every packet when more is sent than it can take', async () => {
    const { code, text } = await bench(
      'overload',
      '--seconds',
      '2',
      '--ring',
      '1048576',
      '--rules',
      '20',
      '--drops-needed',
      '0',
    );
    assert.equal(code, 0, text);
    assert.match(text, /ok +received = dropped \+ analysed: gap of 0/);
  });

  it('bears a lost interface, other filters and other rules under load', async () => {
    const short = [
      '--seconds',
      '1',
      '--warm-up',
      '1',
      '--pause-ms',
      '200',
      '--plant-ms',
      '20',
      '--times',
      '1',
    ];
    // So short a run says nothing about memory.
    const { code, text } = await bench('soak', ...short, '--rate', '2000', '--rss-growth', '1000');
    assert.equal(code, 0, text);
    assert.match(text, /ok +each planted positive was alerted once, but for those in the gaps/);
  });
});
