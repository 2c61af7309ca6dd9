import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { KafkaBroker, whyNoBroker } from '../../scripts/kafka-broker/broker.js';

/** Kafka that the tests use: 4.3.1, or what COPPERHULL_KAFKA names (scripts/kafka setup VERSION fetches it). */
export const KAFKA_VERSION = process.env['COPPERHULL_KAFKA'] ?? '4.3.1';

let shared: Promise<KafkaBroker> | undefined;
let folder: string | undefined;

/**
 * The broker that all test files share, started by the first that wants it; nobody may kill or stall it. Skips the suite,
 * with the reason, where no broker can run.
 */
export function sharedBroker(): () => KafkaBroker {
  let broker: KafkaBroker | undefined;
  before(async function () {
    this.timeout(120_000);
    const reason = whyNoBroker(KAFKA_VERSION);
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    folder ??= mkdtempSync(join(tmpdir(), 'copperhull-kafka-'));
    shared ??= KafkaBroker.create(folder, { version: KAFKA_VERSION });
    broker = await shared;
  });
  return () => broker!;
}

/** Ends the shared broker. Called once, after all tests. */
export async function stopSharedBroker(): Promise<void> {
  if (shared === undefined) return;
  await (await shared).stop();
  rmSync(folder!, { recursive: true, force: true });
}

export interface TopicMessage {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | undefined;
  readonly value: string;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

function client(address: string): Kafka {
  return new Kafka({ clientId: 'test', brokers: [address], logLevel: logLevel.NOTHING });
}

export async function createTopic(
  broker: KafkaBroker,
  topic: string,
  partitions = 1,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const admin = client(broker.address()).admin();
  await admin.connect();
  try {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    });
  } finally {
    await admin.disconnect();
  }
}

/** Reads all that a topic holds now, with a plain consumer. */
export async function readTopic(broker: KafkaBroker, topic: string): Promise<TopicMessage[]> {
  const kafka = client(broker.address());
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic).finally(() => admin.disconnect());
  let missing = ends.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  const messages: TopicMessage[] = [];
  if (missing === 0) return messages;
  const consumer = kafka.consumer({ groupId: `test-${topic}-${Math.random().toString(36).slice(2)}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      void consumer.run({
        eachBatch: ({ batch }) => {
          for (const { key, value, offset, timestamp, headers } of batch.messages) {
            messages.push({
              partition: batch.partition,
              offset: Number(offset),
              key: key?.toString(),
              value: value?.toString() ?? '',
              timestampMs: Number(timestamp),
              headers: Object.fromEntries(
                Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]),
              ),
            });
          }
          missing -= batch.messages.length;
          if (missing <= 0) resolve();
          return Promise.resolve();
        },
      });
    });
  } finally {
    await consumer.disconnect();
  }
  return messages;
}

/** Sends one message as somebody else would. */
export async function sendTo(broker: KafkaBroker, topic: string, value: string): Promise<void> {
  const producer = client(broker.address()).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: [{ value }] });
  await producer.disconnect();
}
