import assert from 'node:assert/strict';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { relayCap } from '../../src/capture/cap-relay.js';
import type { RelayNews, RelayOrder } from '../../src/capture/cap-relay.js';
import { RelayedCapture } from '../../src/capture/relayed-capture.js';
import type { LiveOptions } from '../../src/capture/live-options.js';
import { PlantedCap } from '../support/cap-package.js';
import { until } from '../support/live-network.js';

/* Four packets of 1000 octets fill a slab. */
const OPTIONS: LiveOptions = { interface: 'lo', slabs: 2, slabBytes: 4096 };
const PACKET = 1000;

function packet(number: number): Uint8Array {
  const bytes = new Uint8Array(PACKET);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function opened(options: LiveOptions = OPTIONS): Promise<RelayedCapture> {
  return RelayedCapture.open(options, (port, its) => relayCap(port, its, () => PlantedCap.package));
}

function latest(): PlantedCap {
  return PlantedCap.opened.at(-1)!;
}

/* Brings packets until one is kept. */
function started(capture: RelayedCapture): Promise<void> {
  return until('reading began', () => {
    latest().bring(packet(0));
    return capture.stats().delivered > 0;
  });
}

describe('a capture of cap that is read in another thread', () => {
  it('brings every packet in order, in slabs that go there and back', async () => {
    const capture = await opened({ ...OPTIONS, slabs: 6 });
    const numbers: number[] = [];
    const done = capture.read((batch, from, to) => {
      for (let i = from; i < to; i++) numbers.push(batch.frame.view.getUint32(batch.at[i]!));
      return undefined;
    });
    await started(capture);
    // Slabs that were read may still be on their way back: there are enough for two bursts.
    for (let burst = 0; burst < 20; burst++) {
      for (let i = 0; i < 7; i++) latest().bring(packet(burst * 7 + i));
      await until('the burst was read', () => numbers.at(-1) === burst * 7 + 6);
    }
    await capture.close();
    await done;
    assert.deepEqual(
      numbers.slice(-140),
      Array.from({ length: 140 }, (_, i) => i),
    );
    const { delivered, ringFull, kernelDrops, received } = capture.stats();
    assert.deepEqual([ringFull, kernelDrops], [0, 'unknown']);
    assert.deepEqual([delivered, received], [numbers.length, numbers.length]);
    assert.equal(latest().isOpen, false);
  });

  it('drops and counts what comes while all slabs are away', async () => {
    const capture = await opened();
    let read = 0;
    const done = capture.read((_batch, from, to) => {
      read += to - from;
      return undefined;
    });
    await started(capture);
    // In one go, as `cap` calls: no slab can come back meanwhile.
    for (let i = 0; i < 100; i++) latest().bring(packet(i));
    await capture.close();
    await done;
    const { delivered, ringFull, received } = capture.stats();
    assert.equal(read, delivered);
    assert.ok(delivered <= 1 + 2 * 4 && ringFull >= 100 - 2 * 4, `${delivered} and ${ringFull}`);
    assert.equal(received, delivered + ringFull);
  });

  it('takes slabs back in the middle of the loop of cap', async () => {
    const { port1, port2 } = new MessageChannel();
    relayCap(port2, OPTIONS, () => PlantedCap.package);
    const order = (what: RelayOrder, transfer: readonly ArrayBuffer[] = []): void =>
      port1.postMessage(what, transfer);
    const next = (): RelayNews | undefined =>
      (receiveMessageOnPort(port1) as { message: RelayNews } | undefined)?.message;
    const first = next();
    assert.ok(first?.kind === 'opened');
    order({ kind: 'start' });
    await until('it started', () => {
      latest().bring(packet(0));
      return first.counts[0]! > 0;
    });
    for (let i = 0; i < 200; i++) latest().bring(packet(i));
    const delivered = first.counts[0]!;
    const news = next();
    assert.ok(news?.kind === 'slab');
    order({ kind: 'give-back', buffer: news.slab.buffer }, [news.slab.buffer]);
    for (let i = 0; i < 64; i++) latest().bring(packet(i));
    assert.equal(first.counts[0], delivered + 4);
    port1.close();
    await until('the capture was closed', () => !latest().isOpen);
  });

  it('closes when the other thread is gone', async () => {
    const { port1, port2 } = new MessageChannel();
    relayCap(port2, OPTIONS, () => PlantedCap.package);
    assert.equal(latest().isOpen, true);
    port1.close();
    await until('the capture was closed', () => !latest().isOpen);
  });

  it('keeps the old filter when another is wrong', async () => {
    const capture = await opened();
    await capture.setFilter('arp');
    const inForce = latest();
    await assert.rejects(capture.countInstructions('wrong'), { code: 'bad-filter' });
    await assert.rejects(capture.setFilter('wrong'), { code: 'bad-filter' });
    assert.equal(inForce.filter, 'arp');
    assert.equal(inForce.isOpen, true);
    await capture.close();
    await assert.rejects(capture.setFilter('ip'), { code: 'closed' });
  });

  it('ends, and closes, with what the reader throws', async () => {
    const capture = await opened();
    const done = capture.read(() => {
      throw new Error('out of luck');
    });
    const failed = assert.rejects(done, /out of luck/);
    await until('it is over', () => {
      latest().bring(packet(1));
      return !capture.isCapturing;
    });
    await failed;
    await until('the capture was closed', () => !latest().isOpen);
    await capture.close();
  });

  it('says what is wrong with an interface', async () => {
    await assert.rejects(opened({ ...OPTIONS, interface: 'eth9' }), {
      code: 'no-such-interface',
      message: 'There is no interface "eth9"; there are: lo.',
    });
    await assert.rejects(opened({ ...OPTIONS, direction: 'in' }), { code: 'interface-refused' });
  });
});
