import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { onFirstNodeOnly } from '../support/first-node.js';
import { liveNetwork, run, send } from '../support/live-network.js';
import { endSensors, logLines, RunningSensor } from '../support/live-sensor.js';
import { temporaryFolder } from '../support/temporary.js';

const HOST = '192.0.2.1';
const BROKER = '198.51.100.2';
const INNER_HOST = '2001:db8::1';
const IRC_SERVER = '2001:db8::2';
const JUMBO = 9000;

const request: readonly LayerSpec[] = [
  { layer: 'ipv4', src: HOST, dst: BROKER },
  { layer: 'ipv6', src: INNER_HOST, dst: IRC_SERVER },
  { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' },
];
const answer: readonly LayerSpec[] = [
  { layer: 'ipv4', src: BROKER, dst: HOST },
  { layer: 'ipv6', src: IRC_SERVER, dst: INNER_HOST },
  { layer: 'tcp', src: 6667, dst: 40_000, flags: 'SA' },
];

describe('a live mirror port', function () {
  onFirstNodeOnly();
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const network = liveNetwork();
  after(endSensors);

  /** What the sensor wrote after packets came in, each on its interface. */
  async function sensed(
    name: string,
    interfaces: readonly string[],
    packets: readonly (readonly [wire: string, layers: readonly LayerSpec[]])[],
    more: readonly string[] = [],
  ): Promise<Record<'notice' | 'tunnel' | 'weird', Record<string, unknown>[]> & { readonly log: string }> {
    const logs = temporary.path(name);
    chmodSync(temporary.path('.'), 0o755);
    mkdirSync(logs);
    // The sensor becomes an ordinary user.
    chmodSync(logs, 0o777);
    const config = temporary.path(`${name}.yaml`);
    writeFileSync(
      config,
      [
        'http: { listen: off }',
        `interfaces: [${interfaces.map((one) => `{ name: ${one} }`).join(', ')}]`,
        `sinks: [{ type: files, folder: ${logs} }]`,
        ...more,
        '',
      ].join('\n'),
    );
    const sensor = new RunningSensor(['--config', config]);
    await sensor.says(/Capturing on/, interfaces.length);
    for (const [wire, layers] of packets)
      await send(wire, 1, { hex: Buffer.from(buildFrame(layers)).toString('hex') });
    assert.equal(await sensor.stop(), 0, sensor.log);
    const read = (log: string): Record<string, unknown>[] => logLines(join(logs, `${log}.log`));
    return { notice: read('notice'), tunnel: read('tunnel'), weird: read('weird'), log: sensor.log };
  }

  it('whose two directions come in on two interfaces shows one tunnel and one flow', async () => {
    run('ip', 'link', 'add', 'wire1', 'type', 'veth', 'peer', 'name', 'tap1');
    for (const one of ['wire1', 'tap1']) {
      writeFileSync(`/proc/sys/net/ipv6/conf/${one}/disable_ipv6`, '1');
      run('ip', 'link', 'set', one, 'up');
    }
    const { notice, tunnel } = await sensed(
      'two',
      ['tap0', 'tap1'],
      [
        [network.wire, request],
        ['wire1', answer],
        [network.wire, request],
      ],
    );
    const irc = notice.filter(({ rule_id }) => rule_id === 'inner-irc-port');
    assert.equal(irc.length, 1);
    assert.equal(irc[0]!['id.orig_h'], INNER_HOST);
    assert.equal(new Set(tunnel.map(({ uid }) => uid)).size, 1);
    run('ip', 'link', 'del', 'wire1');
  });

  it('whose VLAN tag the kernel took out of the octets still tells the tag', async () => {
    const { notice } = await sensed(
      'vlan',
      ['tap0'],
      [[network.wire, [{ layer: 'eth' }, { layer: 'vlan', id: 42 }, ...request]]],
    );
    assert.deepEqual(
      notice.filter(({ rule_id }) => rule_id === 'inner-irc-port').map(({ vlan }) => vlan),
      [42],
    );
  });

  it('takes frames that are larger than the MTU: jumbo frames, and what offloads have merged', async () => {
    for (const one of [network.wire, network.tap]) run('ip', 'link', 'set', one, 'mtu', String(JUMBO));
    const bytes = new Uint8Array(JUMBO - 200);
    const { notice, weird } = await sensed(
      'jumbo',
      ['tap0'],
      [[network.wire, [...request, { layer: 'payload', bytes }]]],
    );
    const irc = notice.find(({ rule_id }) => rule_id === 'inner-irc-port');
    assert.equal(irc?.['tunnel_path'], 'eth/ipv4/ipv6/tcp:6667');
    assert.deepEqual(weird, []);
  });

  it('over ERSPAN shows what the switch mirrored, and no tunnel of its own', async () => {
    const { notice, tunnel } = await sensed(
      'erspan',
      ['tap0'],
      [
        [
          network.wire,
          [
            { layer: 'ipv4', src: '10.9.9.1', dst: '10.9.9.2' },
            { layer: 'erspan', type: 2 },
            { layer: 'eth' },
            ...request,
          ],
        ],
      ],
    );
    assert.ok(notice.some(({ rule_id }) => rule_id === 'inner-irc-port'));
    assert.deepEqual(
      tunnel.map((line) => [line['id.orig_h'], line['id.resp_h']]),
      [[HOST, BROKER]],
    );
  });

  it('whose filter the kernel does not take loses nothing, reports no loss, and says what to do', async () => {
    const path = '/proc/sys/net/core/optmem_max';
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, '4096');
    try {
      const plain: readonly LayerSpec[] = [
        { layer: 'ipv4', src: HOST, dst: BROKER },
        { layer: 'tcp', src: 40_000, dst: 80 },
      ];
      const packets = [plain, plain, request, plain].map((layers) => [network.wire, layers] as const);
      const { notice, log } = await sensed('optmem', ['tap0'], packets);
      assert.match(log, /The kernel did not take the filter.*sysctl -w net\.core\.optmem_max/);
      assert.ok(notice.some(({ rule_id }) => rule_id === 'inner-irc-port'));
      assert.ok(!notice.some(({ note }) => String(note).startsWith('CaptureLoss')));
    } finally {
      writeFileSync(path, before);
    }
  });

  it('that also sends shows its own packets, unless the direction is "in"', async () => {
    const both = await sensed('both', [network.wire], [[network.wire, request]]);
    assert.equal(both.tunnel.length, 1);
    const into = await sensed(
      'in',
      [network.wire],
      [[network.wire, request]],
      ['capture: { direction: in }'],
    );
    assert.deepEqual(into.tunnel, []);
  });
});
