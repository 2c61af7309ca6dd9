import { setTimeout as pause } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import type { Admin, KafkaConfig, PartitionMetadata, Producer, SASLOptions } from 'kafkajs';
import { CompressionTypes, Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Outgoing, Transport } from '../delivery/transport.js';
import { DeliveryError } from '../delivery/transport.js';
import type { SpooledRecord } from '../spool/record-codec.js';
import { seedBroker, socketFactory } from './broker-sockets.js';
import { isUnknownTopic, kafkaError } from './kafka-errors.js';
import type { KafkaMessage } from './kafka-message.js';
import { KafkaMessages } from './kafka-message.js';
import type { Changeable, KafkaOptions, KafkaSasl, KafkaTls } from './kafka-options.js';
import { speaksTls } from './tls-probe.js';

/** How often partitions are counted again, and an idle connection shows that it lives. */
const CHECK_MS = 60_000;
const DISCONNECT_MS = 2000;
/** How long a new topic may take until the broker knows it. */
const CREATION_ATTEMPTS = 50;
const CREATION_PAUSE_MS = 100;
/** The deliverer repeats what fails, and counts what may arrive twice by that; kafkajs only learns stale metadata anew. */
const RETRY = { retries: 0, initialRetryTime: 100, maxRetryTime: 1000 } as const;

/** Partitions of keys that are remembered. */
const MOST_KEYS = 10_000;

interface Topic {
  readonly partitions: PartitionMetadata[];
  readonly lanes: readonly string[];
  readonly byKey: Map<string, number>;
}

/**
 * Messages into Kafka topics, at least once: acks from all in-sync replicas, no idempotent mode. Each partition is a
 * lane, chosen by the same hash of the key as Kafka's own clients use. Works with WRITE and DESCRIBE on its topics alone.
 */
export class KafkaTransport implements Transport<KafkaMessage> {
  readonly watchedFiles: readonly string[];
  readonly #options: KafkaOptions;
  readonly #messages: KafkaMessages;
  /** Topics that are learned with each connection; one more when a record of another log waits in the spool. */
  readonly #topics: Set<string>;
  /* Topics that are there. */
  readonly #known = new Map<string, Topic>();
  #choosePartition = Partitioners.DefaultPartitioner();
  #producer: Producer | undefined;
  #cutOff: ((error: DeliveryError) => void) | undefined;
  #cut = new Promise<never>(() => undefined);
  #checks: NodeJS.Timeout | undefined;

  constructor(options: KafkaOptions) {
    this.#options = options;
    this.#messages = new KafkaMessages(options);
    const { topicOf, logs, tls, sasl } = options;
    this.#topics = new Set(logs.map(topicOf));
    const files = [tls?.ca, tls?.cert, tls?.key, sasl?.password].map((one) => one?.file);
    this.watchedFiles = files.filter((file) => file !== undefined);
  }

  async connect(onLost: (error: DeliveryError) => void): Promise<void> {
    const client = new Kafka(this.#configuration());
    await this.#learnTopics(client);
    const producer = client.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: RETRY,
    });
    try {
      await producer.connect();
    } catch (error) {
      throw await this.#explain(error);
    }
    this.#choosePartition = Partitioners.DefaultPartitioner();
    this.#producer = producer;
    this.#cut = new Promise((_resolve, reject) => (this.#cutOff = reject));
    this.#cut.catch(() => undefined); // it matters only to sends that race with it
    const lost = (error: DeliveryError): void => {
      // A check that began with an earlier connection says nothing about this one.
      if (this.#producer === producer) onLost(error);
    };
    this.#checks = setInterval(() => void this.#check(client, lost), CHECK_MS).unref();
  }

  encode(record: SpooledRecord): Outgoing<KafkaMessage> {
    const name = this.#options.topicOf(record.log);
    const outgoing = this.#messages.make(record);
    const topic = this.#known.get(name);
    if (topic === undefined) return { lane: laneOf(name, undefined), ...outgoing };
    const partition = this.#partitionFor(name, topic, outgoing.message);
    outgoing.message.partition = partition;
    return { lane: topic.lanes[partition]!, ...outgoing };
  }

  /* Hashing each key once is much; tunnels have many records. */
  #partitionFor(name: string, { partitions, byKey }: Topic, message: KafkaMessage): number {
    const key = message.key?.toString('latin1');
    const known = key === undefined ? undefined : byKey.get(key);
    if (known !== undefined) return known;
    const partition = this.#choosePartition({ topic: name, partitionMetadata: partitions, message });
    if (key === undefined) return partition;
    if (byKey.size >= MOST_KEYS) byKey.clear();
    byKey.set(key, partition);
    return partition;
  }

  async send(lane: string, messages: readonly KafkaMessage[]): Promise<void> {
    const producer = this.#producer;
    if (producer === undefined) throw new DeliveryError('temporary', 'There is no connection to the broker.');
    const topic = lane.slice(0, lane.lastIndexOf('/'));
    if (!this.#known.has(topic)) await this.#sendToUnknown(topic);
    const compression = this.#options.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
    const sent = producer.send({
      topic,
      acks: -1,
      timeout: this.#options.requestTimeoutMs,
      compression,
      messages: messages as KafkaMessage[],
    });
    try {
      await Promise.race([sent, this.#cut]);
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      throw kafkaError(error, topic);
    }
  }

  async disconnect(): Promise<void> {
    clearInterval(this.#checks);
    this.#cutOff?.(new DeliveryError('temporary', 'The connection to the broker was closed.'));
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer === undefined) return;
    // A broker that hangs must not hold the sensor up.
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, DISCONNECT_MS)));
    const closed = producer
      .disconnect()
      .catch((error: unknown) => this.#options.onLog('debug', `disconnect: ${String(error)}`));
    await Promise.race([closed, limit]);
    clearTimeout(timer);
  }

  /* ---- topics ---- */

  async #learnTopics(client: Kafka): Promise<void> {
    this.#known.clear();
    await this.#withAdmin(client, async (admin) => {
      for (const topic of this.#topics) {
        const partitions = await this.#describeOrCreate(admin, topic);
        if (partitions === undefined) continue;
        const lanes = partitions.map((_, partition) => laneOf(topic, partition));
        this.#known.set(topic, { partitions, lanes, byKey: new Map() });
      }
    });
  }

  /* A topic that this user has no rights on is left out; its lane tells, and the other topics go on. */
  async #describeOrCreate(admin: Admin, topic: string): Promise<PartitionMetadata[] | undefined> {
    try {
      return (await describe(admin, topic)) ?? (await this.#create(admin, topic));
    } catch (error) {
      const told = kafkaError(error, topic);
      if (told.fault === 'stopped' && told.scope === 'lane') return undefined;
      throw error;
    }
  }

  async #create(admin: Admin, topic: string): Promise<PartitionMetadata[] | undefined> {
    const creation = this.#options.createTopic;
    if (creation === undefined) return undefined;
    const configEntries = Object.entries(creation.config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      // kafkajs takes it for a failure when the broker does not know the new topic yet; see below.
      waitForLeaders: false,
      topics: [
        {
          topic,
          numPartitions: creation.partitions,
          replicationFactor: creation.replicationFactor,
          configEntries,
        },
      ],
    });
    for (let attempt = 0; attempt < CREATION_ATTEMPTS; attempt++) {
      const partitions = await describe(admin, topic);
      if (partitions?.every(({ leader }) => leader >= 0) === true) return partitions;
      await pause(CREATION_PAUSE_MS);
    }
    return undefined;
  }

  /* Messages of a topic that is not there wait in a lane of their own; each attempt looks whether it has come. */
  async #sendToUnknown(topic: string): Promise<never> {
    const client = new Kafka(this.#configuration());
    const found = await this.#withAdmin(client, async (admin) => {
      try {
        return (await describe(admin, topic)) ?? (await this.#create(admin, topic));
      } catch (error) {
        throw kafkaError(error, topic);
      }
    });
    this.#topics.add(topic);
    if (found !== undefined) throw new DeliveryError('temporary', `The topic ${topic} has come.`);
    throw new DeliveryError('stopped', `The topic ${topic} does not exist; create it or set createTopic.`, {
      scope: 'lane',
    });
  }

  async #check(client: Kafka, onLost: (error: DeliveryError) => void): Promise<void> {
    try {
      await this.#withAdmin(client, async (admin) => {
        for (const [topic, { partitions }] of this.#known) {
          const now = await describe(admin, topic);
          if (now?.length !== partitions.length) {
            onLost(new DeliveryError('temporary', `The partitions of the topic ${topic} changed.`));
            return;
          }
        }
      });
    } catch (error) {
      onLost(error as DeliveryError);
    }
  }

  /* Errors are DeliveryErrors. */
  async #withAdmin<T>(client: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = client.admin({ retry: RETRY });
    try {
      await admin.connect();
      return await work(admin);
    } catch (error) {
      throw await this.#explain(error);
    } finally {
      await admin
        .disconnect()
        .catch((error: unknown) => this.#options.onLog('debug', `disconnect: ${String(error)}`));
    }
  }

  /* A broker that hangs up on a client without TLS may want TLS. */
  async #explain(error: unknown): Promise<DeliveryError> {
    if (error instanceof DeliveryError) return error;
    const told = kafkaError(error);
    if (this.#options.tls !== undefined || !told.message.includes('without a word')) return told;
    for (const broker of this.#options.brokers) {
      if (await speaksTls(broker, this.#options.connectTimeoutMs))
        return new DeliveryError('stopped', `The broker ${broker} speaks TLS, and tls is not set; set it.`, {
          cause: error,
        });
    }
    return told;
  }

  /* ---- the client ---- */

  #configuration(): KafkaConfig {
    const { brokers, clientId, connectTimeoutMs, requestTimeoutMs, tls, sasl, client, onLog } = this.#options;
    return {
      clientId,
      connectionTimeout: connectTimeoutMs,
      authenticationTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      retry: RETRY,
      // What kafkajs logs as an error the deliverer judges and tells once.
      logCreator:
        () =>
        ({ level, namespace, log }) => {
          if (level <= logLevel.WARN) onLog('debug', `kafkajs ${namespace}: ${log.message}`);
        },
      ...client,
      socketFactory,
      brokers: brokers.map(seedBroker),
      ...(tls && { ssl: tlsOptions(tls) }),
      ...(sasl && { sasl: saslOptions(sasl) }),
    };
  }
}

function laneOf(topic: string, partition: number | undefined): string {
  return `${topic}/${partition ?? '?'}`;
}

/* Partitions of a topic; undefined when there is no such topic. */
async function describe(admin: Admin, topic: string): Promise<PartitionMetadata[] | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions;
  } catch (error) {
    if (isUnknownTopic(error)) return undefined;
    throw error;
  }
}

function tlsOptions({ ca, cert, key, serverName }: KafkaTls): ConnectionOptions {
  return {
    ...(ca && { ca: readNow(ca) }),
    ...(cert && { cert: readNow(cert) }),
    ...(key && { key: readNow(key) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

function saslOptions({ mechanism, username, password }: KafkaSasl): SASLOptions {
  return { mechanism, username, password: readNow(password) };
}

function readNow(one: Changeable): string {
  try {
    return one.read();
  } catch (error) {
    throw new DeliveryError('stopped', (error as Error).message, { cause: error });
  }
}
