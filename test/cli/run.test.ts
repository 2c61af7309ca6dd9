import { setTimeout as pause } from 'node:timers/promises';
import { skip } from '../support/skip.js';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../src/sensor/package-files.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { copperhull } from '../support/command.js';
import { liveNetwork, send, until } from '../support/live-network.js';
import { endSensors, logLines, RunningSensor, sendCapture } from '../support/live-sensor.js';
import { validateLine } from '../support/record-schemas.js';
import { temporaryFolder } from '../support/temporary.js';

const IRC = join(LAB_CAPTURES, 'p41-6in4-irc-dstopts.pcap');
const NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
const NET_RAW = [
  '--inh-caps',
  '-all,+net_raw',
  '--ambient-caps',
  '+net_raw',
  '--bounding-set',
  '-all,+net_raw',
];

/* What a live alert has and a replayed one has not: identifiers, times, places. */
const OWN_KEYS = ['ts', 'uid', 'alert_id', 'tunnel_uid', 'capture_file', 'packet_number'];

function comparable(lines: readonly Record<string, unknown>[]): string[] {
  return lines.map((line) => {
    const rest = Object.entries(line).filter(([key]) => !OWN_KEYS.includes(key));
    return JSON.stringify(Object.fromEntries(rest));
  });
}

const OTHER_FLOW: readonly LayerSpec[] = [
  { layer: 'eth' },
  { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2' },
  { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
  { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
];

const ruleFor = (port: number): string => `- rule: own-rule
  rev: 1
  title: Rule of the test
  on: flow
  severity: low
  status: test
  condition: inner.dst_port == ${port}
  note: TunnelAbuse::Own_Rule
  message: own rule
  dedup: { key: [outer.src], for: 1h }
  detections: [D17]
  references: [RFC 4213]
  false_positives: None.
  tests:
    - name: the port
      packets:
        - [ipv4: { src: 192.0.2.1, dst: 192.0.2.2 }, ipv6: { src: '2001:db8::1', dst: '2001:db8::2' }, tcp: { src: 4, dst: ${port} }]
      expect: [{ count: 1 }]
`;

describe('copperhull run, on a wire,', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const network = liveNetwork();
  after(endSensors);

  before(function () {
    if (spawnSync('setpriv', [...NOBODY, 'test', '-r', join(PACKAGE_FOLDER, 'package.json')]).status === 0)
      return;
    skip(this, `${PACKAGE_FOLDER} cannot be read by nobody, whom run becomes`);
  });

  /* A folder that any user may use, with a configuration. */
  function configured(name: string, lines: readonly string[] = []): { folder: string; config: string } {
    const folder = temporary.path(name);
    chmodSync(temporary.path('.'), 0o755);
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const config = join(folder, 'config.yaml');
    const own = lines.some((line) => line.startsWith('sinks:'))
      ? []
      : [`sinks: [{ type: files, folder: logs, rotateEvery: never }]`];
    const given = lines.some((line) => line.startsWith('interfaces:'))
      ? []
      : ['interfaces: [{ name: tap0, label: span }]'];
    writeFileSync(
      config,
      ['sensor: dc1', 'http: { listen: off }', ...given, ...own, ...lines, ''].join('\n'),
    );
    return { folder, config };
  }

  async function started(config: string, wrapper: readonly string[] = []): Promise<RunningSensor> {
    const sensor = new RunningSensor(['--config', config], wrapper);
    await sensor.says(/Capturing on/);
    return sensor;
  }

  const notices = (folder: string): Record<string, unknown>[] => logLines(join(folder, 'logs/notice.log'));

  it('raises the alerts that a replay of the same packets raises, and ends with 0', async () => {
    const { folder, config } = configured('same');
    const sensor = await started(config);
    await sendCapture(network.wire, IRC);
    assert.equal(await sensor.stop(), 0, sensor.log);
    const replayed = await copperhull([
      'replay',
      '--sensor',
      'dc1',
      '--out',
      join(folder, 'replayed'),
      '--quiet',
      IRC,
    ]);
    assert.equal(replayed.code, 0, replayed.stderr);
    const expected = logLines(join(folder, 'replayed/notice.log'));
    assert.ok(expected.length > 0);
    assert.deepEqual(comparable(notices(folder)), comparable(expected));
    assert.ok(notices(folder).every(({ capture_file }) => capture_file === 'span'));
    for (const log of ['notice', 'tunnel', 'stats', 'capture_loss'] as const)
      for (const line of readFileSync(join(folder, `logs/${log}.log`), 'utf8')
        .trimEnd()
        .split('\n'))
        validateLine(log, line);
  });

  it('started as root becomes an ordinary user with CAP_NET_RAW alone, and opens a lost interface again', async () => {
    const { folder, config } = configured('lost');
    const sensor = await started(config);
    const status = readFileSync(`/proc/${sensor.pid}/status`, 'utf8');
    assert.match(status, /Uid:\t65534\t65534\t65534\t65534/);
    assert.match(status, /CapEff:\t0000000000002000/);
    for (let i = 1; i <= 2; i++) {
      network.removeLink();
      await sensor.says(/Interface span is gone/, i);
      network.addLink();
      await sensor.says(/Interface span is there again/, i);
    }
    await sendCapture(network.wire, IRC);
    assert.equal(await sensor.stop(), 0, sensor.log);
    const notes = notices(folder).map(({ note }) => note);
    assert.ok(notes.includes('TunnelAbuse::Inner_IRC_Port'), notes.join());
    assert.equal(notes.filter((note) => note === 'TunnelAbuse::Capture_Outage').length, 4);
  });

  it('tells of an interface that is there and brings nothing, and when it is up again', async () => {
    const { folder, config } = configured('no-link');
    const sensor = await started(config);
    assert.equal(spawnSync('ip', ['link', 'set', network.wire, 'down']).status, 0);
    await sensor.says(/Interface span is without carrier/);
    assert.equal(spawnSync('ip', ['link', 'set', network.wire, 'up']).status, 0);
    await sensor.says(/Interface span is up again/);
    await sendCapture(network.wire, IRC);
    assert.equal(await sensor.stop(), 0, sensor.log);
    const notes = notices(folder).map(({ note }) => note);
    assert.ok(notes.includes('TunnelAbuse::Inner_IRC_Port'), notes.join());
    assert.equal(notes.filter((note) => note === 'TunnelAbuse::Capture_Outage').length, 2);
  });

  it('does not end by SIGHUP while it starts', async () => {
    const { config } = configured('early-hangup');
    const sensor = new RunningSensor(['--config', config]);
    for (let i = 0; i < 8; i++) {
      await pause(60);
      if (i > 1) sensor.signal('SIGHUP');
    }
    await sensor.says(/Capturing on/);
    assert.equal(await sensor.stop(), 0, sensor.log);
  });

  it('runs as an ordinary user that has CAP_NET_RAW and nothing else', async () => {
    const { folder, config } = configured('ordinary');
    const sensor = await started(config, ['setpriv', ...NOBODY, ...NET_RAW]);
    await sendCapture(network.wire, IRC);
    assert.equal(await sensor.stop(), 0, sensor.log);
    assert.ok(notices(folder).length > 0);
  });

  it('says what to do when it has no right to capture', async () => {
    const { config } = configured('no-right');
    const sensor = new RunningSensor(['--config', config], ['setpriv', ...NOBODY, '--bounding-set', '-all']);
    assert.equal(await sensor.ended(), 1);
    assert.match(sensor.log, /needs CAP_NET_RAW.*AmbientCapabilities=CAP_NET_RAW/);
    assert.doesNotMatch(sensor.log, /at .*\.ts:/);
  });

  it('says what to do when the user that it becomes may not read it', () => {
    const folder = temporary.path('private');
    mkdirSync(folder, { mode: 0o700 });
    for (const part of ['bin', 'dist', 'rules', 'schemas', 'build/native', 'package.json'])
      cpSync(join(PACKAGE_FOLDER, part), join(folder, part), { recursive: true });
    symlinkSync(join(PACKAGE_FOLDER, 'node_modules'), join(folder, 'node_modules'));
    const { status, stderr } = spawnSync(process.execPath, ['bin/copperhull', 'run', '--interface', 'tap0'], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /User nobody may not read .*private.*such as \/opt\/copperhull/);
    assert.doesNotMatch(stderr, /bug/);
  });

  it('reads rules again on SIGHUP, and keeps the old ones when the new are wrong', async () => {
    const { folder, config } = configured('reload', ['rules: { default: false, folders: [rules] }']);
    const rule = join(folder, 'rules/own.yaml');
    mkdirSync(join(folder, 'rules'));
    writeFileSync(rule, ruleFor(1));
    const sensor = await started(config);
    writeFileSync(rule, ruleFor(2).replace('inner.dst_port', 'inner.dts_port'));
    sensor.signal('SIGHUP');
    await sensor.says(/own\.yaml:7:\d+/);
    await sensor.says(/stay in force/);
    await sendCapture(network.wire, IRC);
    writeFileSync(rule, ruleFor(6667).replace('rev: 1', 'rev: 2'));
    sensor.signal('SIGHUP');
    await sensor.says(/were read again and are in force/);
    await send(network.wire, 1, { hex: Buffer.from(buildFrame(OTHER_FLOW)).toString('hex') });
    assert.equal(await sensor.stop(), 0, sensor.log);
    assert.deepEqual(
      notices(folder).map(({ note, rule_rev: rev }) => [note, rev]),
      [['TunnelAbuse::Own_Rule', 2]],
    );
  });

  it('SIGTERM leaves what no broker takes in the spool', async () => {
    const { folder, config } = configured('spool', [
      `sinks: [{ type: kafka, brokers: ['127.0.0.1:1'], logs: [notice], spool: { folder: spool } }]`,
    ]);
    const sensor = await started(config);
    await sendCapture(network.wire, IRC);
    assert.equal(await sensor.stop(), 0, sensor.log);
    const { stdout } = await copperhull(['spool', 'export', join(folder, 'spool')]);
    assert.match(stdout, /TunnelAbuse::Inner_IRC_Port/);
  });

  it('accounts for every packet of a flood', async () => {
    const { folder, config } = configured('overload', [
      'interfaces: [{ name: tap0, filter: none }]',
      'capture: { bufferBytes: 1MiB, direction: both }',
    ]);
    const sensor = await started(config);
    const sent = await send(network.wire, 200_000, { length: 1400 });
    assert.equal(await sensor.stop(), 0, sensor.log);
    const [stats] = logLines(join(folder, 'logs/stats.log')).slice(-1);
    assert.equal(stats!['pkts_link'], sent);
    assert.equal(Number(stats!['pkts_proc']) + Number(stats!['pkts_dropped']), sent);
  });

  it('serves health and metrics on loopback', async () => {
    const { config } = configured('http');
    writeFileSync(config, readFileSync(config, 'utf8').replace('listen: off', 'listen: 127.0.0.1:19479'));
    const sensor = await started(config);
    // The server opens after the interfaces; before, there is no answer.
    const get = (path: string): string =>
      spawnSync('curl', ['-sS', '-i', '-m', '5', `http://127.0.0.1:19479${path}`], { encoding: 'utf8' })
        .stdout;
    await until('the sensor is ready', () => /^HTTP\/1.1 200/.test(get('/readyz')));
    assert.match(get('/metrics'), /copperhull_capture_open\{interface="span"\} 1/);
    network.removeLink();
    await sensor.says(/is gone/);
    await until('the sensor is not ready', () => /^HTTP\/1.1 503/.test(get('/readyz')));
    assert.match(get('/readyz'), /Interface span is gone/);
    network.addLink();
    await sensor.says(/is there again/);
    assert.equal(await sensor.stop(), 0, sensor.log);
  });

  it('check looks at the same, and says what the filter hides', async () => {
    const { config } = configured('check');
    const good = await copperhull(['check', '--config', config, '--json']);
    assert.equal(good.code, 0, good.stdout);
    const { items, filters } = JSON.parse(good.stdout) as {
      items: { item: string; status: string; reason: string }[];
      filters: { interface: string; text: string; instructions: number; hides: string[] }[];
    };
    assert.ok(
      items.every(({ status }) => status === 'ok'),
      good.stdout,
    );
    assert.ok(items.some(({ item }) => item === 'interface span'));
    assert.ok(filters[0]!.instructions > 10 && filters[0]!.hides.length > 0);
  });
});

describe('copperhull check', () => {
  const temporary = temporaryFolder();
  const check = (text: string) => {
    chmodSync(temporary.path('.'), 0o755);
    writeFileSync(temporary.path('c.yaml'), `http: { listen: off }\n${text}\n`);
    return copperhull(['check', '--config', temporary.path('c.yaml'), '--timeout', '5']);
  };

  it('ends with 3 for a configuration that is wrong, with the place', async () => {
    const { code, stdout } = await check('captrue: {}');
    assert.equal(code, 3);
    assert.match(stdout, /configuration +failed .*c\.yaml:2:1.*captrue.*capture/);
  });

  it('ends with 3 for rules that are wrong', async () => {
    const { code, stdout } = await check('rules: { folders: [nowhere] }\nsinks: [{ type: stdout }]');
    assert.equal(code, 3);
    assert.match(stdout, /rules +failed +.*nowhere is no folder; "rules\.folders" names folders/);
  });

  it('names rules that ask for what the filter hides', async () => {
    // As root, check reads with the rights of another user.
    chmodSync(temporary.path('.'), 0o755);
    mkdirSync(temporary.path('rules'));
    const rule = ruleFor(6667).replace('condition: ', 'condition: packet.inner_vlan == 5 or ');
    writeFileSync(temporary.path('rules/own.yaml'), rule);
    const { code, stdout } = await check(
      'rules: { folders: [rules] }\nsinks: [{ type: stdout }]\ninterfaces: [{ name: nowhere }]\ncapture: { carriers: { qinq: false } }',
    );
    assert.equal(code, 1, stdout);
    assert.match(stdout, /rules and filter of nowhere +warning +Rule own-rule reads packet\.inner_vlan/);
  });

  it('ends with 1 for a broker that is not there', async () => {
    const { code, stdout } = await check(
      `sinks: [{ type: kafka, brokers: ['127.0.0.1:1'], logs: [notice], spool: { folder: spool } }]`,
    );
    assert.equal(code, 1, stdout);
    assert.match(stdout, /sink kafka +failed +The broker 127\.0\.0\.1:1 does not accept connections/);
  });
});

describe('copperhull run', () => {
  it('says how to name an interface when there is none', async () => {
    const { code, stderr } = await copperhull(['run']);
    assert.equal(code, 2);
    assert.match(stderr, /--interface NAME/);
  });
});
