import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DEFAULT_DELIVERY_WINDOW,
  DEFAULT_SPOOLED,
  SpooledSink,
} from '../../src/sink/delivery/spooled-sink.js';
import { DEFAULT_SPOOL } from '../../src/sink/spool/spool-types.js';
import { ZeekTransport } from '../../src/sink/zeek-bridge/zeek-transport.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { copperhull } from '../support/command.js';
import { CopperhullZeek } from '../support/copperhull-zeek.js';
import { QUICK_RETRY, until } from '../support/kafka-sink.js';
import { logRecords, numberOf } from '../support/log-records.js';
import { temporaryFolder } from '../support/temporary.js';
import { readScript } from '../support/zeek-script.js';
import type { TakenEvent } from '../support/zeek-server.js';
import { ZeekServer } from '../support/zeek-server.js';

const SCRIPT = readScript();

/* Counts are bigints. */
function textOf(event: TakenEvent): string {
  return JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

describe('delivery to Zeek', () => {
  const temporary = temporaryFolder();
  const servers: ZeekServer[] = [];

  async function startZeek(port = 0): Promise<ZeekServer> {
    const server = new ZeekServer({ script: SCRIPT, onEvent: new CopperhullZeek().onEvent });
    servers.push(server);
    await server.start(port);
    return server;
  }

  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

  it('survives a Zeek that goes and comes back: everything arrives, in order', async () => {
    const first = await startZeek();
    const { port } = first;
    const sink = new SpooledSink(
      new ZeekTransport({ host: '127.0.0.1', port }),
      {
        ...DEFAULT_SPOOLED,
        name: 'zeek',
        folder: temporary.path('spool'),
        spool: { ...DEFAULT_SPOOL, commitMs: 1, settleMs: 5 },
        delivery: {
          batchRecords: 20,
          batchBytes: 1_000_000,
          lingerMs: 1,
          retry: QUICK_RETRY,
          ...DEFAULT_DELIVERY_WINDOW,
        },
      },
      {
        onSpool: () => undefined,
        onOutage: () => undefined,
        onLettersDiscarded: () => undefined,
        onDeadLetter: () => undefined,
      },
    );
    await sink.open();
    const records = logRecords(0, 300).map((record) => ({ ...record, log: 'weird' as const }));
    await sink.publish(records.slice(0, 150));
    await until(() => first.taken.length > 40);
    await first.stop();
    await sink.publish(records.slice(150));
    await until(() => sink.health().state === 'retrying');
    const second = await startZeek(port);
    await sink.flush();
    assert.equal(sink.health().spool?.acknowledged, 300);
    await sink.close();
    const numbers = [...first.taken, ...second.taken].flatMap((event) => {
      const text = textOf(event).replaceAll('\\"', '"');
      return text.includes('"alert_id":"A') ? [numberOf({ json: text })] : [];
    });
    assert.deepEqual([...new Set(numbers)], [...Array(300).keys()]);
  });

  it('is a sink of the configuration: replay --to zeek', async () => {
    const server = await startZeek();
    const cwd = temporary.path('command');
    mkdirSync(cwd);
    writeFileSync(
      join(cwd, 'copperhull.yaml'),
      `sinks: [{ type: zeek, url: "ws://127.0.0.1:${server.port}/v1/messages/json", spool: { folder: spool } }]\n`,
    );
    const { code, stderr } = await copperhull(
      [
        'replay',
        '--config',
        'copperhull.yaml',
        '--to',
        'zeek',
        join(LAB_CAPTURES, 'p41-6in4-irc-dstopts.pcap'),
      ],
      { cwd },
    );
    assert.equal(code, 0, stderr);
    const alerts = server.taken.filter((event) => textOf(event).includes('Inner_IRC_Port'));
    assert.equal(alerts.length, 1);
    assert.equal(server.errors, 0);
  });
});
