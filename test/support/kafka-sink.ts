import type { Outage } from '../../src/sink/delivery/outage.js';
import type { SpooledSinkOptions } from '../../src/sink/delivery/spooled-sink.js';
import { DEFAULT_DELIVERY_WINDOW, SpooledSink } from '../../src/sink/delivery/spooled-sink.js';
import type { SinkState } from '../../src/model/sink-state.js';
import type { KafkaMessage } from '../../src/sink/kafka/kafka-message.js';
import type { Changeable, KafkaOptions } from '../../src/sink/kafka/kafka-options.js';
import { KafkaTransport } from '../../src/sink/kafka/kafka-transport.js';
import type { SpoolEvent } from '../../src/sink/spool/spool-types.js';
import { DEFAULT_SPOOL } from '../../src/sink/spool/spool-types.js';

/** What tests of sinks with a spool need not set. */
export const SPOOLED = {
  deadLetterBytes: 1024 * 1024,
  outageAfterMs: 10_000,
  closeMs: 3000,
} as const;

/** Retries that tests need not wait long for. */
export const QUICK_RETRY = { initialMs: 20, maxMs: 500, stoppedMs: 1500 } as const;

export interface Told {
  readonly spool: SpoolEvent[];
  readonly outages: Outage[];
  readonly deadLetters: { readonly json: string; readonly reason: string; readonly path: string }[];
}

/** A Kafka sink on a spool in `folder`, with what it told. */
export function kafkaSink(
  folder: string,
  kafka: Partial<KafkaOptions> & { readonly brokers: readonly string[]; readonly topic?: string },
  sink: Partial<SpooledSinkOptions> = {},
): { readonly sink: SpooledSink<KafkaMessage>; readonly told: Told } {
  const told: Told = { spool: [], outages: [], deadLetters: [] };
  const transport = new KafkaTransport({
    key: 'outer_pair',
    compression: 'none',
    clientId: 'copperhull-test',
    topicOf: () => kafka.topic ?? 'zeek',
    logs: ['notice'],
    createTopic: undefined,
    envelope: { contentType: 'application/json', wrap: ({ json }) => json },
    tls: undefined,
    sasl: undefined,
    client: {},
    connectTimeoutMs: 2000,
    requestTimeoutMs: 2000,
    onLog: () => undefined,
    ...kafka,
  });
  const options: SpooledSinkOptions = {
    ...SPOOLED,
    name: 'kafka',
    folder,
    spool: { ...DEFAULT_SPOOL, settleMs: 20, commitMs: 2 },
    delivery: {
      batchRecords: 500,
      batchBytes: 900_000,
      lingerMs: 5,
      ...DEFAULT_DELIVERY_WINDOW,
      retry: QUICK_RETRY,
    },
    outageAfterMs: 300,
    ...sink,
  };
  return {
    sink: new SpooledSink(transport, options, {
      onSpool: (event) => told.spool.push(event),
      onOutage: (outage) => told.outages.push(outage),
      onLettersDiscarded: () => undefined,
      onDeadLetter: ({ json }, reason, path) => told.deadLetters.push({ json, reason, path }),
    }),
    told,
  };
}

/** A secret that does not change. */
export function fixed(text: string): Changeable {
  return { read: () => text, file: undefined };
}

/** Waits until a condition holds; fails after `limitMs` with what `describe` gives. */
export async function until(
  condition: () => boolean,
  describe: () => unknown = () => '',
  limitMs = 20_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end)
      throw new Error(`It did not happen in ${limitMs} ms: ${JSON.stringify(describe())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until a sink is in a state, and gives the reason. */
export async function stateOf(sink: SpooledSink<KafkaMessage>, state: SinkState): Promise<string> {
  await until(
    () => sink.health().state === state,
    () => sink.health(),
  );
  return sink.health().reason ?? '';
}
