import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileSink } from '../../../src/sink/files/file-sink.js';
import { replayFiles } from '../../../src/sink/files/file-sink-options.js';
import { names, numbersIn, range, testSink } from '../../support/file-sinks.js';
import { logRecords } from '../../support/log-records.js';
import { onTmpfs, remount } from '../../support/small-disk.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('the file sink on a disk that fails', () => {
  const temporary = temporaryFolder();
  let number = 0;
  const fresh = (): string => temporary.path(`disk-${number++}`);

  for (const fsync of ['never', 'interval', 'always'] as const) {
    it(`counts what a full disk does not take, keeps whole lines, and recovers by itself (fsync ${fsync})`, async function () {
      const disk = fresh();
      await onTmpfs(this, disk, 'size=256k', async () => {
        const folder = join(disk, 'logs');
        const { sink, kinds, clock } = testSink(folder, { fsync });
        await sink.open();
        writeFileSync(join(disk, 'ballast'), Buffer.alloc(100_000));
        for (let i = 0; i < 500; i += 10) await sink.publish(logRecords(i, i + 10, 'low', 777));
        assert.equal(sink.health().state, 'failed');
        assert.match(sink.health().reason!, /the disk is full; make room or name another folder\.$/);
        assert.deepEqual(kinds(), ['failed']);
        const { written, lost } = sink.status;
        assert.ok(written > 0 && lost > 0);
        assert.equal(written + lost, 500);
        assert.deepEqual(numbersIn(join(folder, 'notice.log')), range(0, written));

        rmSync(join(disk, 'ballast'));
        await sink.publish(logRecords(500, 510)); // still waiting
        assert.equal(sink.status.lost, lost + 10);
        clock.now += 1000;
        await sink.publish(logRecords(510, 520));
        assert.equal(sink.health().state, 'healthy');
        assert.equal(sink.health().lost, lost + 10);
        assert.deepEqual(kinds(), ['failed', 'recovered']);
        await sink.close();
        assert.deepEqual(numbersIn(join(folder, 'notice.log')), [...range(0, written), ...range(510, 520)]);
      });
    });
  }

  it('tries again with back-off also without records', async function () {
    const disk = fresh();
    await onTmpfs(this, disk, 'size=256k', async () => {
      const { sink, events, clock } = testSink(join(disk, 'logs'));
      await sink.open();
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(180_000));
      await sink.publish(logRecords(0, 200, 'low', 1000));
      const { lost } = sink.status;
      assert.ok(lost > 0);
      clock.now += 1000;
      await sink.tend();
      assert.equal(sink.health().state, 'failed');
      rmSync(join(disk, 'ballast'));
      clock.now += 1999;
      await sink.tend();
      assert.equal(sink.health().state, 'failed');
      clock.now += 1;
      await sink.tend();
      assert.equal(sink.health().state, 'healthy');
      assert.equal(
        events.at(-1)!.message,
        `${join(disk, 'logs')} can be written again; ${lost} records were lost.`,
      );
      assert.deepEqual(names(join(disk, 'logs')), ['notice.log']);
      await sink.close();
    });
  });

  it('stops before the disk is full, so that the spool has room', async function () {
    const disk = fresh();
    await onTmpfs(this, disk, 'size=256k', async () => {
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(150_000));
      const { sink, clock } = testSink(join(disk, 'logs'), { minFreeBytes: 128 * 1024 });
      await sink.open();
      await sink.publish(logRecords(0, 10));
      assert.match(
        sink.health().reason!,
        /less than 131072 octets are free; make room or lower minFreeBytes\.$/,
      );
      assert.deepEqual([sink.status.written, sink.status.lost], [0, 10]);
      rmSync(join(disk, 'ballast'));
      clock.now += 1000;
      await sink.publish(logRecords(10, 20));
      assert.deepEqual([sink.status.written, sink.status.lost], [10, 10]);
      await sink.close();
    });
  });

  it('ends a replay with a sentence, and keeps whole lines', async function () {
    const disk = fresh();
    await onTmpfs(this, disk, 'size=64k', async () => {
      const sink = new FileSink(disk, replayFiles(false));
      await sink.open();
      await assert.rejects(sink.publish(logRecords(0, 300)), {
        name: 'SinkError',
        message: `${disk}: the disk is full; make room or choose another folder with --out.`,
      });
      assert.equal(sink.health().state, 'failed');
      const { written, lost } = sink.status;
      assert.equal(written + lost, 300);
      await sink.close();
      assert.deepEqual(numbersIn(join(disk, 'notice.log')), range(0, written));
    });
  });

  it('keeps a rotated file as it is while there is no room to compress it', async function () {
    const disk = fresh();
    await onTmpfs(this, disk, 'size=256k', async () => {
      const { sink, kinds, clock } = testSink(disk, { rotateBytes: 1, compress: true, compressDelayMs: 0 });
      await sink.open();
      await sink.publish(logRecords(0, 100));
      await sink.publish(logRecords(100, 101));
      const rotated = names(disk)[0]!;
      const content = readFileSync(join(disk, rotated));
      writeFileSync(join(disk, 'ballast'), '');
      try {
        writeFileSync(join(disk, 'ballast'), Buffer.alloc(256 * 1024));
      } catch {
        // Full now, as it should be.
      }
      await sink.tend();
      await sink.idle();
      assert.deepEqual(readFileSync(join(disk, rotated)), content);
      assert.deepEqual(kinds(), ['housekeeping-failed']);
      rmSync(join(disk, 'ballast'));
      clock.now += 60_000;
      await sink.tend();
      await sink.idle();
      assert.deepEqual(names(disk), [`${rotated}.gz`, 'notice.log']);
      await sink.close();
    });
  });

  it('says at once that a replay may not write, and waits in a live sensor until it may', async function () {
    const disk = fresh();
    await onTmpfs(this, disk, 'size=256k,ro', async () => {
      const folder = join(disk, 'logs');
      await assert.rejects(new FileSink(folder, replayFiles(false)).open(), {
        name: 'SinkError',
        message: `${folder}: it may not be written; choose another folder with --out.`,
      });
      const replay = new FileSink(disk, replayFiles(false));
      await replay.open();
      await assert.rejects(replay.publish(logRecords(0, 1)), {
        name: 'SinkError',
        message: `${disk}: it may not be written; choose another folder with --out.`,
      });
      const { sink, kinds, clock } = testSink(folder);
      await sink.open();
      assert.equal(sink.health().state, 'failed');
      await sink.publish(logRecords(0, 7));
      assert.equal(sink.health().lost, 7);
      remount(disk, 'rw');
      clock.now += 1000;
      await sink.tend();
      await sink.publish(logRecords(7, 9));
      assert.deepEqual(kinds(), ['failed', 'recovered']);
      await sink.close();
      assert.deepEqual(numbersIn(join(folder, 'notice.log')), [7, 8]);
    });
  });

  it('mends a torn line that it finds when the disk can be read again', async () => {
    const folder = fresh();
    writeFileSync(folder, 'a file in the place of the folder');
    const { sink, kinds, clock } = testSink(folder);
    await sink.open();
    assert.match(sink.health().reason!, /it is, or lies below, a file; name a folder\.$/);
    rmSync(folder);
    mkdirSync(folder);
    writeFileSync(join(folder, 'notice.log'), '{"ts":1.0,"ale');
    clock.now += 1000;
    await sink.publish(logRecords(0, 2));
    await sink.close();
    assert.deepEqual(numbersIn(join(folder, 'notice.log')), [0, 1]);
    assert.deepEqual(kinds(), ['failed', 'torn-line', 'recovered']);
  });

  it('makes its folder again when somebody removed it', async () => {
    const folder = fresh();
    const { sink, kinds, clock } = testSink(folder);
    await sink.open();
    await sink.publish(logRecords(0, 2));
    rmSync(folder, { recursive: true });
    await sink.tend();
    await sink.publish(logRecords(2, 4));
    assert.equal(sink.health().state, 'failed');
    clock.now += 1000;
    await sink.tend();
    await sink.publish(logRecords(4, 6));
    await sink.close();
    assert.deepEqual(numbersIn(join(folder, 'notice.log')), [4, 5]);
    assert.deepEqual(kinds(), ['moved-away', 'failed', 'recovered']);
    assert.equal(sink.health().lost, 2);
  });
});
