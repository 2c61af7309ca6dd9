import assert from 'node:assert/strict';
import { join } from 'node:path';
import { analyseCapture } from '../support/analysing.js';
import { FOREIGN_CAPTURES, needsForeignCaptures } from '../support/captures.js';
import type { ComparedLog } from '../support/zeek-baselines.js';
import { baselineOf, capturesWithBaselines, lineOf } from '../support/zeek-baselines.js';

interface Difference {
  readonly capture: string;
  readonly log: ComparedLog;
  readonly side: 'only Zeek' | 'only strict';
  readonly line: string;
  readonly times: number;
  readonly reason: string;
}

/** All that is different, and why. A line that is not here fails the test, and so does one here that is not different. */
const DIFFERENCES: readonly Difference[] = [
  {
    capture: 'neg-zeek-false-teredo.pcap',
    log: 'weird',
    side: 'only Zeek',
    line: '-\t-\t-\t-\ttruncated_header_in_tunnel\t-\tF\t-',
    times: 6,
    reason:
      'Expectation of 2012: Zeek then took DNS answers for Teredo and opened them. It has asked for 2001:0::/32 since 2015 (PR 39).',
  },
];

/** Captures whose tests look at neither log; what they look at is no tunnel. */
const WITHOUT_LOGS = ['neg-zeek-wikipedia.pcap'];

function minus(from: readonly string[], what: readonly string[]): string[] {
  const left = [...from];
  for (const line of what) {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
  }
  return left.sort();
}

function listed(capture: string, log: ComparedLog, side: Difference['side']): string[] {
  return DIFFERENCES.filter((one) => one.capture === capture && one.log === log && one.side === side)
    .flatMap(({ line, times }) => Array.from({ length: times }, () => line))
    .sort();
}

describe('the strict profile', () => {
  const captures = capturesWithBaselines();

  it('is compared with what the tests of Zeek expect of 17 captures', function () {
    needsForeignCaptures(this);
    assert.equal(captures.length, 17);
    const unread = captures.filter((name) => {
      const { tunnel, weird } = baselineOf(name);
      return tunnel === undefined && weird === undefined;
    });
    assert.deepEqual(unread, WITHOUT_LOGS);
    for (const { capture, reason } of DIFFERENCES) assert.ok(captures.includes(capture) && reason !== '');
  });

  for (const capture of captures.filter((name) => !WITHOUT_LOGS.includes(name))) {
    it(`writes the lines of tunnel.log and weird.log that Zeek writes for ${capture}`, async () => {
      const baseline = baselineOf(capture);
      const { lines } = await analyseCapture(join(FOREIGN_CAPTURES, capture), { profile: 'strict' });
      for (const log of ['tunnel', 'weird'] as const) {
        const expected = baseline[log];
        if (expected === undefined) continue;
        const ours = lines(log).map((record) => lineOf(log, record));
        assert.deepEqual(minus(expected, ours), listed(capture, log, 'only Zeek'), `${log}: only Zeek`);
        assert.deepEqual(minus(ours, expected), listed(capture, log, 'only strict'), `${log}: only strict`);
      }
    });
  }

  it('finds nothing where the tests of Zeek find no tunnel', async function () {
    needsForeignCaptures(this);
    for (const capture of WITHOUT_LOGS) {
      const { lines } = await analyseCapture(join(FOREIGN_CAPTURES, capture), { profile: 'strict' });
      assert.deepEqual([...lines('tunnel'), ...lines('weird')], []);
    }
  });
});
