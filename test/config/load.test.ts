import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { ConfigError } from '../../src/config/config-error.js';
import type { Config, SinkConfig } from '../../src/config/definition/configuration.js';
import { DEFAULT_CONFIG, loadConfig, parseConfig } from '../../src/config/load.js';
import { topicOf } from '../../src/config/topic-template.js';
import { LOG_NAMES } from '../../src/model/records.js';
import { DEFAULT_SPOOL } from '../../src/sink/spool/spool-types.js';
import { temporaryFolder } from '../support/temporary.js';

const FOLDER = '/etc/copperhull';

function parse(text: string, environment: NodeJS.ProcessEnv = {}): Config {
  const { config, warnings } = parseConfig('mine.yaml', text, environment, FOLDER);
  assert.deepEqual(warnings, []);
  return config;
}

function sinkOf<T extends SinkConfig['type']>(type: T, keys = '', environment: NodeJS.ProcessEnv = {}) {
  const needed = type === 'kafka' ? ', brokers: [127.0.0.1:9092]' : '';
  const [sink] = parse(`sinks: [{ type: ${type}${needed}${keys} }]`, environment).sinks;
  assert.ok(sink?.type === type);
  return sink as Extract<SinkConfig, { readonly type: T }>;
}

const DELIVERY = (name: string) => ({
  spool: {
    folder: `/var/spool/copperhull/${name}`,
    maxBytes: 1024 ** 3,
    policy: 'drop-lowest-severity',
    commitRecords: 512,
    commitMs: 20,
    segmentBytes: 16 * 1024 ** 2,
    minFreeBytes: 64 * 1024 ** 2,
  },
  retry: { initialMs: 100, maxMs: 30_000, stoppedMs: 60_000 },
  deadLetterBytes: 64 * 1024 ** 2,
  outageAfterMs: 10_000,
});

describe('the configuration', () => {
  it('has defaults for everything', () => {
    const expected = DEFAULT_CONFIG;
    const { sensor, tenant, sinks, interfaces, rules, site, maxDepth, vxlanPorts, http } = expected;
    assert.deepEqual([sensor, tenant, sinks, interfaces], ['copperhull', undefined, [], []]);
    assert.deepEqual([rules, maxDepth, vxlanPorts], [{ default: true, folders: [] }, 8, [4789]]);
    assert.deepEqual(site, { localNetworks: [], vantage: 'auto', sixrd: [], sixtofourRelays: [] });
    assert.deepEqual(http, { listen: { host: '127.0.0.1', port: 9479 } });
    for (const text of ['', '# nothing\n', '---\n', '{}\n', 'sinks: []\n'])
      assert.deepEqual(parse(text), expected);
  });

  it('fills a Kafka sink', () => {
    assert.deepEqual(sinkOf('kafka'), {
      type: 'kafka',
      name: 'kafka',
      logs: [...LOG_NAMES],
      minSeverity: 'informational',
      brokers: [{ host: '127.0.0.1', port: 9092 }],
      topic: 'zeek',
      createTopic: undefined,
      key: 'outer_pair',
      compression: 'none',
      clientId: 'copperhull',
      envelope: { type: 'flat', path: false },
      lingerMs: 5,
      batchRecords: 500,
      batchBytes: 900_000,
      requestTimeoutMs: 10_000,
      connectTimeoutMs: 5000,
      tls: undefined,
      sasl: undefined,
      client: {},
      ...DELIVERY('kafka'),
    });
  });

  it('fills a files sink', () => {
    assert.deepEqual(sinkOf('files'), {
      type: 'files',
      name: 'files',
      logs: [...LOG_NAMES],
      minSeverity: 'informational',
      folder: '/var/log/copperhull',
      rotateBytes: 100 * 1024 ** 2,
      rotateEvery: 3_600_000,
      gzip: true,
      keep: 168,
      fsync: 'interval',
      fsyncIntervalMs: 1000,
      minFreeBytes: 256 * 1024 ** 2,
    });
  });

  it('fills a Zeek sink', () => {
    assert.deepEqual(sinkOf('zeek'), {
      type: 'zeek',
      name: 'zeek',
      logs: [...LOG_NAMES],
      minSeverity: 'informational',
      url: 'ws://127.0.0.1:27759/v1/messages/json',
      tls: undefined,
      handshakeTimeoutMs: 5000,
      ackTimeoutMs: 10_000,
      batchRecords: 100,
      ...DELIVERY('zeek'),
    });
  });

  it('has the defaults that the spool has', () => {
    const { spool } = sinkOf('kafka');
    // When settled records are noted is nothing to set.
    assert.deepEqual(
      { ...spool, folder: undefined, settleMs: DEFAULT_SPOOL.settleMs },
      { ...DEFAULT_SPOOL, folder: undefined },
    );
  });

  it('names the spool after the sink', () => {
    assert.equal(sinkOf('kafka', ', name: soc').spool.folder, '/var/spool/copperhull/soc');
  });

  it('starts relative paths from its folder', () => {
    assert.equal(sinkOf('files', ', folder: ../logs').folder, '/etc/logs');
    assert.equal(sinkOf('kafka', ', spool: { folder: spool }').spool.folder, '/etc/copperhull/spool');
  });

  it('reads sizes with and without unit', () => {
    const sizes = {
      '65536': 65_536,
      '64KiB': 65_536,
      '64 KiB': 65_536,
      '"70000"': 70_000,
      '70000B': 70_000,
      '3GiB': 3 * 1024 ** 3,
      '1TiB': 1024 ** 4,
    };
    for (const [text, octets] of Object.entries(sizes))
      assert.equal(sinkOf('files', `, rotateBytes: ${text}`).rotateBytes, octets);
  });

  it('reads durations with unit, plain milliseconds, and never', () => {
    const durations = {
      '90s': 90_000,
      '5m': 300_000,
      '2h': 7_200_000,
      '1d': 86_400_000,
      '60000ms': 60_000,
      '60000': 60_000,
      never: Infinity,
    };
    for (const [text, ms] of Object.entries(durations))
      assert.equal(sinkOf('files', `, rotateEvery: ${text}`).rotateEvery, ms);
  });

  it('reads brokers by name, IPv4 and IPv6 address', () => {
    const text =
      'sinks: [{ type: kafka, brokers: ["a.example.org:1", "10.0.0.1:2", "[2001:db8::1]:65535", "kafka_1:4"] }]';
    const [sink] = parse(text).sinks;
    assert.ok(sink?.type === 'kafka');
    assert.deepEqual(sink.brokers, [
      { host: 'a.example.org', port: 1 },
      { host: '10.0.0.1', port: 2 },
      { host: '2001:db8::1', port: 65_535 },
      { host: 'kafka_1', port: 4 },
    ]);
  });

  it('reads every envelope', () => {
    assert.deepEqual(sinkOf('kafka', ', envelope: { type: flat, path: true }').envelope, {
      type: 'flat',
      path: true,
    });
    assert.deepEqual(sinkOf('kafka', ', envelope: { type: tagged, static: { site: a } }').envelope, {
      type: 'tagged',
      static: { site: 'a' },
    });
    assert.deepEqual(sinkOf('kafka', ', envelope: { type: beats, tags: [x], fields: { a: b } }').envelope, {
      type: 'beats',
      logFolder: '/var/log/copperhull',
      host: 'copperhull',
      tags: ['x'],
      fields: { a: 'b' },
    });
  });

  it('names the host of beats after the sensor', () => {
    const [sink] = parse(
      'sinks: [{ type: kafka, brokers: ["a:1"], envelope: { type: beats } }]\nsensor: dc1\n',
    ).sinks;
    assert.ok(sink?.type === 'kafka' && sink.envelope.type === 'beats');
    assert.equal(sink.envelope.host, 'dc1');
  });

  it('switches sections on with true or with their keys, and off with false', () => {
    const none = { ca: undefined, cert: undefined, key: undefined, serverName: undefined };
    assert.deepEqual(sinkOf('kafka', ', tls: true').tls, none);
    assert.deepEqual(sinkOf('kafka', ', tls: { serverName: a }').tls, { ...none, serverName: 'a' });
    assert.equal(sinkOf('kafka', ', tls: false').tls, undefined);
    assert.deepEqual(
      sinkOf('kafka', ', createTopic: { config: { retention.ms: 5, cleanup.policy: delete } }').createTopic,
      {
        partitions: 1,
        replicationFactor: 1,
        config: { 'retention.ms': '5', 'cleanup.policy': 'delete' },
      },
    );
  });

  it('hands settings of kafkajs on as they are', () => {
    assert.deepEqual(sinkOf('kafka', ', client: { retry: { retries: 2, list: [[1], a, true] } }').client, {
      retry: { retries: 2, list: [[1], 'a', true] },
    });
  });

  it('takes numbers, sizes and truth from the environment too', () => {
    const environment = { N: '7', S: '1MiB', B: 'false', T: 'true' };
    assert.equal(sinkOf('kafka', ', lingerMs: "${N}"', environment).lingerMs, 7);
    assert.equal(sinkOf('files', ', rotateBytes: "${S}"', environment).rotateBytes, 1024 ** 2);
    assert.equal(sinkOf('files', ', gzip: "${B}"', environment).gzip, false);
    assert.notEqual(sinkOf('kafka', ', tls: "${T}"', environment).tls, undefined);
    assert.throws(() => sinkOf('files', ', gzip: "false"'));
  });

  it('does not change after it was loaded', () => {
    const sink = sinkOf('kafka');
    assert.ok(Object.isFrozen(sink) && Object.isFrozen(sink.spool) && Object.isFrozen(sink.brokers));
  });

  it('does not mistake a key for what every object has', () => {
    const { static: fixed } = sinkOf(
      'kafka',
      ', envelope: { type: tagged, static: { __proto__: a, toString: b } }',
    ).envelope as { static: Record<string, string> };
    assert.deepEqual(Object.entries(fixed), [
      ['__proto__', 'a'],
      ['toString', 'b'],
    ]);
    assert.throws(() => parse('constructor: a'), /unknown key "constructor"/);
    assert.throws(() => parse('__proto__: a'), /unknown key "__proto__"/);
  });
});

describe('warnings', () => {
  const warnings = (text: string): readonly string[] => parseConfig('mine.yaml', text, {}, FOLDER).warnings;
  const login = 'sasl: { mechanism: plain, username: a, password: "${PASSWORD:-x}" }';

  it('tell of a login that goes over the network in the clear', () => {
    const text = (broker: string, more = ''): string =>
      `sinks:\n  - type: kafka\n    brokers: ["${broker}"]\n    ${login}\n${more}`;
    assert.deepEqual(warnings(text('kafka.example.org:9092')), [
      'mine.yaml:4:11: the login goes to another machine without encryption; add the key "tls"',
    ]);
    assert.deepEqual(warnings(text('kafka.example.org:9092', '    tls: true\n')), []);
    for (const broker of ['localhost:9092', '127.0.0.2:9092', '[::1]:9092'])
      assert.deepEqual(warnings(text(broker)), []);
  });

  it('tell of records that go to a Zeek elsewhere in the clear', () => {
    assert.deepEqual(warnings('sinks:\n  - type: zeek\n    url: ws://zeek.example.org/v1/messages/json\n'), [
      'mine.yaml:3:10: records go over the network without encryption; use wss://',
    ]);
    assert.deepEqual(
      warnings('sinks:\n  - type: zeek\n    url: wss://zeek.example.org/v1/messages/json\n    tls: true\n'),
      [],
    );
    assert.deepEqual(warnings('sinks:\n  - type: zeek\n    url: "ws://[::1]:27759/v1/messages/json"\n'), []);
  });

  it('tell of a certificate that is not there yet', () => {
    assert.deepEqual(warnings('sinks:\n  - type: kafka\n    brokers: ["a:1"]\n    tls: { ca: none.pem }\n'), [
      'mine.yaml:4:16: /etc/copperhull/none.pem cannot be read now (ENOENT)',
    ]);
  });
});

describe('a topic', () => {
  it('is made of its template', () => {
    const names = { log: 'notice', tenant: 'acme', sensor: 's1' } as const;
    assert.equal(topicOf('{tenant}.zeek.{log}-{sensor}', names), 'acme.zeek.notice-s1');
    assert.equal(topicOf('zeek', names), 'zeek');
    assert.equal(topicOf('{log}', { ...names, tenant: '{log}' }), 'notice');
  });
});

describe('a configuration file', () => {
  const folder = temporaryFolder();
  const failure = (path: string): string => {
    try {
      loadConfig(path, {});
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
    return '';
  };

  it('is read with paths from its own folder', () => {
    const path = folder.path('config.yaml');
    writeFileSync(path, 'sinks: [{ type: files, folder: logs }]\n');
    const [sink] = loadConfig(path, {}).config.sinks;
    assert.ok(sink?.type === 'files');
    assert.equal(sink.folder, folder.path('logs'));
  });

  it('is read with a byte order mark', () => {
    const path = folder.path('bom.yaml');
    writeFileSync(path, '\ufeffsensor: a\r\n');
    assert.equal(loadConfig(path, {}).config.sensor, 'a');
  });

  it('that cannot be read says so in one sentence', () => {
    mkdirSync(folder.path('folder'));
    writeFileSync(folder.path('latin1'), Buffer.from([0x61, 0xe9]));
    writeFileSync(folder.path('large'), '#'.repeat(256 * 1024 + 1));
    const expected = {
      none: /^\S+none: the configuration file is not there; check the path\.$/,
      folder: /^\S+folder: the configuration file is a folder; name a file\.$/,
      latin1: /^\S+latin1: the configuration file is not UTF-8 text; save it as UTF-8\.$/,
      large: /^\S+large is larger than 262144 octets; that is no configuration file\.$/,
    };
    for (const [name, sentence] of Object.entries(expected))
      assert.match(failure(folder.path(name)), sentence);
  });
});
