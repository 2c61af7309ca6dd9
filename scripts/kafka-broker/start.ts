import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_VERSION, KafkaBroker, LISTENERS, USERS, whyNoBroker } from './broker.js';

/* scripts/kafka start [FOLDER] [VERSION]: a broker in the foreground, until it is interrupted. */
const [folder = mkdtempSync(join(tmpdir(), 'copperhull-kafka-')), version = DEFAULT_VERSION] =
  process.argv.slice(2);
const reason = whyNoBroker(version);
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}
/* 9092 is what examples name; when somebody has it, any. */
const isFree = await new Promise<boolean>((resolve) => {
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(9092, '127.0.0.1', () => server.close(() => resolve(true)));
});
const broker = KafkaBroker.isIn(folder)
  ? await KafkaBroker.again(folder)
  : await KafkaBroker.create(folder, { version, ...(isFree && { plainPort: 9092 }) });
console.log(`Kafka ${broker.version} is ready; Ctrl-C stops it`);
for (const name of LISTENERS.filter((one) => one !== 'behindProxy'))
  console.log(`  ${name.padEnd(12)} ${broker.address(name)}`);
console.log(`  SASL user    sensor, password ${USERS.sensor} (PLAIN or SCRAM-SHA-256)`);
console.log(`  CA           ${broker.certificates.ca}`);
console.log(
  `  its files    ${folder} (scripts/kafka start ${folder} starts it again with its data; remove it when done)`,
);
console.log(`  to read      scripts/consume ${broker.address()} zeek`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void broker.stop().then(() => process.exit(0)));
}
