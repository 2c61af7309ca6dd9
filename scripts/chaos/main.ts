import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_VERSION, KafkaBroker, whyNoBroker } from '../kafka-broker/broker.js';
import { duplicates, findings, runChaos } from './run.js';

/*
 * node --import tsx scripts/chaos/main.ts [ALERTS] [TIMES] [KAFKA VERSION]
 *
 * So many alerts (200000) through the spool into a real broker, while broker and sensor are each killed with SIGKILL and
 * the broker is stalled so many times (10). Ends with 1 when an accepted alert is lost, reordered or miscounted.
 */
const [alerts = '200000', times = '10', version = DEFAULT_VERSION] = process.argv.slice(2);
const reason = whyNoBroker(version);
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'copperhull-chaos-'));
const broker = await KafkaBroker.create(join(folder, 'broker'), { version });
const started = performance.now();
try {
  const result = await runChaos({
    broker,
    topic: 'chaos',
    folder,
    alerts: Number(alerts),
    partitions: 4,
    brokerKills: Number(times),
    stalls: Number(times),
    sensorKills: Number(times),
    stallMs: 4000,
    onEvent: (text) => console.log(`${((performance.now() - started) / 1000).toFixed(1)} s: ${text}`),
  });
  const wrong = findings(result);
  console.log(
    `Kafka ${version}, ${result.accepted.size} alerts seen accepted, ${result.status.accepted} accepted, ` +
      `${result.messages.length} messages in the topic, ${duplicates(result)} duplicates (${result.status.resent} known resent), ` +
      `faults ${JSON.stringify(result.faults)}, ${Math.round((performance.now() - started) / 1000)} s`,
  );
  console.log(wrong.length === 0 ? 'nothing lost, nothing reordered, sums right' : wrong.join('\n'));
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
