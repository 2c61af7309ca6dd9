import assert from 'node:assert/strict';
import { memoryBatch, memoryInterface } from '../../../src/capture/memory-batch.js';
import { parseConfig } from '../../../src/config/load.js';
import { loadEndpoints, loadRules } from '../../../src/sensor/load.js';
import { reloadedConfig } from '../../../src/sensor/live/reloaded-config.js';
import { buildFrame } from '../../../src/wire/packet-builder.js';
import type { LayerSpec } from '../../../src/wire/packet-builder.js';
import { CHECK } from '../../../src/model/checks.js';
import { CHECK_VALUES } from '../../../src/model/vocabulary.js';
import { FIRST_SECOND, newAnalysis } from '../../support/analysing.js';
import { looking } from '../../support/reading-checks.js';

const read = (text: string) => parseConfig('c.yaml', text, {}, '/').config;

const IRC: readonly LayerSpec[] = [
  { layer: 'eth' },
  { layer: 'ipv4', src: '198.51.100.1', dst: '203.0.113.9' },
  { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
  { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
];

describe('a configuration that is read again', () => {
  it('brings rules, lists and filters at once, and says what needs a restart', () => {
    const before = read('interfaces: [{ name: eth1 }, { name: eth2 }]\n');
    const after = read(
      'sensor: other\nrules: { folders: [/r] }\ninterfaces: [{ name: eth1, filter: ip }, { name: eth3 }]\n',
    );
    const { config, waiting } = reloadedConfig(before, after);
    assert.deepEqual(config.rules.folders, ['/r']);
    assert.deepEqual(
      config.interfaces.map(({ name, filter }) => `${name} ${filter}`),
      ['eth1 ip', 'eth2 auto'],
    );
    assert.equal(config.sensor, 'copperhull');
    assert.deepEqual(waiting, ['sensor', 'interfaces']);
  });

  it('needs no restart when nothing else changed', () => {
    const config = read('interfaces: [{ name: eth1 }]\n');
    assert.deepEqual(reloadedConfig(config, config).waiting, []);
  });
});

describe('an analysis whose rules are read again', () => {
  const rules = loadRules([]).rules;
  const endpoints = loadEndpoints();
  function packet(at: number) {
    return memoryBatch([{ bytes: buildFrame(IRC), seconds: FIRST_SECOND + at, nanoseconds: 0 }]);
  }

  it('keeps its tunnels, and does not repeat alerts of rules that stayed', () => {
    const { analysis, alerts } = newAnalysis({ rules });
    analysis.process(packet(0), 0, 1, [memoryInterface('eth1')]);
    const before = alerts.length;
    assert.ok(before > 0);
    const kept = rules.filter(({ id }) => id !== rules[0]!.id).map((rule, index) => ({ ...rule, index }));
    analysis.useRules(kept, endpoints);
    analysis.process(packet(1), 0, 1, [memoryInterface('eth1')]);
    assert.equal(alerts.length, before);
    assert.equal(analysis.tunnels.size, 1);
  });

  it('keeps what it saw of ISATAP routers', () => {
    const values: string[] = [];
    const rule = looking((facts) => values.push(CHECK_VALUES[facts.checks.get(CHECK.I01)]!));
    const { analysis } = newAnalysis({ rules: [rule] });
    const [router, host] = ['81.187.10.2', '84.20.40.2'];
    const send = (at: number, src: string, inner: readonly LayerSpec[]): void => {
      const dst = src === host ? router : host;
      const layers: LayerSpec[] = [{ layer: 'eth' }, { layer: 'ipv4', src, dst }, ...inner];
      const frame = { bytes: buildFrame(layers), seconds: FIRST_SECOND + at, nanoseconds: 0 };
      analysis.process(memoryBatch([frame]), 0, 1, [memoryInterface('eth1')]);
    };
    const [own, other] = [`fe80::200:5efe:${router}`, '2001:470:cccc:1:200:5efe:9.9.9.9'];
    send(0, host, [
      { layer: 'ipv6', src: `fe80::200:5efe:${host}`, dst: own, hopLimit: 255 },
      { layer: 'icmpv6', type: 133 },
    ]);
    send(0, router, [
      { layer: 'ipv6', src: own, dst: `fe80::200:5efe:${host}`, hopLimit: 255 },
      { layer: 'icmpv6', type: 134 },
    ]);
    analysis.useRules([rule], endpoints);
    assert.equal(analysis.proto41.isatap.size, 2, 'a router and who asked it');
    send(1, router, [
      { layer: 'ipv6', src: other, dst: `2001:470:cccc:1:200:5efe:${host}` },
      { layer: 'tcp', src: 40_000, dst: 80 },
    ]);
    assert.deepEqual(values, ['holds', 'holds', 'holds']);
  });

  it('ends silent tunnels when it is told that time went by', () => {
    const { analysis, lines } = newAnalysis({ rules });
    analysis.idleUntil(FIRST_SECOND);
    analysis.process(packet(0), 0, 1, [memoryInterface('eth1')]);
    analysis.idleUntil(FIRST_SECOND + 3000);
    assert.equal(analysis.tunnels.size, 1);
    analysis.idleUntil(FIRST_SECOND + 4000);
    assert.equal(analysis.tunnels.size, 0);
    assert.deepEqual(
      lines('tunnel').map(({ action }) => action),
      ['Tunnel::DISCOVER', 'Tunnel::EXPIRE'],
    );
  });
});
