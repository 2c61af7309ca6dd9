import { mkdtempSync } from 'node:fs';
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
const broker = await KafkaBroker.create(folder, { version });
console.log(`Kafka ${version} is ready; its files are in ${folder}`);
for (const name of LISTENERS) console.log(`  ${name.padEnd(12)} ${broker.address(name)}`);
console.log(`  SASL user    sensor, password ${USERS.sensor} (PLAIN or SCRAM-SHA-256)`);
console.log(`  CA           ${broker.certificates.ca}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void broker.stop().then(() => process.exit(0)));
}
