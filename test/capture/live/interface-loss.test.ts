import assert from 'node:assert/strict';
import { LiveCapture } from '../../../src/capture/live-capture.js';
import type { LiveOptions } from '../../../src/capture/live-options.js';
import type { InterfaceLost } from '../../../src/capture/live-source.js';
import {
  counting,
  liveNetwork,
  openDescriptors,
  run,
  send,
  TEST_FILTER,
  until,
} from '../../support/live-network.js';

describe('live capture and interfaces that go away', () => {
  const { wire, tap, addLink, removeLink } = liveNetwork();
  const options: LiveOptions = {
    interface: tap,
    filter: TEST_FILTER,
    slabs: 4,
    reopen: { initialMs: 5, maxMs: 40 },
  };

  it('tells that the interface went, waits for it, and goes on with the filter that was set meanwhile', async () => {
    const lost: InterfaceLost[] = [];
    const waits: number[] = [];
    const told = new Set<string>();
    let returned = 0;
    const capture = LiveCapture.open(
      { ...options, filter: 'arp' },
      {
        onLost: (each) => lost.push(each),
        onStillLost: (error, waitMs) => {
          told.add(error.code);
          waits.push(waitMs);
        },
        onReturned: () => returned++,
      },
    );
    const { seen, done } = counting(capture);
    removeLink();
    await until('the loss is told', () => lost.length === 1);
    assert.deepEqual(lost, [{ interface: tap, reason: 'The interface disappeared' }]);
    assert.equal(capture.isCapturing, false);
    assert.throws(() => capture.setFilter('no such thing'), { code: 'bad-filter' });
    capture.setFilter(TEST_FILTER);
    await until('five attempts failed', () => waits.length >= 5);
    assert.deepEqual(waits.slice(0, 5), [10, 20, 40, 40, 40]);
    addLink();
    await until('the return is told', () => returned === 1);
    assert.ok([...told].every((code) => code === 'no-such-interface' || code === 'interface-down'));
    const sent = await send(wire, 3000);
    await capture.close();
    await done;
    const { received, interruptions } = capture.stats();
    assert.deepEqual([seen.packets, received, interruptions, capture.interfaces.length], [sent, sent, 1, 1]);
  });

  it('keeps its sums over many losses, under load, and leaks no descriptor', async () => {
    const before = openDescriptors();
    let returned = 0;
    const capture = LiveCapture.open(options, { onReturned: () => returned++ });
    const { seen, done } = counting(capture);
    let sent = 0;
    for (let round = 1; round <= 10; round++) {
      sent += await send(wire, 2000);
      removeLink();
      await until('the loss is noticed', () => capture.stats().interruptions === round);
      addLink();
      await until('the interface is back', () => returned === round);
    }
    await capture.close();
    await done;
    const { received, delivered, kernelDrops, ringFull, unread, interruptions } = capture.stats();
    assert.deepEqual([interruptions, received, delivered], [10, sent, seen.packets]);
    // What the kernel had received before the interface went is still taken.
    assert.deepEqual([kernelDrops, ringFull, unread], [0, 0, 0]);
    assert.equal(openDescriptors(), before);
  });

  it('takes another interface of the same name for another one', async () => {
    let lost = 0;
    const capture = LiveCapture.open(options, { onLost: () => lost++ });
    const { seen, done } = counting(capture);
    removeLink();
    addLink();
    await until('the loss is noticed', () => lost === 1);
    await until('it captures again', () => capture.isCapturing);
    const sent = await send(wire, 100);
    await capture.close();
    await done;
    assert.equal(seen.packets, sent);
  });

  it('goes on when the interface was down for a while', async () => {
    let lost = 0;
    const capture = LiveCapture.open(options, { onLost: () => lost++ });
    const { seen, done } = counting(capture);
    await send(wire, 10);
    run('ip', 'link', 'set', tap, 'down');
    run('ip', 'link', 'set', tap, 'up');
    await until('it captures', () => capture.isCapturing);
    let sent = 0;
    await until('frames come again', () => {
      run('build/native/send-frames', wire, '1');
      sent++;
      return seen.packets > 10;
    });
    await capture.close();
    await done;
    assert.ok(sent < 100 && lost <= 1);
  });

  it('can be closed while the interface is away', async () => {
    let lost = 0;
    const capture = LiveCapture.open(options, { onLost: () => lost++ });
    const { done } = counting(capture);
    removeLink();
    await until('the loss is told', () => lost === 1);
    await capture.close();
    await done;
    addLink();
  });
});
