import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { crc32c } from '../../../src/sink/spool/crc32c.js';
import { decodeRecord, encodedBound, encodeRecord, recordAt } from '../../../src/sink/spool/record-codec.js';
import { Spool } from '../../../src/sink/spool/spool.js';
import { SpoolError } from '../../../src/sink/spool/spool-error.js';
import type { SpoolEvent, SpoolOptions, SpoolStatus } from '../../../src/sink/spool/spool-types.js';
import { DEFAULT_SPOOL } from '../../../src/sink/spool/spool-types.js';
import type { LogRecord } from '../../../src/model/records.js';
import { SEVERITIES } from '../../../src/model/severity.js';
import { logRecord, logRecords, numberOf } from '../../support/log-records.js';
import { temporaryFolder } from '../../support/temporary.js';

function assertAddsUp(status: SpoolStatus): void {
  const { accepted, acknowledged, deadLettered, dropped, damaged, waiting } = status;
  assert.equal(accepted, acknowledged + deadLettered + dropped + damaged + waiting, JSON.stringify(status));
  for (const count of [acknowledged, deadLettered, dropped, damaged, waiting])
    assert.ok(count >= 0, JSON.stringify(status));
}

describe('CRC-32C', () => {
  it('has the check value of the catalogue and those of RFC 3720 B.4', () => {
    const check = Buffer.from('123456789');
    assert.equal(crc32c(check, 0, check.length), 0xe3069283);
    assert.equal(crc32c(new Uint8Array(32), 0, 32), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(0xff), 0, 32), 0x62a8ab43);
    assert.equal(
      crc32c(
        Uint8Array.from({ length: 32 }, (_, i) => i),
        0,
        32,
      ),
      0x46dd794e,
    );
  });
});

describe('a spooled record', () => {
  it('comes back as it was written', () => {
    const text = fc.option(fc.string({ maxLength: 60 }), { nil: undefined });
    const record: fc.Arbitrary<LogRecord> = fc.record({
      log: fc.constantFrom('notice', 'tunnel', 'weird'),
      time: fc.record(
        { seconds: fc.nat(0xffffffff), nanoseconds: fc.nat(999_999_999) },
        { noNullPrototype: true },
      ),
      severity: fc.constantFrom(...SEVERITIES),
      keys: fc.record(
        { uid: text, communityId: text, outerPair: text, sensor: fc.string({ maxLength: 60 }) },
        { noNullPrototype: true },
      ),
      json: fc.string({ unit: 'grapheme' }).map((value) => JSON.stringify({ value })),
    });
    fc.assert(
      fc.property(record, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (value, sequence) => {
        const bytes = Buffer.alloc(encodedBound(value) + 10);
        const end = encodeRecord(value, sequence, bytes, 5);
        const place = recordAt(bytes, 5, end);
        assert.ok(typeof place === 'object');
        assert.deepEqual(decodeRecord(bytes, place), { ...value, sequence });
        assert.equal(recordAt(bytes, 5, end - 1), 'incomplete');
      }),
    );
  });

  it('is not taken for good with any bit flipped', () => {
    const bytes = Buffer.alloc(2000);
    const end = encodeRecord(logRecord(7, 'high', 120), 42, bytes, 0);
    for (let bit = 0; bit < end * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(typeof recordAt(bytes, 0, end) === 'string', `bit ${bit}`);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });
});

describe('a spool', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  let number = 0;
  const fresh = (): string => temporary.path(`spool-${number++}`);
  const open = async (
    folder: string,
    options: Partial<SpoolOptions> = {},
  ): Promise<{ spool: Spool; events: SpoolEvent[] }> => {
    const events: SpoolEvent[] = [];
    const spool = await Spool.open(folder, {
      ...DEFAULT_SPOOL,
      commitMs: 1,
      settleMs: 5,
      minFreeBytes: 0,
      onEvent: (event) => events.push(event),
      ...options,
    });
    return { spool, events };
  };
  /** Reads and settles everything that waits; gives the numbers. */
  const drain = async (spool: Spool, most = Infinity): Promise<number[]> => {
    const numbers: number[] = [];
    while (spool.status.waiting > 0 && numbers.length < most) {
      const records = await spool.read(Math.min(97, most - numbers.length));
      for (const record of records) {
        numbers.push(numberOf(record));
        spool.settle(record.sequence, 'acknowledged');
      }
    }
    return numbers;
  };
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const segments = (folder: string): string[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.seg'))
      .sort();

  it('gives records in order, and forgets their files once all are settled', async () => {
    const folder = fresh();
    const { spool } = await open(folder, { segmentBytes: 20_000 });
    for (let i = 0; i < 300; i += 10) await spool.append(logRecords(i, i + 10));
    assert.ok(segments(folder).length > 5);
    assert.deepEqual(await drain(spool), range(0, 300));
    await spool.close();
    assert.equal(segments(folder).length, 1);
    assertAddsUp(spool.status);
    assert.deepEqual([spool.status.accepted, spool.status.acknowledged], [300, 300]);
  });

  it('keeps what was accepted over a restart, and gives what was not settled again', async () => {
    const folder = fresh();
    let { spool } = await open(folder);
    await spool.append(logRecords(0, 100));
    assert.deepEqual(await drain(spool, 40), range(0, 40));
    await spool.read(30); // in flight, not settled
    await spool.close();
    ({ spool } = await open(folder));
    assertAddsUp(spool.status);
    assert.deepEqual([spool.status.accepted, spool.status.acknowledged, spool.status.waiting], [100, 40, 60]);
    await spool.append(logRecords(100, 110));
    assert.deepEqual(await drain(spool), range(40, 110));
    await spool.close();
  });

  it('settles out of order without forgetting what is between', async () => {
    const folder = fresh();
    let { spool } = await open(folder);
    await spool.append(logRecords(0, 10));
    const records = await spool.read(10);
    for (const i of [9, 8, 5, 0, 1]) spool.settle(records[i]!.sequence, 'acknowledged');
    assertAddsUp(spool.status);
    await spool.close();
    ({ spool } = await open(folder));
    assert.deepEqual(await drain(spool), range(2, 10));
    await spool.close();
  });

  it('counts dead-lettered records apart', async () => {
    const { spool } = await open(fresh());
    await spool.append(logRecords(0, 10));
    for (const record of await spool.read(10)) {
      spool.settle(record.sequence, numberOf(record) === 3 ? 'dead-lettered' : 'acknowledged');
    }
    assert.deepEqual([spool.status.acknowledged, spool.status.deadLettered], [9, 1]);
    assertAddsUp(spool.status);
    await spool.close();
  });

  it('waits for records, and wakes when they are durable', async () => {
    const { spool } = await open(fresh());
    const waiting = spool.read(10);
    await spool.append(logRecords(0, 3));
    assert.equal((await waiting).length, 3);
    const forever = spool.read(10);
    await spool.close();
    assert.deepEqual(await forever, []);
  });

  it('commits many appends as one group', async () => {
    const { spool } = await open(fresh(), { commitMs: 20, commitRecords: 1000 });
    await Promise.all(range(0, 500).map((i) => spool.append([logRecord(i)])));
    assert.deepEqual(await drain(spool), range(0, 500));
    await spool.close();
  });

  it('lets a second process in only when the first is gone', async () => {
    const folder = fresh();
    const { spool } = await open(folder);
    await assert.rejects(open(folder), (error: unknown) => {
      assert.ok(error instanceof SpoolError);
      assert.equal(error.code, 'in-use');
      assert.match(
        error.message,
        new RegExp(`in use by process ${process.pid}; stop it or name another folder`),
      );
      return true;
    });
    await spool.close();
    const again = await open(folder);
    await again.spool.close();
  });

  it('takes over the lock of a process that is gone, or whose number another has now', async () => {
    for (const content of ['4194399 123\n', `${process.pid} 1\n`]) {
      const folder = fresh();
      mkdirSync(folder);
      writeFileSync(join(folder, 'lock'), content);
      const { spool } = await open(folder);
      await spool.close();
    }
  });

  it('cut at every octet of its last two records gives all records before the cut', async () => {
    const folder = fresh();
    const { spool } = await open(folder);
    for (let i = 0; i < 8; i++) await spool.append([logRecord(i, 'medium', 60)]);
    await spool.close();
    const name = segments(folder)[0]!;
    const whole = readFileSync(join(folder, name));
    const ends: number[] = [];
    for (let at = 32; at < whole.length;) {
      const place = recordAt(whole, at, whole.length);
      assert.ok(typeof place === 'object');
      at = place.end;
      ends.push(at);
    }
    assert.equal(ends.length, 8);
    for (let cut = ends[5]!; cut <= ends[7]!; cut++) {
      const copy = fresh();
      mkdirSync(copy);
      writeFileSync(join(copy, name), whole.subarray(0, cut));
      const { spool: recovered, events } = await open(copy);
      const kept = ends.filter((end) => end <= cut).length;
      assert.deepEqual(await drain(recovered), range(0, kept), `cut at ${cut}`);
      assert.equal(
        events.some((event) => event.message.includes('incomplete write were cut')),
        !ends.includes(cut),
        `cut at ${cut}`,
      );
      // Its next record follows on.
      await recovered.append([logRecord(kept)]);
      assert.deepEqual(await drain(recovered), [kept]);
      assertAddsUp(recovered.status);
      await recovered.close();
      rmSync(copy, { recursive: true });
    }
  });

  it('cut anywhere in its header is a spool that begins', async () => {
    const folder = fresh();
    const { spool } = await open(folder);
    await spool.append(logRecords(0, 2));
    await spool.close();
    const name = segments(folder)[0]!;
    for (let cut = 0; cut <= 32; cut++) {
      const copy = fresh();
      mkdirSync(copy);
      copyFileSync(join(folder, name), join(copy, name));
      truncateSync(join(copy, name), cut);
      const { spool: recovered } = await open(copy);
      await recovered.append([logRecord(5)]);
      assert.deepEqual(await drain(recovered), [5]);
      await recovered.close();
    }
  });

  it('with any octet flipped loses at most the record there, counts it, and says so', async () => {
    const folder = fresh();
    const { spool } = await open(folder, { segmentBytes: 300 });
    for (let i = 0; i < 9; i++) await spool.append([logRecord(i, 'medium', 60)]);
    await spool.close();
    const files = segments(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
    assert.ok(files.length >= 3);
    const [, middle] = files;
    for (let at = 0; at < middle!.bytes.length; at++) {
      const copy = fresh();
      mkdirSync(copy);
      for (const { name, bytes } of files) {
        const damaged = Buffer.from(bytes);
        if (name === middle!.name) damaged[at]! ^= 0x41;
        writeFileSync(join(copy, name), damaged);
      }
      const { spool: recovered, events } = await open(copy);
      assert.ok(
        events.some((event) => event.kind === 'damaged'),
        `octet ${at}: nobody said so`,
      );
      const got = await drain(recovered);
      const isHeader = at < 32;
      assert.equal(got.length, isHeader ? 9 : 8, `octet ${at}`);
      assert.deepEqual(
        got,
        [...got].sort((a, b) => a - b),
      );
      await recovered.close();
      assertAddsUp(recovered.status);
      assert.equal(recovered.status.damaged, isHeader ? 0 : 1, `octet ${at}`);
      rmSync(copy, { recursive: true });
    }
  });

  it('whose file of settled records is damaged gives everything again, and says so', async () => {
    const folder = fresh();
    const { spool } = await open(folder);
    await spool.append(logRecords(0, 10));
    await drain(spool, 5);
    await spool.close();
    writeFileSync(join(folder, 'committed.json'), '{"settled":"x"}');
    const { spool: recovered, events } = await open(folder);
    assert.ok(events.some((event) => event.message.includes('everything in the spool is sent again')));
    assert.deepEqual(await drain(recovered), range(0, 10));
    await recovered.close();
  });

  it('that is full drops its oldest records, counts them, and stays within its bound', async () => {
    const folder = fresh();
    const { spool, events } = await open(folder, { maxBytes: 100_000, policy: 'drop-oldest' });
    for (let i = 0; i < 1000; i += 10) await spool.append(logRecords(i, i + 10));
    const { dropped, waiting, bytes } = spool.status;
    assert.ok(bytes <= 100_000, String(bytes));
    assert.equal(dropped + waiting, 1000);
    assertAddsUp(spool.status);
    assert.deepEqual(await drain(spool), range(dropped, 1000));
    assert.ok(events.some((event) => event.message.includes('were dropped by drop-oldest')));
    await spool.close();
    const again = await open(folder, { maxBytes: 100_000 });
    assertAddsUp(again.spool.status);
    assert.deepEqual([again.spool.status.accepted, again.spool.status.dropped], [1000, dropped]);
    await again.spool.close();
  });

  it('that is full drops the least severe records first, whatever their age', async () => {
    const folder = fresh();
    const limits = { maxBytes: 150_000, policy: 'drop-lowest-severity' } as const;
    const { spool } = await open(folder, limits);
    for (let i = 0; i < 600; i += 5) {
      await spool.append([
        logRecord(i, 'high'),
        ...logRecords(i + 1, i + 5, i % 2 === 0 ? 'low' : 'informational'),
      ]);
    }
    const { dropped } = spool.status;
    assert.ok(dropped > 200);
    assertAddsUp(spool.status);
    await spool.close();
    // The counts follow from the files, so a restart does not change them.
    const { spool: again } = await open(folder, limits);
    assert.equal(again.status.dropped, dropped);
    assertAddsUp(again.status);
    const got = await drain(again);
    assert.deepEqual(
      got.filter((value) => value % 5 === 0),
      range(0, 120).map((i) => i * 5),
    );
    assert.equal(again.status.dropped, dropped);
    assertAddsUp(again.status);
    await again.close();
  });

  it('drops what is in flight when nothing else is left, and counts it back when it arrives after all', async () => {
    const { spool } = await open(fresh(), { maxBytes: 40_000, policy: 'drop-oldest' });
    await spool.append(logRecords(0, 10));
    const inFlight = await spool.read(10);
    for (let i = 10; i < 200; i += 10) await spool.append(logRecords(i, i + 10));
    const before = spool.status;
    assert.ok(before.dropped >= 10);
    for (const record of inFlight) spool.settle(record.sequence, 'acknowledged');
    assert.equal(spool.status.dropped, before.dropped - 10);
    assertAddsUp(spool.status);
    await spool.close();
  });

  it('adds up whatever happens: appends, reads, settling in any order, full, closed, opened again', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          count: fc.integer({ min: 1, max: 30 }),
          severity: fc.constantFrom(...SEVERITIES),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 40 }) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('settle' as const),
          pick: fc.nat(),
          count: fc.integer({ min: 1, max: 40 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom('drop-oldest' as const, 'drop-lowest-severity' as const),
        async (steps, policy) => {
          const folder = fresh();
          const limits = { maxBytes: 30_000, segmentBytes: 4_000, policy, commitMs: 0 };
          let { spool } = await open(folder, limits);
          let next = 0;
          let flight: number[] = [];
          const seen = new Map<number, number>();
          for (const one of steps) {
            if (one.do === 'append') {
              await spool.append(logRecords(next, next + one.count, one.severity, 200));
              next += one.count;
            } else if (one.do === 'read' && spool.status.waiting > flight.length) {
              for (const record of await spool.read(one.count)) {
                const known = seen.get(record.sequence);
                assert.ok(known === undefined || known === numberOf(record), 'a sequence names two records');
                seen.set(record.sequence, numberOf(record));
                flight.push(record.sequence);
              }
              assert.deepEqual(
                flight,
                [...flight].sort((a, b) => a - b),
              );
            } else if (one.do === 'settle') {
              for (let i = 0; i < one.count && flight.length > 0; i++) {
                const [sequence] = flight.splice(one.pick % flight.length, 1);
                spool.settle(sequence!, one.pick % 7 === 0 ? 'dead-lettered' : 'acknowledged');
              }
            } else if (one.do === 'reopen') {
              await spool.close();
              flight = [];
              ({ spool } = await open(folder, limits));
            }
            assertAddsUp(spool.status);
            assert.equal(spool.status.accepted, next);
          }
          await spool.close();
          rmSync(folder, { recursive: true });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says in one sentence that its folder cannot be written', async () => {
    const file = temporary.path('a-file');
    writeFileSync(file, '');
    await assert.rejects(open(join(file, 'spool')), {
      code: 'unwritable',
      message: /cannot be made; check its path, or whether it is a file\.$/,
    });
  });

  it('creates files that only owner and group may read', async () => {
    const folder = fresh();
    const { spool } = await open(folder);
    await spool.append([logRecord(1)]);
    await drain(spool);
    await spool.close();
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o007, 0, name);
  });

  it('does not accept after it was closed', async () => {
    const { spool } = await open(fresh());
    await spool.close();
    await assert.rejects(spool.append([logRecord(1)]), { code: 'closed' });
  });
});
