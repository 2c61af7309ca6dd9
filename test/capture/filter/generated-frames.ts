import fc from 'fast-check';
import { formatAddress, formatIpv4 } from '../../../src/wire/address.js';
import { ETHERTYPE } from '../../../src/wire/numbers.js';
import type { LayerSpec } from '../../../src/wire/packet-builder.js';
import { buildFrame, buildPacket } from '../../../src/wire/packet-builder.js';
import type { FilterFrame } from './libpcap.js';

/*
 * Frames that lie close to what the decoder takes: tunnels of every kind behind tags, options and extension headers, some
 * of them damaged or cut.
 */
const v4 = fc.integer({ min: 1, max: 0xdfffffff }).map(formatIpv4);
const v6 = fc
  .tuple(
    fc.constantFrom(0x20010000, 0x3ffe831f, 0x20024cbb, 0x20010db8, 0xfe800000),
    fc.nat(),
    fc.nat(),
    fc.nat(),
  )
  .map((words) => formatAddress(...words));
const port = fc.oneof(fc.constantFrom(3544, 53, 4789, 3074, 3653, 51820), fc.integer({ min: 1, max: 65535 }));
const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

const ipv4Layer: fc.Arbitrary<LayerSpec> = fc.record({
  layer: fc.constant('ipv4' as const),
  src: v4,
  dst: v4,
  fragment: fc.oneof({ weight: 6, arbitrary: fc.constantFrom(0, 0x4000) }, fc.nat(0xffff)),
  options: fc.nat(10).map((words) => new Uint8Array(4 * words).fill(1)),
});
const ipv6Layer: fc.Arbitrary<LayerSpec> = fc.record({
  layer: fc.constant('ipv6' as const),
  src: v6,
  dst: v6,
});
const extension = fc.constantFrom<LayerSpec>(
  { layer: 'hopopts' },
  { layer: 'dstopts', length: 16 },
  { layer: 'routing' },
  { layer: 'fragment', offset: 0, more: true },
);
/** Carriers directly in IP: EtherIP, MPLS, Ethernet. */
const inIp = fc.constantFrom<LayerSpec[]>(
  ...[
    [97, '3000020000000001020000000002 86dd'],
    [137, '00010140'],
    [143, '020000000001020000000002 86dd'],
  ].map(([protocol, header]): LayerSpec[] => [
    { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2', protocol: Number(protocol) },
    { layer: 'payload', bytes: Uint8Array.from(Buffer.from(String(header).replace(' ', ''), 'hex')) },
  ]),
);
const outer: fc.Arbitrary<LayerSpec[]> = fc.oneof(
  inIp,
  fc.tuple(ipv4Layer),
  fc.tuple(ipv6Layer),
  fc.tuple(ipv6Layer, extension),
  fc.tuple(ipv6Layer, extension, extension),
);
const authentication = fc.record({ id: octets(255), value: octets(255), confirmation: fc.nat(255) });
const teredoLayer: fc.Arbitrary<LayerSpec> = fc
  .record(
    {
      auth: fc.oneof(fc.constant({}), authentication),
      origin: fc.record({ address: v4, port }),
      trailer: octets(40),
    },
    { requiredKeys: [] },
  )
  .map((parts) => ({ layer: 'teredo' as const, ...parts }));
const udpLayer: fc.Arbitrary<LayerSpec> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ layer: fc.constant('udp' as const), src: port, dst: port }) },
  fc.record({
    layer: fc.constant('udp' as const),
    src: port,
    dst: port,
    length: fc.constantFrom(0, 8, 47, 48, 49, 60),
  }),
);
const inner: fc.Arbitrary<LayerSpec[]> = fc.oneof(
  fc.tuple(ipv6Layer),
  fc.tuple(
    ipv6Layer,
    octets(80).map((bytes) => ({ layer: 'payload' as const, bytes })),
  ),
  fc.tuple(
    ipv6Layer,
    fc.constantFrom<LayerSpec>(
      { layer: 'icmpv6', type: 133 },
      { layer: 'icmpv6', type: 128 },
      { layer: 'tcp', src: 6667, dst: 9 },
    ),
  ),
);
const byPort = (own: number, header: string): LayerSpec[] => [
  { layer: 'udp', src: 40_000, dst: own },
  { layer: 'payload', bytes: Uint8Array.from(Buffer.from(header, 'hex')) },
];
const words = (text: string): string => Buffer.from(text).toString('hex');
const broker = (own: number, text: string): LayerSpec[] => [
  { layer: 'tcp', src: own, dst: 40_000 },
  { layer: 'payload', bytes: Uint8Array.from(Buffer.from(text)) },
];
const tunnelled: fc.Arbitrary<LayerSpec[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(udpLayer, teredoLayer) },
  fc.constant<LayerSpec[]>([]),
  fc.tuple(fc.constant<LayerSpec>({ layer: 'gre' })),
  fc.tuple(
    fc.record({ layer: fc.constant('udp' as const), src: port, dst: fc.constant(4789) }),
    fc.constant<LayerSpec>({ layer: 'vxlan', vni: 7 }),
  ),
  fc.tuple(
    udpLayer,
    octets(80).map((bytes) => ({ layer: 'payload' as const, bytes })),
  ),
  fc.tuple(fc.record({ layer: fc.constant('tcp' as const), src: port, dst: port })),
  fc.constantFrom<LayerSpec[]>(broker(3653, 'CAPABILITY TUNNEL=V6V4'), broker(3874, '200 SixXS TIC')),
  fc.constantFrom<LayerSpec[]>(
    byPort(5072, `4152112900000000${'11'.repeat(36)}`),
    byPort(1701, '0002000700090057'),
    byPort(2152, '30ff003c00000001'),
    byPort(6081, '000086dd00000a00'),
    byPort(6080, '00290000'),
    byPort(3653, `f000000100000000${words('VERSION=2.0.0')}`),
    byPort(3740, words('HEARTBEAT TUNNEL ')),
  ),
);
const tag = fc.record({
  layer: fc.constant('vlan' as const),
  id: fc.nat(4095),
  tpid: fc.constantFrom(ETHERTYPE.VLAN, ETHERTYPE.PROVIDER_VLAN, ETHERTYPE.OLD_QINQ, ETHERTYPE.OLD_QINQ_2),
});
const tags: fc.Arbitrary<LayerSpec[]> = fc.array(tag, { maxLength: 4 });
const pppoe: fc.Arbitrary<LayerSpec[]> = fc.constantFrom<LayerSpec[]>([], [{ layer: 'pppoe' }]);
const packet: fc.Arbitrary<LayerSpec[]> = fc.tuple(outer, tunnelled, inner).map((parts) => parts.flat());

interface Damage {
  readonly cut: number;
  readonly changes: readonly (readonly [at: number, value: number])[];
}
/** Lost octets at the end, told or not told by the capture, and changed ones. */
const damage: fc.Arbitrary<Damage> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ cut: 0, changes: [] }) },
  fc.record({
    cut: fc.oneof(fc.constant(0), fc.nat(120)),
    changes: fc.array(fc.tuple(fc.nat(140), fc.nat(255)), { maxLength: 3 }),
  }),
);

function damaged(bytes: Uint8Array, { cut, changes }: Damage, isTold: boolean): FilterFrame {
  const kept = bytes.slice(0, Math.max(1, bytes.length - cut));
  for (const [at, value] of changes) if (at < kept.length) kept[at] = value;
  return isTold ? { bytes: kept, wireLength: bytes.length } : { bytes: kept };
}

/** Ethernet frames, with up to four tags, and PPPoE where asked for. */
export function ethernetFrame(withPppoe: boolean): fc.Arbitrary<FilterFrame> {
  return fc
    .tuple(tags, withPppoe ? pppoe : fc.constant([]), packet, damage, fc.boolean())
    .map(([before, session, layers, harm, isTold]) =>
      damaged(buildFrame([{ layer: 'eth' }, ...before, ...session, ...layers]), harm, isTold),
    );
}

/** Frames that begin with a link header of their own, given as octets for IPv4 and for IPv6, or with the IP header. */
export function linkFrame(linkHeader: (isV6: boolean) => Uint8Array): fc.Arbitrary<FilterFrame> {
  return fc.tuple(packet, damage, fc.boolean()).map(([layers, harm, isTold]) => {
    const header = linkHeader(layers[0]!.layer === 'ipv6');
    // The link header stays whole: the decoder knows more address families than libpcap does (10, of Linux).
    const { bytes, wireLength } = damaged(buildPacket(layers), harm, isTold);
    const framed = Buffer.concat([header, bytes]);
    return wireLength === undefined
      ? { bytes: framed }
      : { bytes: framed, wireLength: header.length + wireLength };
  });
}
