import { skip } from '../support/skip.js';
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import type { Difference } from '../../scripts/oracle.d/compare.js';
import { compareCapture } from '../../scripts/oracle.d/compare.js';
import { GENERATED } from '../../scripts/oracle.d/generator.js';
import { writeGenerated } from '../../scripts/oracle.d/generated-capture.js';
import {
  ENOUGH_DAMAGED,
  holdAgainst,
  readKnownDifferences,
} from '../../scripts/oracle.d/known-differences.js';
import { whyNoTshark } from '../../scripts/oracle.d/tshark.js';
import { allCaptures } from '../support/captures.js';
import { whyNotAgain } from '../support/first-node.js';
import { temporaryFolder } from '../support/temporary.js';

const SOUND_PACKETS = 600;
const TABLE = readKnownDifferences();
const why = whyNotAgain() ?? whyNoTshark();

describe('our decoder and tshark', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  before(function () {
    if (why !== undefined) skip(this, why);
  });

  it('agree on every layer and field of the captures, but for the differences that are listed', async () => {
    const found = new Map<string, readonly Difference[]>();
    const waiting = [...allCaptures()];
    const work = async (): Promise<void> => {
      for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
        const { packets, fields, differences } = await compareCapture(path);
        assert.ok(packets > 0 && fields > 0, `nothing was compared in ${path}`);
        found.set(basename(path), differences);
      }
    };
    await Promise.all([work(), work()]);
    assert.deepEqual(holdAgainst(TABLE, found), []);
  });

  for (const place of GENERATED) {
    it(`agree on generated packets (${place})`, async () => {
      const path = folder.path(`${place}.pcap`);
      const count = place === 'damaged' ? ENOUGH_DAMAGED.packets : SOUND_PACKETS;
      await writeGenerated(path, ENOUGH_DAMAGED.seed, count, place);
      const { packets, differences } = await compareCapture(path);
      assert.equal(packets, count);
      assert.deepEqual(holdAgainst(TABLE, new Map([[place, differences]])), []);
    });
  }
});

describe('the table of differences from tshark', () => {
  const difference: Difference = {
    kind: 'missing',
    layer: 'gre',
    after: 'ipv4',
    field: '',
    verdict: 'unsupported_carrier',
    packet: 1,
    ours: 'eth@0/ipv4@14',
    theirs: 'eth@0/ipv4@14/gre@34',
  };
  const entry = {
    id: 'one',
    reason: 'r',
    seen_in: ['a.pcap'],
    when: { kind: 'missing', layer: ['gre', 'vxlan'] },
  };

  it('lets nothing pass that it does not list', () => {
    assert.deepEqual(holdAgainst([entry], new Map([['a.pcap', [difference]]])), []);
    assert.equal(holdAgainst([], new Map([['a.pcap', [difference]]])).length, 1);
    assert.equal(holdAgainst([{ ...entry, seen_in: [] }], new Map([['a.pcap', [difference]]])).length, 1);
    assert.equal(
      holdAgainst([entry], new Map([['a.pcap', [difference, { ...difference, layer: 'udp' }]]])).length,
      1,
    );
  });

  it('holds no entry that occurs no more', () => {
    const [complaint] = holdAgainst([entry], new Map([['a.pcap', []]]));
    assert.match(complaint!, /"one" occurs no more; take it out of the table/);
    assert.deepEqual(holdAgainst([entry], new Map([['b.pcap', []]])), [], 'not looked at');
  });

  it('gives a reason for each difference', () => {
    for (const { id, reason, seen_in } of TABLE) {
      assert.ok(reason.length > 40 && seen_in.length > 0, id);
    }
    assert.equal(new Set(TABLE.map(({ id }) => id)).size, TABLE.length);
  });
});
