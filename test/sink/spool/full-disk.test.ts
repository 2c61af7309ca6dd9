import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spool } from '../../../src/sink/spool/spool.js';
import type { SpoolEvent } from '../../../src/sink/spool/spool-types.js';
import { DEFAULT_SPOOL } from '../../../src/sink/spool/spool-types.js';
import { kafkaSink } from '../../support/kafka-sink.js';
import { logRecords, numberOf } from '../../support/log-records.js';
import { onTmpfs, remount } from '../../support/small-disk.js';
import { temporaryFolder } from '../../support/temporary.js';

const KIB = 1024;

describe('a spool on a full disk', () => {
  const temporary = temporaryFolder();
  const quick = { ...DEFAULT_SPOOL, commitMs: 1, settleMs: 5, minFreeBytes: 0, segmentBytes: 64 * KIB };

  it('makes room by its policy, so that new alerts are accepted, and says how many went', async function () {
    const disk = temporary.path('makes-room');
    await onTmpfs(this, disk, 'size=512k', async () => {
      const events: SpoolEvent[] = [];
      const folder = join(disk, 'spool');
      const spool = await Spool.open(folder, {
        ...quick,
        policy: 'drop-oldest',
        onEvent: (event) => events.push(event),
      });
      for (let from = 0; from < 3000; from += 50) await spool.append(logRecords(from, from + 50));
      const { accepted, dropped, waiting } = spool.status;
      assert.equal(accepted, 3000);
      assert.ok(dropped > 0);
      assert.equal(accepted, dropped + waiting);
      const kept: number[] = [];
      while (kept.length < waiting) kept.push(...(await spool.read(1000)).map(numberOf));
      assert.deepEqual(
        kept,
        [...Array(waiting).keys()].map((i) => 3000 - waiting + i),
      );
      assert.match(
        events.find(({ kind }) => kind === 'dropped')!.message,
        /^\d+ spooled records were dropped by drop-oldest: the disk is full\.$/,
      );
      await spool.close();
    });
  });

  it('rejects with one sentence when there is nothing to make room of, and accepts again when there is space', async function () {
    const disk = temporary.path('nothing-to-drop');
    await onTmpfs(this, disk, 'size=256k', async () => {
      const folder = join(disk, 'spool');
      const { sink } = kafkaSink(folder, { brokers: ['127.0.0.1:1'] }, { spool: quick });
      await sink.open();
      await sink.publish(logRecords(0, 10));
      const ballast = join(disk, 'ballast');
      fill(ballast);
      const message = `The spool ${folder} has no disk space left; make room or lower maxBytes.`;
      await assert.rejects(sink.publish(logRecords(10, 200)), { message });
      assert.equal(sink.health().state, 'failed');
      assert.equal(sink.health().reason, message);
      assert.equal(sink.health().spool?.refused, 190);
      rmSync(ballast);
      await sink.publish(logRecords(200, 210));
      const { state, spool } = sink.health();
      assert.notEqual(state, 'failed');
      assert.equal(spool?.accepted, spool!.waiting + spool!.dropped, JSON.stringify(spool));
      await sink.close();
      const again = await Spool.open(folder, { ...quick, onEvent: () => undefined });
      assert.equal(again.status.accepted, spool.accepted, 'a torn write left something behind');
      await again.close();
    });
  });

  it('does not grow when less than minFreeBytes is left', async function () {
    const disk = temporary.path('low-space');
    await onTmpfs(this, disk, 'size=1m', async () => {
      const events: SpoolEvent[] = [];
      const spool = await Spool.open(join(disk, 'spool'), {
        ...quick,
        minFreeBytes: 512 * KIB,
        onEvent: (event) => events.push(event),
      });
      for (let from = 0; from < 3000; from += 50) {
        await spool.append(logRecords(from, from + 50));
        // The file system is asked once in a while.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.ok(spool.status.bytes < 900 * KIB, `${spool.status.bytes} octets`);
      assert.equal(spool.status.accepted, 3000);
      await spool.close();
    });
  });

  it('says in one sentence that its folder is read-only', async function () {
    const disk = temporary.path('read-only');
    await onTmpfs(this, disk, 'size=256k', async () => {
      remount(disk, 'ro');
      const folder = join(disk, 'spool');
      await assert.rejects(Spool.open(folder, { ...quick, onEvent: () => undefined }), (error: Error) => {
        assert.match(
          error.message,
          /^The spool( folder)? \S+ (may not be written; give|cannot be made; check)/,
        );
        return true;
      });
    });
  });
});

/* Takes all the space that is left. */
function fill(path: string): void {
  for (let size = 512 * KIB; size >= 1 * KIB; size /= 2) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
