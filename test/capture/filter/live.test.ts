import { skip } from '../../support/skip.js';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { autoFilter } from '../../../src/capture/filter/automatic-filter.js';
import type { FilterNeeds } from '../../../src/capture/filter/filter-needs.js';
import { defaultNeeds } from '../../../src/capture/filter/filter-needs.js';
import { ETHERTYPE, LINK_TYPE } from '../../../src/wire/numbers.js';
import { buildFrame } from '../../../src/wire/packet-builder.js';
import { onFirstNodeOnly } from '../../support/first-node.js';
import { captureNames, LAB_CAPTURES } from '../../support/captures.js';
import { pcap } from '../../support/pcap-writer.js';
import { temporaryFolder } from '../../support/temporary.js';
import { needsTcpdump, passing, placesPassing, records } from './libpcap.js';

const LIVE_CAPTURE = fileURLToPath(new URL('live_capture.py', import.meta.url));
const MAX_FRAME = 8900;
const HEADER = 14;
/** EtherType and tag, for each tag in front of an untagged frame. */
const TAGGED = {
  untagged: [],
  vlan: [[ETHERTYPE.VLAN, 100]],
  provider: [[ETHERTYPE.PROVIDER_VLAN, 7]],
  qinq: [
    [ETHERTYPE.PROVIDER_VLAN, 200],
    [ETHERTYPE.VLAN, 100],
  ],
  twiceVlan: [
    [ETHERTYPE.VLAN, 5],
    [ETHERTYPE.VLAN, 6],
  ],
} as const;

/* Whatever a namespace of its own needs: root, or a kernel that lets users have one. */
const NAMESPACE = [['-n'], ['-Urn']].find(
  (options) => spawnSync('unshare', [...options, 'ip', 'link', 'add', 'type', 'veth']).status === 0,
);

function addTags(frame: Uint8Array, tags: readonly (readonly [number, number])[]): Uint8Array {
  const octets = tags.flatMap(([type, id]) => [type >>> 8, type & 0xff, id >>> 8, id & 0xff]);
  return Buffer.concat([frame.subarray(0, 12), Uint8Array.from(octets), frame.subarray(12)]);
}

/** Frames of the lab, each untagged and with tags, each once, with others between them that must not pass. */
function frames(): Buffer[] {
  const untagged = captureNames(LAB_CAPTURES)
    .filter((name) => !/vlan|qinq|duplicates/.test(name))
    .flatMap((name) => records(passing(join(LAB_CAPTURES, name), '')).slice(0, 40))
    .map(({ bytes }) => bytes);
  const others = Array.from({ length: 40 }, (_, i) =>
    buildFrame([
      { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.7', id: i },
      i % 2 === 0 ? { layer: 'tcp', src: 4000 + i, dst: 443 } : { layer: 'udp', src: 4000 + i, dst: 443 },
      { layer: 'payload', bytes: new Uint8Array(60).fill(0x41) },
    ]),
  );
  const all = [...untagged, ...others].filter(({ length }) => length <= MAX_FRAME);
  const tagged = Object.values(TAGGED).flatMap((tags) => all.map((frame) => addTags(frame, tags)));
  const once = new Map(tagged.map((frame) => [Buffer.from(frame).toString('latin1'), frame]));
  return [...once.values()].map((frame) => Buffer.from(frame));
}

const SIGN = Buffer.from(
  buildFrame([
    { layer: 'ipv4', src: '192.0.2.9', dst: '192.0.2.10', protocol: 41 },
    { layer: 'payload', bytes: Buffer.from('live sign: copperhull filter end') },
  ]),
);

describe('the automatic filter, live', function () {
  onFirstNodeOnly();
  this.timeout(60_000);
  needsTcpdump();
  before(function () {
    const missing =
      NAMESPACE === undefined
        ? 'no network namespace with a veth pair can be made here (unshare, iproute2)'
        : spawnSync('python3', ['--version']).status !== 0
          ? 'python3 is not installed'
          : undefined;
    if (missing !== undefined) skip(this, missing);
  });
  const folder = temporaryFolder();

  /** Captures live what passes, at each interface. */
  function live(
    name: string,
    sent: readonly Buffer[],
    text: string,
    interfaces: readonly string[],
  ): Buffer[][] {
    const out = folder.path(name);
    mkdirSync(out);
    const all = [...sent, SIGN];
    writeFileSync(
      join(out, 'frames.pcap'),
      pcap(all.map((bytes, seconds) => ({ seconds, nanoseconds: 0, bytes }))),
    );
    writeFileSync(join(out, 'filter.txt'), text);
    const files = [join(out, 'frames.pcap'), join(out, 'filter.txt'), out];
    const { status, stderr } = spawnSync(
      'unshare',
      [...NAMESPACE!, 'python3', LIVE_CAPTURE, ...files, ...interfaces],
      {
        encoding: 'utf8',
        timeout: 50_000,
      },
    );
    assert.equal(status, 0, stderr);
    return interfaces.map((one) => records(readFileSync(join(out, `${one}.pcap`))).map(({ bytes }) => bytes));
  }

  /** The frames that pass in a capture file. */
  function offline(sent: readonly Buffer[], text: string, linkType?: number): Buffer[] {
    const places = placesPassing(
      sent.map((bytes) => ({ bytes })),
      text,
      linkType,
    );
    return sent.filter((_, place) => places.has(place));
  }

  function assertSameFrames(actual: readonly Buffer[], expected: readonly Buffer[]): void {
    const hex = (list: readonly Buffer[]): Set<string> => new Set(list.map((bytes) => bytes.toString('hex')));
    const [came, wanted] = [hex(actual), hex([...expected, SIGN])];
    const differences = {
      missing: [...wanted].filter((frame) => !came.has(frame)),
      extra: [...came].filter((frame) => !wanted.has(frame)),
    };
    assert.deepEqual(differences, { missing: [], extra: [] });
  }

  const ethernet = defaultNeeds(LINK_TYPE.ETHERNET);
  const forms: readonly (readonly [string, FilterNeeds])[] = [
    ['with VLAN and QinQ twins', ethernet],
    [
      'with PPPoE beside them',
      { ...ethernet, carriers: { vlan: true, qinq: true, mpls: true, pppoe: true } },
    ],
    ...[
      'not host 81.187.10.2 or udp port 3544',
      '(net 81.187.0.0/16 and not udp port 3544) or host 192.0.2.9',
      'ip6 or tcp or not src host 81.187.10.2',
    ].map((userBpf) => [`narrowed by ${userBpf}`, { ...ethernet, userBpf }] as const),
  ];
  for (const [title, needs] of forms) {
    it(`${title} passes untagged, tagged and twice tagged frames as in files, with the tag in the octets and stripped`, () => {
      const { text } = autoFilter(needs);
      const sent = frames();
      const expected = offline(sent, text);
      assert.ok(expected.length > 100 && expected.length < sent.length);
      const [octets, stripped] = live(title.replaceAll('/', '_'), sent, text, ['cf0', 'cf1']);
      assertSameFrames(octets!, expected);
      assertSameFrames(stripped!, expected);
    });
  }

  it('without twins passes one tag that the kernel strips, and no other', () => {
    const { text } = autoFilter({
      ...ethernet,
      carriers: { vlan: false, qinq: false, mpls: false, pppoe: false },
    });
    const frame = addTags(SIGN.subarray(0, -1), []);
    const sent = Object.values(TAGGED).map((tags) => Buffer.from(addTags(frame, tags)));
    const [octets, stripped] = live('without', sent, text, ['cf0', 'cf1']);
    assertSameFrames(octets!, sent.slice(0, 1));
    assertSameFrames(stripped!, sent.slice(0, 3));
  });

  it('on the cooked interface "any" passes them too', () => {
    const { text } = autoFilter(defaultNeeds(LINK_TYPE.LINUX_SLL2));
    const sent = frames();
    const [cooked] = live('cooked', sent, text, ['any']);
    const seen = new Set(cooked!.map((bytes) => bytes.subarray(-40).toString('latin1')));
    const wanted = offline(sent, autoFilter(ethernet).text).filter(({ length }) => length >= HEADER + 40);
    assert.ok(wanted.length > 1000);
    for (const frame of wanted)
      assert.ok(seen.has(frame.subarray(-40).toString('latin1')), frame.toString('hex'));
  });
});
