import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Census } from '../../src/census/census.js';
import { PLACE, Sightings } from '../../src/census/sightings.js';
import type { CensusReport } from '../../src/cli/census-report.js';
import { censusReport, censusText, standingOut } from '../../src/cli/census-report.js';
import { parseAddress } from '../../src/wire/address.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { copperhull } from '../support/command.js';
import { FOREIGN_CAPTURES, LAB_CAPTURES, needsForeignCaptures } from '../support/captures.js';
import { onFirstNodeOnly } from '../support/first-node.js';
import { pcap } from '../support/pcap-writer.js';
import { validateLine } from '../support/record-schemas.js';
import { temporaryFolder } from '../support/temporary.js';

const lab = (name: string): string => join(LAB_CAPTURES, `${name}.pcap`);
const MIREDO = lab('teredo-qualify-irc-http-natoutside');

async function report(...args: string[]): Promise<CensusReport> {
  const { code, stdout, stderr } = await copperhull(['census', '--json', ...args]);
  assert.deepEqual([code, stderr], [0, '']);
  return JSON.parse(stdout) as CensusReport;
}

/** A census in which server number i was in so many packets. */
function censusOf(packets: readonly number[]): Census {
  const census = new Census(1000);
  const sightings = new Sightings();
  packets.forEach((many, i) => {
    for (let packet = 0; packet < many; packet++) {
      sightings.reset();
      sightings.address(
        PLACE.native,
        ...parseAddress(teredoAddress(`192.0.2.${i + 1}`, `10.0.${packet}.1`, 1))!,
      );
      census.count(sightings, 1000 + packet, 0);
    }
  });
  return census;
}

const view = (census: Census) => ({ census, packets: 1000, telling: 900, duplicates: 0, sightingsLost: 0 });

describe('copperhull census', function () {
  onFirstNodeOnly();
  this.timeout(60_000);

  it('prints tables of servers, relays and prefixes of real captures', async () => {
    const { code, stdout, stderr } = await copperhull(['census', MIREDO, lab('p41-6to4-anycast-relay')]);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^72 packets in 2 files, 68 of them with a Teredo or 6to4 address\n\n1 Teredo server in 42 /,
    );
    const rows = stdout.split('\n').map((line) => line.trim().split(/ {2,}/).slice(0, 4));
    for (const row of [
      ['65.55.158.80', '42', '100.0%', '1'],
      ['83.150.30.2', '39', '100.0%', '1'],
      ['192.88.99.1', '26', '100.0%', '1'],
      ['81.187.10.0/24', '42', '100.0%', '1'],
      ['81.187.10.0/24', '26', '100.0%', '1'],
    ])
      assert.ok(
        rows.some((other) => other.join() === row.join()),
        row.join(),
      );
    const titles = [
      'Teredo server in',
      'Teredo relay in',
      'prefix of Teredo',
      '6to4 relay in',
      'prefix of 6to4',
    ];
    const places = titles.map((title) => stdout.indexOf(title));
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
  });

  it('prints the same as JSON', async () => {
    const all = await report(lab('teredo-client2client-FAIL-linuxnat-portclash-natoutside'));
    assert.deepEqual([all.files, all.packets, all.telling_packets], [1, 26, 20]);
    assert.deepEqual(all.relay, { entries: 0, evicted: 0, packets: 0, standing_out: 0, rows: [] });
    const { first_seen, last_seen, ...server } = all.server.rows[0]!;
    assert.deepEqual(server, {
      address: '65.55.158.80',
      packets: 20,
      share: 1,
      stands_out: false,
      distinct_clients: 1,
      seen: { inner: 12, native: 0, dns_query: 0, dns_answer: 0, icmp_quote: 8 },
    });
    assert.match(first_seen, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(first_seen < last_seen);
  });

  it('counts what others captured', async function () {
    needsForeignCaptures(this);
    const { server, client_prefix } = await report(join(FOREIGN_CAPTURES, 'wireshark-6in4-pppoe-vlan.pcap'));
    assert.deepEqual(
      [server, client_prefix].map(({ rows }) => rows.map(({ address, packets }) => [address, packets])),
      [[['94.245.121.253', 20]], [['89.254.219.0/24', 20]]],
    );
    const { relay } = await report(join(FOREIGN_CAPTURES, 'zeek-teredo_bubble_with_payload.pcap'));
    assert.deepEqual(
      relay.rows.map(({ address }) => address),
      ['83.170.1.38'],
    );
  });

  it('cuts tables with --top, bounds them with --entries, and says so', async () => {
    const captures = [MIREDO, lab('teredo-client2client-natoutside')];
    const all = await report('--top', '1', ...captures);
    assert.deepEqual([all.client_prefix.entries, all.client_prefix.rows.length], [2, 1]);
    const { stdout } = await copperhull(['census', '--top', '1', ...captures]);
    assert.match(stdout, /^2 prefixes of Teredo clients in 74 packets, the first 1 of them$/m);
    const { code, stderr } = await copperhull(['census', '--entries', '3', MIREDO]);
    assert.equal(code, 2);
    assert.match(stderr, /whole number from 16 to/);
  });

  it('reads standard input, says what was cut, and fails with 1 for what is no capture', async () => {
    const whole = readFileSync(MIREDO);
    const cut = await copperhull(['census', '-'], { input: whole.subarray(0, whole.length - 10) });
    assert.equal(cut.code, 0);
    assert.match(cut.stdout, /^45 packets in 1 file/);
    assert.match(cut.stderr, /ends in the middle of a packet/);
    const wrong = await copperhull(['census', join(LAB_CAPTURES, 'README.md'), MIREDO]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^\S+README\.md is not a pcap or pcapng capture[^\n]*\n$/);
    assert.match(wrong.stdout, /65\.55\.158\.80/);
    assert.equal((await copperhull(['census', '-', '-'])).code, 2);
    assert.equal((await copperhull(['census'])).code, 2);
  });

  it('has a help with an example', async () => {
    const { code, stdout } = await copperhull(['census', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /Examples:\n {2}\$ copperhull census /);
  });
});

describe('copperhull replay with a census in the configuration', function () {
  onFirstNodeOnly();
  this.timeout(60_000);
  const folder = temporaryFolder();

  it('writes teredo.log beside the others, the same bytes each time', async () => {
    const config = folder.path('census.yaml');
    writeFileSync(config, 'census: { enabled: true, intervalMs: 1000 }\n');
    const logs: string[] = [];
    for (const name of ['a', 'b']) {
      const out = folder.path(name);
      const { code, stderr } = await copperhull([
        'replay',
        '--quiet',
        '--config',
        config,
        '--out',
        out,
        MIREDO,
      ]);
      assert.deepEqual([code, stderr], [0, '']);
      logs.push(readFileSync(join(out, 'teredo.log'), 'utf8'));
    }
    assert.equal(logs[0], logs[1]);
    const lines = logs[0]!.trimEnd().split('\n');
    for (const line of lines) validateLine('teredo', line);
    const rows = lines.map((line) => JSON.parse(line) as { what: string; packets: number; ts: number });
    const servers = rows.filter(({ what }) => what === 'server');
    assert.equal(
      servers.reduce((sum, { packets }) => sum + packets, 0),
      42,
    );
    assert.deepEqual(
      servers.map(({ ts }) => ts - servers[0]!.ts).map((after) => Math.floor(after)),
      [0, 1, 1],
    );
  });
});

describe('a census of more servers than it may hold', function () {
  onFirstNodeOnly();
  this.timeout(60_000);
  const folder = temporaryFolder();
  const packets = Array.from({ length: 40 }, (_, i) => ({
    seconds: 1_700_000_000 + i,
    nanoseconds: 0,
    bytes: buildFrame([
      { layer: 'ipv6', src: '2001:db8::1', dst: teredoAddress(`192.0.2.${i}`, '198.51.100.7', 40_000) },
      { layer: 'tcp', src: 1024, dst: 80 },
    ]),
  }));

  it('says how many made room, in the command and in the summary of a replay', async () => {
    const { stdout } = await copperhull(['census', '--entries', '16', '-'], { input: pcap(packets) });
    assert.match(stdout, /^16 Teredo servers in 40 packets, 24 more made room for others \(--entries\)$/m);
    const config = folder.path('census.yaml');
    writeFileSync(config, 'census: { enabled: true }\nlimits: { censusEntries: 16 }\n');
    const args = ['replay', '--json', '--config', config, '--out', folder.path('out'), '-'];
    const summary = JSON.parse((await copperhull(args, { input: pcap(packets) })).stdout) as {
      readonly not_examined: { readonly over_a_cap: Readonly<Record<string, number>> };
    };
    assert.deepEqual(summary.not_examined.over_a_cap, { census_server_evicted: 24 });
  });
});

describe('what stands out', () => {
  it('is above the widest gap, when that is wide and the shares are not small', () => {
    assert.equal(standingOut([0.2, 0.19, 0.18, 0.17, 0.16, 0.02, 0.02]), 5);
    assert.equal(standingOut([0.2, 0.19, 0.18, 0.17, 0.16, ...Array.from({ length: 500 }, () => 0.0002)]), 5);
    assert.equal(standingOut([0.2, 0.2, 0.2, 0.2, 0.2]), 0);
    assert.equal(standingOut([0.3, 0.25, 0.2, 0.15, 0.1]), 0);
    assert.equal(standingOut([0.04, 0.001]), 0);
    assert.equal(standingOut([1]), 0);
    assert.equal(standingOut([]), 0);
  });

  it('is marked in the table, and its number is told', () => {
    const made = censusReport(view(censusOf([100, 90, 95, 80, 85, 3, 2, 1])), 1, 20);
    assert.equal(made.server.standing_out, 5);
    const text = censusText(made);
    assert.match(text, /^8 Teredo servers in 456 packets, 5 stand out \(\*\)$/m);
    const marked = text.split('\n').filter((line) => line.startsWith('*'));
    assert.deepEqual(
      marked.map((line) => line.split(/ {2,}/)[1]),
      ['192.0.2.1', '192.0.2.3', '192.0.2.2', '192.0.2.5', '192.0.2.4'],
    );
  });
});
