import { skip } from './skip.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    if (reason !== undefined) skip(this, reason);
    folder ??= mkdtempSync(join(tmpdir(), 'copperhull-kafka-'));
    shared ??= KafkaBroker.create(folder, { version: KAFKA_VERSION });
    broker = await shared;
  });
  return () => broker!;
}

/* Importing this module makes a hook behind all test files. */
after(async function () {
  this.timeout(30_000);
  if (shared === undefined) return;
  await (await shared).stop();
  rmSync(folder!, { recursive: true, force: true });
});
