import assert from 'node:assert/strict';
import { parseConfig } from '../../src/config/load.js';
import { formatDiagnostic, SourceError } from '../../src/yaml/diagnostic.js';

/** All mistakes of a text, with source line and caret. */
function mistakes(text: string, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    parseConfig('mine.yaml', text, environment, '/etc/copperhull');
  } catch (error) {
    assert.ok(error instanceof SourceError, String(error));
    return error.diagnostics.map(formatDiagnostic);
  }
  return [];
}

const KAFKA = 'sinks:\n  - type: kafka\n    brokers: [127.0.0.1:9092]\n';
const FILES = 'sinks:\n  - type: files\n';
const ZEEK = 'sinks:\n  - type: zeek\n';

describe('a configuration file', () => {
  const cases: readonly (readonly [what: string, text: string, expected: RegExp])[] = [
    [
      'an unknown key',
      `${KAFKA}    lingrMs: 5\n`,
      /^mine.yaml:4:5: unknown key "lingrMs"; did you mean "lingerMs"\?\n {4} {4}lingrMs: 5\n {4} {4}\^{7}$/,
    ],
    [
      'an unknown key outside',
      'sesnor: a\n',
      /^mine.yaml:1:1: unknown key "sesnor"; did you mean "sensor"\?/,
    ],
    [
      'an unknown key in a section of a section',
      `${KAFKA}    spool: { maxByte: 1GiB }\n`,
      /^mine.yaml:4:14: unknown key "maxByte"; did you mean "maxBytes"\?/,
    ],
    [
      'a key of another sort of sink',
      `${FILES}    brokers: [a:1]\n`,
      /^mine.yaml:3:5: unknown key "brokers"/,
    ],
    ['no mapping', '- a\n', /^mine.yaml:1:1: the configuration must be a mapping .*; a list is not/],
    [
      'a text as a number',
      `${KAFKA}    lingerMs: soon\n`,
      /^mine.yaml:4:15: "lingerMs" must be a whole number from 0 to 60000 \(milliseconds\); "soon" is not/,
    ],
    [
      'a number with a unit',
      `${KAFKA}    lingerMs: 5s\n`,
      /^mine.yaml:4:15: .* \(milliseconds\); "5s" is not/,
    ],
    ['a number that is too large', `${KAFKA}    lingerMs: 60001\n`, /; 60001 is not/],
    ['a number with a fraction', `${KAFKA}    lingerMs: 1.5\n`, /; 1.5 is not/],
    [
      'a number as a name',
      'sensor: 5\n',
      /^mine.yaml:1:9: "sensor" must be text; 5 is not; put it in quotes/,
    ],
    ['a number that is none', 'sensor: .nan\n', /^mine.yaml:1:9: "sensor" must be text; .nan is not/],
    ['an endless number', `${KAFKA}    lingerMs: -.inf\n`, /; -.inf is not/],
    ['an empty name', 'sensor: ""\n', /^mine.yaml:1:9: "sensor" must be text; "" is not/],
    ['a control character', 'sensor: "a\\x1b[0m"\n', /^mine.yaml:1:9: control characters have no place here/],
    [
      'a name that is too long',
      `sensor: ${'a'.repeat(256)}\n`,
      /^mine.yaml:1:9: this is longer than 255 characters/,
    ],
    [
      'a key without value',
      'sensor:\n',
      /^mine.yaml:1:\d+: "sensor" has no value; write one, or leave the key out/,
    ],
    [
      'yes for true',
      `${FILES}    gzip: yes\n`,
      /^mine.yaml:3:11: "gzip" must be true or false; "yes" is not/,
    ],
    [
      'a wrong word',
      `${FILES}    fsync: alway\n`,
      /^mine.yaml:3:12: "fsync" must be one of never, interval, always; "alway" is not; did you mean "always"\?/,
    ],
    [
      'a unit of ten',
      `${FILES}    rotateBytes: 100MB\n`,
      /^mine.yaml:3:18: .*; "100MB" is not; units are KiB, MiB, GiB and TiB/,
    ],
    [
      'a size that is too small',
      `${FILES}    rotateBytes: 1KiB\n`,
      /must be a size from 64KiB to 1TiB; "1KiB" is not/,
    ],
    [
      'a wrong duration',
      `${FILES}    rotateEvery: 1 fortnight\n`,
      /must be a duration from 1m to 366d, or never; "1 fortnight" is not; units are/,
    ],
    [
      'a list that is none',
      `${FILES}    logs: notice\n`,
      /^mine.yaml:3:11: "logs" must be a list of at least 1; "notice" is not/,
    ],
    [
      'an empty list',
      `${FILES}    logs: []\n`,
      /^mine.yaml:3:11: "logs" must be a list of at least 1; a list is not; this one is too short/,
    ],
    [
      'a wrong log',
      `${FILES}    logs: [notice, tunel]\n`,
      /^mine.yaml:3:20: an item of "logs" must be one of .*; did you mean "tunnel"\?/,
    ],
    [
      'a log that is there twice',
      `${FILES}    logs: [notice, notice]\n`,
      /^mine.yaml:3:20: this item is in the list twice/,
    ],
    [
      'a sink without type',
      'sinks:\n  - name: a\n',
      /^mine.yaml:2:5: the key "type" is missing; it is one of kafka, files, stdout, zeek/,
    ],
    [
      'a sink of an unknown type',
      'sinks:\n  - type: kafak\n',
      /^mine.yaml:2:11: "type" must be one of kafka, .*; "kafak" is not; did you mean "kafka"\?/,
    ],
    [
      'a sink that is no mapping',
      'sinks:\n  - kafka\n',
      /^mine.yaml:2:5: an item of "sinks" must be a mapping whose key "type"/,
    ],
    [
      'a sink with a wrong name',
      `${FILES}    name: My Files\n`,
      /^mine.yaml:3:11: "name" must be a name of small letters.*; "My Files" is not/,
    ],
    [
      'two sinks with one name',
      `${FILES}    name: a\n  - { type: stdout, name: a }\n`,
      /^mine.yaml:4:27: the sink name "a" is used twice; the first is at mine.yaml:3$/m,
    ],
    [
      'two sinks with the default name',
      'sinks:\n  - type: stdout\n  - type: stdout\n',
      /^mine.yaml:3:5: the sink name "stdout" is used twice; the first is at mine.yaml:2$/m,
    ],
    [
      'two sinks with one spool',
      `${KAFKA}    spool: { folder: /s }\n  - { type: zeek, spool: { folder: /s/../s/ } }\n`,
      /^mine.yaml:5:36: the folder "\/s" is used twice; the first is at mine.yaml:4$/m,
    ],
    [
      'a spool in the default folder of another',
      `${KAFKA}  - { type: zeek, spool: { folder: /var/spool/copperhull/kafka } }\n`,
      /the folder "\/var\/spool\/copperhull\/kafka" is used twice/,
    ],
    [
      'two files sinks with one folder',
      `${FILES}    folder: /etc/copperhull/logs\n  - { type: files, name: b, folder: logs }\n`,
      /^mine.yaml:4:37: the folder "\/etc\/copperhull\/logs" is used twice; the first is at mine.yaml:3$/m,
    ],
    [
      'a folder with a tilde',
      `${FILES}    folder: ~/logs\n`,
      /^mine.yaml:3:13: "folder" must be the path of a folder; "~" is not expanded/,
    ],
    [
      'no brokers',
      'sinks:\n  - type: kafka\n    brokers: []\n',
      /^mine.yaml:3:14: "brokers" must be a list of at least 1/,
    ],
    ['no key brokers', 'sinks:\n  - type: kafka\n', /^mine.yaml:2:5: the key "brokers" is missing/],
    [
      'a broker without port',
      KAFKA.replace(':9092', ''),
      /^mine.yaml:3:15: an item of "brokers" must be host:port; "127.0.0.1" is not/,
    ],
    ['a broker with a port that is none', KAFKA.replace('9092', '99999'), /; ports go from 1 to 65535/],
    [
      'a broker that is no address',
      KAFKA.replace('127.0.0.1', '127.0.0.300'),
      /; the host is neither a name nor an address/,
    ],
    [
      'an IPv6 broker without brackets',
      KAFKA.replace('127.0.0.1', '2001:db8::1'),
      /; an IPv6 address stands in brackets, as in \[::1\]:9092/,
    ],
    [
      'a wrong IPv6 broker',
      KAFKA.replace('127.0.0.1:9092', '"[2001:db8]:9092"'),
      /; the host is neither a name nor an address/,
    ],
    [
      'an unknown placeholder',
      `${KAFKA}    topic: zeek.{lgo}\n`,
      /^mine.yaml:4:17: a topic may hold \{log\}, \{tenant\}, \{sensor\}, not \{lgo\}; did you mean "log"\?\n.*\n {20}\^{5}$/,
    ],
    [
      'a wrong character in the topic',
      `${KAFKA}    topic: zeek/x\n`,
      /^mine.yaml:4:16: a topic has letters.* only; "\/" is none of them/,
    ],
    ['a lone brace in the topic', `${KAFKA}    topic: zeek.{log\n`, /; "\{" is none of them/],
    [
      'a topic that is too long',
      `${KAFKA}    topic: "{log}${'a'.repeat(244)}"\n`,
      /^mine.yaml:4:12: the topic is longer than 249 characters/,
    ],
    ['a topic that is a dot', `${KAFKA}    topic: ..\n`, /^mine.yaml:4:12: a topic is not named "." or ".."/],
    [
      '{tenant} without tenant',
      `${KAFKA}    topic: "{tenant}.zeek"\n`,
      /^mine.yaml:4:12: the topic holds \{tenant\}, and the file has no key "tenant"/,
    ],
    [
      'a tenant that may not be in a topic',
      `tenant: a b\n${KAFKA}    topic: "{tenant}.zeek"\n`,
      /^mine.yaml:5:12: the topic holds \{tenant\}, and " " of the key "tenant" may not be in a topic/,
    ],
    [
      'a sensor that may not be in a topic',
      `sensor: a:b\n${KAFKA}    topic: "{sensor}"\n`,
      /and ":" of the key "sensor" may not be in a topic/,
    ],
    [
      'a certificate without key',
      `${KAFKA}    tls: { cert: a.pem }\n`,
      /^mine.yaml:4:12: a certificate needs its private key: add the key "key"/,
    ],
    [
      'a key without certificate',
      `${KAFKA}    tls: { key: a.pem }\n`,
      /^mine.yaml:4:12: a private key needs its certificate/,
    ],
    [
      'a word for tls',
      `${KAFKA}    tls: on\n`,
      /^mine.yaml:4:10: "tls" must be true, false, or a mapping with the keys of tls; "on" is not/,
    ],
    [
      'sasl without password',
      `${KAFKA}    sasl: { mechanism: plain, username: a }\n`,
      /^mine.yaml:4:11: the key "password" is missing/,
    ],
    [
      'a wrong mechanism',
      `${KAFKA}    sasl: { mechanism: scram, username: a, password: b }\n`,
      /^mine.yaml:4:24: "mechanism" must be one of plain, scram-sha-256/,
    ],
    [
      'a static key that is a log',
      `${KAFKA}    envelope: { type: tagged, static: { notice: x } }\n`,
      /^mine.yaml:4:41: "notice" is the name of a log; take another name/,
    ],
    [
      'a static value that is a number',
      `${KAFKA}    envelope: { type: tagged, static: { site: 1 } }\n`,
      /^mine.yaml:4:47: "site" must be text; 1 is not; put it in quotes/,
    ],
    [
      'a key of another envelope',
      `${KAFKA}    envelope: { type: flat, static: {} }\n`,
      /unknown key "static"/,
    ],
    [
      'a setting of kafkajs that is ours',
      `${KAFKA}    client: { ssl: true }\n`,
      /^mine.yaml:4:15: "ssl" of kafkajs is set by the key "tls" of this sink/,
    ],
    ['a setting of kafkajs that is nothing', `${KAFKA}    client: { a: [1, null] }\n`, /has no value/],
    [
      'settings of kafkajs without end',
      `${KAFKA}    client: { a: ${'['.repeat(20)}1${']'.repeat(20)} }\n`,
      /this is nested too deeply/,
    ],
    [
      'waits that shrink',
      `${KAFKA}    retry: { initialMs: 5000, maxMs: 10 }\n`,
      /^mine.yaml:4:14: initialMs \(5000\) is larger than maxMs \(10\)/,
    ],
    [
      'a URL of another sort',
      `${ZEEK}    url: http://a/\n`,
      /^mine.yaml:3:10: "url" must be a URL with ws:\/\/ or wss:\/\/; "http:\/\/a\/" is not/,
    ],
    ['tls for a URL without', `${ZEEK}    tls: true\n`, /^mine.yaml:3:5: "tls" needs a URL with wss:\/\//],
    [
      'a path that Zeek does not serve',
      `${ZEEK}    url: ws://127.0.0.1:27759/\n`,
      /^mine.yaml:3:10: the path of Zeek is \/v1\/messages\/json/,
    ],
    ['a key that is there twice', 'sensor: a\nsensor: b\n', /^mine.yaml:2:1: Map keys must be unique/],
    ['broken YAML', 'sensor: [a\n', /^mine.yaml:\d+:\d+: /],
    ['an alias without anchor', 'sensor: *a\n', /^mine.yaml:1:9: Unresolved alias/],
    ['two documents', 'sensor: a\n---\nsensor: b\n', /^mine.yaml:\d+:\d+: /],
    [
      'a variable that is not set',
      'sensor: a-${NAME}-b\n',
      /^mine.yaml:1:11: the environment has no NAME; set it, or write \$\{NAME:-default\}\n.*\n {14}\^{7}$/,
    ],
    ['a variable without end', 'sensor: a-${NAME\n', /^mine.yaml:1:11: "\$\{" has no "\}"/],
    [
      'a variable with a wrong name',
      'sensor: ${MY-NAME}\n',
      /^mine.yaml:1:9: the name of a variable has letters/,
    ],
    [
      'a secret whose file is not there',
      `${KAFKA}    sasl: { mechanism: plain, username: a, password: "file:none" }\n`,
      /^mine.yaml:4:54: \/etc\/copperhull\/none: the file of a secret is not there; check the path$/m,
    ],
    [
      'a secret that was hidden',
      `${KAFKA}    sasl: { mechanism: plain, username: a, password: "[secret]" }\n`,
      /stands for a secret that was hidden/,
    ],
    [
      'text that is nested without end',
      `sinks: ${'['.repeat(10_000)}${']'.repeat(10_000)}`,
      /^mine.yaml:1:1: this is nested too deeply/,
    ],
  ];
  for (const [what, text, expected] of cases) {
    it(`with ${what} says where and what`, () => {
      const got = mistakes(text);
      assert.ok(
        got.some((message) => expected.test(message)),
        `got:\n${got.join('\n')}`,
      );
      assert.equal(got.length, 1, `only one mistake was made, got:\n${got.join('\n')}`);
    });
  }

  it('tells all mistakes at once, in order of place', () => {
    const got = mistakes(`sensor: 5
sinks:
  - type: kafka
    brokers: [a]
    topic: a{x}b c
    spool: { folder: /s, maxBytes: 5 }
    color: red
  - { type: zeek, spool: { folder: /s } }
  - { type: fils }
`);
    assert.deepEqual(
      got.map((message) => /^mine.yaml:(\d+:\d+)/.exec(message)![1]),
      ['1:9', '4:15', '5:13', '5:18', '6:36', '7:5', '8:36', '9:13'],
    );
  });

  it('says once what an alias repeats', () => {
    const text = `${KAFKA}    spool: &s { policy: x }\n  - { type: zeek, spool: *s }\n`;
    assert.deepEqual(
      mistakes(text).map((message) => message.split(' ')[0]),
      ['mine.yaml:4:25:', 'mine.yaml:5:26:'],
    );
  });

  it('never quotes what came from the environment', () => {
    const inSink = (keys: string): string => `sinks: [{ type: kafka, brokers: ["a:1"], ${keys} }]\n`;
    const texts = [
      'sinks: "${VALUE}"\n',
      'sinks: [{ type: "${VALUE}" }]\n',
      'sinks: [{ type: kafka, brokers: ["${VALUE}"] }]\n',
      'sinks: [{ type: zeek, url: "${VALUE}" }]\n',
      `sensor: "a \${VALUE}"\n${inSink('topic: "{sensor}"')}`,
      inSink('topic: "{${VALUE}}"'),
      ...['name', 'topic', 'key', 'lingerMs', 'batchBytes', 'tls', 'logs', 'client', 'spool', 'envelope'].map(
        (key) => inSink(`${key}: "${key === 'topic' ? '' : '-'}\${VALUE} !"`),
      ),
    ];
    for (const text of texts) {
      const got = mistakes(text, { VALUE: 'hunter2' });
      assert.ok(got.length > 0, text);
      assert.ok(!got.join('\n').includes('hunter2'), got.join('\n'));
    }
    const twice = 'sinks: [{ type: stdout, name: "${VALUE}" }, { type: files, name: "${VALUE}" }]\n';
    assert.match(mistakes(twice, { VALUE: 'hunter2' })[0]!, /: the sink name is used twice; /);
  });
});
