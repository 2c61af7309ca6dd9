import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LogName, LogRecord } from '../../../src/model/records.js';
import { RecordOutbox } from '../../../src/sensor/live/record-outbox.js';

function record(log: LogName, json = '{}'): LogRecord {
  const keys = { uid: undefined, communityId: undefined, outerPair: undefined, sensor: 's' };
  return { log, time: { seconds: 0, nanoseconds: 0 }, severity: 'low', keys, json };
}

const LIMITS = { batchRecords: 4, mostUnacknowledged: 2, mostWaiting: 8 };

describe('the records between analysis and main thread', () => {
  it('are all posted in order, or dropped and counted, whatever is added and acknowledged', () => {
    const step = fc.constantFrom('notice', 'weird', 'ack', 'flush');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const posted: string[] = [];
        let batches = 0;
        const outbox = new RecordOutbox((records) => {
          assert.ok(records.length > 0 && records.length <= LIMITS.batchRecords);
          posted.push(...records.map(({ json }) => json));
          batches++;
        }, LIMITS);
        let added = 0;
        for (const what of steps) {
          if (what === 'flush') outbox.flush();
          else if (what !== 'ack') outbox.add(record(what, String(added++)));
          else if (batches > 0) {
            batches--;
            outbox.acknowledged();
          }
          assert.ok(batches <= LIMITS.mostUnacknowledged);
          assert.ok(outbox.length <= outbox.capacity);
        }
        while (outbox.length > 0) {
          outbox.flush();
          outbox.acknowledged();
        }
        const { notice, weird } = outbox.dropped;
        assert.equal(posted.length + notice + weird, added);
        assert.deepEqual(
          posted.map(Number),
          posted.map(Number).sort((a, b) => a - b),
        );
      }),
    );
  });

  it('leave the last quarter of the room to notices', () => {
    const outbox = new RecordOutbox(() => undefined, { ...LIMITS, mostUnacknowledged: 0 });
    for (let i = 0; i < 20; i++) outbox.add(record('weird'));
    for (let i = 0; i < 20; i++) outbox.add(record('notice'));
    assert.equal(outbox.dropped.weird, 14);
    assert.equal(outbox.dropped.notice, 18);
  });
});
