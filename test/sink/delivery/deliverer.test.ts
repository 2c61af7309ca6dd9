import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { backOffMs, DEFAULT_RETRY } from '../../../src/sink/delivery/back-off.js';
import { DeadLetters } from '../../../src/sink/delivery/dead-letters.js';
import type { Outage } from '../../../src/sink/delivery/outage.js';
import type { SpooledSinkOptions } from '../../../src/sink/delivery/spooled-sink.js';
import { DEFAULT_SPOOLED, SpooledSink } from '../../../src/sink/delivery/spooled-sink.js';
import type { Outgoing, Transport } from '../../../src/sink/delivery/transport.js';
import { DeliveryError } from '../../../src/sink/delivery/transport.js';
import type { SpooledRecord } from '../../../src/sink/spool/record-codec.js';
import { DEFAULT_SPOOL } from '../../../src/sink/spool/spool-types.js';
import { QUICK_RETRY, until } from '../../support/kafka-sink.js';
import { logRecord, logRecords, numberOf } from '../../support/log-records.js';
import { temporaryFolder } from '../../support/temporary.js';

/* A transport of ours that does what a test tells it. */
class ScriptedTransport implements Transport<number> {
  watchedFiles: readonly string[] = [];
  readonly delivered: number[] = [];
  readonly batches: { readonly lane: string; readonly numbers: readonly number[] }[] = [];
  connects = 0;
  onConnect: () => void = () => undefined;
  /** Called before a batch is taken; may throw or wait. */
  onSend: (lane: string, numbers: readonly number[]) => void | Promise<void> = () => undefined;
  laneOf: (number: number) => string = () => 'one';
  lose: (error: DeliveryError) => void = () => undefined;
  busyLanes = new Set<string>();

  connect(onLost: (error: DeliveryError) => void): Promise<void> {
    this.connects++;
    this.lose = onLost;
    try {
      this.onConnect();
      return Promise.resolve();
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the test throws
      return Promise.reject(error);
    }
  }

  encode(record: SpooledRecord): Outgoing<number> {
    const message = numberOf(record);
    return { lane: this.laneOf(message), bytes: record.json.length, message };
  }

  async send(lane: string, numbers: readonly number[]): Promise<void> {
    assert.ok(!this.busyLanes.has(lane), 'two batches of a lane were on their way at once');
    this.busyLanes.add(lane);
    try {
      this.batches.push({ lane, numbers });
      await new Promise((resolve) => setImmediate(resolve));
      await this.onSend(lane, numbers);
      this.delivered.push(...numbers);
    } finally {
      this.busyLanes.delete(lane);
    }
  }

  disconnect(): Promise<void> {
    return Promise.resolve();
  }
}

describe('a spooled sink', () => {
  const temporary = temporaryFolder();
  let counter = 0;

  function make(options: Partial<SpooledSinkOptions> = {}) {
    const transport = new ScriptedTransport();
    const outages: Outage[] = [];
    const letters: string[] = [];
    const folder = temporary.path(`spool-${counter++}`);
    const sink = new SpooledSink(
      transport,
      {
        ...DEFAULT_SPOOLED,
        name: 'scripted',
        folder,
        spool: { ...DEFAULT_SPOOL, commitMs: 1, settleMs: 5 },
        delivery: {
          batchRecords: 10,
          batchBytes: 100_000,
          lingerMs: 1,
          windowRecords: 200,
          windowBytes: 1_000_000,
          retry: QUICK_RETRY,
        },
        outageAfterMs: 50,
        closeMs: 1000,
        ...options,
      },
      {
        onSpool: () => undefined,
        onOutage: (outage) => outages.push(outage),
        onLettersDiscarded: () => undefined,
        onDeadLetter: (_record, reason) => letters.push(reason),
      },
    );
    return { sink, transport, outages, letters, folder };
  }

  it('delivers in order, in batches within their limits', async () => {
    const { sink, transport } = make();
    await sink.open();
    await sink.publish(logRecords(0, 95));
    await sink.flush();
    assert.deepEqual(transport.delivered, [...Array(95).keys()]);
    assert.ok(transport.batches.every(({ numbers }) => numbers.length <= 10));
    await sink.close();
  });

  it('keeps batches below their octets, and sends a larger record alone', async () => {
    const { sink, transport } = make({
      delivery: {
        batchRecords: 100,
        batchBytes: 1200,
        lingerMs: 1,
        windowRecords: 200,
        windowBytes: 1_000_000,
        retry: QUICK_RETRY,
      },
    });
    await sink.open();
    await sink.publish([
      logRecord(0),
      logRecord(1),
      logRecord(2),
      logRecord(3, 'medium', 3000),
      logRecord(4),
    ]);
    await sink.flush();
    assert.deepEqual(
      transport.batches.map(({ numbers }) => [...numbers]),
      [[0, 1], [2], [3], [4]],
    );
    await sink.close();
  });

  it('waits lingerMs for a batch to fill, and no longer', async () => {
    const { sink, transport } = make({
      delivery: {
        batchRecords: 100,
        batchBytes: 100_000,
        lingerMs: 60,
        windowRecords: 200,
        windowBytes: 1_000_000,
        retry: QUICK_RETRY,
      },
    });
    await sink.open();
    await until(() => transport.connects === 1);
    await sink.publish(logRecords(0, 3));
    await sink.publish(logRecords(3, 6));
    await sink.flush();
    assert.deepEqual(transport.batches[0]!.numbers, [0, 1, 2, 3, 4, 5]);
    await sink.close();
  });

  it('holds no more records in memory than its window', async () => {
    const { sink, transport } = make();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    transport.onSend = () => gate;
    let encoded = 0;
    transport.laneOf = () => {
      encoded++;
      return 'one';
    };
    await sink.open();
    await sink.publish(logRecords(0, 9000));
    await until(() => encoded > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // One read of the spool may go over it, no more.
    assert.ok(encoded <= 2200, `${encoded} records were held`);
    release();
    await sink.flush();
    assert.deepEqual(transport.delivered, [...Array(9000).keys()]);
    await sink.close();
  });

  it('tries a lost connection again for ever, with growing pauses, and counts what may arrive twice', async () => {
    const { sink, transport, outages } = make();
    let failures = 0;
    transport.onSend = () => {
      if (failures++ < 5) throw new DeliveryError('temporary', 'The other side is away.');
    };
    await sink.open();
    await sink.publish(logRecords(0, 5));
    await until(() => sink.health().state === 'retrying');
    assert.equal(sink.health().reason, 'The other side is away.');
    await sink.flush();
    assert.deepEqual(transport.delivered, [0, 1, 2, 3, 4]);
    assert.equal(transport.connects, 6);
    assert.equal(sink.health().spool?.resent, 25);
    assert.deepEqual(
      outages.map(({ event }) => event),
      ['began', 'ended'],
    );
    assert.equal(outages[0]!.reason, 'The other side is away.');
    await sink.close();
  });

  it('goes on with the other lanes while one fails', async () => {
    const { sink, transport } = make();
    transport.laneOf = (number) => (number % 2 === 0 ? 'even' : 'odd');
    let isMended = false;
    transport.onSend = (lane) => {
      if (lane === 'odd' && !isMended) throw new DeliveryError('temporary', 'No leader.', { scope: 'lane' });
    };
    await sink.open();
    await sink.publish(logRecords(0, 60));
    await until(() => transport.delivered.length === 30);
    assert.equal(sink.health().state, 'retrying');
    assert.equal(transport.connects, 1);
    isMended = true;
    await sink.flush();
    assert.deepEqual(
      transport.delivered.filter((number) => number % 2 === 1),
      [...Array(30).keys()].map((i) => 2 * i + 1),
    );
    assert.equal(sink.health().state, 'healthy');
    await sink.close();
  });

  it('finds the refused records of a batch by splitting, and delivers all others in order', async () => {
    const { sink, transport, letters, folder } = make();
    const bad = new Set([3, 4, 17, 44]);
    transport.onSend = (_lane, numbers) => {
      if (numbers.some((number) => bad.has(number))) throw new DeliveryError('refused', 'Never.');
    };
    await sink.open();
    await sink.publish(logRecords(0, 50));
    await sink.flush();
    assert.deepEqual(
      transport.delivered,
      [...Array(50).keys()].filter((number) => !bad.has(number)),
    );
    assert.deepEqual(letters, Array(4).fill('Never.'));
    const { spool } = sink.health();
    assert.equal(spool?.deadLettered, 4);
    assert.equal(spool.acknowledged, 46);
    const lines = readFileSync(`${folder}/dead-letters.jsonl`, 'utf8').trim().split('\n');
    assert.deepEqual(
      lines.map((line) => numberOf({ json: (JSON.parse(line) as { readonly record: string }).record })),
      [...bad],
    );
    await sink.close();
  });

  it('finds them also when each refusal costs the connection', async () => {
    const { sink, transport, letters } = make();
    let isLost = false;
    transport.onConnect = () => {
      isLost = false;
    };
    transport.onSend = (_lane, numbers) => {
      if (isLost) throw new DeliveryError('temporary', 'There is no connection.');
      if (!numbers.includes(13)) return;
      isLost = true;
      throw new DeliveryError('refused', 'Too big.');
    };
    await sink.open();
    await sink.publish(logRecords(0, 30));
    await sink.flush();
    assert.deepEqual(
      transport.delivered,
      [...Array(30).keys()].filter((number) => number !== 13),
    );
    assert.deepEqual(letters, ['Too big.']);
    await sink.close();
  });

  it('buries a record that can have no message, and goes on', async () => {
    const { sink, transport, letters } = make();
    const { laneOf } = transport;
    transport.laneOf = (number) => {
      if (number === 2) throw new DeliveryError('refused', 'It has no form.');
      return laneOf(number);
    };
    await sink.open();
    await sink.publish(logRecords(0, 5));
    await sink.flush();
    assert.deepEqual(transport.delivered, [0, 1, 3, 4]);
    assert.deepEqual(letters, ['It has no form.']);
    await sink.close();
  });

  it('tells at once when somebody has to mend something, and tries seldom', async () => {
    const { sink, transport, outages } = make({ outageAfterMs: 60_000 });
    let isMended = false;
    transport.onConnect = () => {
      if (!isMended) throw new DeliveryError('stopped', 'The password is wrong.');
    };
    await sink.open();
    await sink.publish(logRecords(0, 5));
    await until(() => sink.health().state === 'stopped');
    assert.deepEqual(outages, [
      { event: 'began', reason: 'The password is wrong.', seconds: 0, waiting: outages[0]!.waiting },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(transport.connects, 1, 'it was tried again too soon');
    isMended = true;
    await sink.flush();
    assert.equal(transport.connects, 2);
    assert.equal(outages.at(-1)!.event, 'ended');
    await sink.close();
  });

  it('connects anew when the transport says so, and puts what waits into the new lanes', async () => {
    const { sink, transport } = make();
    transport.onSend = (lane) => {
      if (lane === 'old') throw new DeliveryError('temporary', 'No leader.', { scope: 'lane' });
    };
    transport.laneOf = () => 'old';
    await sink.open();
    await sink.publish(logRecords(0, 30));
    await until(() => transport.batches.length > 1);
    transport.laneOf = () => 'new';
    transport.lose(new DeliveryError('temporary', 'The partitions changed.'));
    await sink.flush();
    assert.deepEqual(transport.delivered, [...Array(30).keys()]);
    await sink.close();
  });

  it('tells the end of an outage whose beginning an earlier run told', async () => {
    const first = make();
    first.transport.onConnect = () => {
      throw new DeliveryError('stopped', 'The password is wrong.');
    };
    await first.sink.open();
    await first.sink.publish(logRecords(0, 5));
    await until(() => first.outages.length === 1);
    await first.sink.close();
    for (const expected of [['ended'], []]) {
      const next = make({ folder: first.folder });
      await next.sink.open();
      await next.sink.flush();
      await until(() => next.sink.health().state === 'healthy');
      await next.sink.close();
      assert.deepEqual(
        next.outages.map(({ event }) => event),
        expected,
      );
    }
  });

  it('closes in time though the other side hangs, and keeps what was not delivered', async () => {
    const { sink, transport, folder } = make({ closeMs: 50 });
    let cut = (): void => undefined;
    transport.onSend = () =>
      new Promise((_resolve, reject) => {
        cut = () => reject(new DeliveryError('temporary', 'The connection was closed.'));
      });
    transport.disconnect = () => {
      cut();
      return Promise.resolve();
    };
    await sink.open();
    await sink.publish(logRecords(0, 5));
    await until(() => transport.batches.length === 1);
    await sink.close();
    assert.equal(sink.health().state, 'closed');
    const again = make({ folder });
    await again.sink.open();
    await again.sink.flush();
    assert.deepEqual(again.transport.delivered, [0, 1, 2, 3, 4]);
    await again.sink.close();
  });

  it('closes in time though connecting hangs, or a dead letter cannot be written', async () => {
    const { sink, transport } = make({ closeMs: 50 });
    transport.connect = () => new Promise<void>(() => undefined);
    await sink.open();
    await sink.publish(logRecords(0, 5));
    await sink.close();
    const other = make({ closeMs: 50 });
    other.transport.onSend = () => {
      throw new DeliveryError('refused', 'Never.');
    };
    mkdirSync(`${other.folder}/dead-letters.jsonl`, { recursive: true });
    await other.sink.open();
    await other.sink.publish(logRecords(0, 1));
    await until(() => other.sink.health().state === 'stopped');
    assert.match(other.sink.health().reason!, /dead-letters\.jsonl cannot be written/);
    await other.sink.close();
    assert.equal(other.sink.health().spool?.waiting, 1);
  });

  it('buries a record that breaks its encoder instead of ending the process', async () => {
    const { sink, transport, letters } = make();
    transport.laneOf = (number) => {
      if (number === 1) throw new TypeError('a bug');
      return 'one';
    };
    await sink.open();
    await sink.publish(logRecords(0, 3));
    await sink.flush();
    assert.deepEqual(transport.delivered, [0, 2]);
    assert.deepEqual(letters, ['a bug']);
    await sink.close();
  });

  it('connects once more when a password or certificate was changed while it connected', async () => {
    const file = temporary.path('secret');
    writeFileSync(file, 'old');
    const { sink, transport } = make();
    transport.watchedFiles = [file];
    const seen: string[] = [];
    transport.connect = async (onLost) => {
      transport.lose = onLost;
      seen.push(readFileSync(file, 'utf8'));
      if (seen.length === 1) {
        writeFileSync(file, 'new');
        await new Promise((resolve) => setTimeout(resolve, 4500));
      }
    };
    await sink.open();
    await sink.publish(logRecords(0, 3));
    await sink.flush();
    assert.deepEqual(seen, ['old', 'new']);
    await sink.close();
  });

  it('waits in a replay while the spool is half full, and drops nothing', async () => {
    const { sink, transport } = make({
      patienceMs: 5000,
      spool: { ...DEFAULT_SPOOL, commitMs: 1, settleMs: 5, maxBytes: 400_000, policy: 'drop-oldest' },
    });
    transport.onSend = () => new Promise((resolve) => setTimeout(resolve, 1));
    await sink.open();
    for (let from = 0; from < 4000; from += 100) await sink.publish(logRecords(from, from + 100));
    await sink.flush();
    assert.deepEqual(transport.delivered, [...Array(4000).keys()]);
    assert.equal(sink.health().spool?.dropped, 0);
    await sink.close();
  });
});

describe('back-off', () => {
  it('doubles up to its cap, spread over the upper half', () => {
    const least = [1, 2, 3, 4].map((failures) => backOffMs(failures, DEFAULT_RETRY, 0));
    assert.deepEqual(least, [50, 100, 200, 400]);
    assert.equal(backOffMs(1, DEFAULT_RETRY, 1), 100);
    assert.equal(backOffMs(1000, DEFAULT_RETRY, 1), DEFAULT_RETRY.maxMs);
  });
});

describe('dead letters', () => {
  const temporary = temporaryFolder();

  it('stay valid lines after a letter that was cut off in the middle', async () => {
    const folder = temporary.path('torn');
    mkdirSync(folder);
    writeFileSync(`${folder}/dead-letters.jsonl`, '{"time":"x"}\n{"time":"cut o');
    const letters = new DeadLetters(folder, 10_000, () => undefined);
    await letters.add({ ...logRecord(1), sequence: 1 }, 'Never.');
    await letters.close();
    const lines = readFileSync(`${folder}/dead-letters.jsonl`, 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines) JSON.parse(line);
  });

  it('stay within their bound, and count what they threw away', async () => {
    let discarded = 0;
    const letters = new DeadLetters(temporary.path(''), 10_000, (bytes) => (discarded += bytes));
    for (let number = 0; number < 100; number++)
      await letters.add({ ...logRecord(number), sequence: number + 1 }, 'Never.');
    await letters.close();
    const [newer, older] = ['dead-letters.jsonl', 'dead-letters.1.jsonl'].map((name) =>
      readFileSync(temporary.path(name), 'utf8'),
    );
    assert.ok(newer!.length + older!.length <= 10_000);
    const kept = (older! + newer!)
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly sequence: number }).sequence);
    assert.deepEqual(
      kept,
      [...Array(kept.length).keys()].map((i) => 101 - kept.length + i),
    );
    assert.ok(discarded > 0);
  });
});
