import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { autoFilter } from '../../../src/capture/filter/automatic-filter.js';
import { parseConfig } from '../../../src/config/load.js';
import type { CensusEntry } from '../../../src/model/census.js';
import { readCensus } from '../../../src/sensor/census/census-reading.js';
import { needsOf } from '../../../src/sensor/live/rule-needs.js';
import type { LayerSpec } from '../../../src/wire/packet-builder.js';
import { buildFrame, buildPacket, teredoAddress } from '../../../src/wire/packet-builder.js';
import { allCaptures } from '../../support/captures.js';
import { addressBytes, dnsMessage, reverseName, TYPE } from '../../support/dns-messages.js';
import { onFirstNodeOnly } from '../../support/first-node.js';
import { pcap } from '../../support/pcap-writer.js';
import { temporaryFolder } from '../../support/temporary.js';
import { linkTypeOf, needsTcpdump, passing } from './libpcap.js';

const TEREDO = teredoAddress('65.54.227.120', '198.51.100.7', 40_000);
const V4: LayerSpec = { layer: 'ipv4', src: '192.0.2.1', dst: '192.0.2.2' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' };
const NATIVE: LayerSpec[] = [
  { layer: 'ipv6', src: '2001:db8::1', dst: TEREDO },
  { layer: 'tcp', src: 1024, dst: 80 },
];
const REST: LayerSpec = { layer: 'payload', bytes: new Uint8Array(4) };
const QUOTE: LayerSpec = { layer: 'payload', bytes: buildPacket([V4, ...NATIVE]) };
const LOOKUPS: LayerSpec[] = [
  dnsMessage({ questions: [{ name: reverseName(TEREDO), type: TYPE.PTR }] }),
  dnsMessage({
    isResponse: true,
    answers: [{ owner: 'a', type: TYPE.AAAA, data: addressBytes('2002:c000:204::1') }],
  }),
].map((bytes) => ({ layer: 'payload', bytes }));

const PLACES: readonly (readonly LayerSpec[])[] = [
  NATIVE,
  [V4, ...NATIVE],
  [V4, { layer: 'icmp', type: 3 }, REST, QUOTE],
  [V6, { layer: 'icmpv6', type: 1 }, REST, QUOTE],
  ...[V4, V6].flatMap((ip) =>
    LOOKUPS.map((lookup): LayerSpec[] => [ip, { layer: 'udp', src: 4000, dst: 53 }, lookup]),
  ),
];
const TAG: LayerSpec = { layer: 'vlan', id: 5 };

/** A packet for each place of an address, plain and behind tags. */
const PACKETS = PLACES.flatMap((layers) => [layers, [TAG, ...layers], [TAG, TAG, ...layers]]);

describe('the automatic filter for a census', () => {
  onFirstNodeOnly();
  needsTcpdump();
  const folder = temporaryFolder();
  const carriers = '{ vlan: true, qinq: true, mpls: true, pppoe: true }';
  const text = `census: { enabled: true }\ncapture: { carriers: ${carriers} }`;
  const config = { ...parseConfig('c.yaml', text, {}, '/').config, loadedRules: [] };

  async function censusOf(path: string): Promise<CensusEntry[]> {
    const options = { maxDepth: 8, vxlanPorts: [4789], mirrorTransports: [], entries: 1000, seed: 1 };
    return (await readCensus([path], options)).watch.census.entries();
  }

  async function filtered(path: string): Promise<string> {
    const filter = autoFilter(needsOf(await linkTypeOf(path), config)).text;
    const passed = folder.path('passed.pcap');
    writeFileSync(passed, passing(path, filter));
    return passed;
  }

  it('hides nothing of any place where addresses are seen', async () => {
    const path = folder.path('places.pcap');
    const packets = PACKETS.map((layers, i) => ({
      seconds: 1_700_000_000 + i,
      nanoseconds: 0,
      bytes: buildFrame(layers),
    }));
    writeFileSync(path, pcap(packets, { isNano: false }));
    const all = await censusOf(path);
    assert.deepEqual(await censusOf(await filtered(path)), all);
    const server = all.find(({ what }) => what === 'server')!;
    assert.deepEqual(server.seen, [3, 3, 6, 0, 6]);
  });

  it('hides nothing of real captures', async function () {
    this.timeout(120_000);
    let telling = 0;
    for (const path of allCaptures()) {
      const all = await censusOf(path);
      telling += all.length > 0 ? 1 : 0;
      assert.deepEqual(await censusOf(await filtered(path)), all, path);
    }
    assert.ok(telling >= 12, `${telling} captures with addresses`);
  });
});
