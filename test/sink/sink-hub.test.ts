import assert from 'node:assert/strict';
import type { LogRecord } from '../../src/model/records.js';
import { readFileSync, renameSync } from 'node:fs';
import { FileSink } from '../../src/sink/files/file-sink.js';
import { LIVE_FILES } from '../../src/sink/files/file-sink-options.js';
import { temporaryFolder } from '../support/temporary.js';
import { LOG_NAMES } from '../../src/model/records.js';
import { OwnRecords } from '../../src/sensor/own-records.js';
import type { AlertSink, SinkHealth } from '../../src/sink/alert-sink.js';
import { SinkError } from '../../src/sink/alert-sink.js';
import type { SinkFilter } from '../../src/sink/sink-hub.js';
import { SinkHub } from '../../src/sink/sink-hub.js';
import { until } from '../support/kafka-sink.js';
import { logRecord, logRecords, numberOf } from '../support/log-records.js';
import { validateRecords } from '../support/record-schemas.js';

class ScriptedSink implements AlertSink {
  readonly taken: LogRecord[] = [];
  onPublish: () => void | Promise<void> = () => undefined;
  onOpen: () => void = () => undefined;
  isClosed = false;

  async open(): Promise<void> {
    await Promise.resolve();
    this.onOpen();
  }
  async publish(batch: readonly LogRecord[]): Promise<void> {
    await this.onPublish();
    this.taken.push(...batch);
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
  health(): SinkHealth {
    return { state: 'healthy', reason: undefined, lost: 0, spool: undefined };
  }
}

const EVERYTHING: SinkFilter = { logs: LOG_NAMES, minSeverity: 'informational' };

async function hubOf(...filters: readonly SinkFilter[]) {
  const sinks = filters.map(() => new ScriptedSink());
  const hub = new SinkHub(
    sinks.map((sink, i) => ({ name: `sink-${i}`, type: 'scripted', sink, filter: filters[i]! })),
  );
  await hub.open();
  return { hub, sinks: sinks as [ScriptedSink, ScriptedSink] };
}

describe('several sinks at once', () => {
  const temporary = temporaryFolder();

  it('each get what their filter lets through', async () => {
    const { hub, sinks } = await hubOf({ logs: ['notice'], minSeverity: 'high' }, EVERYTHING);
    const weird: LogRecord = { ...logRecord(3, 'informational'), log: 'weird' };
    await hub.publish([logRecord(1, 'high'), logRecord(2, 'low'), weird]);
    assert.deepEqual(sinks[0].taken.map(numberOf), [1]);
    assert.deepEqual(sinks[1].taken.map(numberOf), [1, 2, 3]);
  });

  it('go on when one hangs, live', async () => {
    const { hub, sinks } = await hubOf(EVERYTHING, EVERYTHING);
    let release = (): void => undefined;
    sinks[0].onPublish = () => new Promise<void>((resolve) => (release = resolve));
    for (let from = 0; from < 1000; from += 10) hub.offer(logRecords(from, from + 10));
    await until(() => sinks[1].taken.length === 1000);
    assert.equal(sinks[0].taken.length, 0);
    assert.equal(hub.healths()[0]!.queued, 1000);
    sinks[0].onPublish = () => undefined;
    release();
    await hub.flush();
    assert.deepEqual(sinks[0].taken.map(numberOf), [...Array(1000).keys()]);
  });

  it('bound what waits for one that hangs, and count what is dropped', async () => {
    const { hub, sinks } = await hubOf(EVERYTHING, EVERYTHING);
    sinks[0].onPublish = () => new Promise<void>(() => undefined);
    const batch = logRecords(0, 1000);
    for (let i = 0; i < 150; i++) {
      hub.offer(batch);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [hanging, fine] = hub.healths();
    assert.equal(hanging!.queued, 100_000);
    assert.equal(hanging!.overflowed, 50_000);
    assert.equal(fine!.overflowed, 0);
    assert.equal(hub.health().lost, 50_000);
  });

  it('go on when one fails, and tell it at the end', async () => {
    const { hub, sinks } = await hubOf(EVERYTHING, EVERYTHING);
    sinks[0].onPublish = () => {
      throw new SinkError('The first is broken.');
    };
    await hub.publish(logRecords(0, 5));
    await hub.publish(logRecords(5, 10));
    assert.equal(sinks[1].taken.length, 10);
    assert.equal(hub.healths()[0]!.failed, 5);
    await assert.rejects(hub.flush(), { name: 'SinkError', message: 'The first is broken.' });
  });

  it('end the run when the last one fails', async () => {
    const { hub, sinks } = await hubOf(EVERYTHING, EVERYTHING);
    for (const [i, sink] of sinks.entries())
      sink.onPublish = () => {
        throw new SinkError(`Sink ${i} is broken.`);
      };
    await assert.rejects(hub.publish(logRecords(0, 5)), {
      message: 'Sink 0 is broken.\nSink 1 is broken.',
    });
  });

  it('get what was offered while they were opened: what they have to say about their recovery', async () => {
    const sink = new ScriptedSink();
    const hub = new SinkHub([{ name: 'one', type: 'scripted', sink, filter: EVERYTHING }]);
    sink.onOpen = () => hub.offer(logRecords(0, 3));
    await hub.open();
    await hub.flush();
    assert.deepEqual(sink.taken.map(numberOf), [0, 1, 2]);
  });

  it('begin their files anew when asked to', async () => {
    const folder = temporary.path('logs');
    const files = new FileSink(folder, { ...LIVE_FILES, minFreeBytes: 0, onEvent: () => undefined });
    const hub = new SinkHub([
      { name: 'files', type: 'files', sink: files, filter: EVERYTHING },
      { name: 'other', type: 'scripted', sink: new ScriptedSink(), filter: EVERYTHING },
    ]);
    await hub.open();
    await hub.publish(logRecords(0, 2));
    renameSync(`${folder}/notice.log`, `${folder}/notice.log.1`);
    await hub.reopen();
    await hub.publish(logRecords(2, 3));
    await hub.close();
    const lines = (name: string): number =>
      readFileSync(`${folder}/${name}`, 'utf8').trimEnd().split('\n').length;
    assert.deepEqual([lines('notice.log.1'), lines('notice.log')], [2, 1]);
  });

  it('are all closed again when one cannot be opened', async () => {
    const { hub, sinks } = await hubOf(EVERYTHING, EVERYTHING);
    sinks[1].isClosed = false;
    sinks[0].onOpen = () => {
      throw new SinkError('It is in use.');
    };
    await assert.rejects(hub.open(), { message: 'It is in use.' });
    assert.ok(sinks[1].isClosed);
  });
});

describe('what the sensor says of itself', () => {
  it('is a notice when an outage begins and when it ends, as its schema wants', () => {
    const records: LogRecord[] = [];
    const own = new OwnRecords('dc1', (record) => records.push(record));
    const outage = { reason: 'The broker is away.', waiting: 3 } as const;
    own.outage('kafka', { event: 'began', seconds: 0, ...outage });
    own.outage('kafka', { event: 'ended', seconds: 61.4, ...outage });
    validateRecords(records);
    const [began, ended] = records.map(({ json }) => JSON.parse(json) as Record<string, unknown>);
    assert.equal(began!['note'], 'TunnelAbuse::Delivery_Outage');
    assert.equal(
      began!['msg'],
      'Sink kafka does not deliver: The broker is away. 3 records wait in its spool.',
    );
    assert.equal(began!['severity'], 'high');
    assert.equal(
      ended!['msg'],
      'Sink kafka delivers again after 61 seconds; 3 records wait in its spool. It was: The broker is away.',
    );
    assert.notEqual(began!['alert_id'], ended!['alert_id']);
  });

  it('is told once in a while, with a count of what was left out', () => {
    const records: LogRecord[] = [];
    const own = new OwnRecords('dc1', (record) => records.push(record));
    for (let i = 0; i < 100; i++) own.report('kafka dropped', 'ERROR', 'sink kafka', 'Records were dropped.');
    own.report('kafka damaged', 'ERROR', 'sink kafka', 'A segment is damaged.');
    assert.equal(records.length, 2);
    validateRecords(records);
  });
});
