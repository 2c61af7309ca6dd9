import { skip } from '../../support/skip.js';
import { WHY_NO_FOREIGN } from '../../support/captures.js';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { autoFilter } from '../../../src/capture/filter/automatic-filter.js';
import type { FilterNeeds } from '../../../src/capture/filter/filter-needs.js';
import { defaultNeeds } from '../../../src/capture/filter/filter-needs.js';
import { DEFAULT_CONFIG } from '../../../src/config/load.js';
import { needsOf } from '../../../src/sensor/live/rule-needs.js';
import { loadRules } from '../../../src/sensor/load.js';
import { onFirstNodeOnly } from '../../support/first-node.js';
import type { Analysed } from '../../support/analysing.js';
import { analyseCapture } from '../../support/analysing.js';
import { allCaptures } from '../../support/captures.js';
import { temporaryFolder } from '../../support/temporary.js';
import { linkTypeOf, needsTcpdump, passing, records } from './libpcap.js';

/**
 * What the analysis says of tunnels, without places in the file: alerts and tunnels. What is told
 * when time has passed is left out, for the clock is the packets' and stops with the last that passes.
 */
function story(analysed: Analysed): Record<string, unknown[]> {
  const lines = (log: 'notice' | 'tunnel'): Record<string, unknown>[] =>
    analysed
      .lines(log)
      .filter((line) => line['action'] !== 'Tunnel::EXPIRE')
      .map((line) => ({
        ...line,
        packet_number: undefined,
        ...(line['action'] === 'Tunnel::CLOSE' ? { ts: undefined } : {}),
      }));
  return { notice: lines('notice'), tunnel: lines('tunnel') };
}

const SHIPPED = { ...DEFAULT_CONFIG, loadedRules: loadRules([]).rules };

describe('the automatic filter over every capture', () => {
  onFirstNodeOnly();
  needsTcpdump();
  const folder = temporaryFolder();

  const forms: readonly (readonly [string, (linkType: number) => FilterNeeds])[] = [
    ['with VLAN and QinQ twins', defaultNeeds],
    ['as run makes it for the shipped rules', (linkType) => needsOf(linkType, SHIPPED)],
    [
      'with all carriers',
      (linkType) => ({
        ...defaultNeeds(linkType),
        carriers: { vlan: true, qinq: true, mpls: true, pppoe: true },
      }),
    ],
  ];
  for (const path of allCaptures()) {
    const name = basename(path);
    for (const [title, needs] of forms) {
      if (name.includes('pppoe') && !needs(1).carriers.pppoe) continue;
      it(`${title}, filter-then-analyse tells of ${name} what analyse-all tells`, async () => {
        const { text } = autoFilter(needs(await linkTypeOf(path)));
        const filtered = folder.path(name);
        writeFileSync(filtered, passing(path, text));
        assert.deepEqual(story(await analyseCapture(filtered)), story(await analyseCapture(path)));
      });
    }
  }

  it('drops captures of other traffic all but whole', async function () {
    const others = allCaptures().filter((path) =>
      /neg-zeek-wikipedia|neg-ndpi-quic-28|neg-ndpi-dtls/.test(path),
    );
    if (others.length === 0) skip(this, WHY_NO_FOREIGN);
    for (const path of others) {
      const { text } = autoFilter({ ...defaultNeeds(await linkTypeOf(path)), dnsPorts: [] });
      // The capture of DTLS has some GTP-U, which may carry IPv6 and passes, behind two VLAN tags.
      const other = 'ether[12:2] != 0x8100';
      const [before, after] = [
        records(passing(path, other)),
        records(passing(path, `(${text}) and ${other}`)),
      ];
      assert.ok(
        after.length <= before.length / 20,
        `${basename(path)}: ${after.length} of ${before.length} pass`,
      );
    }
  });
});
