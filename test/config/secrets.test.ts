import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { ConfigError } from '../../src/config/config-error.js';
import type { LoadedConfig } from '../../src/config/load.js';
import { parseConfig } from '../../src/config/load.js';
import { Secret } from '../../src/config/secret.js';
import { effectiveConfig, effectiveConfigText } from '../../src/config/show.js';
import { temporaryFolder } from '../support/temporary.js';

const PASSWORD = 'correct-horse';
const WITH_PASSWORD = (text: string): string =>
  `sinks:\n  - type: kafka\n    brokers: [127.0.0.1:9092]\n    sasl: { mechanism: plain, username: a, password: ${text} }\n`;

function secretOf({ config }: LoadedConfig): Secret {
  const [sink] = config.sinks;
  assert.ok(sink?.type === 'kafka' && sink.sasl !== undefined);
  return sink.sasl.password;
}

describe('a secret', () => {
  const folder = temporaryFolder();
  let number = 0;
  const file = (content: string, mode = 0o600): string => {
    const path = folder.path(`secret-${number++}`);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  const parse = (text: string, environment: NodeJS.ProcessEnv = {}): LoadedConfig =>
    parseConfig('mine.yaml', text, environment, folder.path(''));

  it('is read from a file, without its last line end', () => {
    for (const [content, expected] of [
      ['secret\n', 'secret'],
      ['secret\r\n', 'secret'],
      ['secret', 'secret'],
      [' a b \n\n', ' a b \n'],
    ] as const) {
      const path = file(content);
      const loaded = parse(WITH_PASSWORD(`"file:${path}"`));
      assert.equal(secretOf(loaded).reveal(), expected);
      assert.equal(secretOf(loaded).file, path);
      assert.deepEqual(loaded.warnings, []);
    }
  });

  it('is read from a file beside the configuration, and from one that the environment names', () => {
    const path = file('x');
    assert.equal(secretOf(parse(WITH_PASSWORD(`file:${path.split('/').at(-1)!}`))).file, path);
    assert.equal(secretOf(parse(WITH_PASSWORD('"file:${SECRET}"'), { SECRET: path })).file, path);
  });

  it('comes from the environment without a warning', () => {
    const loaded = parse(WITH_PASSWORD('"${KAFKA_PASSWORD}"'), { KAFKA_PASSWORD: PASSWORD });
    assert.equal(secretOf(loaded).reveal(), PASSWORD);
    assert.equal(secretOf(loaded).file, undefined);
    assert.deepEqual(loaded.warnings, []);
  });

  it('may stand in the configuration file, with a warning', () => {
    const loaded = parse(WITH_PASSWORD(PASSWORD));
    assert.equal(secretOf(loaded).reveal(), PASSWORD);
    assert.deepEqual(loaded.warnings, [
      'mine.yaml:4:54: this secret stands in the configuration file; file:PATH keeps it apart',
    ]);
  });

  it('in a file that everybody may read gives a warning', () => {
    const path = file('x', 0o644);
    assert.deepEqual(parse(WITH_PASSWORD(`"file:${path}"`)).warnings, [
      `mine.yaml:4:54: ${path} may be read by everybody on this machine; chmod o-r it`,
    ]);
  });

  it('in a private key that everybody may read gives a warning', () => {
    const [cert, key] = [file('x', 0o644), file('x', 0o644)];
    const text = `sinks:\n  - type: kafka\n    brokers: ["a:1"]\n    tls: { cert: "${cert}", key: "${key}" }\n`;
    assert.deepEqual(
      parse(text).warnings.map((warning) => warning.includes(`${key} may be read by everybody`)),
      [true],
    );
  });

  it('in an empty file is a mistake', () => {
    assert.throws(
      () => parse(WITH_PASSWORD(`"file:${file('\n')}"`)),
      /the file of a secret is empty; write the secret into it\n/,
    );
  });

  it('is never printed', () => {
    for (const text of [PASSWORD, `"file:${file(PASSWORD)}"`]) {
      const { config } = parse(WITH_PASSWORD(text));
      const secret = secretOf({ config, warnings: [] });
      const printed = [
        inspect(config, { depth: null, showHidden: true }),
        JSON.stringify(config),
        String(secret),
        secret.toString(),
        JSON.stringify(secret),
        inspect(secret, { showHidden: true, customInspect: false }),
        JSON.stringify(effectiveConfig(config)),
        effectiveConfigText(config),
        Object.values(secret).join(),
      ];
      for (const what of printed) assert.ok(!what.includes(PASSWORD), what);
      assert.equal(`${inspect(secret)} ${JSON.stringify({ secret })}`, '[secret] {"secret":"[secret]"}');
    }
  });

  it('never stands in the line that a mistake shows', () => {
    const texts = [
      `sinks:\n  - { type: kafka, sasl: { mechanism: plan, username: a, password: ${PASSWORD} } }\n`,
      `sinks:\n  - { type: kafka, sasl: { pasword: ${PASSWORD} } }\n`,
      `sinks:\n  - { type: kafka, sasl: { Password: "${PASSWORD}", x: 1 } }\n`,
      `password: ${PASSWORD}\n`,
      `passwd: [${PASSWORD}, 1]\n`,
      `x: &secret ${PASSWORD}\nsinks:\n  - { type: kafka, sasl: { password: *secret } }\n`,
      `sinks:\n  - { type: kafka, sasl: { password: "\${NONE}${PASSWORD}" } }\n`,
      `sinks:\n  - { type: kafka, sasl: { password: { a: ${PASSWORD} } } }\n`,
      `sinks:\n  - type: kafka\n    sasl: { mechanism: plain, password: ${PASSWORD}\n`,
      `password: "x" ${PASSWORD}\n`,
      `password: *${PASSWORD}\n`,
      `password: @${PASSWORD}\n`,
      `password: |\n  ${PASSWORD}\n x: [\n`,
      `sasl:\n  password: ${PASSWORD}: x\n`,
      `sinks:\n  - { type: zeek, url: "ws://user:${PASSWORD}@localhost/" }\n`,
      `sinks:\n  - { type: zeek, url: "ws://user:${PASSWORD}@localhost:99999/" }\n`,
      `sinks:\n  - { type: kafka, brokers: ["user:${PASSWORD}@localhost:9092"] }\n`,
    ];
    for (const text of texts) {
      assert.throws(
        () => parse(text),
        (error: Error) => {
          assert.equal(error.name, 'SourceError');
          assert.ok(!(error.stack ?? '').includes(PASSWORD), error.message);
          return true;
        },
      );
    }
  });

  it('leaves the caret under its place', () => {
    assert.throws(
      () => parse(`sasl: { password: ${PASSWORD}, b: 1 }\n`.replace('sasl', 'tenant')),
      /\n {4}tenant: \{ password: \*{13}, b: 1 \}\n {12}\^/,
    );
  });

  it('is read again when its file has changed', () => {
    const path = file('one\n');
    const secret = Secret.fromFile(path);
    assert.equal(secret.reload(), false);
    writeFileSync(path, 'two\n');
    assert.equal(secret.reload(), true);
    assert.equal(secret.reveal(), 'two');
    assert.equal(Secret.of('a').reload(), false);
  });

  it('keeps its value when its file is gone', () => {
    const path = file('one');
    const secret = Secret.fromFile(path);
    rmSync(path);
    assert.throws(() => secret.reload(), ConfigError);
    assert.equal(secret.reveal(), 'one');
  });
});
