import type {
  EnvelopeConfig,
  FilesSinkConfig,
  KafkaSinkConfig,
  SinkConfig,
  SpoolConfig,
  TlsConfig,
  ZeekSinkConfig,
} from '../config/definition/configuration.js';
import { readBoundedFile } from '../config/bounded-file.js';
import { topicOf } from '../config/topic-template.js';
import type { Profile } from '../model/profile.js';
import type { LogRecord } from '../model/records.js';
import type { Logger } from '../observe/log.js';
import type { AlertSink } from '../sink/alert-sink.js';
import type { DeliveryOptions } from '../sink/delivery/deliverer.js';
import type { SpooledSinkEvents, SpooledSinkOptions } from '../sink/delivery/spooled-sink.js';
import { CLOSE_MS, DEFAULT_DELIVERY_WINDOW, SpooledSink } from '../sink/delivery/spooled-sink.js';
import type { Transport } from '../sink/delivery/transport.js';
import type { Envelope } from '../sink/envelope/envelope.js';
import { makeEnvelope } from '../sink/envelope/envelopes.js';
import { FileSink } from '../sink/files/file-sink.js';
import { LIVE_FILES } from '../sink/files/file-sink-options.js';
import type { Changeable, KafkaTls } from '../sink/kafka/kafka-options.js';
import { KafkaTransport } from '../sink/kafka/kafka-transport.js';
import type { NamedSink } from '../sink/sink-hub.js';
import { DEFAULT_SPOOL } from '../sink/spool/spool-types.js';
import { StandardOutput } from '../sink/standard-output.js';
import { ZeekTransport } from '../sink/zeek-bridge/zeek-transport.js';
import { OwnRecords } from './own-records.js';

export interface SinkSurroundings {
  readonly sensor: string;
  readonly profile?: Profile;
  readonly tenant: string | undefined;
  readonly log: Logger;
  /** Takes the records that the sensor writes about itself. */
  readonly emit: (record: LogRecord) => void;
  /** Set in a replay; see SpooledSinkOptions. */
  readonly patienceMs: number | undefined;
}

const PEM_BYTES = 1024 * 1024;

/** Makes the sinks that a configuration describes. They are not open yet. */
export function makeSinks(configs: readonly SinkConfig[], surroundings: SinkSurroundings): NamedSink[] {
  const own = new OwnRecords(surroundings.sensor, surroundings.emit, surroundings.profile);
  return configs.map((config) => ({
    name: config.name,
    type: config.type,
    filter: { logs: config.logs, minSeverity: config.minSeverity },
    sink: makeSink(config, surroundings, own),
  }));
}

/** The way of a sink to its other side, for trying it out; undefined for a sink that has none. */
export function makeTransport(
  config: SinkConfig,
  surroundings: SinkSurroundings,
): Pick<Transport<unknown>, 'connect' | 'disconnect'> | undefined {
  if (config.type === 'kafka') return kafkaTransport(config, surroundings);
  return config.type === 'zeek' ? zeekTransport(config) : undefined;
}

function makeSink(config: SinkConfig, surroundings: SinkSurroundings, own: OwnRecords): AlertSink {
  switch (config.type) {
    case 'kafka':
      return spooled(config, kafkaTransport(config, surroundings), kafkaBatches(config), surroundings, own);
    case 'zeek':
      return spooled(config, zeekTransport(config), ZEEK_BATCHES(config), surroundings, own);
    case 'files':
      return filesSink(config, surroundings, own);
    case 'stdout':
      return new StandardOutput(process.stdout);
  }
}

/* ---- sinks with a spool ---- */

type SpooledConfig = KafkaSinkConfig | ZeekSinkConfig;

function spooled<Message>(
  config: SpooledConfig,
  transport: Transport<Message>,
  batches: Pick<DeliveryOptions, 'batchRecords' | 'batchBytes' | 'lingerMs'>,
  { log, patienceMs }: SinkSurroundings,
  own: OwnRecords,
): AlertSink {
  const { name, retry, deadLetterBytes, outageAfterMs } = config;
  const options: SpooledSinkOptions = {
    name,
    folder: config.spool.folder,
    spool: spoolOptions(config.spool),
    delivery: { ...DEFAULT_DELIVERY_WINDOW, ...batches, retry },
    deadLetterBytes,
    outageAfterMs,
    closeMs: CLOSE_MS,
    ...(patienceMs !== undefined && { patienceMs }),
  };
  return new SpooledSink(transport, options, spooledEvents(name, log, own));
}

function spoolOptions(config: SpoolConfig): SpooledSinkOptions['spool'] {
  const { maxBytes, policy, commitRecords, commitMs, segmentBytes, minFreeBytes } = config;
  return { ...DEFAULT_SPOOL, maxBytes, policy, commitRecords, commitMs, segmentBytes, minFreeBytes };
}

function spooledEvents(name: string, log: Logger, own: OwnRecords): SpooledSinkEvents {
  const location = `sink ${name}`;
  return {
    onSpool: ({ kind, message }) => {
      if (kind === 'recovered') log.info(`${location}: ${message}`);
      else log.warn(`${location}: ${message}`);
      // A record about a disk that takes no records would fail as they do.
      if (kind === 'failed') return;
      const level = kind === 'recovered' ? 'INFO' : kind === 'low-space' ? 'WARNING' : 'ERROR';
      own.report(`${name} ${kind}`, level, location, message);
    },
    onOutage: (outage) => {
      const { event, reason, seconds } = outage;
      if (event === 'began') log.warn(`${location} does not deliver: ${reason}`);
      else log.warn(`${location} delivers again after ${Math.round(seconds)} seconds`);
      own.outage(name, outage);
    },
    onLettersDiscarded: (bytes, path) => {
      const message = `${bytes} octets of old dead letters beside ${path} were removed to make room.`;
      log.warn(`${location}: ${message}`);
      own.report(`${name} letters-discarded`, 'ERROR', location, message);
    },
    onDeadLetter: (record, reason, path) => {
      const message = `A ${record.log} record was not taken and is in ${path}: ${reason}`;
      log.warn(`${location}: ${message}`);
      // A reporter record about a reporter record could go round for ever.
      if (record.log !== 'reporter') own.report(`${name} dead-letter`, 'ERROR', location, message);
    },
  };
}

/* ---- Kafka ---- */

function kafkaTransport(config: KafkaSinkConfig, { sensor, tenant, log }: SinkSurroundings): KafkaTransport {
  const { brokers, topic, createTopic, key, compression, clientId, connectTimeoutMs, requestTimeoutMs } =
    config;
  const { sasl } = config;
  return new KafkaTransport({
    brokers: brokers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`),
    topicOf: (name) => topicOf(topic, { log: name, tenant, sensor }),
    logs: config.logs,
    createTopic,
    key,
    compression,
    clientId,
    connectTimeoutMs,
    requestTimeoutMs,
    envelope: envelopeOf(config.envelope),
    tls: config.tls === undefined ? undefined : kafkaTls(config.tls),
    sasl: sasl && {
      mechanism: sasl.mechanism,
      username: sasl.username,
      password: {
        file: sasl.password.file,
        read: () => {
          sasl.password.reload();
          return sasl.password.reveal();
        },
      },
    },
    client: config.client,
    onLog: (level, message) => log[level](message),
  });
}

function kafkaBatches({ batchRecords, batchBytes, lingerMs }: KafkaSinkConfig) {
  return { batchRecords, batchBytes, lingerMs };
}

function kafkaTls({ ca, cert, key, serverName }: TlsConfig): KafkaTls {
  return { ca: pem(ca), cert: pem(cert), key: pem(key), serverName };
}

function pem(file: string | undefined): Changeable | undefined {
  if (file === undefined) return undefined;
  return { file, read: () => readBoundedFile(file, PEM_BYTES, 'PEM file').text };
}

function envelopeOf(envelope: EnvelopeConfig): Envelope {
  switch (envelope.type) {
    case 'flat':
      return makeEnvelope({ envelope: 'flat', path: envelope.path });
    case 'tagged':
      return makeEnvelope({ envelope: 'tagged', values: envelope.static });
    case 'beats': {
      const { host, logFolder, tags, fields } = envelope;
      return makeEnvelope({ envelope: 'beats', sensor: host, logFolder, tags, values: fields });
    }
  }
}

/* ---- Zeek ---- */

function zeekTransport({ url, tls, handshakeTimeoutMs, ackTimeoutMs }: ZeekSinkConfig): ZeekTransport {
  const { protocol, hostname, port } = new URL(url);
  const isSecure = protocol === 'wss:';
  return new ZeekTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port === '' ? (isSecure ? 443 : 80) : port),
    ...(isSecure && {
      tls: {
        ...(tls?.ca !== undefined && { caFile: tls.ca }),
        ...(tls?.cert !== undefined && { certFile: tls.cert }),
        ...(tls?.key !== undefined && { keyFile: tls.key }),
        ...(tls?.serverName !== undefined && { servername: tls.serverName }),
      },
    }),
    handshakeTimeoutMs,
    syncTimeoutMs: ackTimeoutMs,
  });
}

const ZEEK_BATCHES = ({ batchRecords }: ZeekSinkConfig) => ({
  batchRecords,
  batchBytes: 4 * 1024 * 1024,
  lingerMs: 5,
});

/* ---- files ---- */

function filesSink(
  config: FilesSinkConfig,
  { log, patienceMs }: SinkSurroundings,
  own: OwnRecords,
): FileSink {
  const { name, folder, rotateBytes, rotateEvery, gzip, keep, fsync, fsyncIntervalMs, minFreeBytes } = config;
  return new FileSink(folder, {
    ...LIVE_FILES,
    // In a replay the input waits, so nothing need be lost in silence.
    onFailure: patienceMs === undefined ? 'count' : 'reject',
    rotateBytes,
    rotateIntervalMs: Number.isFinite(rotateEvery) ? rotateEvery : undefined,
    compress: gzip,
    keepFiles: keep,
    fsync,
    fsyncIntervalMs,
    minFreeBytes,
    onEvent: ({ kind, message }) => {
      const isGood = kind === 'recovered' || kind === 'removed';
      log[isGood ? 'info' : 'warn'](`sink ${name}: ${message}`);
      if (kind !== 'removed')
        own.report(`${name} ${kind}`, isGood ? 'INFO' : 'WARNING', `sink ${name}`, message);
    },
  });
}
