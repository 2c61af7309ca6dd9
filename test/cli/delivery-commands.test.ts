import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LOG_NAMES } from '../../src/model/records.js';
import { onFirstNodeOnly } from '../support/first-node.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { copperhull } from '../support/command.js';
import { createTopic, readTopic } from '../support/kafka.js';
import { validateLine } from '../support/record-schemas.js';
import { sharedBroker } from '../support/shared-broker.js';
import { temporaryFolder } from '../support/temporary.js';

const CONSUME = fileURLToPath(new URL('../../scripts/consume', import.meta.url));
const CAPTURE = join(LAB_CAPTURES, 'p41-6in4-irc-dstopts.pcap');
const ALERT = '"note":"TunnelAbuse::Inner_IRC_Port"';

describe('delivery from the command line, with a real broker,', function () {
  onFirstNodeOnly();
  this.timeout(60_000);
  const temporary = temporaryFolder();
  const broker = sharedBroker();

  /* A folder with a configuration whose sink "kafka" writes to `topic`. */
  function configured(name: string, topic: string, more = '', address?: string): string {
    const folder = temporary.path(name);
    mkdirSync(folder, { recursive: true });
    const lines = [
      'sensor: dc1',
      'sinks:',
      '  - type: kafka',
      `    brokers: ["${address ?? broker().address()}"]`,
      `    topic: ${topic}`,
      '    spool: { folder: spool }',
      more,
    ];
    writeFileSync(join(folder, 'copperhull.yaml'), `${lines.join('\n')}\n`);
    return folder;
  }
  const toKafka = ['--config', 'copperhull.yaml', '--to', 'kafka'];

  it('replay --to kafka publishes the very lines that replay --out writes', async () => {
    for (const log of LOG_NAMES) await createTopic(broker(), `replay.${log}`);
    const cwd = configured('replay', 'replay.{log}');
    const { code, stdout, stderr } = await copperhull(
      ['replay', ...toKafka, '--out', 'logs', '--json', CAPTURE],
      { cwd },
    );
    assert.equal(code, 0, stderr);
    const summary = JSON.parse(stdout) as { readonly sinks: Record<string, Record<string, number>> };
    let lines = 0;
    for (const log of ['notice', 'tunnel'] as const) {
      const written = readFileSync(join(cwd, `logs/${log}.log`), 'utf8')
        .trimEnd()
        .split('\n');
      lines += written.length;
      const published = await readTopic(broker(), `replay.${log}`);
      assert.deepEqual(
        published.map(({ value }) => value),
        written,
      );
    }
    assert.deepEqual(summary.sinks['kafka'], {
      accepted: lines,
      acknowledged: lines,
      waiting: 0,
      dead_lettered: 0,
      dropped: 0,
      damaged: 0,
      refused: 0,
      resent: 0,
    });
  });

  it('shows an alert as a Zeek record to scripts/consume and to the broker’s own console consumer', async () => {
    await createTopic(broker(), 'consumed');
    const cwd = configured('consumed', 'consumed', '    logs: [notice]\n    minSeverity: high');
    const { code, stderr } = await copperhull(['replay', ...toKafka, '--quiet', CAPTURE], { cwd });
    assert.equal(code, 0, stderr);
    const own = await promisify(execFile)(CONSUME, [broker().address(), 'consumed', '1']);
    const theirs = broker().tool(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      ...['--bootstrap-server', broker().address(), '--topic', 'consumed'],
      ...['--from-beginning', '--max-messages', '1', '--timeout-ms', '20000'],
    );
    assert.equal(own.stdout, theirs);
    assert.ok(theirs.includes(ALERT));
    validateLine('notice', theirs.trimEnd());
  });

  it('wraps records in the envelope of the configuration', async () => {
    await createTopic(broker(), 'tagged');
    const more =
      '    logs: [notice]\n    minSeverity: high\n    envelope: { type: tagged, static: { site: dc1 } }';
    const cwd = configured('tagged', 'tagged', more);
    await copperhull(['replay', ...toKafka, '--quiet', '--out', 'logs', CAPTURE], { cwd });
    const line = readFileSync(join(cwd, 'logs/notice.log'), 'utf8')
      .split('\n')
      .find((one) => one.includes(ALERT));
    const [message] = await readTopic(broker(), 'tagged');
    assert.equal(message!.value, `{"notice": ${line},"site": "dc1"}`);
  });

  it('keeps records when the broker is away, shows them, and delivers them later', async () => {
    const away = configured('away', 'away', '    logs: [notice]', '127.0.0.1:1');
    const first = await copperhull(['replay', ...toKafka, '--wait', '1', '--quiet', CAPTURE], { cwd: away });
    assert.equal(first.code, 1);
    assert.match(
      first.stderr,
      /^Sink kafka: \d+ records were not delivered\. The broker 127\.0\.0\.1:1 does not accept connections\. They stay in the spool \S+; the next run that uses it sends them\.\n$/,
    );
    const inspected = await copperhull(['spool', 'inspect', 'spool', '--json'], { cwd: away });
    const report = JSON.parse(inspected.stdout) as {
      readonly waiting: { readonly records: number; readonly byLog: Record<string, number> };
    };
    assert.ok(report.waiting.records >= 2);
    assert.deepEqual(Object.keys(report.waiting.byLog), ['notice']);
    const text = await copperhull(['spool', 'inspect', 'spool'], { cwd: away });
    assert.match(text.stdout, new RegExp(`${report.waiting.records} records wait \\(notice `));
    const exported = await copperhull(['spool', 'export', 'spool'], { cwd: away });
    const lines = exported.stdout.trimEnd().split('\n');
    assert.equal(lines.length, report.waiting.records);
    for (const line of lines) validateLine('notice', line);

    await createTopic(broker(), 'away');
    configured('away', 'away', '    logs: [notice]');
    const replayed = await copperhull(['spool', 'replay', 'spool', ...toKafka], { cwd: away });
    assert.equal(replayed.code, 0, replayed.stderr);
    const published = await readTopic(broker(), 'away');
    assert.deepEqual(
      published.map(({ value }) => value),
      lines.map((line) => line.replace('"_path":"notice",', '')),
    );
    const after = await copperhull(['spool', 'inspect', 'spool'], { cwd: away });
    assert.match(after.stdout, /^nothing waits$/m);
  });

  it('moves a spool to another sink', async () => {
    const away = configured('moved', 'moved', '', '127.0.0.1:1');
    await copperhull(['replay', ...toKafka, '--wait', '0', '--quiet', CAPTURE], { cwd: away });
    writeFileSync(join(away, 'files.yaml'), 'sinks: [{ type: files, folder: rescued }]\n');
    const { code, stdout } = await copperhull(
      ['spool', 'replay', 'spool', '--config', 'files.yaml', '--to', 'files'],
      { cwd: away },
    );
    assert.equal(code, 0);
    const [count] = /^\d+/.exec(stdout)!;
    const rescued = LOG_NAMES.flatMap((log) => {
      const path = join(away, `rescued/${log}.log`);
      return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    });
    assert.equal(rescued.length, Number(count));
    const after = await copperhull(['spool', 'inspect', 'spool'], { cwd: away });
    assert.match(after.stdout, /^nothing waits$/m);
  });

  it('lets one sink fail while another gets everything, and exits with 1', async () => {
    const cwd = configured('two', 'two', '', '127.0.0.1:1');
    const { code, stderr } = await copperhull(
      ['replay', ...toKafka, '--out', 'logs', '--wait', '0', CAPTURE],
      { cwd },
    );
    assert.equal(code, 1);
    assert.match(stderr, /^Sink kafka: \d+ records were not delivered\./m);
    const alone = await copperhull(['replay', '--out', 'alone', '--sensor', 'dc1', CAPTURE], { cwd });
    assert.equal(alone.code, 0);
    assert.equal(
      readFileSync(join(cwd, 'logs/notice.log'), 'utf8'),
      readFileSync(join(cwd, 'alone/notice.log'), 'utf8'),
    );
  });

  it('writes the same records whatever the speed', async () => {
    const cwd = temporary.path('speed');
    mkdirSync(cwd);
    await copperhull(['replay', '--out', 'fast', CAPTURE], { cwd });
    const paced = await copperhull(['replay', '--out', 'paced', '--speed', '50x', CAPTURE], { cwd });
    assert.equal(paced.code, 0, paced.stderr);
    for (const log of ['notice', 'tunnel'])
      assert.equal(
        readFileSync(join(cwd, `paced/${log}.log`), 'utf8'),
        readFileSync(join(cwd, `fast/${log}.log`), 'utf8'),
      );
  });

  describe('wrong usage', () => {
    const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
      [
        'a sink without a configuration',
        ['replay', '--to', 'kafka', CAPTURE],
        2,
        /^--to kafka names a sink of a configuration file; add --config FILE\.\n$/,
      ],
      [
        'a sink that is not there',
        ['replay', '--config', 'copperhull.yaml', '--to', 'kafak', CAPTURE],
        2,
        /^copperhull\.yaml has no sink named kafak; did you mean "kafka"\?; it has kafka\.\n$/,
      ],
      [
        'a configuration that is not there',
        ['replay', '--config', 'none.yaml', '--to', 'kafka', CAPTURE],
        3,
        /^none\.yaml: the configuration file is not there; check the path\.\n$/,
      ],
      [
        'a speed without x',
        ['replay', '--speed', '2', CAPTURE],
        2,
        /It must be a factor such as 1x or 10x\./,
      ],
      [
        'a folder that is no spool',
        ['spool', 'inspect', '.'],
        1,
        /^\. is not a spool: there are no segments/,
      ],
      [
        'a spool that is not there',
        ['spool', 'export', 'none'],
        1,
        /^There is no spool none; check its path\.\n$/,
      ],
      [
        'a spool without a way out',
        ['spool', 'replay', 'spool', '--config', 'copperhull.yaml'],
        2,
        /^Say where the records shall go: add --to SINK\.\n$/,
      ],
    ];
    for (const [name, args, exitCode, says] of cases) {
      it(`is told of ${name}`, async () => {
        const cwd = configured('usage', 'usage');
        const { code, stderr } = await copperhull(args, { cwd });
        assert.equal(code, exitCode, stderr);
        assert.match(stderr, says);
      });
    }
  });
});
