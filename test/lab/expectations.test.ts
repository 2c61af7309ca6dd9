import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PortLogs, Row } from '../../scripts/lab.d/judge.js';
import { alertLines, differences, doubled, mistakes } from '../../scripts/lab.d/judge.js';
import { loadPlan } from '../../scripts/lab.d/plan.js';
import { loadRules } from '../../src/sensor/load.js';
import { analyseCapture } from '../support/analysing.js';
import { captureNames, LAB_CAPTURES } from '../support/captures.js';

const FOLDER = fileURLToPath(new URL('../../scripts/lab.d', import.meta.url));
const LAB_RULES = loadRules([join(FOLDER, 'rules')]);
const PLAN = loadPlan();
const PORTS = Object.entries(PLAN.scenarios).flatMap(([scenario, { ports }]) =>
  Object.entries(ports).map(([port, expected]) => ({ scenario, port, expected })),
);

async function logsOf(capture: string): Promise<PortLogs> {
  const { lines } = await analyseCapture(join(LAB_CAPTURES, capture), { rules: LAB_RULES.rules });
  return { notices: lines('notice'), tunnels: lines('tunnel') };
}

/** Functions of the shell parts whose names begin so. */
function shellFunctions(begin: string): string[] {
  const { stdout } = spawnSync(
    'bash',
    [
      '-c',
      `for part in teredo protocol41; do . "${FOLDER}/$part.sh"; done; compgen -A function -- "${begin}"`,
    ],
    { encoding: 'utf8' },
  );
  return stdout
    .trim()
    .split('\n')
    .map((name) => name.slice(begin.length));
}

describe('what the live lab expects', () => {
  for (const { scenario, port, expected } of PORTS) {
    it(`holds for the committed capture of ${scenario}, mirror port ${port}`, async () => {
      const logs = await logsOf(expected.capture);
      assert.deepEqual(mistakes(expected, PLAN.never, logs), []);
      const twin = PLAN.scenarios[scenario]!.ports[expected.same_totals_as ?? ''];
      if (twin !== undefined) assert.deepEqual(doubled(await logsOf(twin.capture), logs), []);
    });
  }

  it('covers every committed capture', () => {
    // This one shows 6in4 and 6in4-destination-options in one file.
    const covered = [...PORTS.map(({ expected }) => expected.capture), 'live-uml-p41-span.pcap'];
    assert.deepEqual(covered.sort(), captureNames(LAB_CAPTURES));
  });

  it('names shipped rules only', () => {
    const known = new Set(loadRules([]).rules.map(({ id }) => id));
    const named = PORTS.flatMap(({ expected: { alerts } }) => [
      ...Object.keys(alerts.must),
      ...(alerts.never ?? []),
    ]);
    for (const rule of [...PLAN.never, ...named]) assert.ok(known.has(rule), rule);
  });

  it('is written for the scenarios that there are', () => {
    const helpers = ['6in4_over'];
    const played = shellFunctions('play_').filter((name) => !helpers.includes(name));
    assert.deepEqual(played.sort(), Object.keys(PLAN.scenarios).sort());
  });
});

describe('the judge of the live lab', () => {
  const notice = (more: Row = {}): Row => ({
    ts: 1.5,
    'id.orig_h': '10.0.0.1',
    'id.orig_p': 1,
    'id.resp_h': '10.0.0.2',
    'id.resp_p': 3544,
    proto: 'udp',
    rule_id: 'tunnel-in-use',
    alert_id: 'A1',
    ...more,
  });
  const logs = (notices: readonly Row[], tunnels: readonly Row[] = []): PortLogs => ({ notices, tunnels });

  it('says which alert is missing, and which should not be there', () => {
    const expected = {
      capture: '',
      services: ['tcp:80'],
      tunnels: { teredo: 1 },
      alerts: { must: { 'inner-irc-port': 2, 'nested-tunnel': 'any' as const }, never: ['tunnel-in-use'] },
    };
    assert.deepEqual(mistakes(expected, ['teredo-stray-packet'], logs([notice()])), [
      'inner-irc-port was raised 0 times instead of 2',
      'nested-tunnel was raised 0 times instead of at least once',
      'tunnel-in-use was raised 1 times and should not be',
      'services inside: [] instead of ["tcp:80"]',
      'tunnels: [] instead of [["teredo",1]]',
    ]);
  });

  it('sees counts that doubled', () => {
    const tunnel = { ...notice(), orig_pkts: 2, orig_bytes: 100, resp_pkts: 1, resp_bytes: 50 };
    const twice = { ...tunnel, orig_pkts: 4, orig_bytes: 200 };
    assert.deepEqual(doubled(logs([notice()], [tunnel]), logs([notice(), notice()], [twice])), [
      'orig_pkts of the tunnel 10.0.0.1 port 1 -> 10.0.0.2 port 3544 is 4 instead of 2',
      'orig_bytes of the tunnel 10.0.0.1 port 1 -> 10.0.0.2 port 3544 is 200 instead of 100',
      'tunnel-in-use about 10.0.0.1 port 1 -> 10.0.0.2 port 3544 was raised 2 times instead of 1',
    ]);
    assert.deepEqual(doubled(logs([notice()], [tunnel]), logs([notice()], [tunnel, notice()])), []);
    const unproven = { ...logs([]), stats: [{ duplicate_pkts: 0 }] };
    assert.deepEqual(doubled(logs([]), unproven), ['no packet was seen twice']);
    assert.deepEqual(doubled(logs([]), { ...unproven, stats: [{ duplicate_pkts: 3 }] }), []);
  });

  it('takes alerts of a live sensor and of a replay for the same when only times and identifiers differ', () => {
    const live = notice({ ts: 2.5, alert_id: 'A2', uid: 'C2' });
    const ofItself = { ts: 3, msg: 'the sensor was started' };
    assert.deepEqual(differences(logs([live, ofItself]), logs([notice({ packet_number: 3 })])), []);
    assert.equal(differences(logs([live]), logs([notice({ 'id.resp_p': 3545 })])).length, 2);
    assert.equal(differences(logs([live, live]), logs([notice()])).length, 1);
  });

  it('sees packets that a live sensor lost, in its own counts and in those of tunnels', () => {
    const tunnel = { ...notice(), orig_pkts: 2, orig_bytes: 100, resp_pkts: 1, resp_bytes: 50 };
    const live = { ...logs([], [{ ...tunnel, resp_pkts: 0 }]), stats: [{ pkts_dropped: 1 }] };
    assert.deepEqual(differences(live, logs([], [tunnel])), [
      '1 packets were lost',
      'resp_pkts of the tunnel 10.0.0.1 port 1 -> 10.0.0.2 port 3544 is 0 instead of 1',
    ]);
  });

  it('lists each alert once', () => {
    assert.deepEqual(alertLines(logs([notice(), notice({ ts: 2 }), { msg: 'started' }])), [
      'tunnel-in-use            10.0.0.1 port 1 -> 10.0.0.2 port 3544',
    ]);
  });
});
