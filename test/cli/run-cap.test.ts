import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { needsCap } from '../support/cap-package.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { copperhull } from '../support/command.js';
import { liveNetwork, send } from '../support/live-network.js';
import { endSensors, logLines, RunningSensor, sendCapture } from '../support/live-sensor.js';
import { temporaryFolder } from '../support/temporary.js';

const IRC = join(LAB_CAPTURES, 'p41-6in4-irc-dstopts.pcap');
const CAP = 'capture: { driver: cap }';
const INNER_IRC = 'TunnelAbuse::Inner_IRC_Port';

/* A connection to an IRC port in a tunnel of this host. */
function ircFrom(host: string): string {
  const layers: readonly LayerSpec[] = [
    { layer: 'eth' },
    { layer: 'ipv4', src: host, dst: '198.51.100.2' },
    { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
    { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
  ];
  return Buffer.from(buildFrame(layers)).toString('hex');
}

describe('copperhull run with the driver cap, on a wire,', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const network = liveNetwork();
  before(function () {
    needsCap(this);
  });
  after(endSensors);

  /* A folder that any user may use, with a configuration. */
  function configured(name: string, lines: readonly string[]): { folder: string; config: string } {
    const folder = temporary.path(name);
    chmodSync(temporary.path('.'), 0o755);
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const config = join(folder, 'config.yaml');
    const all = ['sensor: dc1', 'http: { listen: off }', 'sinks: [{ type: files, folder: logs }]', ...lines];
    writeFileSync(config, `${all.join('\n')}\n`);
    return { folder, config };
  }

  /* Started and capturing on so many interfaces. */
  async function started(config: string, interfaces = 1): Promise<RunningSensor> {
    const sensor = new RunningSensor(['--config', config]);
    await sensor.says(/Capturing on/, interfaces);
    return sensor;
  }

  function ircAlerts(folder: string): Record<string, unknown>[] {
    return logLines(join(folder, 'logs/notice.log')).filter(({ note }) => note === INNER_IRC);
  }

  it('raises alerts as an ordinary user, and goes on when an interface is removed', async () => {
    const { folder, config } = configured('any', [CAP, 'interfaces: [{ name: any, label: span }]']);
    const sensor = await started(config);
    assert.equal(sensor.log.match(/Times are approximate/g)?.length, 1);
    const status = readFileSync(`/proc/${sensor.pid}/status`, 'utf8');
    assert.match(status, /Uid:\t65534\t65534\t65534\t65534/);
    assert.match(status, /CapEff:\t0000000000002000/);
    await sendCapture(network.wire, IRC);
    network.removeLink();
    network.addLink();
    await send(network.wire, 1, { hex: ircFrom('192.0.2.1') });
    assert.equal(await sensor.stop(), 0, sensor.log);
    const alerts = ircAlerts(folder);
    assert.ok(alerts.every(({ capture_file }) => capture_file === 'span'));
    const hosts = new Set(alerts.map(({ tunnel_outer_orig_h }) => tunnel_outer_orig_h));
    assert.ok(hosts.size === 2 && hosts.has('192.0.2.1'), [...hosts].join());
  });

  it('captures on several interfaces at once', async () => {
    const { folder, config } = configured('several', [
      CAP,
      'interfaces: [{ name: lo, label: loop }, { name: any, label: all, filter: host 192.0.2.2 }]',
    ]);
    const sensor = await started(config, 2);
    await send('lo', 1, { hex: ircFrom('192.0.2.1') });
    await send(network.wire, 1, { hex: ircFrom('192.0.2.2') });
    assert.equal(await sensor.stop(), 0, sensor.log);
    const places = ircAlerts(folder).map(
      ({ capture_file, tunnel_outer_orig_h: host }) => `${String(capture_file)} ${String(host)}`,
    );
    assert.deepEqual(places.sort(), ['all 192.0.2.2', 'loop 192.0.2.1']);
  });

  it('counts what it saw, and claims nothing about what the kernel dropped', async () => {
    const { folder, config } = configured('counts', [CAP, 'interfaces: [{ name: lo, filter: none }]']);
    const sensor = await started(config);
    // Fewer than the ring holds, however slow the sensor is.
    const sent = await send('lo', 200, { length: 200 });
    assert.equal(await sensor.stop(), 0, sensor.log);
    const [stats] = logLines(join(folder, 'logs/stats.log')).slice(-1);
    assert.deepEqual([stats!['pkts_link'], stats!['pkts_proc']], [sent, sent]);
    assert.doesNotMatch(JSON.stringify(stats), /kernel/);
  });

  it('takes another filter on SIGHUP, and keeps the old one when the new is wrong', async () => {
    const lines = [CAP, 'interfaces: [{ name: lo }]'];
    const { folder, config } = configured('filter', lines);
    const text = readFileSync(config, 'utf8');
    const sensor = await started(config);
    writeFileSync(config, text.replace('name: lo', 'name: lo, filter: no such thing'));
    sensor.signal('SIGHUP');
    await sensor.says(/The capture filter "no such thing" is wrong/);
    await sensor.says(/stay in force/);
    await send('lo', 1, { hex: ircFrom('192.0.2.1') });
    writeFileSync(config, text.replace('name: lo', 'name: lo, userFilter: not host 192.0.2.2'));
    sensor.signal('SIGHUP');
    await sensor.says(/were read again and are in force/);
    await send('lo', 1, { hex: ircFrom('192.0.2.2') });
    await send('lo', 1, { hex: ircFrom('192.0.2.3') });
    assert.equal(await sensor.stop(), 0, sensor.log);
    assert.deepEqual(
      ircAlerts(folder).map(({ tunnel_outer_orig_h: host }) => host),
      ['192.0.2.1', '192.0.2.3'],
    );
  });

  it('refuses an interface whose removal would abort the process, and check does too', async () => {
    const { config } = configured('refused', [CAP, 'interfaces: [{ name: tap0 }]']);
    const sensor = new RunningSensor(['--config', config]);
    assert.equal(await sensor.ended(), 1);
    assert.match(sensor.log, /would abort the process when "tap0" is removed/);
    const { code, stdout } = await copperhull(['check', '--config', config]);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /interface tap0 +failed +The driver "cap" would abort/);
  });

  it('check says that it can be loaded, and what is worse with it', async () => {
    const { config } = configured('check', [CAP, 'interfaces: [{ name: lo }]']);
    const { code, stdout } = await copperhull(['check', '--config', config]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /capture driver +warning +The package "cap" can be loaded.*Times are approximate/);
    assert.match(stdout, /interface lo +ok/);
  });
});

describe('the driver cap in a configuration', () => {
  const temporary = temporaryFolder();

  it('goes with no option that it cannot keep', async () => {
    const path = temporary.path('c.yaml');
    writeFileSync(path, 'capture: { driver: cap, direction: in, promiscuous: false }\n');
    const { code, stdout } = await copperhull(['check', '--config', path]);
    assert.equal(code, 3, stdout);
    assert.match(stdout, /c\.yaml:1:25.*both directions/);
    assert.match(stdout, /c\.yaml:1:40.*for other machines/);
  });
});
