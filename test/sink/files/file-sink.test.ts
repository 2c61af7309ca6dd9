import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { SinkError } from '../../../src/sink/alert-sink.js';
import { FileSink } from '../../../src/sink/files/file-sink.js';
import { FSYNC_POLICIES, replayFiles } from '../../../src/sink/files/file-sink-options.js';
import { allNumbers, MORNING, names, numbersIn, range, testSink } from '../../support/file-sinks.js';
import { logRecord, logRecords } from '../../support/log-records.js';
import { SAMPLE_NOTICE, SAMPLE_TUNNEL, SAMPLE_WEIRD } from '../../support/sample-records.js';
import { temporaryFolder } from '../../support/temporary.js';

const HOUR = 3_600_000;

describe('the file sink', () => {
  const temporary = temporaryFolder();
  let number = 0;
  const fresh = (): string => temporary.path(`files-${number++}`);

  it('writes one file per log, made with its first record, for owner and group only', async () => {
    const folder = join(fresh(), 'deep');
    const { sink } = testSink(folder);
    assert.equal(sink.health().state, 'starting');
    await sink.open();
    assert.deepEqual(names(folder), []);
    await sink.publish([SAMPLE_WEIRD, SAMPLE_NOTICE, SAMPLE_TUNNEL, SAMPLE_NOTICE]);
    assert.deepEqual(names(folder), ['notice.log', 'tunnel.log', 'weird.log']);
    assert.equal(
      readFileSync(join(folder, 'notice.log'), 'utf8'),
      `${SAMPLE_NOTICE.json}\n${SAMPLE_NOTICE.json}\n`,
    );
    assert.equal(statSync(folder).mode & 0o777, 0o750);
    assert.equal(statSync(join(folder, 'notice.log')).mode & 0o777, 0o640);
    assert.deepEqual(sink.health(), { state: 'healthy', reason: undefined, spool: undefined, lost: 0 });
    await sink.close();
    await sink.close();
    assert.equal(sink.health().state, 'closed');
    assert.equal(sink.status.written, 4);
  });

  it('writes a batch of many times what it writes at once, and records that are larger than that', async () => {
    const folder = fresh();
    const { sink } = testSink(folder);
    await sink.open();
    const long = `{"text":"${'é'.repeat(300_000)}"}`;
    const batch = Array.from({ length: 900 }, (_, i) => ({
      ...SAMPLE_NOTICE,
      json: i % 300 === 7 ? long : SAMPLE_NOTICE.json,
    }));
    await sink.publish(batch);
    await sink.close();
    const lines = readFileSync(join(folder, 'notice.log'), 'utf8').split('\n');
    assert.deepEqual(lines, [...batch.map(({ json }) => json), '']);
    assert.equal(sink.status.written, batch.length);
  });

  it('appends to what is there, with every policy of fsync', async () => {
    for (const fsync of FSYNC_POLICIES) {
      const folder = fresh();
      for (const from of [0, 10, 20]) {
        const { sink, clock } = testSink(folder, { fsync });
        await sink.open();
        await sink.publish(logRecords(from, from + 5));
        clock.now += 5000;
        await sink.tend();
        await sink.publish(logRecords(from + 5, from + 10));
        await sink.flush();
        await sink.close();
      }
      assert.deepEqual(numbersIn(join(folder, 'notice.log')), range(0, 30));
    }
  });

  it('keeps the order of batches that are published without waiting', async () => {
    const folder = fresh();
    const { sink } = testSink(folder);
    await Promise.all([
      sink.open(),
      ...range(0, 50).map((i) => sink.publish(logRecords(i * 3, i * 3 + 3))),
      sink.close(),
    ]);
    assert.deepEqual(numbersIn(join(folder, 'notice.log')), range(0, 150));
  });

  it('does not let records pile up before a slow disk: more than maxWaitingRecords are counted as lost', async () => {
    const folder = fresh();
    const { sink } = testSink(folder, { maxWaitingRecords: 10 });
    await sink.open();
    await Promise.all(range(0, 10).map((i) => sink.publish(logRecords(i * 5, i * 5 + 5))));
    await sink.close();
    assert.deepEqual(numbersIn(join(folder, 'notice.log')), range(0, 10));
    assert.deepEqual([sink.status.written, sink.health().lost], [10, 40]);
  });

  it('refuses use before open and after close', async () => {
    const { sink } = testSink(fresh());
    await assert.rejects(sink.publish([SAMPLE_NOTICE]), SinkError);
    await sink.open();
    await assert.rejects(sink.open(), SinkError);
    await sink.close();
    await assert.rejects(sink.publish([SAMPLE_NOTICE]), SinkError);
    await assert.rejects(sink.reopen(), SinkError);
  });

  it('of a replay refuses a folder with logs, or replaces them', async () => {
    const folder = fresh();
    mkdirSync(folder);
    writeFileSync(join(folder, 'notice.log'), 'old\n');
    writeFileSync(join(folder, 'tunnel.log'), 'old\n');
    await assert.rejects(new FileSink(folder, replayFiles(false)).open(), {
      name: 'SinkError',
      message: `${folder} holds notice.log and tunnel.log already; name another folder or add --overwrite.`,
    });
    const sink = new FileSink(folder, replayFiles(true));
    await sink.open();
    await sink.publish(logRecords(0, 3));
    await sink.close();
    assert.deepEqual(names(folder), ['notice.log']);
    assert.deepEqual(numbersIn(join(folder, 'notice.log')), [0, 1, 2]);
  });

  describe('rotates', () => {
    it('by size, without losing, doubling or splitting a record, and never uses a name twice', async () => {
      const folder = fresh();
      const { sink } = testSink(folder, { rotateBytes: 3000 });
      await sink.open();
      for (let i = 0; i < 40; i += 2) await sink.publish(logRecords(i, i + 2));
      await sink.close();
      assert.deepEqual(allNumbers(folder), range(0, 40));
      assert.ok(names(folder).every((name) => statSync(join(folder, name)).size <= 3000));
      // The clock stood still: each file has the next second.
      assert.deepEqual(names(folder).slice(0, 3), [
        'notice.2035-11-21-07-13-05.log',
        'notice.2035-11-21-07-13-06.log',
        'notice.2035-11-21-07-13-07.log',
      ]);
      assert.equal(sink.status.rotated, names(folder).length - 1);
    });

    it('by age, on the hour, with the time at which the file was begun', async () => {
      const folder = fresh();
      const { sink, clock } = testSink(folder, { rotateIntervalMs: HOUR });
      await sink.open();
      await sink.publish(logRecords(0, 2));
      clock.now = Date.UTC(2035, 10, 21, 7, 59, 59, 999);
      await sink.publish(logRecords(2, 4));
      clock.now += 1;
      await sink.publish(logRecords(4, 6));
      clock.now += HOUR;
      // A log that has gone quiet is rotated all the same.
      await sink.tend();
      await sink.close();
      assert.deepEqual(names(folder), ['notice.2035-11-21-07-13-05.log', 'notice.2035-11-21-08-00-00.log']);
      assert.deepEqual(allNumbers(folder), range(0, 6));
    });

    it('at open what an earlier process left of an earlier hour', async () => {
      const folder = fresh();
      mkdirSync(folder);
      const path = join(folder, 'notice.log');
      writeFileSync(path, `${logRecord(0).json}\n`);
      utimesSync(path, MORNING / 1000 - 3600, MORNING / 1000 - 3600);
      const { sink } = testSink(folder, { rotateIntervalMs: HOUR });
      await sink.open();
      await sink.publish([logRecord(1)]);
      await sink.close();
      assert.equal(names(folder).length, 2);
      assert.deepEqual(allNumbers(folder), [0, 1]);
    });

    it('by a clock that is put back without using a name again', async () => {
      const folder = fresh();
      const { sink, clock } = testSink(folder, { rotateIntervalMs: HOUR });
      await sink.open();
      for (const [i, hours] of [0, 1, 0, 1, 0].entries()) {
        clock.now = MORNING + hours * HOUR;
        await sink.publish([logRecord(i)]);
      }
      await sink.close();
      assert.equal(names(folder).length, 5);
      assert.deepEqual(allNumbers(folder), range(0, 5));
    });

    it('goes on in the same file when it cannot, and says so once', async () => {
      const folder = fresh();
      const { sink, events, clock } = testSink(folder, { rotateBytes: 600 });
      await sink.open();
      await sink.publish([logRecord(0)]);
      // A folder in the place of the new name.
      mkdirSync(join(folder, 'notice.2035-11-21-07-13-05.log'));
      await sink.publish([logRecord(1)]);
      await sink.publish([logRecord(2)]);
      assert.deepEqual(numbersIn(join(folder, 'notice.log')), [0, 1, 2]);
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['housekeeping-failed'],
      );
      assert.equal(sink.health().state, 'healthy');
      rmSync(join(folder, 'notice.2035-11-21-07-13-05.log'), { recursive: true });
      clock.now += 60_000;
      await sink.publish([logRecord(3)]);
      await sink.close();
      assert.deepEqual(allNumbers(folder), range(0, 4));
      assert.equal(sink.health().lost, 0);
    });
  });

  describe('compresses rotated files', () => {
    it('once readers had time, with the same content, rights and time', async () => {
      const folder = fresh();
      const { sink, clock } = testSink(folder, { rotateBytes: 1, compress: true, compressDelayMs: 60_000 });
      await sink.open();
      await sink.publish(logRecords(0, 500));
      const before = statSync(join(folder, 'notice.log'));
      const content = readFileSync(join(folder, 'notice.log'));
      await sink.publish([logRecord(500)]);
      clock.now += 59_999;
      await sink.tend();
      await sink.idle();
      assert.deepEqual(names(folder), ['notice.2035-11-21-07-13-05.log', 'notice.log']);
      clock.now += 1;
      await sink.tend();
      await sink.idle();
      assert.deepEqual(names(folder), ['notice.2035-11-21-07-13-05.log.gz', 'notice.log']);
      const path = join(folder, 'notice.2035-11-21-07-13-05.log.gz');
      assert.deepEqual(gunzipSync(readFileSync(path)), content);
      const after = statSync(path);
      assert.equal(after.mode & 0o777, 0o640);
      assert.equal(Math.floor(after.mtimeMs / 1000), Math.floor(before.mtimeMs / 1000));
      assert.equal(sink.status.rotatedBytes, after.size);
      await sink.close();
    });

    it('again after a crash, and leaves nothing half behind', async () => {
      const folder = fresh();
      mkdirSync(folder);
      const line = (i: number): string => `${logRecord(i).json}\n`;
      // Killed while it compressed, and killed between the new name and the removal of the original.
      writeFileSync(join(folder, 'notice.2035-11-21-05-00-00.log'), line(0));
      writeFileSync(join(folder, 'notice.2035-11-21-05-00-00.log.gz.partial'), 'half');
      writeFileSync(join(folder, 'notice.2035-11-21-06-00-00.log'), line(1));
      writeFileSync(join(folder, 'notice.2035-11-21-06-00-00.log.gz'), 'whatever');
      const { sink } = testSink(folder, { compress: true, compressDelayMs: 0 });
      await sink.open();
      await sink.tend();
      await sink.idle();
      await sink.close();
      assert.deepEqual(names(folder), [
        'notice.2035-11-21-05-00-00.log.gz',
        'notice.2035-11-21-06-00-00.log.gz',
      ]);
      assert.deepEqual(allNumbers(folder), [0, 1]);
    });

    it('not to the end when it is closed, and then the original stays', async () => {
      const folder = fresh();
      mkdirSync(folder);
      const name = 'notice.2035-11-21-05-00-00.log';
      writeFileSync(join(folder, name), `${logRecord(0).json}\n`.repeat(50_000));
      const { sink } = testSink(folder, { compress: true, compressDelayMs: 0 });
      await sink.open();
      await sink.tend();
      await sink.close();
      const left = names(folder);
      assert.ok(left.length === 1 && [name, `${name}.gz`].includes(left[0]!), left.join());
      assert.equal(numbersIn(join(folder, left[0]!)).length, 50_000);
    });
  });

  describe('removes the oldest rotated files', () => {
    const rotateTen = async (folder: string, options: object): Promise<FileSink> => {
      mkdirSync(folder);
      writeFileSync(join(folder, 'notice.old.log'), 'mine');
      writeFileSync(join(folder, 'conn.2035-11-21-05-00-00.log'), 'of Zeek');
      const { sink, events } = testSink(folder, { rotateBytes: 1, ...options });
      await sink.open();
      for (let i = 0; i < 11; i++) await sink.publish([logRecord(i)]);
      await sink.tend();
      await sink.idle();
      await sink.close();
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['removed'],
      );
      assert.ok(existsSync(join(folder, 'notice.old.log')));
      assert.ok(existsSync(join(folder, 'conn.2035-11-21-05-00-00.log')));
      rmSync(join(folder, 'notice.old.log'));
      return sink;
    };

    it('of a log beyond keepFiles, and counts them', async () => {
      const folder = fresh();
      const sink = await rotateTen(folder, { keepFiles: 3 });
      assert.deepEqual(allNumbers(folder), [7, 8, 9, 10]);
      assert.equal(sink.status.removed, 7);
    });

    it('of all logs beyond keepBytes', async () => {
      const folder = fresh();
      const sink = await rotateTen(folder, { keepBytes: 2100 });
      assert.deepEqual(allNumbers(folder), [6, 7, 8, 9, 10]);
      assert.equal(sink.status.removed, 6);
      assert.ok(sink.status.rotatedBytes <= 2100);
    });
  });

  describe('finds its files again', () => {
    it('on request, after logrotate renamed them', async () => {
      const folder = fresh();
      const { sink } = testSink(folder);
      await sink.open();
      await sink.publish(logRecords(0, 3));
      renameSync(join(folder, 'notice.log'), join(folder, 'notice.log.1'));
      await sink.publish(logRecords(3, 5));
      await sink.reopen();
      await sink.publish(logRecords(5, 7));
      await sink.close();
      assert.deepEqual(numbersIn(join(folder, 'notice.log.1')), range(0, 5));
      assert.deepEqual(numbersIn(join(folder, 'notice.log')), [5, 6]);
    });

    it('by itself, after somebody renamed or removed them', async () => {
      const folder = fresh();
      const { sink, kinds } = testSink(folder);
      await sink.open();
      await sink.publish(logRecords(0, 3));
      rmSync(join(folder, 'notice.log'));
      await sink.tend();
      await sink.publish(logRecords(3, 5));
      await sink.close();
      assert.deepEqual(numbersIn(join(folder, 'notice.log')), [3, 4]);
      assert.deepEqual(kinds(), ['moved-away']);
    });
  });

  describe('mends a last line that is not whole', () => {
    const reopened = async (content: string | Buffer): Promise<{ lines: number[]; kinds: string[] }> => {
      const folder = fresh();
      mkdirSync(folder);
      writeFileSync(join(folder, 'notice.log'), content);
      const { sink, kinds } = testSink(folder);
      await sink.open();
      await sink.publish([logRecord(99)]);
      await sink.close();
      return { lines: numbersIn(join(folder, 'notice.log')), kinds: kinds() };
    };
    const whole = `${logRecord(0).json}\n${logRecord(1).json}\n`;

    it('by cutting it off', async () => {
      const half = logRecord(2, 'low', 200_000).json.slice(0, -3);
      assert.deepEqual(await reopened(whole + half), { lines: [0, 1, 99], kinds: ['torn-line'] });
      assert.deepEqual(await reopened(half), { lines: [99], kinds: ['torn-line'] });
    });

    it('by adding the line end, when only that is missing', async () => {
      assert.deepEqual(await reopened(whole.slice(0, -1)), { lines: [0, 1, 99], kinds: ['torn-line'] });
    });

    it('also when a loss of power left zeros', async () => {
      const zeros = Buffer.concat([Buffer.from(whole), Buffer.alloc(5000)]);
      assert.deepEqual(await reopened(zeros), { lines: [0, 1, 99], kinds: ['torn-line'] });
    });

    it('and leaves a good file alone', async () => {
      assert.deepEqual(await reopened(whole), { lines: [0, 1, 99], kinds: [] });
      assert.deepEqual(await reopened(''), { lines: [99], kinds: [] });
    });

    it('wherever the process was killed', async () => {
      const octets = Buffer.from(
        logRecords(0, 4, 'low', 90)
          .map(({ json }) => `${json.replace('xx', '漢\\"')}\n`)
          .join(''),
      );
      await fc.assert(
        fc.asyncProperty(fc.nat(octets.length), async (length) => {
          const { lines } = await reopened(octets.subarray(0, length));
          const before = octets.subarray(0, length).toString().split('\n').length - 1;
          // The line that was begun is there only if it was whole.
          assert.ok([before, before + 1].includes(lines.length - 1));
          assert.deepEqual(lines.slice(0, -1), range(0, lines.length - 1));
        }),
        { numRuns: 60 },
      );
    });
  });
});
