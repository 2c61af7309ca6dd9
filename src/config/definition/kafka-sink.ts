import { LOG_NAMES } from '../../model/records.js';
import { optional, required, withDefault, withDerived } from '../kind.js';
import { listOf } from '../list.js';
import { settingsOf, textByName } from '../mappings.js';
import { endpoint, isLoopback } from '../network.js';
import { secret } from '../paths.js';
import { KIB, MIB, size } from '../quantities.js';
import { boolean, integer, milliseconds, oneOf, text } from '../scalars.js';
import { section, switchable, variants } from '../section.js';
import { topicMistake, topicTemplate } from '../topic-template.js';
import { DELIVERY_KEYS, SINK_KEYS, TLS_KEY } from './sink-keys.js';

const CREATE_TOPIC = section({
  name: 'create-topic',
  doc: 'Topics that are not there are created.',
  keys: {
    partitions: withDefault(integer(1, 10_000, 'partitions'), 1, 'Partitions of a new topic.'),
    replicationFactor: withDefault(
      integer(1, 100, 'replicas'),
      1,
      'Brokers that keep a copy of each partition.',
    ),
    config: withDefault(
      textByName({ takesScalars: true }),
      {},
      'Settings of a new topic, as Kafka names them.',
      {
        example: { 'retention.ms': 604_800_000 },
      },
    ),
  },
});

const FLAT = section({
  name: 'flat-envelope',
  tag: 'flat',
  doc: 'The record as Zeek writes it: one flat JSON object.',
  keys: { path: withDefault(boolean, false, 'Put `_path`, the name of the log, in front.') },
});

const TAGGED = section({
  name: 'tagged-envelope',
  tag: 'tagged',
  doc: 'The record below the name of its log, as zeek-kafka writes it with `tag_json`: `{"notice": {...}}`.',
  keys: {
    static: withDefault(
      textByName({ taken: { names: LOG_NAMES, by: 'the name of a log' } }),
      {},
      'Texts that go beside the record.',
      { example: { site: 'dc1' } },
    ),
  },
});

const BEATS = section({
  name: 'beats-envelope',
  tag: 'beats',
  doc: 'What Filebeat would send: the line as `message`, with `log.file.path`, `host.name`, `tags` and fields.',
  keys: {
    logFolder: withDefault(
      text(),
      '/var/log/copperhull',
      'Folder that `log.file.path` names. Nothing is written there.',
      { example: '/opt/zeek/logs/current' },
    ),
    host: withDerived(text(), '<sensor>', 'Value of `host.name`.'),
    tags: withDefault(listOf(text(), { isSet: true }), [], 'Value of `tags`.', {
      example: ['zeek', 'tunnel'],
    }),
    fields: withDefault(textByName(), {}, 'Texts that go into `fields`.', { example: { site: 'dc1' } }),
  },
});

const SASL = section({
  name: 'sasl',
  doc: 'How to log in.',
  keys: {
    mechanism: required(oneOf(['plain', 'scram-sha-256', 'scram-sha-512']), 'How the password is proved.', {
      example: 'scram-sha-512',
    }),
    username: required(text(), 'Who logs in.', { example: 'sensor' }),
    password: required(
      secret,
      'The password: `file:PATH`, `${NAME}` of the environment, or text (not advised).',
      {
        example: 'file:/etc/copperhull/kafka-password',
      },
    ),
  },
  example: {
    mechanism: 'scram-sha-512',
    username: 'sensor',
    password: 'file:/etc/copperhull/kafka-password',
  },
});

/** Settings of kafkajs that have a key of our own. */
const OWN_KEYS = {
  brokers: 'brokers',
  clientId: 'clientId',
  ssl: 'tls',
  sasl: 'sasl',
  requestTimeout: 'requestTimeoutMs',
  connectionTimeout: 'connectTimeoutMs',
};

export const KAFKA_SINK = section({
  name: 'kafka-sink',
  tag: 'kafka',
  doc: 'Publishes records to Kafka, through a spool on disk, at least once.',
  keys: {
    ...SINK_KEYS,
    brokers: required(
      listOf(endpoint, { least: 1, isSet: true }),
      'Brokers to ask first; an IPv6 address stands in brackets.',
      { example: ['127.0.0.1:9092', '[2001:db8::9]:9092'] },
    ),
    topic: withDefault(topicTemplate, 'zeek', 'Topic, with {log}, {tenant} and {sensor} for what they are.', {
      example: '{tenant}.zeek.{log}',
    }),
    createTopic: withDefault(
      switchable(CREATE_TOPIC),
      false,
      'Whether topics that are not there are created.',
    ),
    key: withDefault(
      oneOf(['none', 'uid', 'community_id', 'outer_pair', 'sensor']),
      'outer_pair',
      'Key of a message. Messages of one key stay in order; outer_pair keeps a tunnel together.',
    ),
    compression: withDefault(oneOf(['none', 'gzip']), 'none', 'Compression of batches.'),
    clientId: withDefault(
      text({ maxLength: 255 }),
      'copperhull',
      'Name that brokers see in their logs and quotas.',
    ),
    envelope: withDefault(
      variants({ flat: FLAT, tagged: TAGGED, beats: BEATS }),
      { type: 'flat' },
      'Form of a message.',
      { example: { type: 'tagged', static: { site: 'dc1' } } },
    ),
    lingerMs: withDefault(milliseconds(0, 60_000), 5, 'How long a batch waits for more records.'),
    batchRecords: withDefault(integer(1, 100_000, 'records'), 500, 'Records of a batch at most.'),
    batchBytes: withDefault(
      size(KIB, 100 * MIB),
      900_000,
      'Octets of a batch at most. Keep it below `max.message.bytes` of the topic.',
    ),
    requestTimeoutMs: withDefault(milliseconds(100, 600_000), 10_000, 'How long a request may take.'),
    connectTimeoutMs: withDefault(
      milliseconds(100, 600_000),
      5000,
      'How long connecting to a broker may take.',
    ),
    tls: TLS_KEY,
    sasl: optional(SASL, 'How to log in; without it, nobody does.'),
    client: withDefault(
      settingsOf('kafkajs', OWN_KEYS),
      {},
      'Further settings of the Kafka client, as kafkajs names them.',
      {
        example: { authenticationTimeout: 10_000 },
      },
    ),
    ...DELIVERY_KEYS,
  },
  example: { type: 'kafka', brokers: ['127.0.0.1:9092'] },
  check({ brokers = [], sasl, tls, topic }, at) {
    if (sasl !== undefined && tls === undefined && brokers.some(({ host }) => !isLoopback(host)))
      at.child('sasl').warn('the login goes to another machine without encryption; add the key "tls"');
    const { sensor, tenant } = at.scope;
    if (topic === undefined || typeof sensor !== 'string' || !('tenant' in at.scope)) return;
    const mistake = topicMistake(topic, { sensor, tenant: typeof tenant === 'string' ? tenant : undefined });
    if (mistake !== undefined) at.child('topic').report(mistake);
  },
});
