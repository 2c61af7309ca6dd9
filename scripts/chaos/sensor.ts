import { logRecord } from '../../test/support/log-records.js';
import { shippedSink } from '../kafka-broker/shipped-sink.js';

/*
 * The part of a sensor that may be killed at any moment: publishes numbered records into a Kafka sink and tells each
 * batch on standard output once it was accepted. Arguments: broker address, topic, spool folder, first number, count,
 * records a batch, milliseconds between batches.
 */
const [address, topic, folder, ...numbers] = process.argv.slice(2) as [string, string, string, ...string[]];
const [first, count, batchRecords, pauseMs] = numbers.map(Number) as [number, number, number, number];

// Time-outs shorter than the stalls, and a quick return.
const more = 'logs: [notice], connectTimeoutMs: 1000, requestTimeoutMs: 2000, retry: { maxMs: 1000 }';
const { sink } = shippedSink(address, topic, folder, {
  more,
  emit: ({ json }) => console.log(`own ${json}`),
});
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
