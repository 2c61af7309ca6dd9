import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Certificates } from './certificates.js';
import { makeCertificates } from './certificates.js';

export const DEFAULT_VERSION = '4.3.1';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_MS = 90_000;
/** What is needed to start a broker again. */
const BROKER_FILE = 'broker.json';

/** Where the jars of a version are; scripts/kafka setup puts them there. */
export function libraryOf(version: string): string {
  return join(ROOT, '.cache/kafka', version, 'lib');
}

/** Why no broker can be started here, or undefined. */
export function whyNoBroker(version = DEFAULT_VERSION): string | undefined {
  if (!existsSync(join(libraryOf(version), `kafka_2.13-${version}.jar`))) {
    return `Kafka ${version} is not set up; run scripts/kafka setup ${version} (it needs Java 17 and Maven)`;
  }
  return undefined;
}

/** Names of the listeners that every broker has. `behindProxy` is advertised with the port of a proxy. */
export const LISTENERS = ['plain', 'sasl', 'tls', 'saslTls', 'mutualTls', 'behindProxy'] as const;
export type ListenerName = (typeof LISTENERS)[number];

export interface BrokerOptions {
  readonly version?: string;
  /** Port that `behindProxy` is advertised with. */
  readonly proxyPort?: number;
  readonly messageMaxBytes?: number;
  /** Port of `plain`, instead of a free one. */
  readonly plainPort?: number;
  /** For benchmarks: the JVM compiles all the way, which tests need not wait for. */
  readonly isForLoad?: boolean;
}

/** Users of the SASL listeners. `minimal` may write and describe the topic `minimal`, and nothing else. */
export const USERS = { sensor: 'sensor-secret', minimal: 'minimal-secret' } as const;

/**
 * A real Kafka broker (KRaft, one node) on loopback, in a folder of its own. It can be killed, started again with its
 * data, and stopped. Its ports stay the same.
 */
export class KafkaBroker {
  readonly folder: string;
  readonly version: string;
  readonly ports: Readonly<Record<ListenerName, number>>;
  readonly certificates: Certificates;
  readonly #clusterId: string;
  readonly #java: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(
    folder: string,
    version: string,
    ports: Readonly<Record<ListenerName, number>>,
    certificates: Certificates,
    isForLoad: boolean,
  ) {
    this.folder = folder;
    this.version = version;
    this.ports = ports;
    this.certificates = certificates;
    this.#java = isForLoad ? [...JAVA, '-Xmx512m'] : [...JAVA, QUICK_JIT];
    this.#clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`; // a leading hyphen would look like an option
  }

  /** Formats a new broker in `folder` and starts it. */
  static async create(folder: string, options: BrokerOptions = {}): Promise<KafkaBroker> {
    mkdirSync(folder, { recursive: true });
    const version = options.version ?? DEFAULT_VERSION;
    const [controller, ...free] = await freePorts(LISTENERS.length + 1);
    const ports = Object.fromEntries(LISTENERS.map((name, i) => [name, free[i]!])) as Record<
      ListenerName,
      number
    >;
    if (options.plainPort !== undefined) ports.plain = options.plainPort;
    const broker = new KafkaBroker(
      folder,
      version,
      ports,
      makeCertificates(folder),
      options.isForLoad === true,
    );
    const advertised = { ...ports, behindProxy: options.proxyPort ?? ports.behindProxy };
    writeFileSync(join(folder, 'server.properties'), properties(broker, controller!, advertised, options));
    broker.#format();
    const { ports: kept, certificates } = broker;
    writeFileSync(join(folder, BROKER_FILE), JSON.stringify({ version, ports: kept, certificates }));
    await broker.start();
    broker.#grantMinimalRights();
    return broker;
  }

  /** Whether a folder holds a broker that was made before. */
  static isIn(folder: string): boolean {
    return existsSync(join(folder, BROKER_FILE));
  }

  /** Starts a broker that was made before, with its data and its ports. */
  static async again(folder: string): Promise<KafkaBroker> {
    const kept = JSON.parse(readFileSync(join(folder, BROKER_FILE), 'utf8')) as Pick<
      KafkaBroker,
      'version' | 'ports' | 'certificates'
    >;
    const broker = new KafkaBroker(folder, kept.version, kept.ports, kept.certificates, false);
    await broker.start();
    return broker;
  }

  address(listener: ListenerName = 'plain'): string {
    return `127.0.0.1:${this.ports[listener]}`;
  }

  /** Starts the broker and waits until it says that it is ready. */
  async start(): Promise<void> {
    const log = createWriteStream(join(this.folder, 'broker.log'), { flags: 'a' });
    const child = spawn(
      'java',
      [...this.#java, '-cp', this.#classPath, 'kafka.Kafka', join(this.folder, 'server.properties')],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`Kafka did not start in ${START_MS} ms: ${output.slice(-2000)}`));
      }, START_MS);
      const watch = (chunk: Buffer): void => {
        log.write(chunk);
        output = (output + chunk.toString()).slice(-20_000);
        if (output.includes('Kafka Server started')) {
          clearTimeout(timer);
          resolve();
        }
      };
      child.stdout.on('data', watch);
      child.stderr.on('data', watch);
      child.once('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`Kafka ended with ${code}: ${output.slice(-2000)}`));
      });
    });
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Freezes the broker: connections stay, answers do not come. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Runs one of Kafka's own command line tools. */
  tool(main: string, ...args: readonly string[]): string {
    return execFileSync('java', ['-Xmx128m', '-cp', this.#classPath, main, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  get #classPath(): string {
    return join(libraryOf(this.version), '*');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
    this.#process = undefined;
  }

  #format(): void {
    const users = Object.entries(USERS).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-256=[name=${name},password=${password}]`,
    ]);
    this.tool(
      'kafka.tools.StorageTool',
      'format',
      '-t',
      this.#clusterId,
      '-c',
      join(this.folder, 'server.properties'),
      ...users,
    );
  }

  #grantMinimalRights(): void {
    const acls = this.version.startsWith('3.')
      ? 'kafka.admin.AclCommand'
      : 'org.apache.kafka.tools.AclCommand';
    const at = ['--bootstrap-server', this.address()];
    for (const operation of ['Write', 'Describe']) {
      this.tool(
        acls,
        ...at,
        '--add',
        '--allow-principal',
        'User:minimal',
        '--operation',
        operation,
        '--topic',
        'minimal',
      );
    }
  }
}

const QUICK_JIT = '-XX:TieredStopAtLevel=1';

const JAVA = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
];

function properties(
  broker: KafkaBroker,
  controller: number,
  advertised: Readonly<Record<ListenerName, number>>,
  options: BrokerOptions,
): string {
  const names: Readonly<Record<ListenerName, string>> = {
    plain: 'PLAINTEXT',
    sasl: 'SASL_PLAINTEXT',
    tls: 'SSL',
    saslTls: 'SASL_SSL',
    mutualTls: 'MTLS',
    behindProxy: 'PROXIED',
  };
  const list = (ports: Readonly<Record<ListenerName, number>>): string =>
    LISTENERS.map((name) => `${names[name]}://127.0.0.1:${ports[name]}`).join(',');
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required ${Object.entries(USERS)
    .map(([name, password]) => `user_${name}="${password}"`)
    .join(' ')};`;
  const lines: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `${list(broker.ports)},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': list(advertised),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(broker.folder, 'data'),
    'num.partitions': 1,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'auto.create.topics.enable': 'false',
    // A quick return after kill -9, and quick group joins.
    'broker.session.timeout.ms': 1500,
    'broker.heartbeat.interval.ms': 300,
    'group.initial.rebalance.delay.ms': 0,
    'num.network.threads': 1,
    'num.io.threads': 2,
    'num.recovery.threads.per.data.dir': 1,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'message.max.bytes': options.messageMaxBytes ?? 1_048_588,
    // Everyone who is not named may do everything; the user "minimal" may do what its rules say.
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:sensor;User:CN=client',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-256,PLAIN',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': broker.certificates.brokerKeystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': broker.certificates.ca,
    'ssl.client.auth': 'none',
    'listener.name.mtls.ssl.client.auth': 'required',
  };
  for (const listener of ['sasl_plaintext', 'sasl_ssl']) {
    lines[`listener.name.${listener}.scram-sha-256.sasl.jaas.config`] = scram;
    lines[`listener.name.${listener}.plain.sasl.jaas.config`] = plain;
  }
  if (!broker.version.startsWith('3.')) {
    lines['share.coordinator.state.topic.replication.factor'] = 1;
    lines['share.coordinator.state.topic.min.isr'] = 1;
  }
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Ports of loopback that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
