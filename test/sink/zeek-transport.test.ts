import { skip } from '../support/skip.js';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogRecord } from '../../src/model/records.js';
import type { DeliveryFault } from '../../src/sink/delivery/transport.js';
import { DeliveryError } from '../../src/sink/delivery/transport.js';
import type { SpooledRecord } from '../../src/sink/spool/record-codec.js';
import type { BridgeEvent } from '../../src/sink/zeek-bridge/bridge-events.js';
import type { ZeekTransportOptions } from '../../src/sink/zeek-bridge/zeek-transport.js';
import { ZeekTransport } from '../../src/sink/zeek-bridge/zeek-transport.js';
import { count, string, vector } from '../../src/zeek/bridge/index.js';
import { reporterRecord } from '../../src/zeek/reporter-record.js';
import type { Certificates } from '../../scripts/kafka-broker/certificates.js';
import { makeCertificates } from '../../scripts/kafka-broker/certificates.js';
import { analyse, analyseCapture } from '../support/analysing.js';
import { allCaptures } from '../support/captures.js';
import { CopperhullZeek } from '../support/copperhull-zeek.js';
import { temporaryFolder } from '../support/temporary.js';
import { readScript } from '../support/zeek-script.js';
import type { ZeekServerOptions } from '../support/zeek-server.js';
import { ZeekServer } from '../support/zeek-server.js';

const SCRIPT = readScript();
const LANE = 'zeek';

function failsWith(fault: DeliveryFault, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DeliveryError, String(error));
    assert.equal(error.fault, fault, error.message);
    assert.match(error.message, text);
    return true;
  };
}

function spooled(records: readonly LogRecord[]): SpooledRecord[] {
  return records.map((record, i) => ({ ...record, sequence: i + 1 }));
}

const REPORT = reporterRecord({
  time: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
  level: 'INFO',
  message: 'all is "well"',
  location: 'test',
  sensor: 'test',
});

/** An event that Zeek does not know. */
const STRANGE: BridgeEvent = { name: 'CopperhullBridge::no_such_event', args: [] };

describe('the transport to Zeek', () => {
  const servers: ZeekServer[] = [];
  const transports: ZeekTransport[] = [];
  let zeek = new CopperhullZeek();

  async function startZeek(options: Partial<ZeekServerOptions> = {}): Promise<ZeekServer> {
    zeek = new CopperhullZeek();
    const server = new ZeekServer({ script: SCRIPT, onEvent: zeek.onEvent, ...options });
    servers.push(server);
    await server.start();
    return server;
  }

  function newTransport(port: number, options: Partial<ZeekTransportOptions> = {}): ZeekTransport {
    const transport = new ZeekTransport({ host: '127.0.0.1', port, ...options });
    transports.push(transport);
    return transport;
  }

  const noLoss = (error: DeliveryError): void => assert.fail(error.message);

  function messages(transport: ZeekTransport, records: readonly LogRecord[]): BridgeEvent[] {
    return spooled(records).map((record) => transport.encode(record).message);
  }

  afterEach(async () => {
    await Promise.all(transports.splice(0).map((transport) => transport.disconnect()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('delivers every record of every capture in a form that Zeek takes', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    let sent = 0;
    for (const capture of allCaptures()) {
      const { records } = await analyseCapture(capture);
      await transport.send(LANE, messages(transport, records));
      sent += records.length;
    }
    assert.ok(sent > 100);
    assert.equal(server.errors, 0);
    const events = server.taken.filter(({ name }) => /::(alert|log_record)$/.test(name));
    assert.equal(events.length, sent);
    assert.ok(events.every(({ topic }) => topic === '/copperhull/events'));
  });

  it('sends a notice as an alert with typed fields and the whole line', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    const { records } = analyse([
      {
        at: 0.25,
        layers: [
          { layer: 'eth' },
          { layer: 'ipv4', src: '198.51.100.1', dst: '203.0.113.9' },
          { layer: 'ipv6', src: '2001:db8::5', dst: '2001:db8::9' },
          { layer: 'tcp', src: 40000, dst: 6667 },
        ],
      },
    ]);
    const notice = records.find(({ json }) => json.includes('Inner_IRC_Port'))!;
    await transport.send(LANE, messages(transport, [notice]));
    const alert = server.taken.find(({ name }) => name.endsWith('::alert'))!.args[1]!;
    assert.ok(alert.type === 'vector');
    const fields = new Map(SCRIPT.records.get('Alert')!.map(({ name }, i) => [name, alert.items[i]!]));
    assert.deepEqual(fields.get('ts'), { type: 'real', value: 1_700_000_000.25 });
    assert.deepEqual(fields.get('note'), string('TunnelAbuse::Inner_IRC_Port'));
    assert.deepEqual(fields.get('severity'), string('high'));
    assert.deepEqual(fields.get('orig_h'), { type: 'address', value: '2001:db8::5' });
    assert.deepEqual(fields.get('resp_p'), { type: 'port', number: 6667, protocol: 'tcp' });
    assert.deepEqual(fields.get('outer_orig_h'), { type: 'address', value: '198.51.100.1' });
    assert.deepEqual(fields.get('outer_orig_p'), { type: 'port', number: 0, protocol: 'unknown' });
    assert.deepEqual(fields.get('tunnel_kind'), string('6in4'));
    assert.deepEqual(fields.get('n'), { type: 'none' });
    assert.deepEqual(fields.get('json'), string(notice.json));
  });

  it('sends other records by name of their log, time and line', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    await transport.send(LANE, messages(transport, [REPORT]));
    const record = server.taken.find(({ name }) => name.endsWith('::log_record'))!;
    assert.deepEqual(record.args.slice(1), [
      string('reporter'),
      { type: 'real', value: 1_700_000_000.123456 },
      string(REPORT.json),
    ]);
  });

  it('sends a notice that says little, and leaves the rest unset', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    const json = '{"ts":1700000000.0,"note":"TunnelAbuse::Delivery_Outage","msg":"away"}';
    await transport.send(LANE, messages(transport, [{ ...REPORT, log: 'notice', json }]));
    assert.equal(server.errors, 0);
  });

  it('refuses a record that can have no event', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port, { maxEventBytes: 3000 });
    await transport.connect(noLoss);
    for (const [json, why] of [
      ['not JSON', /not JSON/],
      ['7', /not a JSON object/],
      ['{"note":"A::B"}', /no text in msg/],
      ['{"note":"A::B","msg":"m","id.orig_h":"nowhere"}', /no IPv4 or IPv6 address/],
      ['{"note":"A::B","msg":"m","id.orig_p":99999}', /A port is from 0 to 65535/],
      [`{"note":"A::B","msg":"${'m'.repeat(3000)}"}`, /octets, more than the 3000/],
    ] as const) {
      const record = { ...REPORT, log: 'notice', json, sequence: 9 } as const;
      assert.throws(() => transport.encode(record), failsWith('refused', why));
    }
  });

  it('tells a batch with an event that Zeek cannot take, until the single one is found', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    const [good] = messages(transport, [REPORT]) as [BridgeEvent];
    const bad: BridgeEvent = { name: 'CopperhullBridge::alert', args: [vector([count(1)])] };
    await assert.rejects(
      transport.send(LANE, [good, bad, STRANGE, good]),
      failsWith('refused', /2 of 4 events \(deserialization_failed: failed to create Zeek event\)/),
    );
    await transport.send(LANE, [good]);
    await assert.rejects(transport.send(LANE, [bad]), failsWith('refused', /1 of 1/));
    await transport.send(LANE, [good, good]);
    assert.equal(server.clients.length, 1);
  });

  it('stops, and loses nothing, when the script is not loaded', async () => {
    const server = await startZeek({ script: { ...SCRIPT, events: new Map() } });
    await assert.rejects(
      newTransport(server.port).connect(noLoss),
      failsWith('stopped', /does not know copperhull's events; load copperhull.zeek/),
    );
  });

  it('stops when the script has other fields or another interface', async () => {
    const fields = SCRIPT.records.get('Alert')!;
    const shorter = new Map([...SCRIPT.records, ['Alert', fields.slice(1)] as const]);
    const older = await startZeek({ script: { ...SCRIPT, records: shorter } });
    await assert.rejects(newTransport(older.port).connect(noLoss), failsWith('stopped', /of this release/));
    const newer = await startZeek();
    zeek.interfaceVersion = 2;
    await assert.rejects(newTransport(newer.port).connect(noLoss), failsWith('stopped', /interface 2/));
  });

  it('tries again when nothing answers, or Zeek is away', async () => {
    const server = await startZeek();
    zeek.isMute = true;
    const quick = { handshakeTimeoutMs: 100 };
    await assert.rejects(
      newTransport(server.port, quick).connect(noLoss),
      failsWith('temporary', /nothing answered within 100 ms/),
    );
    const { port } = server;
    await server.stop();
    servers.pop();
    await assert.rejects(newTransport(port).connect(noLoss), failsWith('temporary', /ECONNREFUSED/));
  });

  it('stops when the server does not want it', async () => {
    const server = await startZeek({ path: '/v2/messages/json' });
    await assert.rejects(newTransport(server.port).connect(noLoss), failsWith('stopped', /invalid_uri/));
    const refusing = await startZeek({
      onSubscribed: (client) => client.sendError('deserialization_failed', 'subscriptions not an array'),
    });
    await assert.rejects(newTransport(refusing.port).connect(noLoss), failsWith('stopped', /subscriptions/));
  });

  it('sends a batch again when events of it were lost on the way', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    const batch = messages(transport, [REPORT, REPORT, REPORT]);
    zeek.lose = 1;
    await assert.rejects(transport.send(LANE, batch), failsWith('temporary', /handled 2 of 3/));
    await transport.send(LANE, batch);
  });

  it('fails a batch for now when the connection breaks in the middle, and works after a new one', async () => {
    const server = await startZeek({
      onEvent: (event, client) => {
        if (event.name.endsWith('::log_record') && server.clients.length === 1) client.socket.terminate();
        else zeek.onEvent(event, client);
      },
    });
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    const batch = messages(transport, Array<LogRecord>(50).fill(REPORT));
    await assert.rejects(transport.send(LANE, batch), failsWith('temporary', /close code 1006|ECONNRESET/));
    await assert.rejects(transport.send(LANE, batch), failsWith('temporary', /no connection/));
    await transport.connect(noLoss);
    await transport.send(LANE, batch);
  });

  it('gives a connection up when a batch is not handled in time, so that late errors blame nobody', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port, { syncTimeoutMs: 100 });
    await transport.connect(noLoss);
    zeek.isMute = true;
    await assert.rejects(transport.send(LANE, [STRANGE]), failsWith('temporary', /within 100 ms/));
    await assert.rejects(transport.send(LANE, [STRANGE]), failsWith('temporary', /no connection/));
    zeek.isMute = false;
    await transport.connect(noLoss);
    await transport.send(LANE, messages(transport, [REPORT]));
  });

  it('tells at once that the connection is gone while nothing is sent', async () => {
    const server = await startZeek();
    const transport = newTransport(server.port);
    const loss = new Promise<DeliveryError>((resolve) => {
      void transport.connect(resolve).then(() => server.clients[0]!.socket.close(1001, 'Terminating'));
    });
    assert.ok(failsWith('temporary', /1001.*Terminating/)(await loss));
  });

  it('ignores answers of other sessions and garbage', async () => {
    const server = await startZeek({
      onEvent: (event, client) => {
        const other = '{"@data-type":"string","data":"other"}';
        const number = '{"@data-type":"count","data":1}';
        client.socket.send('garbage');
        const topic = client.subscriptions[0]!;
        client.publish(topic, 'CopperhullBridge::synced', [other, number, number]);
        client.publish(topic, 'CopperhullBridge::ready', [number]);
        client.publish(topic, 'CopperhullBridge::synced', []);
        zeek.onEvent(event, client);
      },
    });
    const transport = newTransport(server.port);
    await transport.connect(noLoss);
    await transport.send(LANE, messages(transport, [REPORT]));
  });
});

describe('the transport to Zeek over TLS', () => {
  const folder = temporaryFolder();
  let certificates: Certificates;
  const servers: ZeekServer[] = [];

  before(function () {
    try {
      execFileSync('openssl', ['version'], { stdio: 'pipe' });
    } catch {
      skip(this, 'no openssl here to make certificates with');
    }
    certificates = makeCertificates(dirname(folder.path('x')));
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function startZeek(mutual: boolean): Promise<number> {
    const server = new ZeekServer({
      script: SCRIPT,
      onEvent: new CopperhullZeek().onEvent,
      tls: {
        cert: readFileSync(folder.path('broker.pem')),
        key: readFileSync(folder.path('broker.key')),
        ca: readFileSync(certificates.ca),
        requestCert: mutual,
        rejectUnauthorized: mutual,
      },
    });
    servers.push(server);
    return server.start();
  }

  const noLoss = (error: DeliveryError): void => assert.fail(error.message);

  it('delivers when it trusts the CA, also with a client certificate', async () => {
    const { ca, clientCertificate, clientKey } = certificates;
    for (const mutual of [false, true]) {
      const port = await startZeek(mutual);
      const tls = { caFile: ca, ...(mutual ? { certFile: clientCertificate, keyFile: clientKey } : {}) };
      const transport = new ZeekTransport({ host: '127.0.0.1', port, tls });
      assert.deepEqual(transport.watchedFiles, Object.values(tls));
      await transport.connect(noLoss);
      await transport.send(LANE, [transport.encode({ ...REPORT, sequence: 1 }).message]);
      await transport.disconnect();
    }
  });

  it('stops when certificates do not fit', async () => {
    const port = await startZeek(true);
    const { ca, otherCa, clientCertificate, clientKey } = certificates;
    const client = { certFile: clientCertificate, keyFile: clientKey };
    const wrong: [ZeekTransportOptions['tls'], RegExp][] = [
      [{ caFile: otherCa, ...client }, /TLS with .* failed/],
      [{ caFile: ca, ...client, servername: 'zeek.example' }, /ALTNAME_INVALID/],
      [{ caFile: ca }, /client certificate/],
      [{ caFile: folder.path('none.pem') }, /none.pem cannot be read \(ENOENT\)/],
      [{ caFile: ca, certFile: clientCertificate, keyFile: folder.path('broker.csr') }, /TLS with .* failed/],
    ];
    for (const [tls, why] of wrong) {
      const transport = new ZeekTransport({ host: '127.0.0.1', port, ...(tls === undefined ? {} : { tls }) });
      await assert.rejects(transport.connect(noLoss), failsWith('stopped', why));
    }
  });
});
