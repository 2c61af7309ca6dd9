import { DEFAULT_RETRY } from '../../src/sink/delivery/back-off.js';
import {
  DEFAULT_DELIVERY_WINDOW,
  DEFAULT_SPOOLED,
  SpooledSink,
} from '../../src/sink/delivery/spooled-sink.js';
import { flatEnvelope } from '../../src/sink/envelope/flat.js';
import { DEFAULT_KAFKA, DEFAULT_KAFKA_BATCH } from '../../src/sink/kafka/kafka-options.js';
import { KafkaTransport } from '../../src/sink/kafka/kafka-transport.js';
import { DEFAULT_SPOOL } from '../../src/sink/spool/spool-types.js';
import { logRecord } from '../../test/support/log-records.js';

/*
 * The part of a sensor that may be killed at any moment: publishes numbered records into a Kafka sink and tells each
 * batch on standard output once it was accepted. Arguments: broker address, topic, spool folder, first number, count,
 * records a batch, milliseconds between batches.
 */
const [address, topic, folder, ...numbers] = process.argv.slice(2) as [string, string, string, ...string[]];
const [first, count, batchRecords, pauseMs] = numbers.map(Number) as [number, number, number, number];

const transport = new KafkaTransport({
  ...DEFAULT_KAFKA,
  brokers: [address],
  topicOf: () => topic,
  logs: ['notice'],
  createTopic: undefined,
  envelope: flatEnvelope(),
  tls: undefined,
  sasl: undefined,
  client: {},
  connectTimeoutMs: 1000,
  requestTimeoutMs: 2000,
  onLog: () => undefined,
});
const sink = new SpooledSink(
  transport,
  {
    ...DEFAULT_SPOOLED,
    name: 'kafka',
    folder,
    spool: DEFAULT_SPOOL,
    delivery: {
      ...DEFAULT_KAFKA_BATCH,
      ...DEFAULT_DELIVERY_WINDOW,
      retry: { ...DEFAULT_RETRY, maxMs: 1000 },
    },
  },
  {
    onSpool: ({ kind, message }) => console.log(`event ${kind} ${message}`),
    onOutage: ({ event, reason }) => console.log(`outage ${event} ${reason}`),
    onLettersDiscarded: () => undefined,
    onDeadLetter: (_record, reason) => console.log(`event dead-letter ${reason}`),
  },
);
await sink.open();
for (let number = first; number < first + count; number += batchRecords) {
  const end = Math.min(number + batchRecords, first + count);
  await sink.publish(Array.from({ length: end - number }, (_, i) => logRecord(number + i)));
  console.log(`accepted ${number} ${end}`);
  if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
await sink.flush();
console.log(`done ${JSON.stringify(sink.health().spool)}`);
await sink.close();
