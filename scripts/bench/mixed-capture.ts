import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatAddress, formatIpv4, parseIpv4 } from '../../src/wire/address.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { PcapWriter } from './pcap-writer.js';
import { Random } from './random.js';

/**
 * The mixed capture of the replay budget: 20 % of the frames Teredo, 20 % protocol 41, the rest plain TCP and UDP, 20,000
 * hosts a side, 2,000 connections at a time with handshakes and payloads, about 500 octets a frame.
 *
 * Tunnels live as they do on a wire. A Teredo host keeps its mapped port: it qualifies with its server once (solicitation
 * and advertisement), tests each new peer through the server, and reaches its peers through a few relays. A protocol 41
 * host has one tunnel to one broker. So not every connection is a new tunnel.
 */
export interface MixedOptions {
  readonly frames: number;
  readonly seed?: number;
  /**
   * `kept` as above. `fresh` gives every tunnelled connection a tunnel of its own: no such network is known, but it shows
   * what writing records costs.
   */
  readonly tunnels?: 'kept' | 'fresh';
  /** Share of the frames that tunnels carry, half of them Teredo; 40 when left out. */
  readonly tunnelPercent?: number;
}

type ConnectionShares = Readonly<Record<'teredo' | 'proto41' | 'plain' | 'plainTcp', number>>;

const HOSTS = 20_000;
/** One host in five has Teredo, and one in five a protocol 41 tunnel. */
const TUNNEL_HOSTS = HOSTS / 5;
const SERVERS = 4;
const RELAYS = 8;
const BROKERS = 16;
const OPEN_AT_ONCE = 2_000;
const MEAN_GAP_NS = 20_000;
const TUNNEL_PERCENT = 40;
/** Of the connections. Plain ones are shorter, so that this makes 20 % of the frames each. */
const CONNECTION_SHARES: ConnectionShares = { teredo: 15, proto41: 17, plain: 68, plainTcp: 46 };
const SEGMENT = 1180;
const SHORTEST_SEGMENT = 580;
const RESPONSE_SEGMENTS = 7;
const PORT = { teredoServer: 3544, teredoRelay: 3545 } as const;
const REQUEST = Buffer.from(
  'GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n',
);

/** Name of the file that a corpus is kept in; corpora that differ have different names. */
export function mixedCaptureName({
  frames,
  seed = 1,
  tunnels = 'kept',
  tunnelPercent = TUNNEL_PERCENT,
}: MixedOptions): string {
  const mix = tunnelPercent === TUNNEL_PERCENT ? '' : `-${tunnelPercent}`;
  return `mixed-3-${tunnels}-${frames}-${seed}${mix}.pcap`;
}

/** Path of a file that benchmarks make and keep. */
export function benchFile(name: string): string {
  return fileURLToPath(new URL(`../../.cache/bench/${name}`, import.meta.url));
}

/** Writes the capture unless it is there, and returns its size in octets. */
export function writeMixedCapture(path: string, options: MixedOptions): number {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    const writer = new PcapWriter(`${path}.part`);
    new MixedTraffic(options).write(writer);
    writer.close();
    renameSync(`${path}.part`, path);
  }
  return statSync(path).size;
}

/* In whole numbers; those of the default are as they stand, so that its corpus stays the same to the octet. */
function sharesOf(tunnelPercent: number): ConnectionShares {
  if (tunnelPercent === TUNNEL_PERCENT) return CONNECTION_SHARES;
  const tunnel = (1000 * tunnelPercent) / TUNNEL_PERCENT;
  const other = (1000 * (100 - tunnelPercent)) / (100 - TUNNEL_PERCENT);
  return {
    teredo: Math.round(CONNECTION_SHARES.teredo * tunnel),
    proto41: Math.round(CONNECTION_SHARES.proto41 * tunnel),
    plain: Math.round(CONNECTION_SHARES.plain * other),
    plainTcp: Math.round(CONNECTION_SHARES.plainTcp * other),
  };
}

type Wrap = (fromClient: boolean) => LayerSpec[];
type Frames = Generator<Uint8Array>;

class MixedTraffic {
  readonly #options: MixedOptions;
  readonly #random: Random;
  readonly #body = Buffer.alloc(SEGMENT, 'The quick brown fox jumps over the lazy dog. ');
  /** Relays that each Teredo host has used; a host that is not here has not qualified yet. */
  readonly #relaysOf = new Map<number, Set<number>>();
  readonly #shares: ConnectionShares;
  #tunnels = 0;

  constructor(options: MixedOptions) {
    this.#options = options;
    this.#random = new Random(options.seed ?? 1);
    this.#shares = sharesOf(options.tunnelPercent ?? TUNNEL_PERCENT);
  }

  write(writer: PcapWriter): void {
    const random = this.#random;
    const open: Frames[] = [];
    while (writer.frames < this.#options.frames) {
      while (open.length < OPEN_AT_ONCE) open.push(this.#connection());
      const i = random.below(open.length);
      const next = open[i]!.next();
      if (next.done === true) {
        open[i] = open.at(-1)!;
        open.pop();
      } else {
        writer.write(next.value, random.below(2 * MEAN_GAP_NS));
      }
    }
  }

  #connection(): Frames {
    const random = this.#random;
    const { teredo, proto41, plain: plainShare, plainTcp } = this.#shares;
    const share = random.below(teredo + proto41 + plainShare);
    const server = random.below(HOSTS);
    if (share < teredo) return this.#teredo(server);
    if (share < teredo + proto41) return this.#proto41(server);
    const client = formatIpv4(0x0a000000 + random.below(HOSTS));
    const far = formatIpv4(0x50000000 + server);
    const plain: Wrap = (fromClient) => [
      { layer: 'ipv4', src: fromClient ? client : far, dst: fromClient ? far : client },
    ];
    const isTcp = share < teredo + proto41 + plainTcp;
    return isTcp ? tcpSession(random, this.#body, plain) : udpSession(random, this.#body, plain);
  }

  *#teredo(peerHost: number): Frames {
    const random = this.#random;
    const isFresh = this.#options.tunnels === 'fresh';
    const host = isFresh ? TUNNEL_HOSTS + this.#tunnels++ : random.below(TUNNEL_HOSTS);
    const client = formatIpv4(0x51000000 + host);
    const port = 1024 + ((host * 2654435761) % 60_000);
    const serverNumber = host % SERVERS;
    const server = formatIpv4(0x41363278 + serverNumber);
    const inner = teredoAddress(server, client, port);
    // Some relays are nearer to more peers than others.
    const relay = random.below(1 + random.below(RELAYS));
    const relayV4 = formatIpv4(0x50800000 + relay);
    const peer = formatAddress(0x20010470, 0x1f0b0000 + relay, 0, peerHost);
    const outer = (fromClient: boolean, other: string, otherPort: number): LayerSpec[] => [
      { layer: 'ipv4', src: fromClient ? client : other, dst: fromClient ? other : client },
      { layer: 'udp', src: fromClient ? port : otherPort, dst: fromClient ? otherPort : port },
    ];
    const wrap: Wrap = (fromClient) => [
      ...outer(fromClient, relayV4, PORT.teredoRelay),
      { layer: 'ipv6', src: fromClient ? inner : peer, dst: fromClient ? peer : inner },
    ];
    if (!isFresh) {
      let relays = this.#relaysOf.get(host);
      if (relays === undefined) {
        this.#relaysOf.set(host, (relays = new Set()));
        yield* qualification(outer, server, client, port);
      }
      if (!relays.has(relay)) {
        relays.add(relay);
        yield* connectivityTest(outer, server, wrap, inner, peer);
      }
    }
    yield* tcpSession(random, this.#body, wrap);
  }

  #proto41(peerHost: number): Frames {
    const random = this.#random;
    const isFresh = this.#options.tunnels === 'fresh';
    const host = isFresh ? TUNNEL_HOSTS + this.#tunnels++ : random.below(TUNNEL_HOSTS);
    const near = formatIpv4(0x51800000 + host);
    const far = formatIpv4(0xd8425000 + (host % BROKERS));
    const inside = formatAddress(0x20010470, 0xaaaa0000 + host, 0, 2);
    const outside = formatAddress(0x2a001450, 0x40010000, 0, peerHost);
    const wrap: Wrap = (fromClient) => [
      { layer: 'ipv4', src: fromClient ? near : far, dst: fromClient ? far : near },
      { layer: 'ipv6', src: fromClient ? inside : outside, dst: fromClient ? outside : inside },
    ];
    return tcpSession(random, this.#body, wrap);
  }
}

type TeredoOuter = (fromClient: boolean, other: string, otherPort: number) => LayerSpec[];

/* RFC 4380 5.2.1: router solicitation with a nonce, and the server's answer that tells the mapped endpoint. */
function* qualification(outer: TeredoOuter, server: string, client: string, port: number): Frames {
  const own = 'fe80::ffff:ffff:ffff';
  const v4 = parseIpv4(server)!;
  const router = formatAddress(0xfe800000, 0, 0x8000f227, ~v4 >>> 0);
  yield buildFrame([
    ...outer(true, server, PORT.teredoServer),
    { layer: 'teredo', auth: {} },
    { layer: 'ipv6', src: own, dst: 'ff02::2', hopLimit: 255 },
    { layer: 'icmpv6', type: 133 },
  ]);
  yield buildFrame([
    ...outer(false, server, PORT.teredoServer),
    { layer: 'teredo', auth: {}, origin: { address: client, port } },
    { layer: 'ipv6', src: router, dst: own, hopLimit: 255 },
    { layer: 'icmpv6', type: 134 },
    { layer: 'payload', bytes: advertised(v4) },
  ]);
}

/* The rest of a router advertisement, with the Teredo prefix of the server as its one option (RFC 4861 4.2, 4.6.2). */
function advertised(server: number): Uint8Array {
  const bytes = Buffer.alloc(44);
  bytes[0] = 64;
  bytes.set([3, 4, 64, 0x40], 12);
  bytes.writeUInt32BE(0xffffffff, 16);
  bytes.writeUInt32BE(0xffffffff, 20);
  bytes.writeUInt32BE(0x20010000, 28);
  bytes.writeUInt32BE(server, 32);
  return bytes;
}

/* RFC 4380 5.2.9: an echo through the server, whose answer comes from the peer's relay. */
function* connectivityTest(
  outer: TeredoOuter,
  server: string,
  wrap: Wrap,
  inner: string,
  peer: string,
): Frames {
  yield buildFrame([
    ...outer(true, server, PORT.teredoServer),
    { layer: 'ipv6', src: inner, dst: peer },
    { layer: 'icmpv6', type: 128 },
    { layer: 'payload', bytes: new Uint8Array(12) },
  ]);
  yield buildFrame([
    ...wrap(false),
    { layer: 'icmpv6', type: 129 },
    { layer: 'payload', bytes: new Uint8Array(12) },
  ]);
}

function* tcpSession(random: Random, body: Buffer, wrap: Wrap): Frames {
  const src = 32_768 + random.below(28_000);
  const dst = [80, 443, 8080, 25, 22][random.below(5)]!;
  const frame = (
    fromClient: boolean,
    flags: string,
    seq: number,
    ack: number,
    bytes?: Uint8Array,
  ): Uint8Array =>
    buildFrame([
      ...wrap(fromClient),
      { layer: 'tcp', src: fromClient ? src : dst, dst: fromClient ? dst : src, flags, seq, ack },
      ...(bytes === undefined ? [] : [{ layer: 'payload' as const, bytes }]),
    ]);
  yield frame(true, 'S', 100, 0);
  yield frame(false, 'SA', 900, 101);
  yield frame(true, 'A', 101, 901);
  yield frame(true, 'PA', 101, 901, REQUEST);
  yield frame(false, 'A', 901, 101 + REQUEST.length);
  let sent = 901;
  const segments = 2 + random.below(2 * RESPONSE_SEGMENTS);
  for (let i = 0; i < segments; i++) {
    const bytes = body.subarray(0, SHORTEST_SEGMENT + random.below(SEGMENT - SHORTEST_SEGMENT));
    yield frame(false, 'PA', sent, 101 + REQUEST.length, bytes);
    sent += bytes.length;
    if (i % 3 === 2) yield frame(true, 'A', 101 + REQUEST.length, sent);
  }
  yield frame(true, 'FA', 101 + REQUEST.length, sent);
  yield frame(false, 'FA', sent, 102 + REQUEST.length);
}

function* udpSession(random: Random, body: Buffer, wrap: Wrap): Frames {
  const src = 32_768 + random.below(28_000);
  const dst = [53, 123, 443, 5060][random.below(4)]!;
  const count = 2 + random.below(6);
  for (let i = 0; i < count; i++) {
    const fromClient = i % 2 === 0;
    const bytes = Uint8Array.from(body.subarray(0, 40 + random.below(1100)));
    for (let at = 0; at < 12; at++) bytes[at] = random.below(256);
    yield buildFrame([
      ...wrap(fromClient),
      { layer: 'udp', src: fromClient ? src : dst, dst: fromClient ? dst : src },
      { layer: 'payload', bytes },
    ]);
  }
}
