import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { LogRecord } from '../../src/model/records.js';
import { DEFAULT_RETRY } from '../../src/sink/delivery/back-off.js';
import {
  DEFAULT_DELIVERY_WINDOW,
  DEFAULT_SPOOLED,
  SpooledSink,
} from '../../src/sink/delivery/spooled-sink.js';
import { flatEnvelope } from '../../src/sink/envelope/flat.js';
import { DEFAULT_KAFKA, DEFAULT_KAFKA_BATCH } from '../../src/sink/kafka/kafka-options.js';
import { KafkaTransport } from '../../src/sink/kafka/kafka-transport.js';
import { Spool } from '../../src/sink/spool/spool.js';
import { DEFAULT_SPOOL } from '../../src/sink/spool/spool-types.js';
import { createTopic } from '../../test/support/kafka.js';
import { logRecord } from '../../test/support/log-records.js';
import { DEFAULT_VERSION, KafkaBroker, whyNoBroker } from '../kafka-broker/broker.js';
import { describeMachine, median } from './machine.js';

/*
 * From alerts to an acknowledging broker: records a second into the spool, and from the spool to acknowledged on one
 * partition and on four, beside a bare kafkajs loop that sends the same messages from memory, one batch at a time:
 * node --import tsx scripts/bench/delivery.ts [--records 200000] [--runs 3] [--kafka 4.3.1]
 */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    runs: { type: 'string', default: '3' },
    kafka: { type: 'string', default: DEFAULT_VERSION },
  },
});
const total = Number(values.records);
const runs = Number(values.runs);
const RECORD_BYTES = 500;
const APPEND_RECORDS = 1000;
const reason = whyNoBroker(values.kafka);
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'copperhull-bench-'));
console.log(describeMachine());
console.log(`broker   Kafka ${values.kafka}, one node on loopback, no flush by force`);
console.log(`records  ${total} of ${RECORD_BYTES} bytes, ${runs} runs\n`);
const broker = await KafkaBroker.create(join(folder, 'broker'), { version: values.kafka, isForLoad: true });
let counter = 0;
/* A few thousand different records, so that making them is not what is measured. */
const records: readonly LogRecord[] = Array.from({ length: 10_000 }, (_, i) =>
  logRecord(i, 'medium', RECORD_BYTES),
);

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function* batches(size: number): Generator<readonly LogRecord[]> {
  for (let done = 0; done < total; done += size) {
    const from = done % records.length;
    yield records.slice(from, from + Math.min(size, total - done));
  }
}

async function fillSpool(path: string): Promise<number> {
  const spool = await Spool.open(path, { ...DEFAULT_SPOOL, onEvent: () => undefined });
  const taken = await seconds(async () => {
    // Appends follow each other without waiting, as from an analysis that never stops.
    let last = Promise.resolve();
    for (const batch of batches(APPEND_RECORDS)) {
      const appended = spool.append(batch);
      await last;
      last = appended;
    }
    await last;
  });
  await spool.close();
  return taken;
}

async function deliver(partitions: number): Promise<{ append: number; deliver: number; growth: number }> {
  const topic = `bench-${partitions}-${counter++}`;
  await createTopic(broker, topic, partitions);
  const path = join(folder, topic);
  const append = await fillSpool(path);
  const transport = new KafkaTransport({
    ...DEFAULT_KAFKA,
    brokers: [broker.address()],
    topicOf: () => topic,
    logs: ['notice'],
    createTopic: undefined,
    envelope: flatEnvelope(),
    tls: undefined,
    sasl: undefined,
    client: {},
    onLog: () => undefined,
  });
  const delivery = { ...DEFAULT_KAFKA_BATCH, ...DEFAULT_DELIVERY_WINDOW, retry: DEFAULT_RETRY };
  const sink = new SpooledSink(
    transport,
    { ...DEFAULT_SPOOLED, name: 'kafka', folder: path, spool: DEFAULT_SPOOL, delivery },
    {
      onSpool: () => undefined,
      onOutage: () => undefined,
      onLettersDiscarded: () => undefined,
      onDeadLetter: () => undefined,
    },
  );
  let early = 0;
  let late = 0;
  const taken = await seconds(async () => {
    await sink.open();
    const timer = setInterval(() => {
      const rss = process.memoryUsage().rss;
      const waiting = sink.health().spool?.waiting ?? 0;
      if (waiting > total / 2) early = Math.max(early, rss);
      else late = Math.max(late, rss);
    }, 20);
    await sink.flush();
    clearInterval(timer);
  });
  const { acknowledged = 0 } = sink.health().spool ?? {};
  await sink.close();
  rmSync(path, { recursive: true });
  if (acknowledged !== total) throw new Error(`only ${acknowledged} of ${total} were acknowledged`);
  return { append, deliver: taken, growth: late - early };
}

/* What kafkajs can do by itself: the same messages from memory, the next batch when the last was acknowledged. */
async function bareClient(): Promise<number> {
  const topic = `bare-${counter++}`;
  await createTopic(broker, topic);
  const kafka = new Kafka({ brokers: [broker.address()], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const taken = await seconds(async () => {
    for (const batch of batches(DEFAULT_KAFKA_BATCH.batchRecords)) {
      const messages = batch.map(({ json, keys }) => ({ key: keys.outerPair ?? null, value: json }));
      await producer.send({ topic, acks: -1, messages });
    }
  });
  await producer.disconnect();
  return taken;
}

function show(name: string, times: readonly number[]): number {
  const middle = median(times);
  const rate = (total / middle / 1000).toFixed(1).padStart(6);
  const bytes = ((total * RECORD_BYTES) / middle / 1e6).toFixed(1).padStart(5);
  const all = times.map((time) => time.toFixed(2)).join(', ');
  console.log(
    `${name.padEnd(34)} ${middle.toFixed(2).padStart(6)} s ${rate} k records/s ${bytes} MB/s  (${all})`,
  );
  return middle;
}

try {
  await bareClient(); // the broker's first topic is slow
  const bare: number[] = [];
  const one: Awaited<ReturnType<typeof deliver>>[] = [];
  const four: Awaited<ReturnType<typeof deliver>>[] = [];
  for (let run = 0; run < runs; run++) {
    bare.push(await bareClient());
    one.push(await deliver(1));
    four.push(await deliver(4));
  }
  show(
    'append to the spool, synced',
    [...one, ...four].map(({ append }) => append),
  );
  const floor = show('bare kafkajs, one partition', bare);
  const single = show(
    'spool to acknowledged, 1 partition',
    one.map(({ deliver: taken }) => taken),
  );
  const fourfold = show(
    'spool to acknowledged, 4 partitions',
    four.map(({ deliver: taken }) => taken),
  );
  const growth = median([...one, ...four].map((run) => run.growth)) / 2 ** 20;
  console.log(
    `\nratios   ${(floor / single).toFixed(2)} of bare kafkajs on one partition; four partitions are ${(single / fourfold).toFixed(2)} of one` +
      `\nmemory   second half of a run against its first: ${growth >= 0 ? '+' : ''}${growth.toFixed(0)} MiB at most`,
  );
} finally {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
