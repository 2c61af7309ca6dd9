import type { WrittenPacket } from '../../test/support/pcap-writer.js';
import { formatIpv4, formatIpv6 } from '../../src/wire/address.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, buildPacket, teredoAddress } from '../../src/wire/packet-builder.js';

const FIRST_SECOND = 1_700_000_000;
/** Mostly ports that no dissector of tshark claims. */
const QUIET_PORTS = [50_101, 51_203, 52_307, 53_411, 54_517, 55_619];
const SERVERS = ['65.54.227.120', '203.0.113.77'];
const MAX_DEPTH = 5;

/** The same numbers for the same seed (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  /** True once in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  word(): number {
    return this.below(2 ** 32);
  }
}

/** Captures that are made: of sound packets, of damaged ones, and of sound ones of which the capture kept only the begin. */
export const GENERATED = ['generated', 'damaged', 'snapped'] as const;
export type Generated = (typeof GENERATED)[number];

/**
 * Frames of all kinds of tunnels, nested, with extension headers, in fragments. Those that are `damaged` were cut off on
 * the wire, or some octets changed.
 */
export function* generatedPackets(seed: number, count: number, place: Generated): Generator<WrittenPacket> {
  const random = new SeededRandom(seed);
  const queue: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    if (queue.length === 0) queue.push(...frames(random, i, place !== 'damaged'));
    const whole = queue.shift()!;
    // Now and then the snap length is above what there is.
    const bytes = place === 'snapped' ? whole.slice(0, 14 + random.below(whole.length)) : whole;
    yield {
      seconds: FIRST_SECOND + Math.floor(i / 1000),
      nanoseconds: (i % 1000) * 1_000_000,
      bytes,
      wireLength: whole.length,
    };
  }
}

/* One packet; the fragments of one now and then. Those of one packet come in any order. */
function frames(random: SeededRandom, i: number, isIntact: boolean): Uint8Array[] {
  const link = linkLayers(random);
  if (isIntact && random.oneIn(12))
    return random.oneIn(2) ? outerFragments(random, link, i) : innerFragments(random, link, i);
  const frame = buildFrame([...link, ...ipPacket(random, 0)]);
  return [isIntact ? frame : damaged(random, frame)];
}

function linkLayers(random: SeededRandom): LayerSpec[] {
  switch (random.below(8)) {
    case 0:
      return [{ layer: 'eth' }, { layer: 'vlan', id: 1 + random.below(4094) }];
    case 1:
      return [
        { layer: 'eth' },
        { layer: 'vlan', id: 1 + random.below(4094), tpid: 0x88a8 },
        { layer: 'vlan', id: 1 + random.below(4094) },
      ];
    case 2:
      return [{ layer: 'eth' }, { layer: 'pppoe', session: random.below(65_536) }];
    default:
      return [{ layer: 'eth' }];
  }
}

function ipPacket(random: SeededRandom, depth: number): LayerSpec[] {
  return random.oneIn(depth === 0 ? 8 : 3) ? v6Packet(random, depth) : v4Packet(random, depth);
}

function v4Header(random: SeededRandom): Extract<LayerSpec, { layer: 'ipv4' }> {
  return {
    layer: 'ipv4',
    src: v4(random),
    dst: v4(random),
    ttl: 1 + random.below(255),
    id: random.below(65_536),
    fragment: random.oneIn(3) ? 0x4000 : 0,
    ...(random.oneIn(8) && { options: Uint8Array.of(1, 1, 1, 1) }),
  };
}

function v4Packet(random: SeededRandom, depth: number): LayerSpec[] {
  const header = v4Header(random);
  if (depth >= MAX_DEPTH) return [header, ...leaf(random, 'icmp')];
  switch (random.below(10)) {
    case 0:
      return [header, ...v4Packet(random, depth + 1)];
    case 9:
      return ethernetOrMplsTunnel(random, header, depth);
    case 1:
      return [header, ...greTunnel(random, depth)];
    case 2:
      return [header, { layer: 'udp', src: port(random), dst: 4789 }, ...vxlan(random, depth)];
    case 3:
      return [header, ...leaf(random, 'icmp')];
    case 4:
    case 5:
    case 6:
      return [header, ...teredo(random, header)];
    default:
      return [header, ...v6Packet(random, depth + 1)];
  }
}

function v6Packet(random: SeededRandom, depth: number): LayerSpec[] {
  const header = v6Header(random, v6(random), v6(random));
  const between = extensions(random);
  if (depth >= MAX_DEPTH || random.oneIn(2)) return [header, ...between, ...leaf(random, 'icmpv6')];
  return random.oneIn(2)
    ? [header, ...between, ...v6Packet(random, depth + 1)]
    : [header, ...between, ...v4Packet(random, depth + 1)];
}

function v6Header(random: SeededRandom, src: string, dst: string): LayerSpec {
  return {
    layer: 'ipv6',
    src,
    dst,
    hopLimit: random.below(256),
    flowLabel: random.oneIn(2) ? random.below(0x100000) : 0,
  };
}

function extensions(random: SeededRandom): LayerSpec[] {
  if (!random.oneIn(3)) return [];
  const all: LayerSpec[] = [
    { layer: 'hopopts', length: 8 * (1 + random.below(3)) },
    { layer: 'routing', type: 2, segmentsLeft: 0, length: 24 },
    { layer: 'fragment', id: random.word() },
    { layer: 'dstopts', length: 8 * (1 + random.below(3)) },
  ];
  return all.filter(() => random.oneIn(2));
}

function greTunnel(random: SeededRandom, depth: number): LayerSpec[] {
  const gre: LayerSpec = random.oneIn(2) ? { layer: 'gre', key: random.word() } : { layer: 'gre' };
  return [gre, ...(random.oneIn(3) ? [{ layer: 'eth' } as const] : []), ...ipPacket(random, depth + 1)];
}

/* MPLS (RFC 4023), EtherIP (RFC 3378) and Ethernet (RFC 8986 4.9) directly in IPv4. */
function ethernetOrMplsTunnel(
  random: SeededRandom,
  header: Extract<LayerSpec, { layer: 'ipv4' }>,
  depth: number,
): LayerSpec[] {
  const inner = ipPacket(random, depth + 1);
  const entry = (isBottom: boolean): number[] => {
    // Labels below 16 have meanings of their own.
    const label = 16 + random.below(2 ** 20 - 16);
    return [label >>> 12, (label >>> 4) & 0xff, ((label & 15) << 4) | (isBottom ? 1 : 0), 64];
  };
  switch (random.below(3)) {
    case 0: {
      const labels = [...(random.oneIn(2) ? entry(false) : []), ...entry(true)];
      return [{ ...header, protocol: 137 }, { layer: 'payload', bytes: Uint8Array.from(labels) }, ...inner];
    }
    case 1:
      return [
        { ...header, protocol: 97 },
        { layer: 'payload', bytes: Uint8Array.of(0x30, 0) },
        { layer: 'eth' },
        ...inner,
      ];
    default:
      return [{ ...header, protocol: 143 }, { layer: 'eth' }, ...inner];
  }
}

function vxlan(random: SeededRandom, depth: number): LayerSpec[] {
  return [{ layer: 'vxlan', vni: random.below(2 ** 24) }, { layer: 'eth' }, ...ipPacket(random, depth + 1)];
}

/* A client of some server, on the service port or another, with every mix of headers. */
function teredo(random: SeededRandom, header: { readonly src: string; readonly dst: string }): LayerSpec[] {
  const isServed = random.oneIn(2);
  const src = port(random);
  const dst = isServed ? 3544 : port(random);
  const client = teredoAddress(random.pick(SERVERS), header.src, src, random.pick([0, 0x8000]));
  const peer = random.oneIn(2) ? teredoAddress(random.pick(SERVERS), header.dst, dst) : v6(random);
  const udp: LayerSpec = { layer: 'udp', src, dst };
  const trailer =
    isServed && random.oneIn(8) ? { trailer: Uint8Array.of(1, 4, ...random.bytes(4)) } : undefined;
  const headers: LayerSpec = {
    layer: 'teredo',
    ...(random.oneIn(3) && {
      auth: {
        id: random.bytes(random.below(4)),
        value: random.bytes(random.below(4)),
        nonce: BigInt(random.word()) << 32n,
        confirmation: random.below(256),
      },
    }),
    ...(random.oneIn(3) && { origin: { address: v4(random), port: random.below(65_536) } }),
    ...trailer,
  };
  switch (random.below(5)) {
    case 0:
      return [udp, headers, v6Header(random, client, peer)];
    case 1:
      return [
        udp,
        headers,
        { layer: 'ipv6', src: 'fe80::1', dst: 'ff02::2', hopLimit: 255 },
        { layer: 'icmpv6', type: 133 },
      ];
    default:
      return [udp, headers, v6Header(random, client, peer), ...extensions(random), ...leaf(random, 'icmpv6')];
  }
}

function leaf(random: SeededRandom, icmp: 'icmp' | 'icmpv6'): LayerSpec[] {
  const payload: LayerSpec = { layer: 'payload', bytes: new Uint8Array(random.below(40)).fill(0xee) };
  switch (random.below(4)) {
    case 0:
      return [{ layer: 'udp', src: port(random), dst: port(random) }, payload];
    case 1:
      return [{ layer: icmp, type: icmp === 'icmp' ? 8 : 128, code: 0 }];
    default:
      return [
        {
          layer: 'tcp',
          src: port(random),
          dst: port(random),
          flags: random.pick(['S', 'SA', 'A', 'PA']),
          seq: random.word(),
          ack: random.word(),
        },
        payload,
      ];
  }
}

/* An IPv4 packet that carries a tunnel, cut in two. */
function outerFragments(random: SeededRandom, link: readonly LayerSpec[], i: number): Uint8Array[] {
  const { src, dst, ttl = 64 } = v4Header(random);
  const plain: LayerSpec = { layer: 'ipv4', src, dst, ttl, id: i & 0xffff };
  const whole = buildPacket([{ ...plain, fragment: 0 }, ...v6Packet(random, MAX_DEPTH - 1)]);
  const payload = whole.subarray(20);
  const cut = 8 * (1 + random.below(Math.floor((payload.length - 1) / 8)));
  const pieces = [
    { fragment: 0x2000, bytes: payload.subarray(0, cut) },
    { fragment: cut >> 3, bytes: payload.subarray(cut) },
  ].map(({ fragment, bytes }) =>
    buildFrame([...link, { ...plain, protocol: 41, fragment }, { layer: 'payload', bytes }]),
  );
  return random.oneIn(3) ? pieces.reverse() : pieces;
}

/* An IPv6 packet inside a tunnel, cut in two. */
function innerFragments(random: SeededRandom, link: readonly LayerSpec[], i: number): Uint8Array[] {
  const src = v6(random);
  const dst = v6(random);
  const whole = buildPacket([v6Header(random, src, dst), ...leaf(random, 'icmpv6')]);
  const payload = whole.subarray(40);
  const nextHeader = whole[6]!;
  const cut = payload.length <= 8 ? 0 : 8 * (1 + random.below(Math.floor((payload.length - 1) / 8)));
  const outer = v4Header(random);
  const inner = v6Header(random, src, dst);
  const pieces = [
    { offset: 0, more: cut > 0, bytes: cut > 0 ? payload.subarray(0, cut) : payload },
    ...(cut > 0 ? [{ offset: cut, more: false, bytes: payload.subarray(cut) }] : []),
  ].map(({ offset, more, bytes }) =>
    buildFrame([
      ...link,
      outer,
      inner,
      { layer: 'fragment', offset, more, id: i + 1, nextHeader },
      { layer: 'payload', bytes },
    ]),
  );
  return random.oneIn(3) ? pieces.reverse() : pieces;
}

/* A few octets changed behind the Ethernet addresses, or the end cut off. */
function damaged(random: SeededRandom, frame: Uint8Array): Uint8Array {
  if (random.oneIn(3)) return frame.slice(0, 14 + random.below(frame.length - 14));
  const bytes = frame.slice();
  for (let n = 1 + random.below(2); n > 0; n--)
    bytes[12 + random.below(bytes.length - 12)] = random.below(256);
  return bytes;
}

function port(random: SeededRandom): number {
  return random.pick(QUIET_PORTS);
}

function v4(random: SeededRandom): string {
  return formatIpv4((0x51000000 + random.below(0x00ffffff)) >>> 0);
}

function v6(random: SeededRandom): string {
  switch (random.below(6)) {
    case 0:
      return formatIpv6((0x20020000 | random.below(65_536)) >>> 0, random.word(), 0, 1);
    case 1:
      return formatIpv6(0xfe800000, 0, 0x02005efe, random.word());
    case 2:
      return teredoAddress(random.pick(SERVERS), v4(random), port(random));
    default:
      return formatIpv6(0x2a000000 + random.below(65_536), random.word(), random.word(), random.word());
  }
}
