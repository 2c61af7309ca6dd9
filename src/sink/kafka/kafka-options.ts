import type { KafkaConfig } from 'kafkajs';
import type { LogName } from '../../model/records.js';
import type { Envelope } from '../envelope/envelope.js';

export const KEY_CHOICES = ['none', 'uid', 'community_id', 'outer_pair', 'sensor'] as const;
/** What messages are keyed by; one key's messages stay in order. */
export type KeyChoice = (typeof KEY_CHOICES)[number];

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** A text that is read anew for each connection, and the file it comes from, if any. */
export interface Changeable {
  read(): string;
  readonly file: string | undefined;
}

export interface KafkaTls {
  /** Certificates of authorities in PEM; without, those that Node brings. */
  readonly ca: Changeable | undefined;
  /** Certificate and key of this client in PEM, for mutual TLS. */
  readonly cert: Changeable | undefined;
  readonly key: Changeable | undefined;
  readonly serverName: string | undefined;
}

export interface KafkaSasl {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  readonly password: Changeable;
}

export interface TopicCreation {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface KafkaOptions {
  /** `host:port`; an IPv6 address stands in brackets. */
  readonly brokers: readonly string[];
  readonly topicOf: (log: LogName) => string;
  /** Logs whose records come here: their topics must be there. */
  readonly logs: readonly LogName[];
  /** Undefined: topics are not created. */
  readonly createTopic: TopicCreation | undefined;
  readonly key: KeyChoice;
  readonly compression: 'none' | 'gzip';
  readonly envelope: Envelope;
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly tls: KafkaTls | undefined;
  readonly sasl: KafkaSasl | undefined;
  /** Further options for kafkajs, which win over all but brokers, tls and sasl. */
  readonly client: Readonly<Partial<KafkaConfig>>;
  /** Called with what kafkajs has to say. */
  readonly onLog: (level: 'error' | 'warn' | 'info' | 'debug', message: string) => void;
}
