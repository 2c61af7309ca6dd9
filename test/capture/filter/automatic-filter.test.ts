import assert from 'node:assert/strict';
import fc from 'fast-check';
import { autoFilter } from '../../../src/capture/filter/automatic-filter.js';
import type { FilterNeeds } from '../../../src/capture/filter/filter-needs.js';
import { defaultNeeds, MAX_PORTS } from '../../../src/capture/filter/filter-needs.js';
import { KERNEL_MAX_INSTRUCTIONS, reportFilter } from '../../../src/capture/filter/filter-report.js';
import { ETHERTYPE, LINK_TYPE } from '../../../src/wire/numbers.js';
import type { LayerSpec } from '../../../src/wire/packet-builder.js';
import { buildFrame } from '../../../src/wire/packet-builder.js';
import { compile, needsTcpdump, placesPassing, unwrittenLoads } from './libpcap.js';

const ETHERNET = defaultNeeds(LINK_TYPE.ETHERNET);
const NONE = { vlan: false, qinq: false, mpls: false, pppoe: false };
const ALL = { vlan: true, qinq: true, mpls: true, pppoe: true };
const V4: LayerSpec = { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.7' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' };
const UDP: LayerSpec = { layer: 'udp', src: 40000, dst: 50000 };
const BUBBLE: readonly LayerSpec[] = [
  UDP,
  { layer: 'teredo' },
  { layer: 'ipv6', src: 'fe80::1', dst: '2001:0:102:304::1' },
];
const TAGS: readonly (readonly LayerSpec[])[] = [
  [],
  [{ layer: 'vlan', id: 5 }],
  [
    { layer: 'vlan', id: 5, tpid: ETHERTYPE.PROVIDER_VLAN },
    { layer: 'vlan', id: 6 },
  ],
];

function payload(...bytes: readonly number[]): LayerSpec {
  return { layer: 'payload', bytes: Uint8Array.from(bytes) };
}

/** Which of the stacks of layers pass; in each row untagged, with one tag, with two. */
function passes(needs: FilterNeeds, stacks: readonly (readonly LayerSpec[])[], tags = TAGS): boolean[][] {
  const { text } = autoFilter(needs);
  const frames = stacks.flatMap((layers) =>
    tags.map((before) => ({ bytes: buildFrame([{ layer: 'eth' }, ...before, ...layers]) })),
  );
  const passed = placesPassing(frames, text);
  return stacks.map((_, row) => tags.map((_tag, column) => passed.has(row * tags.length + column)));
}

function assertAll(needs: FilterNeeds, stacks: readonly (readonly LayerSpec[])[], expected: boolean): void {
  passes(needs, stacks).forEach((row, i) => {
    assert.deepEqual(row, [expected, expected, expected], JSON.stringify(stacks[i]));
  });
}

describe('the automatic filter', () => {
  needsTcpdump();

  it('passes what is named by protocol, port or address, behind any tags', () => {
    assertAll(
      ETHERNET,
      [
        ...[41, 4, 47, 51].map((protocol): LayerSpec[] => [{ ...V4, protocol }, payload(1, 2, 3, 4)]),
        ...[41, 4, 47, 0, 43, 44, 51, 60, 135, 139, 140, 253, 254].map((nextHeader): LayerSpec[] => [
          { ...V6, nextHeader },
          payload(1, 2, 3, 4),
        ]),
        ...[V4, V6].flatMap((ip) => [
          [ip, { layer: 'udp', src: 3544, dst: 9 }, payload()] as LayerSpec[],
          [ip, { layer: 'udp', src: 9, dst: 53 }, payload(0)] as LayerSpec[],
          [ip, { layer: 'tcp', src: 9, dst: 3653 }] as LayerSpec[],
          [ip, { layer: 'udp', src: 9, dst: 4789 }, payload(8, 0)] as LayerSpec[],
        ]),
        [{ ...V4, fragment: 0x2000 }, payload(1)],
        [{ ...V4, fragment: 100 }, payload(1)],
        [{ ...V6, src: '2001::1' }],
        [{ ...V6, dst: '2002::1' }],
        [{ ...V4, options: new Uint8Array(8) }, ...BUBBLE],
      ],
      true,
    );
  });

  it('drops other TCP, UDP and ICMP, STUN and QUIC too, behind any tags', () => {
    const stun = payload(0, 1, 0, 88, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(100));
    const quic = payload(0xc3, 0, 0, 0, 1, 8, ...new Uint8Array(1200).fill(0x66));
    const nibbleOnly = payload(0x60, 0, 0, 0, 0xff, 0xff, ...new Uint8Array(100));
    assertAll(
      { ...ETHERNET, icmp: false },
      [V4, V6].flatMap((ip) => [
        [ip, { layer: 'tcp', src: 40000, dst: 443 }],
        [ip, { layer: 'icmp', type: 8 }],
        [ip, UDP],
        [ip, UDP, stun],
        [ip, UDP, quic],
        [ip, UDP, nibbleOnly],
        [ip, { layer: 'udp', src: 4789, dst: 40000 }, payload(8)],
      ]),
      false,
    );
  });

  it('passes ICMP where errors are wanted, and says where it hides them', () => {
    const stacks: LayerSpec[][] = [
      [V4, { layer: 'icmp', type: 3 }],
      [V6, { layer: 'icmpv6', type: 1 }],
    ];
    assertAll(ETHERNET, stacks, true);
    assertAll({ ...ETHERNET, icmp: false }, stacks, false);
    const hides = (icmp: boolean): boolean =>
      autoFilter({ ...ETHERNET, icmp }).hides.includes('ICMP errors about tunnel packets.');
    assert.deepEqual([hides(true), hides(false)], [false, true]);
  });

  it('without VLAN carriers drops tagged frames, and says so', () => {
    const needs = { ...ETHERNET, carriers: NONE };
    assert.deepEqual(passes(needs, [[V4, ...BUBBLE]]), [[true, false, false]]);
    assert.ok(autoFilter(needs).hides.some((sentence) => sentence.includes('VLAN')));
    assert.deepEqual(passes({ ...needs, carriers: { ...NONE, vlan: true } }, [[V4, ...BUBBLE]]), [
      [true, true, false],
    ]);
  });

  it('follows PPPoE behind tags where it is a carrier, and drops what it carries otherwise', () => {
    const stacks: LayerSpec[][] = [
      [{ layer: 'pppoe' }, V4, ...BUBBLE],
      [{ layer: 'pppoe' }, V6, ...BUBBLE],
      [{ layer: 'pppoe' }, V4, { layer: 'tcp', src: 40000, dst: 443 }],
    ];
    const [yes, no] = [
      [true, true, true],
      [false, false, false],
    ];
    assert.deepEqual(passes({ ...ETHERNET, carriers: ALL }, stacks), [yes, yes, no]);
    assert.deepEqual(passes(ETHERNET, stacks), [no, no, no]);
    const untagged = { ...ETHERNET, carriers: { ...NONE, pppoe: true } };
    assert.deepEqual(passes(untagged, stacks, [[]]), [[true], [true], [false]]);
    assert.deepEqual(passes({ ...untagged, userBpf: 'host 192.0.2.1' }, stacks, [[]]), [
      [true],
      [false],
      [false],
    ]);
  });

  it('passes MPLS whole where it is a carrier', () => {
    const frame: LayerSpec[][] = [[{ layer: 'eth', type: ETHERTYPE.MPLS }, payload(0, 0, 0x11, 0x40)]];
    assert.deepEqual(passes({ ...ETHERNET, carriers: { ...NONE, mpls: true } }, frame, [[]]).length, 1);
    const { text } = autoFilter({ ...ETHERNET, carriers: ALL });
    const bytes = buildFrame(frame[0]!);
    assert.equal(placesPassing([{ bytes }], text).size, 1);
    assert.equal(placesPassing([{ bytes }], autoFilter(ETHERNET).text).size, 0);
  });

  it("narrows by the user's BPF inside each twin, also by what it denies", () => {
    const other: LayerSpec = { ...V4, src: '192.0.2.99' };
    const stacks = [V4, other].map((ip) => [ip, ...BUBBLE]);
    const [yes, no] = [
      [true, true, true],
      [false, false, false],
    ];
    assert.deepEqual(passes({ ...ETHERNET, userBpf: 'host 192.0.2.99' }, stacks), [no, yes]);
    assert.deepEqual(passes({ ...ETHERNET, userBpf: 'not host 192.0.2.99' }, stacks), [yes, no]);
    assert.deepEqual(passes({ ...ETHERNET, userBpf: 'host 192.0.2.99 or net 10.0.0.0/8' }, stacks), [
      no,
      yes,
    ]);
    const tcp: LayerSpec[][] = [[V4, { layer: 'tcp', src: 1, dst: 2 }]];
    assert.deepEqual(passes({ ...ETHERNET, userBpf: 'tcp or ip' }, tcp), [no]);
  });

  it('is a program that the kernel takes, for any ports and carriers', () => {
    const ports = fc.array(fc.integer({ min: 1, max: 65535 }), { maxLength: 6 });
    const flag = fc.boolean();
    const needs = fc.record({
      linkType: fc.constantFrom(LINK_TYPE.ETHERNET, LINK_TYPE.LINUX_SLL, LINK_TYPE.LINUX_SLL2, LINK_TYPE.RAW),
      teredoPorts: ports,
      dnsPorts: ports,
      brokerPorts: fc.array(
        fc.record({
          transport: fc.constantFrom('udp' as const, 'tcp' as const),
          port: fc.constantFrom(3653, 5072),
        }),
        { maxLength: 4 },
      ),
      vxlanPorts: ports,
      nativeIpv6: flag,
      icmp: flag,
      carriers: fc.record({ vlan: flag, qinq: flag, mpls: flag, pppoe: flag }),
    });
    const bpf = fc.constantFrom('', 'not net 10.0.0.0/8', 'tcp port 80 or ip6 host 2001:db8::1');
    fc.assert(
      fc.property(needs, bpf, (wish, userBpf) => {
        fc.pre(userBpf === '' || !wish.carriers.pppoe);
        const program = compile(autoFilter({ ...wish, userBpf }).text, wish.linkType);
        assert.ok(program.length <= KERNEL_MAX_INSTRUCTIONS);
        assert.deepEqual(unwrittenLoads(program), []);
      }),
      { numRuns: 60 },
    );
  });

  it('compiles for every link type that the decoder reads', () => {
    for (const linkType of Object.values(LINK_TYPE)) {
      if (linkType === LINK_TYPE.RAW_12 || linkType === LINK_TYPE.RAW_14) continue; // tcpdump has no name for them
      assert.ok(compile(autoFilter({ ...defaultNeeds(linkType), carriers: ALL }).text, linkType).length > 50);
    }
  });

  it('has a report with its size, and a warning when it is too long for the kernel', () => {
    const filter = autoFilter(ETHERNET);
    const report = reportFilter(filter, LINK_TYPE.ETHERNET, {
      countInstructions: (text, linkType) => compile(text, linkType).length,
    });
    assert.equal(report.text, filter.text);
    assert.ok(report.instructions > 300 && report.instructions < 1500);
    assert.equal(report.warnings.length, filter.hides.length);
    const long = reportFilter(filter, LINK_TYPE.ETHERNET, { countInstructions: () => 5000 });
    assert.match(long.warnings.at(-1)!, /5000 instructions/);
  });
});

describe('the automatic filter refuses', () => {
  const refused: readonly (readonly [string, Partial<FilterNeeds>, RegExp])[] = [
    ['vlan in the BPF', { userBpf: 'host 192.0.2.1 and vlan 5' }, /must not say "vlan"/],
    ['mpls in capitals', { userBpf: 'MPLS' }, /must not say "MPLS"/],
    ['pppoes', { userBpf: '(pppoes)' }, /must not say "pppoes"/],
    ['gateway', { userBpf: 'gateway router' }, /must not say "gateway"/],
    ['protochain', { userBpf: 'ip6 protochain 6' }, /loops/],
    ['an escaped keyword', { userBpf: 'ether proto \\vlan' }, /must not say "vlan"/],
    ['a BPF that closes what it did not open', { userBpf: 'ip) or (tcp' }, /do not match/],
    ['crossed brackets', { carriers: NONE, userBpf: 'tcp[(13] = 2)' }, /do not match/],
    ['brackets behind VLAN tags', { userBpf: 'tcp[13] & 2 != 0' }, /brackets/],
    ['len behind VLAN tags', { userBpf: 'len > 100' }, /brackets or "len"/],
    ['octets that are not ASCII', { userBpf: 'host 192.0.2.1\u0000' }, /not ASCII/],
    ['a BPF that is too long', { userBpf: 'ip or '.repeat(1000) }, /shorten it/],
    ['a BPF with PPPoE and VLAN', { userBpf: 'ip', carriers: ALL }, /PPPoE/],
    ['port 0', { teredoPorts: [0] }, /0 is no Teredo port/],
    ['a port that is no number', { vxlanPorts: [Number.NaN] }, /NaN is no VXLAN port/],
    [
      'too many ports',
      { dnsPorts: Array.from({ length: MAX_PORTS + 1 }, (_, i) => i + 1) },
      /name 32 at most/,
    ],
    ['a link type that is not read', { linkType: 127 }, /link type 127/],
  ];
  for (const [what, change, message] of refused) {
    it(what, () => {
      assert.throws(() => autoFilter({ ...ETHERNET, ...change }), { name: 'FilterError', message });
    });
  }

  it('but takes names that only contain such words, and brackets where there are no tags', () => {
    assert.ok(
      autoFilter({ ...ETHERNET, userBpf: 'not host vlan-gw.example and not host mpls.example' }).text,
    );
    assert.ok(autoFilter({ ...ETHERNET, carriers: NONE, userBpf: 'tcp[13] & 2 != 0 or ip' }).text);
    assert.equal(autoFilter({ ...ETHERNET, userBpf: ' \n' }).text, autoFilter(ETHERNET).text);
  });

  it('nothing within the bounds: the text stays below its own', () => {
    const ports = Array.from({ length: MAX_PORTS }, (_, i) => 60000 + i);
    const many = { ...ETHERNET, teredoPorts: ports, dnsPorts: ports, vxlanPorts: ports };
    const brokerPorts = ports.map((port) => ({ transport: 'tcp' as const, port }));
    assert.throws(() => autoFilter({ ...many, brokerPorts, carriers: ALL }), /name fewer ports/);
    assert.ok(autoFilter({ ...many, carriers: NONE }).text);
  });
});
