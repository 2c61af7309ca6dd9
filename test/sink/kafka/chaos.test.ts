import { skip } from '../../support/skip.js';
import assert from 'node:assert/strict';
import { KafkaBroker, whyNoBroker } from '../../../scripts/kafka-broker/broker.js';
import { findings, runChaos } from '../../../scripts/chaos/run.js';
import { whyNotAgain } from '../../support/first-node.js';
import { KAFKA_VERSION } from '../../support/shared-broker.js';
import { temporaryFolder } from '../../support/temporary.js';

/* The short form; scripts/chaos/main.ts runs the long one. */
describe('alerts under faults', function () {
  this.timeout(240_000);
  const temporary = temporaryFolder();

  it('all arrive, in order, and are counted right while broker and sensor are killed and the broker stalls', async function () {
    const reason = whyNotAgain() ?? whyNoBroker(KAFKA_VERSION);
    if (reason !== undefined) skip(this, reason);
    const broker = await KafkaBroker.create(temporary.path('broker'), { version: KAFKA_VERSION });
    try {
      const events: string[] = [];
      const result = await runChaos({
        broker,
        topic: 'chaos',
        folder: temporary.path('sensor'),
        alerts: 8000,
        partitions: 2,
        brokerKills: 1,
        stalls: 1,
        sensorKills: 2,
        stallMs: 3000,
        onEvent: (text) => events.push(text),
      });
      assert.deepEqual(findings(result), [], events.join('\n'));
      assert.deepEqual(result.faults, { 'broker-kill': 1, stall: 1, 'sensor-kill': 2 });
    } finally {
      await broker.stop();
    }
  });
});
