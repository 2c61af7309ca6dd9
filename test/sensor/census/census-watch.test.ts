import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CaptureFile } from '../../../src/capture/capture-file.js';
import type { MemoryFrame } from '../../../src/capture/memory-batch.js';
import { memoryBatch, memoryInterface } from '../../../src/capture/memory-batch.js';
import { parseConfig } from '../../../src/config/load.js';
import type { LogRecord } from '../../../src/model/records.js';
import { Analysis } from '../../../src/sensor/analysis.js';
import { CensusAnalysis, censusTables, makeAnalysis } from '../../../src/sensor/census/census-analysis.js';
import { readCensus } from '../../../src/sensor/census/census-reading.js';
import { analysisSnapshot } from '../../../src/sensor/live/analysis-snapshot.js';
import type { LayerSpec } from '../../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../../src/wire/packet-builder.js';
import { analyseCapture, analysisOptions } from '../../support/analysing.js';
import { LAB_CAPTURES } from '../../support/captures.js';
import { validateRecords } from '../../support/record-schemas.js';

const HOUR = 3600;
/** A whole hour. */
const START = 1_699_999_200;
const NATIVE = '2001:db8::1';

type Line = Readonly<Record<string, unknown>>;

function settings(text = 'census: { enabled: true, intervalMs: 3600000 }') {
  return parseConfig('c.yaml', text, {}, '/').config;
}

/** A native packet to a client of a server, so many seconds after the start. */
function native(after: number, server: string, client = '198.51.100.7', ttl = 64): MemoryFrame {
  const layers: LayerSpec[] = [
    { layer: 'ipv6', src: NATIVE, dst: teredoAddress(server, client, 40_000), hopLimit: ttl },
    { layer: 'tcp', src: 1024, dst: 80 },
  ];
  return {
    bytes: buildFrame(layers),
    seconds: START + Math.floor(after),
    nanoseconds: Math.round((after % 1) * 1e9),
  };
}

interface Counted {
  readonly analysis: Analysis;
  readonly records: readonly LogRecord[];
  readonly lines: readonly Line[];
}

function count(
  frames: readonly MemoryFrame[],
  config = settings(),
  work?: (analysis: Analysis) => void,
): Counted {
  const records: LogRecord[] = [];
  const analysis = makeAnalysis({ ...analysisOptions(), emit: (record) => records.push(record) }, config);
  const batch = memoryBatch(frames);
  analysis.process(batch, 0, batch.count, [memoryInterface('test.pcap')]);
  (work ?? (() => analysis.finish()))(analysis);
  validateRecords(records);
  const lines = records.filter(({ log }) => log === 'teredo').map(({ json }) => JSON.parse(json) as Line);
  return { analysis, records, lines };
}

const ofServers = (lines: readonly Line[]): unknown[][] =>
  lines
    .filter(({ what }) => what === 'server')
    .map((line) =>
      ['ts', 'ts_delta', 'address', 'packets', 'first_seen', 'last_seen'].map((key) => line[key]),
    );

describe('teredo.log', () => {
  it('has a row for each server and client prefix, of its schema, with Zeek’s number forms', () => {
    const { records } = count([native(10.25, '65.54.227.120'), native(11, '65.54.227.120', '198.51.100.8')]);
    assert.deepEqual(
      records.map(({ json }) => json),
      [
        '{"ts":1699999211.0,"ts_delta":1.0,"what":"server","address":"65.54.227.120","packets":2,"seen_inner":0,' +
          '"seen_native":2,"seen_dns_query":0,"seen_dns_answer":0,"seen_icmp_quote":0,"distinct_clients":2,' +
          '"first_seen":1699999210.25,"last_seen":1699999211.0,"sensor":"test"}',
        '{"ts":1699999211.0,"ts_delta":1.0,"what":"client_prefix","prefix":"198.51.100.0/24","packets":2,' +
          '"seen_inner":0,"seen_native":2,"seen_dns_query":0,"seen_dns_answer":0,"seen_icmp_quote":0,' +
          '"distinct_clients":2,"first_seen":1699999210.25,"last_seen":1699999211.0,"sensor":"test"}',
      ],
    );
  });

  it('has rows by intervals of packet time that begin with the clock, and none for intervals without a sighting', () => {
    const { lines } = count([
      native(HOUR - 10, '192.0.2.1'),
      native(HOUR + 5, '192.0.2.1'),
      native(HOUR + 6, '192.0.2.2'),
      native(5 * HOUR + 30.5, '192.0.2.1'),
    ]);
    const at = (after: number): number => START + after;
    assert.deepEqual(ofServers(lines), [
      [at(HOUR), 10, '192.0.2.1', 1, at(HOUR - 10), at(HOUR - 10)],
      [at(2 * HOUR), HOUR, '192.0.2.1', 1, at(HOUR - 10), at(HOUR + 5)],
      [at(2 * HOUR), HOUR, '192.0.2.2', 1, at(HOUR + 6), at(HOUR + 6)],
      [at(5 * HOUR + 30.5), 30.5, '192.0.2.1', 1, at(HOUR - 10), at(5 * HOUR + 30.5)],
    ]);
  });

  it('counts late packets in the interval that is open, and does not believe a time far ahead', () => {
    const { lines } = count([
      native(HOUR + 5, '192.0.2.1'),
      native(HOUR - 5, '192.0.2.1'),
      { ...native(0, '192.0.2.1'), seconds: START + 1e9 },
      native(HOUR + 7, '192.0.2.1'),
    ]);
    assert.deepEqual(ofServers(lines), [
      [START + HOUR + 7, 2, '192.0.2.1', 4, START + HOUR - 5, START + HOUR + 7],
    ]);
  });

  it('gets its rows on an idle wire too', () => {
    const { lines } = count([native(5, '192.0.2.1')], settings(), (analysis) => {
      analysis.idleUntil(START + HOUR - 1);
      analysis.idleUntil(START + HOUR + 1);
    });
    assert.deepEqual(ofServers(lines), [[START + HOUR, HOUR - 5, '192.0.2.1', 1, START + 5, START + 5]]);
  });

  it('does not count copies of a packet that a mirror of several ports shows', () => {
    const { analysis, lines } = count([
      native(1, '192.0.2.1', '192.0.2.9', 64),
      native(1.001, '192.0.2.1', '192.0.2.9', 63),
    ]);
    assert.equal(ofServers(lines)[0]![3], 1);
    assert.ok(analysis instanceof CensusAnalysis);
    assert.equal(analysis.watch.duplicates, 1);
  });

  it('is bounded by limits.censusEntries; evictions are in the snapshot of the sensor', () => {
    const config = settings('census: { enabled: true }\nlimits: { censusEntries: 16 }');
    const frames = Array.from({ length: 40 }, (_, i) => native(i, `192.0.2.${i}`, `198.51.${i}.7`));
    const { analysis, lines } = count(frames, config);
    assert.equal(ofServers(lines).length, 16);
    const table = (name: string) => analysisSnapshot(analysis).tables.find((one) => one.name === name);
    assert.deepEqual(table('census_server'), {
      name: 'census_server',
      size: 16,
      capacity: 16,
      evictions: 24,
    });
    assert.equal(table('census_client_prefix')!.evictions, 24);
  });

  it('is not there without census.enabled, and the analysis is the plain one', () => {
    const { analysis, records } = count([native(1, '192.0.2.1')], settings(''));
    assert.equal(analysis instanceof CensusAnalysis, false);
    assert.ok(Object.getPrototypeOf(analysis) === Analysis.prototype);
    assert.deepEqual([records, censusTables(analysis)], [[], []]);
  });
});

describe('a census beside the analysis', () => {
  it('changes nothing of its other records', async () => {
    const path = join(LAB_CAPTURES, 'teredo-qualify-irc-http-natoutside.pcap');
    const plain = await analyseCapture(path);
    const records: LogRecord[] = [];
    const analysis = makeAnalysis(
      { ...analysisOptions(), emit: (record) => records.push(record) },
      settings(),
    );
    const file = await CaptureFile.open(path);
    await file.read((batch, from, to) => {
      analysis.process(batch, from, to, file.interfaces);
      return undefined;
    });
    await file.close();
    analysis.finish();
    assert.deepEqual(
      records.filter(({ log }) => log !== 'teredo'),
      plain.records,
    );
    validateRecords(records);
    assert.equal(records.filter(({ log }) => log === 'teredo').length, 3);
  });
});

describe('a census of what a mirror port brings', () => {
  it('looks into the transport, where it is configured as one', () => {
    const around: LayerSpec[] = [
      { layer: 'ipv4', src: '192.0.2.10', dst: '192.0.2.11' },
      { layer: 'udp', src: 40_000, dst: 37_008 },
      { layer: 'payload', bytes: Uint8Array.of(1, 0, 0, 1, 1) },
      { layer: 'eth' },
      { layer: 'ipv6', src: NATIVE, dst: teredoAddress('65.54.227.120', '198.51.100.7', 40_000) },
      { layer: 'tcp', src: 1024, dst: 80 },
    ];
    const batch = memoryBatch([{ bytes: buildFrame(around), seconds: START }]);
    const serversOf = (mirrorTransports: readonly 'tzsp'[]): number => {
      const analysis = makeAnalysis({ ...analysisOptions(), mirrorTransports }, settings());
      analysis.process(batch, 0, batch.count, [memoryInterface('test.pcap')]);
      assert.ok(analysis instanceof CensusAnalysis);
      return analysis.watch.census.tables.find(({ what }) => what === 'server')!.size;
    };
    assert.equal(serversOf(['tzsp']), 1);
    assert.equal(serversOf([]), 0);
  });
});

describe('a census of captures', () => {
  const options = { maxDepth: 8, vxlanPorts: [4789], mirrorTransports: [], entries: 100, seed: 1 };

  it('is one over all files, and says which could not be read', async () => {
    const paths = ['teredo-qualify-irc-http-natoutside', 'p41-6to4'].map((name) =>
      join(LAB_CAPTURES, `${name}.pcap`),
    );
    const read: number[] = [];
    const { watch, faults, cutShort } = await readCensus(
      [paths[0]!, '/nowhere/at-all.pcap', paths[1]!],
      options,
      (bytes) => read.push(bytes),
    );
    assert.deepEqual(
      watch.census.tables.map((table) => [table.what, table.size, table.packets]),
      [
        ['server', 1, 42],
        ['relay', 1, 39],
        ['client_prefix', 1, 42],
        ['sixtofour_relay', 0, 0],
        ['sixtofour_prefix', 2, 26],
      ],
    );
    assert.equal(faults.length, 1);
    assert.deepEqual(cutShort, []);
    assert.deepEqual(
      read,
      [...read].sort((a, b) => a - b),
    );
  });
});
