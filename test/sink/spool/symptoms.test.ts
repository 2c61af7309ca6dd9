import assert from 'node:assert/strict';
import { openSync, readdirSync, readFileSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { Settlement } from '../../../src/sink/spool/settlement.js';
import { Spool } from '../../../src/sink/spool/spool.js';
import { SPOOL_POLICIES } from '../../../src/sink/spool/make-room.js';
import type { SpoolEvent, SpoolOptions } from '../../../src/sink/spool/spool-types.js';
import { DEFAULT_SPOOL } from '../../../src/sink/spool/spool-types.js';
import { until } from '../../support/kafka-sink.js';
import { logRecords, numberOf } from '../../support/log-records.js';
import { temporaryFolder } from '../../support/temporary.js';

const MIB = 1024 * 1024;

/* Each was seen to go wrong once. */
describe('the spool no longer', () => {
  const temporary = temporaryFolder();
  const events: SpoolEvent[] = [];

  function open(name: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
    return Spool.open(temporary.path(name), {
      ...DEFAULT_SPOOL,
      commitMs: 0,
      settleMs: 5,
      minFreeBytes: 0,
      onEvent: (event) => events.push(event),
      ...options,
    });
  }

  it('gives sequences twice and deletes the file it writes, after everything was dropped and it was opened again', async () => {
    let spool = await open('reuse', { maxBytes: MIB });
    await spool.append(logRecords(0, 3000));
    await spool.close();
    spool = await open('reuse', { maxBytes: MIB });
    const before = spool.status.accepted;
    assert.equal(before, 3000);
    await spool.append(logRecords(5000, 5010));
    spool.noteResent(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const got: number[] = [];
    while (!got.includes(5009)) got.push(...(await spool.read(1000)).map(numberOf));
    await spool.close();
    spool = await open('reuse', { maxBytes: MIB });
    assert.equal(spool.status.accepted, 3010);
    await spool.close();
  });

  it('freezes when the last record turns out damaged while it runs', async () => {
    const spool = await open('damaged');
    await spool.append(logRecords(0, 10));
    const folder = temporary.path('damaged');
    const segment = join(
      folder,
      readdirSync(folder).find((name) => name.endsWith('.seg'))!,
    );
    const file = openSync(segment, 'r+');
    writeSync(file, Buffer.from('?'), 0, 1, statSync(segment).size - 20);
    closeSync(file);
    const records = await spool.read(100);
    assert.equal(records.length, 9);
    for (const { sequence } of records) spool.settle(sequence, 'acknowledged');
    const next = spool.read(100);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(spool.status.damaged, 1);
    assert.equal(spool.status.waiting, 0);
    await spool.append(logRecords(10, 11));
    assert.deepEqual((await next).map(numberOf), [10]);
    await spool.close();
  });

  it('ends the process when its folder goes away', async () => {
    const spool = await open('gone', { minFreeBytes: 1 });
    await spool.append(logRecords(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    rmSync(temporary.path('gone'), { recursive: true });
    await assert.rejects(spool.append(logRecords(10, 20)), { name: 'SinkError' });
    await spool.close();
  });

  for (const policy of SPOOL_POLICIES) {
    it(`counts records twice when a full spool makes room by ${policy} under a reader`, async () => {
      const spool = await open(`race-${policy}`, { policy, maxBytes: MIB, segmentBytes: MIB / 4 });
      let read = 0;
      const reading = (async () => {
        for (;;) {
          const records = await spool.read(20);
          if (records.length === 0) return;
          await new Promise((resolve) => setTimeout(resolve, 1));
          read += records.length;
          for (const { sequence } of records) spool.settle(sequence, 'acknowledged');
        }
      })();
      for (let from = 0; from < 20_000; from += 100) await spool.append(logRecords(from, from + 100));
      await until(
        () => spool.status.waiting === 0,
        () => spool.status,
      );
      const { acknowledged, dropped, damaged, accepted } = spool.status;
      assert.equal(accepted, 20_000);
      assert.equal(damaged, 0);
      assert.equal(acknowledged, read);
      assert.equal(dropped, 20_000 - read);
      assert.ok(dropped > 0);
      await spool.close();
      await reading;
    });
  }

  it('throws its backlog away when the disk is nearly full, instead of not growing', async () => {
    let spool = await open('low', { segmentBytes: MIB / 2, policy: 'drop-oldest' });
    await spool.append(logRecords(0, 10_000));
    await spool.close();
    spool = await open('low', { segmentBytes: MIB / 2, policy: 'drop-oldest', minFreeBytes: 2 ** 50 });
    for (let from = 10_000; from < 12_000; from += 100) await spool.append(logRecords(from, from + 100));
    const { dropped } = spool.status;
    assert.ok(dropped > 0 && dropped <= 2500, `${dropped} were dropped for 2000 that were appended`);
    await spool.close();
  });

  it('writes one file however long a list is appended, nor keeps its memory', async () => {
    const spool = await open('long', { segmentBytes: MIB });
    await spool.append(logRecords(0, 30_000));
    const folder = temporary.path('long');
    const sizes = readdirSync(folder)
      .filter((name) => name.endsWith('.seg'))
      .map((name) => statSync(join(folder, name)).size);
    assert.ok(sizes.length >= 3, `${sizes.length} files`);
    assert.ok(Math.max(...sizes) < 6 * MIB);
    await spool.close();
  });

  it('calls what is acknowledged behind a record that waits damaged', async () => {
    const spool = await open('behind');
    await spool.append(logRecords(0, 10));
    await spool.read(10);
    for (const sequence of [2, 3, 4, 5]) spool.settle(sequence, 'acknowledged');
    const { acknowledged, damaged, waiting } = spool.status;
    assert.deepEqual({ acknowledged, damaged, waiting }, { acknowledged: 4, damaged: 0, waiting: 6 });
    await spool.close();
  });

  it('remembers every record behind one that waits', () => {
    const settlement = new Settlement({ settled: 0, deadLettered: 0, dropped: 0, damaged: 0 });
    settlement.begin(1);
    for (let sequence = 2; sequence <= 200_000; sequence++) {
      settlement.begin(sequence);
      settlement.settle(sequence, sequence % 10 === 0 ? 'dead-lettered' : 'acknowledged');
    }
    assert.equal(settlement.inFlight, 1);
    assert.deepEqual(settlement.totals, {
      acknowledged: 179_999,
      deadLettered: 20_000,
      dropped: 0,
      damaged: 0,
    });
    settlement.settle(1, 'acknowledged');
    assert.deepEqual(settlement.counts, { settled: 200_000, deadLettered: 20_000, dropped: 0, damaged: 0 });
  });

  it('goes on accepting after it was told to close', async () => {
    const spool = await open('closing', { commitRecords: 1 });
    let accepted = 0;
    const appending = (async () => {
      for (let from = 0; from < 5000; from++) {
        await spool.append(logRecords(from, from + 1));
        accepted++;
      }
    })();
    await until(() => accepted > 10);
    const before = accepted;
    await spool.close();
    await assert.rejects(appending, { message: /is closed\.$/ });
    assert.ok(accepted <= before + 2);
    assert.equal(spool.status.refused, 1);
  });

  it('writes on when its lock was taken by another', async () => {
    const spool = await open('robbed');
    const lock = join(temporary.path('robbed'), 'lock');
    const own = readFileSync(lock, 'utf8');
    rmSync(lock);
    await assert.rejects(spool.append(logRecords(0, 1)), { code: 'in-use' });
    assert.match(own, /^\d+ \d+\n$/);
    await spool.close();
  });
});
