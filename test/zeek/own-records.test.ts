import assert from 'node:assert/strict';
import type { CaptureLossEvent, StatsEvent } from '../../src/model/records.js';
import { readSchema } from '../../src/sensor/package-files.js';
import { captureLossRecord } from '../../src/zeek/capture-loss-record.js';
import { OWN_NOTE, ownNotice } from '../../src/zeek/own-notice.js';
import { reporterRecord } from '../../src/zeek/reporter-record.js';
import { statsRecord } from '../../src/zeek/stats-record.js';
import { validateRecords } from '../support/record-schemas.js';

const TIME = { seconds: 1_700_000_000, nanoseconds: 250_000_000 };

const STATS: StatsEvent = {
  time: TIME,
  seconds: 300,
  residentBytes: 150 * 1024 * 1024 + 5,
  packets: 1000,
  bytes: 64_000,
  droppedPackets: 3,
  linkPackets: 1003,
  lagSeconds: 0,
  fragmentBytes: 1500,
  tunnelPackets: 900,
  duplicatePackets: 1,
  activeTunnels: 4,
  activeFlows: 9,
  tunnels: 2,
  flows: 5,
  evictions: 0,
  alerts: 1,
  suppressed: 7,
  weirds: 0,
  droppedRecords: 0,
  sensor: 'dc1-span',
};

const LOSS: CaptureLossEvent = {
  time: TIME,
  seconds: 900.5,
  interface: 'eth1',
  lost: 25,
  expected: 1000,
  percentLost: 2.5,
  drops: { kernel: 20, interface: 2, ring_full: 3, unread: 0 },
  sensor: 'dc1-span',
};

describe('stats.log', () => {
  it('has Zeek’s columns in Zeek’s order with Zeek’s number forms, then ours', () => {
    const record = statsRecord(STATS);
    assert.equal(
      record.json,
      '{"ts":1700000000.25,"peer":"dc1-span","mem":150,"pkts_proc":1000,"bytes_recv":64000,"pkts_dropped":3,' +
        '"pkts_link":1003,"pkt_lag":0.0,"reassem_frag_size":1500,"ts_delta":300.0,"tunnel_pkts":900,' +
        '"duplicate_pkts":1,"active_tunnels":4,"active_flows":9,"tunnels":2,"flows":5,"evictions":0,"alerts":1,' +
        '"suppressed":7,"weirds":0,"records_dropped":0,"sensor":"dc1-span"}',
    );
    validateRecords([record]);
  });

  it('leaves out what is not known without a live capture or a packet', () => {
    const unknown = { droppedPackets: undefined, linkPackets: undefined, lagSeconds: undefined };
    const record = statsRecord({ ...STATS, ...unknown });
    validateRecords([record]);
    assert.doesNotMatch(record.json, /pkts_dropped|pkts_link|pkt_lag/);
  });

  it('escapes the name of a sensor in both columns', () => {
    const record = statsRecord({ ...STATS, sensor: 'a"b\n' });
    validateRecords([record]);
    assert.equal((JSON.parse(record.json) as { peer: string }).peer, 'a"b\\x0a');
  });
});

describe('capture_loss.log', () => {
  it('has Zeek’s columns, then the interface and each kind of drop', () => {
    const record = captureLossRecord(LOSS);
    assert.equal(
      record.json,
      '{"ts":1700000000.25,"ts_delta":900.5,"peer":"dc1-span","gaps":25,"acks":1000,"percent_lost":2.5,' +
        '"interface":"eth1","kernel_drops":20,"interface_drops":2,"ring_full_drops":3,"unread_drops":0,' +
        '"sensor":"dc1-span"}',
    );
    validateRecords([record]);
  });

  it('names the drops that the driver cannot tell, so that a 0 is never taken for one', () => {
    const record = captureLossRecord({ ...LOSS, lost: 3, percentLost: 0.3, drops: { ring_full: 3 } });
    validateRecords([record]);
    const line = JSON.parse(record.json) as Record<string, unknown>;
    assert.deepEqual(line['unknown_drops'], ['kernel', 'interface', 'unread']);
    assert.equal('kernel_drops' in line, false);
  });
});

describe('the sensor’s own records in the strict profile', () => {
  it('end where Zeek’s columns do', () => {
    const notice = {
      note: OWN_NOTE.captureLoss,
      time: TIME,
      event: 'began',
      message: 'So.',
      sensor: 'dc1',
    } as const;
    const report = { time: TIME, level: 'ERROR', message: 'So.', location: 'sink', sensor: 'dc1' } as const;
    const lastKeys = [
      statsRecord(STATS, 'strict'),
      captureLossRecord(LOSS, 'strict'),
      ownNotice(notice, 'strict'),
      reporterRecord(report, 'strict'),
    ].map(({ json }) => Object.keys(JSON.parse(json) as object).at(-1));
    assert.deepEqual(lastKeys, ['reassem_frag_size', 'percent_lost', 'suppress_for', 'location']);
  });
});

describe('a notice of the sensor about itself', () => {
  it('has no connection, and is of its schema for every note', () => {
    for (const note of Object.values(OWN_NOTE)) {
      for (const event of ['began', 'ended'] as const) {
        const record = ownNotice({ note, time: TIME, event, message: 'It is so.', sensor: 'dc1-span' });
        validateRecords([record]);
        assert.equal(record.severity, event === 'began' ? 'high' : 'informational');
        assert.doesNotMatch(record.json, /"id\.|"uid"|tunnel_/);
      }
    }
  });

  it('is known to the schema by exactly these notes', () => {
    const { if: condition } = readSchema('zeek-notice.schema.json') as unknown as {
      readonly if: { readonly properties: { readonly note: { readonly enum: readonly string[] } } };
    };
    assert.deepEqual([...condition.properties.note.enum].sort(), Object.values(OWN_NOTE).sort());
  });
});
