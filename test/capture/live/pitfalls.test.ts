import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { LiveCapture } from '../../../src/capture/live-capture.js';
import type { LiveOptions } from '../../../src/capture/live-options.js';
import { ADDON_PATH, loadAddon } from '../../../src/capture/native-addon.js';
import { counting, liveNetwork, send, sending, TEST_FILTER, until } from '../../support/live-network.js';
import { LiveProcess } from '../../support/live-process.js';

/* The pitfalls of native capture in Node that were measured before the addon was written, by their letters. */
describe('pitfalls of native capture', () => {
  const { wire, tap, addLink, removeLink } = liveNetwork();
  const options = (more: Partial<LiveOptions> = {}): LiveOptions => ({
    interface: tap,
    filter: TEST_FILTER,
    slabs: 4,
    ...more,
  });

  it('(a) V8 owns the memory: no external ArrayBuffers, and slabs stay where they are when transferred', async () => {
    assert.ok(!readFileSync(ADDON_PATH).includes('napi_create_external'));
    const capture = LiveCapture.open(options());
    const { port1 } = new MessageChannel();
    const lengths = new Set<number>();
    const done = capture.read((batch) => {
      const { buffer } = batch.frame.bytes;
      try {
        port1.postMessage(buffer, [buffer as ArrayBuffer]);
      } catch {
        // Later versions of Node refuse, earlier ones send a copy.
      }
      lengths.add(buffer.byteLength);
      return undefined;
    });
    await send(wire, 20_000);
    await capture.close();
    await done;
    port1.close();
    assert.deepEqual([...lengths], [1024 * 1024]);
  });

  it('(b) slabs are made once: nothing is allocated for a batch', async () => {
    const capture = LiveCapture.open(options());
    const buffers = new Set<ArrayBufferLike>();
    const batches = new Set<unknown>();
    let calls = 0;
    const done = capture.read((batch) => {
      buffers.add(batch.frame.bytes.buffer);
      batches.add(batch);
      calls++;
      return undefined;
    });
    for (let i = 0; i < 20; i++) {
      const before: number = calls;
      await send(wire, 10);
      await until('they were read', () => calls > before);
    }
    const { arrayBuffers } = process.memoryUsage();
    await send(wire, 100_000);
    assert.ok(process.memoryUsage().arrayBuffers <= arrayBuffers + 1024 * 1024);
    await capture.close();
    await done;
    assert.ok(calls >= 20 && buffers.size <= 4 && batches.size === 1);
  });

  it('(c) the process may end at any moment of a capture', async () => {
    const flood = sending(wire, 1e9, { rate: 50_000 });
    for (const [scenario, code] of [
      ['exits-in-callback', 7],
      ['exits-unclosed', 0],
    ] as const) {
      for (let i = 0; i < 3; i++) {
        const child = new LiveProcess(scenario, tap);
        assert.equal(await child.ended, code, child.stderr);
        assert.equal(child.stderr, '');
      }
    }
    flood.stop();
    await flood.sent;
  });

  it('(c) a handle that nobody holds any more is closed by the collector', async () => {
    const child = new LiveProcess('collected', tap, '--expose-gc');
    assert.equal(await child.ended, 0, child.stderr);
    assert.deepEqual(child.lines, ['collected']);
  });

  it('(d) there is no state of the file’s own: handles of two captures do not mix', async () => {
    const addon = loadAddon();
    assert.equal(loadAddon(), addon);
    const one = LiveCapture.open(options(), {}, addon);
    const two = LiveCapture.open(options({ filter: 'arp' }), {}, addon);
    const [first, second] = [counting(one), counting(two)];
    const sent = await send(wire, 1000);
    await one.close();
    two.setFilter(TEST_FILTER);
    const more = await send(wire, 500);
    await two.close();
    await Promise.all([first.done, second.done]);
    assert.deepEqual([first.seen.packets, second.seen.packets], [sent, more]);
  });

  it('(e) a capture holds the process, or does not, as it was asked to', async () => {
    const free = new LiveProcess('not-held', tap);
    assert.deepEqual([await free.ended, free.lines], [0, ['reading']]);
    const held = new LiveProcess('held', tap);
    assert.deepEqual([await held.ended, held.lines], [0, ['ended']]);
  });

  it('(f) what the reader throws rejects the reading and closes the capture', async () => {
    for (const fail of [
      () => {
        throw new Error('the reader failed');
      },
      () => Promise.reject(new Error('the reader failed')),
    ]) {
      const capture = LiveCapture.open(options());
      const rejected = assert.rejects(capture.read(fail), { message: 'the reader failed' });
      await send(wire, 10);
      await rejected;
      assert.equal(capture.isCapturing, false);
      await capture.close();
    }
  });

  it('(g) an idle capture with a long time-out closes all the same', async () => {
    const capture = LiveCapture.open(options({ timeoutMs: 3_600_000 }));
    const { done } = counting(capture);
    capture.stats();
    await capture.close();
    await done;
  });

  it('(h) root is dropped after opening, and the interface can be opened again without it', async function () {
    this.timeout(60_000);
    const child = new LiveProcess('drops-root', tap);
    await child.says('reading');
    const raw = '2000';
    assert.deepEqual(child.lines.slice(0, 3), [
      'user 65534 group 65534 groups ',
      `main ${raw} ${raw} ${raw} ${raw} ${raw}`,
      `program ${raw} ${raw} ${raw} ${raw} ${raw}`,
    ]);
    const first = await send(wire, 700);
    removeLink();
    await child.says('lost');
    addLink();
    await child.says('returned');
    const second = await send(wire, 300);
    child.signal('SIGTERM');
    assert.equal(await child.ended, 0, child.stderr);
    assert.equal(child.lines.at(-1), `packets ${first + second}`);
  });

  it('(h) a worker started after the drop may open interfaces, one from before may not', async () => {
    const after = new LiveProcess('worker-after-drop', tap);
    assert.deepEqual([await after.ended, after.lines], [0, ['worker true']], after.stderr);
    const before = new LiveProcess('worker-before-drop', tap);
    assert.deepEqual(
      [await before.ended, before.lines],
      [0, ['before true', 'after false main true']],
      before.stderr,
    );
  });

  it('(h) without the right, one sentence says how to get it', async () => {
    const child = new LiveProcess('no-right', tap);
    assert.equal(await child.ended, 0, child.stderr);
    assert.match(
      child.lines[0]!,
      /^not-permitted: Capturing on "tap0" needs CAP_NET_RAW, .*AmbientCapabilities=CAP_NET_RAW.*setcap cap_net_raw\+ep .*node/,
    );
    assert.match(child.lines[1]!, /^not-permitted: Privileges cannot be dropped to user 65534 .*CAP_NET_RAW/);
  });
});
