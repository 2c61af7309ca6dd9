import { brokerText } from './broker-sockets.js';
import type { DeliveryScope } from '../delivery/transport.js';
import { DeliveryError } from '../delivery/transport.js';

/* What kafkajs's errors carry, as far as it helps to judge them. */
interface KafkaFailure {
  readonly name: string;
  readonly message: string;
  /** Name of a Kafka error code, of a KafkaJSProtocolError. */
  readonly type?: unknown;
  /** Code of a socket or TLS error, of a KafkaJSConnectionError. */
  readonly code?: unknown;
  readonly broker?: unknown;
  readonly cause?: unknown;
}

/** Error codes of Kafka for messages that it will never take as they are. */
const REFUSED: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);

/** Error codes that somebody has to mend something for, and what. */
const STOPPED: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'does not exist; create it or set createTopic',
  INVALID_TOPIC_EXCEPTION: 'is not a name that the broker takes; choose another',
  TOPIC_AUTHORIZATION_FAILED:
    'may not be written by this user; grant it WRITE and DESCRIBE, and CREATE for createTopic',
  CLUSTER_AUTHORIZATION_FAILED: 'cannot be used: the cluster refuses this user; grant it the right',
  UNSUPPORTED_VERSION: 'cannot be written: the broker is too old or too new for this client',
  UNSUPPORTED_COMPRESSION_TYPE: 'does not take this compression; set compression to none',
  INVALID_REQUIRED_ACKS: 'does not take acks=all; check the broker',
  POLICY_VIOLATION: 'is against a policy of the broker; ask its administrator',
  INVALID_REPLICATION_FACTOR:
    'cannot be created with this replication factor; lower createTopic.replicationFactor',
};

const TLS_TRUST =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)$/;
const TLS_DATE = /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/;

/**
 * What a failure of kafkajs calls for. Its own `retriable` flag is not used: a broker that is down gives errors that are
 * flagged as final although it comes back.
 */
export function kafkaError(error: unknown, topic?: string): DeliveryError {
  const chain = causes(error);
  for (const failure of chain) {
    const told = fromSasl(failure) ?? fromTls(failure) ?? fromProtocol(failure, topic);
    if (told !== undefined) return told;
  }
  const root = chain.at(-1)!;
  const refused = chain.find(({ code }) => code === 'ECONNREFUSED');
  const where = chain.map(({ broker }) => broker).find((broker) => typeof broker === 'string');
  const broker = where === undefined ? 'The broker' : `The broker ${brokerText(where)}`;
  if (refused !== undefined || root.message.includes('ECONNREFUSED'))
    return fault('temporary', `${broker} does not accept connections.`, error);
  if (root.name === 'KafkaJSRequestTimeoutError' || /timed? ?out/i.test(root.message))
    return fault('temporary', `${broker} does not answer in time.`, error);
  if (root.name === 'KafkaJSConnectionClosedError' || /closed connection/i.test(root.message)) {
    return fault(
      'temporary',
      `${broker} closed the connection without a word; it may be starting, or this listener may want tls or sasl.`,
      error,
    );
  }
  if (chain.some(({ code, message }) => code === 'ENOTFOUND' || message.includes('ENOTFOUND')))
    return fault(
      'temporary',
      `${broker} has a host name that is not known here; check brokers and DNS.`,
      error,
    );
  if (root.message.includes('before secure TLS connection')) {
    return fault(
      'temporary',
      `${broker} hung up during the TLS handshake; it may be starting, or this listener may not use TLS.`,
      error,
    );
  }
  return fault('temporary', `${broker} cannot be reached: ${root.message}.`, error);
}

/** Whether a broker said that there is no such topic, or none that this user may know of. */
export function isUnknownTopic(error: unknown): boolean {
  return causes(error).some(({ type }) => type === 'UNKNOWN_TOPIC_OR_PARTITION');
}

function fromSasl({ name, message, type }: KafkaFailure): DeliveryError | undefined {
  if (type === 'UNSUPPORTED_SASL_MECHANISM' || message.includes('mechanism is not supported by the server')) {
    return fault('stopped', 'The broker does not offer this SASL mechanism; change sasl.mechanism.', message);
  }
  if (type === 'ILLEGAL_SASL_STATE')
    return fault('stopped', 'The broker listener does not use SASL; remove sasl.', message);
  if (type !== 'SASL_AUTHENTICATION_FAILED' && name !== 'KafkaJSSASLAuthenticationError') return undefined;
  // kafkajs says the same when the broker goes away in the middle of it.
  if (/closed connection|not connected|timed? ?out|ECONN|EPIPE|connection error/i.test(message))
    return undefined;
  return fault(
    'stopped',
    'The broker refused the user name or password; correct sasl.username and sasl.password.',
    message,
  );
}

function fromTls({ code, message }: KafkaFailure): DeliveryError | undefined {
  if (typeof code !== 'string') return undefined;
  if (TLS_TRUST.test(code)) {
    return fault(
      'stopped',
      `The broker's certificate is not signed by a trusted authority (${code}); set tls.ca to its authority's certificate.`,
      message,
    );
  }
  if (TLS_DATE.test(code))
    return fault(
      'stopped',
      `The broker's certificate is out of date (${code}); it has to be renewed.`,
      message,
    );
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return fault(
      'stopped',
      "The broker's certificate is for another name; correct brokers or set tls.serverName.",
      message,
    );
  }
  if (/^ERR_SSL_.*ALERT|^ERR_SSL_SSLV3_ALERT/.test(code)) {
    return fault(
      'stopped',
      `The broker refused the TLS handshake (${code}); it may want a client certificate that it trusts: check tls.cert and tls.key.`,
      message,
    );
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_OSSL_')) {
    return fault(
      'stopped',
      `TLS with the broker failed (${code}); check that this listener uses TLS.`,
      message,
    );
  }
  return undefined;
}

function fromProtocol({ type, message }: KafkaFailure, topic?: string): DeliveryError | undefined {
  if (typeof type !== 'string') return undefined;
  const what = topic === undefined ? 'The topic' : `The topic ${topic}`;
  if (REFUSED.has(type)) return fault('refused', `The broker refused a message: ${type}.`, message);
  const remedy = STOPPED[type];
  if (remedy !== undefined) return fault('stopped', `${what} ${remedy} (${type}).`, message, 'lane');
  return fault('temporary', `${what} cannot be written now (${type}).`, message, 'lane');
}

function fault(
  kind: DeliveryError['fault'],
  message: string,
  cause: unknown,
  scope?: DeliveryScope,
): DeliveryError {
  return new DeliveryError(kind, message, { cause, ...(scope && { scope }) });
}

/* The error and what caused it, outermost first; bounded, in case it goes in a circle. */
function causes(error: unknown): KafkaFailure[] {
  const chain: KafkaFailure[] = [];
  for (let one = error; one instanceof Error && chain.length < 8;) {
    chain.push(one);
    // Several at once when topics are created; they are all about the one topic.
    const { errors } = one as { readonly errors?: unknown };
    one = Array.isArray(errors) ? (errors[0] as unknown) : one.cause;
  }
  return chain.length > 0 ? chain : [{ name: 'Error', message: String(error) }];
}
