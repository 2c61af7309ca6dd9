import { Kafka, logLevel } from 'kafkajs';

/* What scripts/consume runs. */
const [broker, topic, count] = process.argv.slice(2);
if (broker === undefined || topic === undefined || (count !== undefined && !/^[1-9]\d*$/.test(count))) {
  console.error(
    'usage: scripts/consume BROKER TOPIC [COUNT]   for example scripts/consume 127.0.0.1:9092 zeek',
  );
  process.exit(2);
}
const kafka = new Kafka({
  clientId: 'copperhull-consume',
  brokers: [broker],
  logLevel: logLevel.NOTHING,
  retry: { retries: 3 },
});
const consumer = kafka.consumer({ groupId: `copperhull-consume-${process.pid}-${Date.now()}` });
let left = count === undefined ? Infinity : Number(count);
let end = (): void => undefined;
const ended = new Promise<void>((resolve) => (end = resolve));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
// `| head` has seen enough.
process.stdout.on('error', end);
try {
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      if (left > 0) process.stdout.write(`${message.value?.toString() ?? ''}\n`);
      if (--left <= 0) end();
      return Promise.resolve();
    },
  });
  await ended;
} catch (error) {
  console.error(`${topic} of ${broker} cannot be read: ${(error as Error).message.replace(/\.$/, '')}.`);
  process.exitCode = 1;
} finally {
  await consumer.disconnect();
}
