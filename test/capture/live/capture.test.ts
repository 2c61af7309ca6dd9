import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { CaptureError } from '../../../src/capture/capture-error.js';
import { compileFilter } from '../../../src/capture/capture-filter.js';
import { LiveCapture } from '../../../src/capture/live-capture.js';
import type { LiveOptions } from '../../../src/capture/live-options.js';
import { loadAddon } from '../../../src/capture/native-addon.js';
import { LINK_TYPE } from '../../../src/wire/numbers.js';
import type { LivePacket } from '../../support/live-network.js';
import {
  collecting,
  counting,
  liveNetwork,
  run,
  send,
  sending,
  TEST_FILTER,
  until,
} from '../../support/live-network.js';

const MAC = '030000000001' + '020000000001';

describe('live capture', () => {
  const { wire, tap } = liveNetwork();
  const options = (more: Partial<LiveOptions> = {}): LiveOptions => ({
    interface: tap,
    filter: TEST_FILTER,
    slabs: 8,
    ...more,
  });
  const captured = async (
    more: Partial<LiveOptions>,
    work: () => Promise<unknown>,
  ): Promise<{ packets: LivePacket[]; capture: LiveCapture }> => {
    const capture = LiveCapture.open(options(more));
    const { packets, done } = collecting(capture);
    await work();
    await capture.close();
    await done;
    return { packets, capture };
  };
  const frame = async (hex: string, more: Partial<LiveOptions> = {}): Promise<LivePacket[]> =>
    (await captured({ filter: '', ...more }, () => send(wire, 1, { hex }))).packets;

  it('hands over every frame once, in order, with its octets', async () => {
    const { packets, capture } = await captured({}, () => send(wire, 5000, { length: 200 }));
    assert.equal(packets.length, 5000);
    packets.forEach(({ bytes, wireLength }, i) => {
      assert.equal(bytes.readBigUInt64BE(14), BigInt(i));
      assert.deepEqual([bytes.length, wireLength, bytes[199]], [200, 200, 199]);
    });
    const { received, kernelDrops, ringFull, delivered, unread } = capture.stats();
    assert.deepEqual([received, kernelDrops, ringFull, delivered, unread], [5000, 0, 0, 5000, 0]);
  });

  it('stamps frames with nanoseconds of the kernel’s clock', async () => {
    const before = Date.now() / 1000 - 1;
    const { packets } = await captured({}, () => send(wire, 200, { rate: 2000 }));
    const times = packets.map(({ seconds, nanoseconds }) => seconds + nanoseconds / 1e9);
    assert.ok(times.every((time) => time >= before && time <= Date.now() / 1000 + 1));
    assert.ok(packets.every(({ nanoseconds }) => nanoseconds < 1e9));
    assert.ok(
      packets.some(({ nanoseconds }) => nanoseconds % 1000 !== 0),
      'only whole microseconds were seen',
    );
  });

  it('cuts at snaplen and keeps the length on the wire', async () => {
    const { packets } = await captured({ snaplen: 100 }, () => send(wire, 3, { length: 777 }));
    assert.deepEqual(
      packets.map(({ bytes, wireLength }) => [bytes.length, wireLength]),
      [
        [100, 777],
        [100, 777],
        [100, 777],
      ],
    );
  });

  for (const [name, tags] of [
    ['802.1Q', '8100' + '0064'],
    ['802.1Q with priority alone', '8100' + 'e000'],
    ['802.1ad and 802.1Q', '88a8' + '00c8' + '8100' + '0064'],
  ] as const) {
    it(`gives back the ${name} tag that the kernel had put aside`, async () => {
      const hex = `${MAC}${tags}88b5${'ab'.repeat(50)}`;
      const packets = await frame(hex);
      assert.deepEqual(
        packets.map(({ bytes, wireLength }) => [bytes.toString('hex'), wireLength]),
        [[hex, hex.length / 2]],
      );
    });
  }

  it('matches a tagged frame with a filter that does not speak of tags, as the kernel has put the tag aside', async () => {
    const hex = `${MAC}8100006488b5${'ab'.repeat(50)}`;
    assert.equal((await frame(hex, { filter: TEST_FILTER })).length, 1);
    assert.equal((await frame(hex, { filter: `vlan 100 and ${TEST_FILTER}` })).length, 1);
    assert.equal((await frame(hex, { filter: 'vlan 101' })).length, 0);
  });

  it('sees what the interface sends only when asked to', async () => {
    const count = async (direction: 'both' | 'in' | 'out'): Promise<number> =>
      (await captured({ interface: wire, direction }, () => send(wire, 20))).packets.length;
    assert.deepEqual([await count('both'), await count('in'), await count('out')], [20, 0, 20]);
  });

  it('captures on all interfaces at once, in cooked form', async () => {
    const { packets, capture } = await captured({ interface: 'any', direction: 'in' }, () => send(wire, 20));
    assert.deepEqual(capture.interfaces, [{ name: 'any', linkType: LINK_TYPE.LINUX_SLL, origin: 'any' }]);
    assert.deepEqual(
      packets.map(({ bytes }) => bytes.readUInt16BE(14)),
      Array<number>(20).fill(0x88b5),
    );
  });

  it('counts what a reader that does not keep up loses, and every sum is right', async () => {
    const capture = LiveCapture.open(options({ slabs: 2, slabBytes: 128 * 1024 }));
    let read = 0;
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const done = capture.read((_batch, from, to) => {
      read += to - from;
      return gate;
    });
    const sent = await send(wire, 50_000);
    await until('both slabs are in use', () => capture.stats().ringFull > 0);
    open();
    await capture.close();
    await done;
    const stats = capture.stats();
    assert.equal(stats.received, sent);
    assert.equal(stats.delivered, read);
    assert.ok(stats.ringFull > 0);
    assert.equal(sent, read + stats.ringFull + (stats.kernelDrops as number));
  });

  it('accounts for every frame at full speed', async () => {
    const capture = LiveCapture.open(options());
    const { seen, done } = counting(capture);
    const sent = await send(wire, 300_000);
    await capture.close();
    await done;
    const { received, kernelDrops, ringFull, delivered } = capture.stats();
    assert.deepEqual([received, delivered, seen.disorder], [sent, seen.packets, 0]);
    assert.equal(sent, seen.packets + ringFull + (kernelDrops as number));
  });

  it('counts drops of the kernel when the capture thread has too small a ring', async () => {
    const capture = LiveCapture.open(options({ bufferBytes: 300_000 }));
    const sent = await send(wire, 20_000, { length: 1000 });
    const { seen, done } = counting(capture);
    await capture.close();
    await done;
    const { received, kernelDrops } = capture.stats();
    assert.ok((kernelDrops as number) > 0);
    assert.deepEqual([received, seen.packets + (kernelDrops as number)], [sent, sent]);
  });

  it('changes its filter under load and loses nothing that passes both', async () => {
    const capture = LiveCapture.open(options());
    const { seen, done } = counting(capture);
    const { sent } = sending(wire, 100_000, { rate: 50_000 });
    for (let i = 0; i < 40; i++) {
      assert.ok(capture.setFilter(i % 2 === 0 ? `${TEST_FILTER} or arp` : TEST_FILTER) > 0);
      assert.throws(() => capture.setFilter('no such thing'), { code: 'bad-filter' });
      await pause(20);
    }
    const total = await sent;
    await capture.close();
    await done;
    const { kernelDrops, ringFull } = capture.stats();
    assert.equal(seen.packets + ringFull + (kernelDrops as number), total);
  });

  it('passes what the new filter passes, and nothing else', async () => {
    const capture = LiveCapture.open(options({ filter: 'arp' }));
    const { packets, done } = collecting(capture);
    await send(wire, 10);
    capture.setFilter(TEST_FILTER);
    await send(wire, 20);
    capture.setFilter('arp');
    await send(wire, 40);
    await capture.close();
    await done;
    assert.equal(packets.length, 20);
  });

  it('closes in the middle of a flood, a hundred times', async function () {
    this.timeout(60_000);
    const flood = sending(wire, 1e9, { rate: 200_000 });
    for (let i = 0; i < 100; i++) {
      const capture = LiveCapture.open(options({ slabs: 2, timeoutMs: 5 }));
      let read = 0;
      const done = capture.read((_batch, from, to) => {
        read += to - from;
        return undefined;
      });
      await until('packets come', () => read > 0);
      await Promise.all([capture.close(), done]);
      const { received, delivered, ringFull, kernelDrops, unread } = capture.stats();
      assert.equal(delivered, read);
      assert.equal(received, delivered + ringFull + (kernelDrops as number) + (unread as number));
    }
    flood.stop();
    await flood.sent;
  });

  it('can be closed before it was read, and twice', async () => {
    const capture = LiveCapture.open(options());
    await Promise.all([capture.close(), capture.close()]);
    await capture.close();
    await assert.rejects(
      capture.read(() => undefined),
      { code: 'closed' },
    );
    assert.equal(capture.stats().received, 0);
  });

  it('says which interfaces there are when there is none of that name', () => {
    assert.throws(
      () => LiveCapture.open(options({ interface: 'tpa0' })),
      (error: CaptureError) => {
        assert.equal(error.code, 'no-such-interface');
        assert.match(error.message, /^There is no interface "tpa0"; there are: .*\btap0\b.*\.$/);
        assert.doesNotMatch(error.message, /nflog|bluetooth/);
        return true;
      },
    );
  });

  it('says so when the interface is down', () => {
    run('ip', 'link', 'set', tap, 'down');
    try {
      assert.throws(() => LiveCapture.open(options()), {
        code: 'interface-down',
        message: `Interface "${tap}" is down; "ip link set ${tap} up" as root starts it.`,
      });
    } finally {
      run('ip', 'link', 'set', tap, 'up');
    }
  });

  it('gives libpcap’s words about a wrong filter, and numbers of instructions for right ones', async () => {
    assert.throws(
      () => LiveCapture.open(options({ filter: 'ip proto' })),
      (error: CaptureError) => {
        assert.equal(error.code, 'bad-filter');
        assert.match(error.message, /^The capture filter "ip proto" is wrong: .*syntax error/);
        return true;
      },
    );
    assert.match(compileFilter('port of call').complaint!, /syntax error|unknown/);
    const offline = compileFilter('ip proto 41').instructions!;
    assert.ok(offline > 1 && offline < 20);
    const capture = LiveCapture.open(options());
    assert.equal(capture.countInstructions('ip proto 41'), offline);
    assert.notEqual(capture.countInstructions('vlan'), compileFilter('vlan').instructions);
    await capture.close();
  });

  it('lists interfaces with their state and addresses', () => {
    run('ip', 'address', 'add', '192.0.2.9/24', 'dev', tap);
    const list = loadAddon().listInterfaces();
    const found = list.find(({ name }) => name === tap)!;
    run('ip', 'address', 'del', '192.0.2.9/24', 'dev', tap);
    assert.deepEqual(found, {
      name: tap,
      description: '',
      isUp: true,
      isRunning: true,
      isLoopback: false,
      addresses: ['192.0.2.9'],
    });
    assert.ok(list.find(({ name }) => name === 'lo')!.isLoopback);
  });

  it('refuses senseless numbers', () => {
    assert.throws(() => LiveCapture.open(options({ slabs: 0 })), RangeError);
    assert.throws(() => LiveCapture.open(options({ slabBytes: 4096 })), RangeError);
    assert.throws(() => LiveCapture.open(options({ timeoutMs: 0 })), RangeError);
    assert.throws(() => LiveCapture.open(options({ interface: 'x'.repeat(99) })), RangeError);
  });
});
