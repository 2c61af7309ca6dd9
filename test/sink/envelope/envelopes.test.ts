import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { LogName } from '../../../src/model/records.js';
import { LOG_NAMES } from '../../../src/model/records.js';
import { readSchema } from '../../../src/sensor/package-files.js';
import { SinkError } from '../../../src/sink/alert-sink.js';
import { beatsEnvelope } from '../../../src/sink/envelope/beats.js';
import type { Enclosed, Envelope } from '../../../src/sink/envelope/envelope.js';
import type { EnvelopeName } from '../../../src/sink/envelope/envelopes.js';
import { ENVELOPES, makeEnvelope } from '../../../src/sink/envelope/envelopes.js';
import { flatEnvelope } from '../../../src/sink/envelope/flat.js';
import { taggedEnvelope } from '../../../src/sink/envelope/tagged.js';
import { JsonLine } from '../../../src/zeek/json-line.js';
import { SAMPLE_NOTICE, SAMPLE_TUNNEL, SAMPLE_WEIRD } from '../../support/sample-records.js';

/* Written by hand from Zeek's rules: flat dotted keys, numbers with a fraction, `\xNN` in strings. */
const NOTICE =
  '{"ts":1700000000.123456,"uid":"CpHeL22IfAnio0BVG3","id.orig_h":"2001:db8::5","id.orig_p":40000,' +
  '"id.resp_h":"2001:db8::9","id.resp_p":6667,"proto":"tcp","note":"TunnelAbuse::Inner_IRC_Port",' +
  '"msg":"IRC \\"port\\"\\\\x0a6667","src":"2001:db8::5","dst":"2001:db8::9","p":6667,' +
  '"actions":["Notice::ACTION_LOG"],"email_dest":[],"suppress_for":3600.0,"alert_id":"A1b2C3",' +
  '"rule_id":"inner-irc-port","rule_rev":1,"severity":"high","attack":["T1572"],"tunnel_kind":"6in4",' +
  '"tunnel_uid":"CY6MZM3lad2fDA83F1","tunnel_path":"eth/ipv4/ipv6/tcp:6667","tunnel_depth":1,' +
  '"tunnel_outer_orig_h":"192.0.2.10","tunnel_outer_orig_p":0,"tunnel_outer_resp_h":"203.0.113.9",' +
  '"tunnel_outer_resp_p":0,"sensor":"dc1-span"}';
const TUNNEL =
  '{"ts":1500557630.0,"uid":"CY6MZM3lad2fDA83F1","id.orig_h":"192.0.2.10","id.orig_p":0,' +
  '"id.resp_h":"203.0.113.9","id.resp_p":0,"tunnel_type":"Tunnel::IP","action":"Tunnel::DISCOVER",' +
  '"tunnel_kind":"6in4","tunnel_depth":1,"tunnel_direction":"outbound","sensor":"dc1-span"}';
const WEIRD =
  '{"ts":1700000000.123456,"name":"truncated_Teredo","notice":false,"peer":"dc1-span","source":"TEREDO",' +
  '"capture_file":"a.pcap","packet_number":7}';
const SAMPLES = [
  [SAMPLE_NOTICE, NOTICE],
  [SAMPLE_TUNNEL, TUNNEL],
  [SAMPLE_WEIRD, WEIRD],
] as const;

const ajv = new Ajv2020({ allErrors: true, strict: true });
for (const log of LOG_NAMES) ajv.addSchema(readSchema(`zeek-${log}.schema.json`));
const VALIDATORS = new Map(
  (Object.keys(ENVELOPES) as EnvelopeName[]).map((name) => [
    name,
    ajv.compile(readSchema(`envelope-${name}.schema.json`)),
  ]),
);

function assertValid(name: EnvelopeName, line: string): void {
  const validate = VALIDATORS.get(name)!;
  assert.ok(validate(JSON.parse(line)), `${JSON.stringify(validate.errors)} in ${line}`);
}

/** Records of any content, as the writer makes them. */
const text = fc.string({ unit: 'binary', maxLength: 40 });
const anyRecord: fc.Arbitrary<Enclosed> = fc
  .record({
    log: fc.constantFrom(...LOG_NAMES),
    seconds: fc.nat(0xffffffff),
    nanoseconds: fc.nat(999_999_999),
    msg: fc.option(text, { nil: undefined }),
    list: fc.option(fc.array(text, { maxLength: 4 }), { nil: undefined }),
  })
  .map(({ log, seconds, nanoseconds, msg, list }) => ({
    log,
    time: { seconds, nanoseconds },
    json: new JsonLine()
      .time('ts', { seconds, nanoseconds })
      .string('msg', msg)
      .strings('list', list)
      .toString(),
  }));
const notALog = text.filter((key) => !LOG_NAMES.includes(key as LogName));
const values = fc.dictionary(notALog, text, { maxKeys: 6 });

function assertOneLine(line: string): void {
  assert.ok(!/[\r\n]/.test(line));
}

describe('the envelope flat', () => {
  it('is the line that zeek-kafka sends with tag_json=F', () => {
    for (const [record, line] of SAMPLES) {
      assert.equal(flatEnvelope().wrap(record), line);
      assertValid('flat', line);
    }
  });

  it('has _path first when asked for', () => {
    for (const [record, line] of SAMPLES) {
      const wrapped = flatEnvelope({ path: true }).wrap(record);
      assert.equal(wrapped, `{"_path":"${record.log}",${line.slice(1)}`);
      assertValid('flat', wrapped);
    }
  });

  it('holds exactly the record', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        assert.equal(flatEnvelope().wrap(record), record.json);
        const line = flatEnvelope({ path: true }).wrap(record);
        assertOneLine(line);
        assert.deepEqual(JSON.parse(line), { _path: record.log, ...(JSON.parse(record.json) as object) });
      }),
    );
  });
});

describe('the envelope tagged', () => {
  it('is byte for byte what zeek-kafka sends with tag_json=T', () => {
    const envelope = taggedEnvelope();
    assert.equal(envelope.wrap(SAMPLE_NOTICE), `{"notice": ${NOTICE}}`);
    assert.equal(envelope.wrap(SAMPLE_TUNNEL), `{"tunnel": ${TUNNEL}}`);
    assert.equal(envelope.wrap(SAMPLE_WEIRD), `{"weird": ${WEIRD}}`);
    for (const [record] of SAMPLES) assertValid('tagged', envelope.wrap(record));
  });

  it('has static values behind the record, sorted by the octets of their keys', () => {
    const one = taggedEnvelope({ values: { site: 'dc1' } });
    assert.equal(one.wrap(SAMPLE_WEIRD), `{"weird": ${WEIRD},"site": "dc1"}`);
    const several = taggedEnvelope({
      values: { '\u{10000}': 'last', site: 'dc1', '\uffff': 'late', Site: 'B' },
    });
    assert.equal(
      several.wrap(SAMPLE_TUNNEL),
      `{"tunnel": ${TUNNEL},"Site": "B","site": "dc1","\uffff": "late","\u{10000}": "last"}`,
    );
    assertValid('tagged', several.wrap(SAMPLE_TUNNEL));
  });

  it('refuses a static value that has the name of a log', () => {
    for (const log of LOG_NAMES) {
      assert.throws(
        () => taggedEnvelope({ values: { site: 'dc1', [log]: 'x' } }),
        (error: unknown) => error instanceof SinkError && error.message.includes(`"${log}"`),
      );
    }
  });

  it('escapes what would break the line, which zeek-kafka does not', () => {
    const envelope = taggedEnvelope({ values: { site: 'a"b\\c\nd' } });
    assert.equal(envelope.wrap(SAMPLE_WEIRD), `{"weird": ${WEIRD},"site": "a\\"b\\\\c\\nd"}`);
  });

  it('holds exactly the record and the static values, whatever these are', () => {
    fc.assert(
      fc.property(anyRecord, values, (record, statics) => {
        const line = taggedEnvelope({ values: statics }).wrap(record);
        assertOneLine(line);
        const parsed = new Map(Object.entries(JSON.parse(line) as object));
        assert.deepEqual(parsed.get(record.log), JSON.parse(record.json));
        parsed.delete(record.log);
        assert.deepEqual(parsed, new Map(Object.entries(statics)));
      }),
    );
  });
});

describe('the envelope beats', () => {
  it('is what Filebeat would send for that line of that file', () => {
    const envelope = beatsEnvelope({
      sensor: 'dc1-span',
      logFolder: '/nsm/zeek/logs/current/',
      tags: ['_filebeat_zeek_malcolm_live'],
      values: { site: 'dc1' },
    });
    assert.equal(
      envelope.wrap(SAMPLE_WEIRD),
      '{"@timestamp":"2023-11-14T22:13:20.123Z","message":"{\\"ts\\":1700000000.123456,' +
        '\\"name\\":\\"truncated_Teredo\\",\\"notice\\":false,\\"peer\\":\\"dc1-span\\",' +
        '\\"source\\":\\"TEREDO\\",\\"capture_file\\":\\"a.pcap\\",\\"packet_number\\":7}",' +
        '"@metadata":{"pipeline":"zeek.weird"},"log":{"file":{"path":"/nsm/zeek/logs/current/weird.log"}},' +
        '"event":{"dataset":"zeek.weird","module":"zeek"},"host":{"name":"dc1-span"},' +
        '"agent":{"name":"dc1-span","type":"filebeat"},"ecs":{"version":"8.0.0"},"input":{"type":"log"},' +
        '"tags":["_filebeat_zeek_malcolm_live"],"fields":{"site":"dc1"}}',
    );
  });

  it('has what Malcolm, Elastic and Security Onion choose their parser by', () => {
    const envelope = beatsEnvelope({ sensor: 'dc1-span' });
    for (const [record, line] of SAMPLES) {
      const wrapped = envelope.wrap(record);
      assertValid('beats', wrapped);
      const event = JSON.parse(wrapped) as {
        message: string;
        log: { file: { path: string } };
        '@metadata': { pipeline: string };
        event: { dataset: string };
      };
      // Malcolm takes a message of this form, and the log's name from the last part of the path.
      assert.match(event.message, /^{.*}$/);
      assert.equal(event.message, line);
      assert.equal(event.log.file.path, `/var/log/copperhull/${record.log}.log`);
      assert.equal(event['@metadata'].pipeline, `zeek.${record.log}`);
      assert.equal(event.event.dataset, `zeek.${record.log}`);
    }
  });

  it('has the packet time in whole milliseconds, cut off', () => {
    const envelope = beatsEnvelope({ sensor: 's' });
    const cases: [number, number, string][] = [
      [0, 0, '1970-01-01T00:00:00.000Z'],
      [1_700_000_000, 999_999_999, '2023-11-14T22:13:20.999Z'],
      [0xffffffff, 1_000_000, '2106-02-07T06:28:15.001Z'],
    ];
    for (const [seconds, nanoseconds, expected] of cases) {
      const line = envelope.wrap({ log: 'notice', time: { seconds, nanoseconds }, json: '{}' });
      assert.equal((JSON.parse(line) as Record<string, unknown>)['@timestamp'], expected);
    }
  });

  it('holds exactly the record in its message, whatever the options hold', () => {
    fc.assert(
      fc.property(
        anyRecord,
        text,
        fc.array(text, { maxLength: 3 }),
        fc.dictionary(text, text, { maxKeys: 4 }),
        (record, sensor, tags, fields) => {
          const line = beatsEnvelope({ sensor, tags, values: fields, logFolder: `/${sensor}` }).wrap(record);
          assertOneLine(line);
          assertValid('beats', line);
          const event = JSON.parse(line) as { message: string; host: { name: string }; fields?: object };
          assert.equal(event.message, record.json);
          assert.equal(event.host.name, sensor);
          assert.deepEqual(Object.entries(event.fields ?? {}), Object.entries(fields));
        },
      ),
    );
  });
});

describe('envelopes', () => {
  it('are made by name', () => {
    const made: Envelope[] = [
      makeEnvelope({ envelope: 'flat', path: true }),
      makeEnvelope({ envelope: 'tagged', values: { site: 'dc1' } }),
      makeEnvelope({ envelope: 'beats', sensor: 's' }),
    ];
    assert.deepEqual(
      made.map((envelope) => envelope.wrap({ ...SAMPLE_WEIRD, json: '{}' }).slice(0, 16)),
      ['{"_path":"weird"', '{"weird": {},"si', '{"@timestamp":"2'],
    );
    for (const envelope of made) assert.equal(envelope.contentType, 'application/json');
  });
});
