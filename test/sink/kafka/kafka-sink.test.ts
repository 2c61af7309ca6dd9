import { skip } from '../../support/skip.js';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { USERS } from '../../../scripts/kafka-broker/broker.js';
import { Spool } from '../../../src/sink/spool/spool.js';
import { DEFAULT_SPOOL } from '../../../src/sink/spool/spool-types.js';
import { createTopic, readTopic } from '../../support/kafka.js';
import { fixed, kafkaSink, stateOf, until } from '../../support/kafka-sink.js';
import { logRecord, logRecords, numberOf } from '../../support/log-records.js';
import { sharedBroker } from '../../support/shared-broker.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('the Kafka sink, with a real broker,', function () {
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const broker = sharedBroker();

  it('delivers every record once, in order within its key, with headers and the time of the wall clock', async () => {
    await createTopic(broker(), 'delivers', 4);
    const { sink } = kafkaSink(temporary.path('delivers'), {
      brokers: [broker().address()],
      topic: 'delivers',
    });
    await sink.open();
    const before = Date.now();
    for (let from = 0; from < 5000; from += 500) await sink.publish(logRecords(from, from + 500));
    await sink.flush();
    const { spool } = sink.health();
    assert.equal(spool?.accepted, 5000);
    assert.equal(spool.acknowledged, 5000);
    assert.equal(sink.health().state, 'healthy');
    await sink.close();
    const messages = await readTopic(broker(), 'delivers');
    assert.equal(messages.length, 5000);
    assert.equal(new Set(messages.map(numberOfMessage)).size, 5000);
    assert.equal(
      new Set(messages.map(({ partition }) => partition)).size,
      4,
      'keys spread over the partitions',
    );
    const lastOfKey = new Map<string, number>();
    for (const message of messages.sort((a, b) => a.offset - b.offset)) {
      const number = numberOfMessage(message);
      assert.ok(number > (lastOfKey.get(message.key!) ?? -1), `record ${number} overtook another of its key`);
      lastOfKey.set(message.key!, number);
      assert.ok(message.timestampMs >= before && message.timestampMs <= Date.now());
    }
    const first = messages.find((message) => numberOfMessage(message) === 7)!;
    assert.equal(first.value, logRecord(7).json);
    assert.equal(first.key, logRecord(7).keys.outerPair);
    assert.deepEqual(first.headers, {
      sensor: 'test',
      log: 'notice',
      schema: 'urn:copperhull:zeek-notice',
      'content-type': 'application/json',
      'packet-time': '1700000007.0',
    });
  });

  it('compresses with gzip', async () => {
    await createTopic(broker(), 'gzipped');
    const { sink } = kafkaSink(temporary.path('gzip'), {
      brokers: [broker().address()],
      topic: 'gzipped',
      compression: 'gzip',
    });
    await sink.open();
    await sink.publish(logRecords(0, 200));
    await sink.flush();
    await sink.close();
    const messages = await readTopic(broker(), 'gzipped');
    assert.deepEqual(messages.map(numberOfMessage), [...Array(200).keys()]);
  });

  for (const [choice, key] of [
    ['none', undefined],
    ['uid', 'C3'],
    ['community_id', undefined],
    ['outer_pair', '10.0.0.3 10.1.0.1'],
    ['sensor', 'test'],
  ] as const) {
    it(`keys messages by ${choice}`, async () => {
      const topic = `key-${choice}`;
      await createTopic(broker(), topic);
      const { sink } = kafkaSink(temporary.path(topic), {
        brokers: [broker().address()],
        topic,
        key: choice,
      });
      await sink.open();
      await sink.publish([logRecord(3)]);
      await sink.flush();
      await sink.close();
      assert.equal((await readTopic(broker(), topic))[0]!.key, key);
    });
  }

  it('writes each log to its topic, and makes topics when asked to', async () => {
    const { sink } = kafkaSink(temporary.path('template'), {
      brokers: [broker().address()],
      topicOf: (log) => `acme.${log}`,
      logs: ['notice', 'weird'],
      createTopic: { partitions: 3, replicationFactor: 1, config: { 'retention.ms': '3600000' } },
    });
    await sink.open();
    await sink.publish([logRecord(1), { ...logRecord(2), log: 'weird' }]);
    await sink.flush();
    await sink.close();
    assert.deepEqual((await readTopic(broker(), 'acme.notice')).map(numberOfMessage), [1]);
    assert.deepEqual((await readTopic(broker(), 'acme.weird')).map(numberOfMessage), [2]);
  });

  it('puts a message that is too large into the dead letters, and only that one', async () => {
    await createTopic(broker(), 'small-messages', 1, { 'max.message.bytes': '20000' });
    const { sink, told } = kafkaSink(temporary.path('too-large'), {
      brokers: [broker().address()],
      topic: 'small-messages',
    });
    await sink.open();
    const records = logRecords(0, 300);
    records[100] = logRecord(100, 'medium', 40_000);
    records[101] = logRecord(101, 'medium', 50_000);
    await sink.publish(records);
    await sink.flush();
    const { spool } = sink.health();
    assert.equal(spool?.deadLettered, 2);
    assert.equal(spool.acknowledged, 298);
    assert.equal(spool.resent, 0, 'what the broker refused cannot arrive twice');
    await sink.close();
    const delivered = (await readTopic(broker(), 'small-messages')).map(numberOfMessage);
    assert.deepEqual(
      delivered,
      [...Array(300).keys()].filter((number) => number !== 100 && number !== 101),
    );
    assert.equal(told.deadLetters.length, 2);
    assert.equal(told.deadLetters[0]!.reason, 'The broker refused a message: MESSAGE_TOO_LARGE.');
    const letters = readFileSync(told.deadLetters[0]!.path, 'utf8').trim().split('\n');
    const letter = JSON.parse(letters[0]!) as { readonly record: string; readonly reason: string };
    assert.equal(letter.record, records[100].json);
    assert.equal(letter.reason, told.deadLetters[0]!.reason);
    assert.equal(statSync(told.deadLetters[0]!.path).mode & 0o777, 0o640);
  });

  it('waits for a topic that does not exist, says so, and delivers when somebody makes it', async () => {
    const { sink, told } = kafkaSink(temporary.path('unknown-topic'), {
      brokers: [broker().address()],
      topic: 'comes-later',
    });
    await sink.open();
    await sink.publish(logRecords(0, 50));
    assert.equal(
      await stateOf(sink, 'stopped'),
      'The topic comes-later does not exist; create it or set createTopic.',
    );
    assert.equal(told.outages[0]?.event, 'began');
    await sink.publish(logRecords(50, 100));
    await createTopic(broker(), 'comes-later', 2);
    await sink.flush();
    assert.equal(sink.health().state, 'healthy');
    await until(() => told.outages.length === 2);
    assert.equal(told.outages[1]!.event, 'ended');
    await sink.close();
    assert.equal((await readTopic(broker(), 'comes-later')).length, 100);
  });

  it('starts without a broker, and keeps what is published', async () => {
    const { sink } = kafkaSink(temporary.path('no-broker'), { brokers: ['127.0.0.1:1'], topic: 'later' });
    await sink.open();
    await sink.publish(logRecords(0, 50));
    assert.equal(await stateOf(sink, 'retrying'), 'The broker 127.0.0.1:1 does not accept connections.');
    assert.equal(sink.health().spool?.waiting, 50);
    await sink.close();

    await createTopic(broker(), 'later');
    const again = kafkaSink(temporary.path('no-broker'), { brokers: [broker().address()], topic: 'later' });
    await again.sink.open();
    await again.sink.flush();
    await again.sink.close();
    assert.deepEqual((await readTopic(broker(), 'later')).map(numberOfMessage), [...Array(50).keys()]);
  });

  it('reaches a broker by an IPv6 address', async function () {
    await createTopic(broker(), 'by-ipv6');
    const server = createServer((client) => {
      const onward = connect(broker().ports.plain, '127.0.0.1');
      client.pipe(onward).pipe(client);
      for (const socket of [client, onward]) socket.on('error', () => socket.destroy());
    });
    server.on('error', () => undefined); // told by the event below
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve).once('error', () => resolve()));
    if (!server.listening) skip(this, 'this machine has no IPv6 loopback');
    const { port } = server.address() as { port: number };
    const { sink } = kafkaSink(temporary.path('ipv6'), { brokers: [`[::1]:${port}`], topic: 'by-ipv6' });
    await sink.open();
    await sink.publish([logRecord(1)]);
    await sink.flush();
    await sink.close();
    server.close();
    const away = kafkaSink(temporary.path('ipv6-away'), { brokers: ['[::1]:1'], topic: 'by-ipv6' });
    await away.sink.open();
    assert.equal(await stateOf(away.sink, 'retrying'), 'The broker [::1]:1 does not accept connections.');
    await away.sink.close();
  });

  it('gives up in a replay after its patience, and says where the records stay', async () => {
    const folder = temporary.path('impatient');
    const { sink } = kafkaSink(folder, { brokers: ['127.0.0.1:1'] }, { patienceMs: 300 });
    await sink.open();
    await sink.publish(logRecords(0, 5));
    await assert.rejects(sink.flush(), {
      name: 'SinkError',
      message: `Sink kafka: 5 records were not delivered. The broker 127.0.0.1:1 does not accept connections. They stay in the spool ${folder}; the next run that uses it sends them.`,
    });
    await sink.close();
  });

  it('refuses a spool that another process writes', async () => {
    const folder = temporary.path('second-process');
    const first = kafkaSink(folder, { brokers: [broker().address()] });
    await first.sink.open();
    const second = kafkaSink(folder, { brokers: [broker().address()] });
    await assert.rejects(second.sink.open(), {
      message: `The spool ${folder} is in use by process ${process.pid}; stop it or name another folder.`,
    });
    await second.sink.close();
    await first.sink.close();
  });

  describe('security', () => {
    const sasl = (password: string) =>
      ({ mechanism: 'scram-sha-256', username: 'sensor', password: fixed(password) }) as const;
    const tls = () => ({
      ca: fixed(readFileSync(broker().certificates.ca, 'utf8')),
      cert: undefined,
      key: undefined,
      serverName: undefined,
    });

    before(() => createTopic(broker(), 'secured'));

    const deliver = async (name: string, options: Parameters<typeof kafkaSink>[1]): Promise<void> => {
      const { sink } = kafkaSink(temporary.path(name), { topic: 'secured', ...options });
      await sink.open();
      await sink.publish([logRecord(1)]);
      await sink.flush();
      assert.equal(sink.health().state, 'healthy');
      await sink.close();
    };

    for (const mechanism of ['plain', 'scram-sha-256'] as const) {
      it(`authenticates with ${mechanism}`, () =>
        deliver(`sasl-${mechanism}`, {
          brokers: [broker().address('sasl')],
          sasl: { ...sasl(USERS.sensor), mechanism },
        }));
    }

    it('speaks TLS', () => deliver('tls', { brokers: [broker().address('tls')], tls: tls() }));

    it('authenticates inside TLS', () =>
      deliver('sasl-tls', {
        brokers: [broker().address('saslTls')],
        tls: tls(),
        sasl: sasl(USERS.sensor),
      }));

    it('shows its own certificate', () =>
      deliver('mutual-tls', {
        brokers: [broker().address('mutualTls')],
        tls: {
          ...tls(),
          cert: fixed(readFileSync(broker().certificates.clientCertificate, 'utf8')),
          key: fixed(readFileSync(broker().certificates.clientKey, 'utf8')),
        },
      }));

    it('works with nothing but WRITE and DESCRIBE on its topic', async () => {
      await createTopic(broker(), 'minimal');
      await deliver('minimal-rights', {
        topic: 'minimal',
        brokers: [broker().address('sasl')],
        sasl: { mechanism: 'scram-sha-256', username: 'minimal', password: fixed(USERS.minimal) },
      });
    });

    /* Each mistake: what the sink says, and that it keeps accepting meanwhile. */
    const mistakes: readonly {
      readonly name: string;
      readonly options: () => Parameters<typeof kafkaSink>[1];
      readonly says: RegExp;
    }[] = [
      {
        name: 'a wrong password',
        options: () => ({ brokers: [broker().address('sasl')], sasl: sasl('wrong') }),
        says: /^The broker refused the user name or password; correct sasl\.username and sasl\.password\.$/,
      },
      {
        name: 'a SASL mechanism that the broker does not offer',
        options: () => ({
          brokers: [broker().address('sasl')],
          sasl: { ...sasl(USERS.sensor), mechanism: 'scram-sha-512' },
        }),
        says: /^The broker does not offer this SASL mechanism; change sasl\.mechanism\.$/,
      },
      {
        name: 'a topic that the user may not write',
        options: () => ({
          topic: 'secured',
          brokers: [broker().address('sasl')],
          sasl: { mechanism: 'plain', username: 'minimal', password: fixed(USERS.minimal) },
        }),
        says: /^The topic secured may not be written by this user; grant it WRITE and DESCRIBE, and CREATE for createTopic \(TOPIC_AUTHORIZATION_FAILED\)\.$/,
      },
      {
        name: 'a topic that the user may not create',
        options: () => ({
          topic: 'not-yours',
          brokers: [broker().address('sasl')],
          sasl: { mechanism: 'plain', username: 'minimal', password: fixed(USERS.minimal) },
          createTopic: { partitions: 1, replicationFactor: 1, config: {} },
        }),
        says: /^The topic not-yours (may not be written by this user; grant it WRITE and DESCRIBE|cannot be used)/,
      },
      {
        name: 'more copies than there are brokers',
        options: () => ({
          topic: 'copies',
          brokers: [broker().address()],
          createTopic: { partitions: 1, replicationFactor: 3, config: {} },
        }),
        says: /^The topic copies cannot be created with this replication factor; lower createTopic\.replicationFactor \(INVALID_REPLICATION_FACTOR\)\.$/,
      },
      {
        name: 'an authority that is not trusted',
        options: () => ({ brokers: [broker().address('tls')], tls: { ...tls(), ca: undefined } }),
        says: /^The broker's certificate is not signed by a trusted authority \(SELF_SIGNED_CERT_IN_CHAIN\); set tls\.ca/,
      },
      {
        name: 'a client without TLS on a TLS port',
        options: () => ({ brokers: [broker().address('tls')] }),
        says: /^The broker 127\.0\.0\.1:\d+ speaks TLS, and tls is not set; set it\.$/,
      },
      {
        name: 'no certificate where one is wanted',
        options: () => ({ brokers: [broker().address('mutualTls')], tls: tls() }),
        says: /^The broker refused the TLS handshake \([\w/]+\); it may want a client certificate/,
      },
    ];
    for (const { name, options, says } of mistakes) {
      it(`stops and says so at ${name}, while the spool goes on filling`, async () => {
        const { sink, told } = kafkaSink(temporary.path(`mistake ${name}`), {
          topic: 'secured',
          ...options(),
        });
        await sink.open();
        await sink.publish(logRecords(0, 10));
        assert.match(await stateOf(sink, 'stopped'), says);
        await sink.publish(logRecords(10, 20));
        assert.equal(sink.health().spool?.waiting, 20);
        assert.equal(told.outages[0]?.event, 'began');
        assert.match(told.outages[0].reason, says);
        await sink.close();
      });
    }

    it('hints at SASL where the broker hangs up without a word', async () => {
      const { sink } = kafkaSink(temporary.path('no-sasl'), { brokers: [broker().address('sasl')] });
      await sink.open();
      await sink.publish([logRecord(1)]);
      assert.match(
        await stateOf(sink, 'retrying'),
        /closed the connection without a word; .* tls or sasl\.$/,
      );
      await sink.close();
    });

    it('hints at TLS where the broker hangs up in the handshake', async () => {
      const { sink } = kafkaSink(temporary.path('tls-to-plain'), {
        brokers: [broker().address('plain')],
        tls: tls(),
      });
      await sink.open();
      await sink.publish([logRecord(1)]);
      assert.match(
        await stateOf(sink, 'retrying'),
        /hung up during the TLS handshake; it may be starting, or this listener may not use TLS\.$/,
      );
      await sink.close();
    });

    it('connects anew as soon as a wrong password file is corrected', async () => {
      const folder = temporary.path('rotation');
      mkdirSync(folder);
      const file = `${folder}/password`;
      writeFileSync(file, 'stale');
      const { sink } = kafkaSink(
        `${folder}/spool`,
        {
          topic: 'secured',
          brokers: [broker().address('sasl')],
          sasl: { ...sasl(''), password: { read: () => readFileSync(file, 'utf8'), file } },
        },
        {},
      );
      await sink.open();
      await sink.publish([logRecord(1)]);
      await stateOf(sink, 'stopped');
      writeFileSync(file, USERS.sensor);
      await sink.flush();
      assert.equal(sink.health().state, 'healthy');
      await sink.close();
    });

    it('uses a renewed client certificate without a restart', async () => {
      const folder = temporary.path('renewal');
      mkdirSync(folder);
      const files = { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` };
      // A certificate of nobody's: the broker does not trust it.
      execFileSync(
        'openssl',
        [
          ...[
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:prime256v1',
            '-nodes',
            '-days',
            '1',
          ],
          ...['-subj', '/CN=stranger', '-keyout', files.key, '-out', files.cert],
        ],
        { stdio: 'ignore' },
      );
      const { sink } = kafkaSink(`${folder}/spool`, {
        topic: 'secured',
        brokers: [broker().address('mutualTls')],
        tls: {
          ...tls(),
          cert: { read: () => readFileSync(files.cert, 'utf8'), file: files.cert },
          key: { read: () => readFileSync(files.key, 'utf8'), file: files.key },
        },
      });
      await sink.open();
      await sink.publish([logRecord(1)]);
      await stateOf(sink, 'stopped');
      copyFileSync(broker().certificates.clientKey, files.key);
      copyFileSync(broker().certificates.clientCertificate, files.cert);
      await sink.flush();
      assert.equal(sink.health().state, 'healthy');
      await sink.close();
    });
  });

  it('gives its spool to whoever opens it next', async () => {
    const folder = temporary.path('closed');
    const { sink } = kafkaSink(folder, { brokers: ['127.0.0.1:1'] });
    await sink.open();
    await sink.publish(logRecords(0, 3));
    await sink.close();
    const spool = await Spool.open(folder, { ...DEFAULT_SPOOL, onEvent: () => undefined });
    assert.equal(spool.status.waiting, 3);
    await spool.close();
  });
});

function numberOfMessage(message: { readonly value: string }): number {
  return numberOf({ json: message.value });
}
