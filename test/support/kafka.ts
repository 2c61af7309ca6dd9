import type { Admin } from 'kafkajs';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { KafkaBroker } from '../../scripts/kafka-broker/broker.js';

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
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    });
    while (!(await isThere(admin, topic))) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await admin.disconnect();
  }
}

/* Right after its creation a broker may not know a topic yet. */
async function isThere(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]!.partitions.length > 0;
  } catch (error) {
    if (/does not host this topic|no leader/i.test((error as Error).message)) return false;
    throw error;
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
