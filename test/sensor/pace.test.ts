import assert from 'node:assert/strict';
import { PacketBatch } from '../../src/capture/packet-batch.js';
import { Pace } from '../../src/sensor/pace.js';

function batchAt(...times: readonly number[]): PacketBatch {
  const batch = new PacketBatch();
  batch.count = times.length;
  times.forEach((time, i) => {
    batch.seconds[i] = Math.floor(time);
    batch.nanoseconds[i] = Math.round((time % 1) * 1e9);
  });
  return batch;
}

describe('a replay at capture speed', () => {
  it('lets packets go when their time has come, and not before', () => {
    let now = 1000;
    const pace = new Pace(1, () => now);
    const batch = batchAt(100, 100.5, 101, 103);
    assert.equal(pace.dueUntil(batch, 0, 4), 1);
    assert.equal(Math.round(pace.dueIn(batch, 1)), 500);
    now = 2000;
    assert.equal(pace.dueUntil(batch, 1, 4), 3);
    assert.equal(Math.round(pace.dueIn(batch, 3)), 2000);
  });

  it('is so many times faster', () => {
    const pace = new Pace(10, () => 0);
    const batch = batchAt(100, 110);
    assert.equal(pace.dueIn(batch, 0), 0);
    assert.equal(Math.round(pace.dueIn(batch, 1)), 1000);
  });

  it('waits neither for time that goes backwards nor for gaps of more than an hour', () => {
    const pace = new Pace(1, () => 0);
    const batch = batchAt(100, 50, 100_000, 100_001);
    assert.equal(pace.dueUntil(batch, 0, 4), 3);
    assert.equal(Math.round(pace.dueIn(batch, 3)), 1000);
  });
});
