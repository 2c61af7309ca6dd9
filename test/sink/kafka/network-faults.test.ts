import { skip } from '../../support/skip.js';
import assert from 'node:assert/strict';
import { KafkaBroker, freePorts, whyNoBroker } from '../../../scripts/kafka-broker/broker.js';
import { onFirstNodeOnly } from '../../support/first-node.js';
import { createTopic, readTopic } from '../../support/kafka.js';
import { kafkaSink, stateOf, until } from '../../support/kafka-sink.js';
import { logRecords, numberOf } from '../../support/log-records.js';
import { FaultProxy } from '../../support/fault-proxy.js';
import { KAFKA_VERSION } from '../../support/shared-broker.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('the Kafka sink over a bad network', function () {
  onFirstNodeOnly();
  this.timeout(90_000);
  const temporary = temporaryFolder();
  let broker: KafkaBroker;
  let proxy: FaultProxy;

  before(async function () {
    const reason = whyNoBroker(KAFKA_VERSION);
    if (reason !== undefined) skip(this, reason);
    const [proxyPort] = await freePorts(1);
    broker = await KafkaBroker.create(temporary.path('broker'), {
      version: KAFKA_VERSION,
      proxyPort: proxyPort!,
    });
    proxy = await FaultProxy.start(() => broker.ports.behindProxy, proxyPort);
  });

  // What `before` did not get to is not there to be stopped.
  after(async () => {
    await (proxy as FaultProxy | undefined)?.stop();
    await (broker as KafkaBroker | undefined)?.stop();
  });

  afterEach(() => proxy.set('pass'));

  const faults: readonly {
    readonly name: string;
    readonly hurt: (waitForTrouble: () => Promise<unknown>) => Promise<void>;
  }[] = [
    {
      name: 'connections are reset again and again',
      hurt: async () => {
        for (let time = 0; time < 8; time++) {
          await new Promise((resolve) => setTimeout(resolve, 60));
          proxy.reset();
        }
      },
    },
    {
      name: 'the network stalls for longer than a request may take',
      hurt: async (waitForTrouble) => {
        proxy.set('stall');
        await waitForTrouble();
      },
    },
    {
      name: 'the other end is gone without a word',
      hurt: async (waitForTrouble) => {
        proxy.set('half-open');
        await waitForTrouble();
        proxy.reset();
      },
    },
    {
      name: 'octets trickle',
      hurt: async () => {
        proxy.set('slow');
        await new Promise((resolve) => setTimeout(resolve, 2000));
      },
    },
  ];

  for (const [index, { name, hurt }] of faults.entries()) {
    it(`loses nothing and keeps the order when ${name}`, async () => {
      const topic = `network-${index}`;
      await createTopic(broker, topic);
      const { sink, told } = kafkaSink(
        temporary.path(topic),
        { brokers: [`127.0.0.1:${proxy.port}`], topic, requestTimeoutMs: 1000, connectTimeoutMs: 1000 },
        { outageAfterMs: 100 },
      );
      await sink.open();
      await sink.publish(logRecords(0, 500));
      const hurting = hurt(() => stateOf(sink, 'retrying'));
      for (let from = 500; from < 4000; from += 100) {
        await sink.publish(logRecords(from, from + 100));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await hurting;
      proxy.set('pass');
      await sink.flush();
      const { spool, state } = sink.health();
      assert.equal(state, 'healthy');
      assert.equal(spool?.acknowledged, 4000);
      await until(
        () => told.outages.filter(({ event }) => event === 'began').length * 2 === told.outages.length,
      );
      await sink.close();
      const numbers = (await readTopic(broker, topic)).map(({ value }) => numberOf({ json: value }));
      const firsts = [...new Set(numbers)];
      assert.deepEqual(firsts, [...Array(4000).keys()]);
      const duplicates = numbers.length - firsts.length;
      assert.ok(duplicates <= spool.resent, `${duplicates} duplicates, and ${spool.resent} known resent`);
    });
  }
});
