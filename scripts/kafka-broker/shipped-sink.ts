import { parseConfig } from '../../src/config/load.js';
import type { LogRecord } from '../../src/model/records.js';
import { createLog } from '../../src/observe/log.js';
import { makeSinks } from '../../src/sensor/make-sinks.js';
import type { AlertSink } from '../../src/sink/alert-sink.js';

export interface ShippedSink {
  readonly sink: AlertSink;
  /** Records of a batch, by the configuration. */
  readonly batchRecords: number;
}

/**
 * The Kafka sink that a configuration makes, with all its defaults, so that benchmarks and chaos runs are about what is
 * shipped. `more` are further keys of the sink, as YAML.
 */
export function shippedSink(
  address: string,
  topic: string,
  spool: string,
  options: { readonly more?: string; readonly emit?: (record: LogRecord) => void } = {},
): ShippedSink {
  const keys = [`brokers: ["${address}"]`, `topic: ${topic}`, `spool: { folder: "${spool}" }`];
  const text = `sinks: [{ type: kafka, ${[...keys, options.more ?? 'logs: [notice]'].join(', ')} }]\n`;
  const { config } = parseConfig('shipped-sink.yaml', text, {}, '/');
  const [sink] = makeSinks(config.sinks, {
    sensor: config.sensor,
    tenant: config.tenant,
    log: createLog('error', false),
    emit: options.emit ?? (() => undefined),
    patienceMs: undefined,
  });
  const [definition] = config.sinks;
  if (sink === undefined || definition?.type !== 'kafka')
    throw new Error('The configuration has no Kafka sink.');
  return { sink: sink.sink, batchRecords: definition.batchRecords };
}
