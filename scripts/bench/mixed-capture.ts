import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatAddress, formatIpv4 } from '../../src/wire/address.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { Random } from './random.js';

/**
 * The mixed capture of the replay budget: 20 % Teredo, 20 % protocol 41, the rest plain TCP and UDP, 20,000 hosts,
 * connections with handshakes and payloads, about 514 octets a frame.
 */
export interface MixedOptions {
  readonly frames: number;
  readonly seed?: number;
}

const HOSTS = 20_000;
const FIRST_SECOND = 1_700_000_000;
const MEAN_GAP_NS = 20_000;
const SHARE_PERCENT = { teredo: 20, proto41: 20, tcp: 40 } as const;
const RESPONSE_SEGMENTS = 7;
const REQUEST = Buffer.from(
  'GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n',
);

/** Writes the capture unless it is there, and returns its size in octets. */
export function writeMixedCapture(path: string, options: MixedOptions): number {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    const writer = new PcapWriter(`${path}.part`);
    generate(writer, options);
    writer.close();
    renameSync(`${path}.part`, path);
  }
  return statSync(path).size;
}

type Wrap = (fromClient: boolean) => LayerSpec[];

function generate(writer: PcapWriter, options: MixedOptions): void {
  const random = new Random(options.seed ?? 1);
  const body = Buffer.alloc(1180, 'The quick brown fox jumps over the lazy dog. ');
  const open: Generator<Uint8Array>[] = [];
  while (writer.frames < options.frames) {
    // Some 64 connections run at once, so that neighbouring frames belong to different ones.
    while (open.length < 64) open.push(connection(random, body));
    const i = random.below(open.length);
    const next = open[i]!.next();
    if (next.done === true) open.splice(i, 1);
    else writer.write(next.value, random.below(2 * MEAN_GAP_NS));
  }
}

function connection(random: Random, body: Buffer): Generator<Uint8Array> {
  const client = 0x0a000000 + random.below(HOSTS);
  const server = 0x50000000 + random.below(HOSTS);
  const share = random.below(100);
  if (share < SHARE_PERCENT.teredo) return tcpSession(random, body, teredoWrap(random, server), 1180);
  if (share < SHARE_PERCENT.teredo + SHARE_PERCENT.proto41) {
    return tcpSession(random, body, proto41Wrap(client, server), 1180);
  }
  const plain: Wrap = (fromClient) => [
    {
      layer: 'ipv4',
      src: formatIpv4(fromClient ? client : server),
      dst: formatIpv4(fromClient ? server : client),
    },
  ];
  return share < SHARE_PERCENT.teredo + SHARE_PERCENT.proto41 + SHARE_PERCENT.tcp
    ? tcpSession(random, body, plain, 1180)
    : udpSession(random, body, plain);
}

function teredoWrap(random: Random, server: number): Wrap {
  const clientV4 = formatIpv4(0x51000000 + random.below(HOSTS));
  const port = 1024 + random.below(60_000);
  const relay = formatIpv4(server);
  const inner = teredoAddress('65.54.227.120', clientV4, port);
  const peer = formatAddress(0x20010470, 0x1f0b0000, 0, server);
  return (fromClient) => [
    { layer: 'ipv4', src: fromClient ? clientV4 : relay, dst: fromClient ? relay : clientV4 },
    { layer: 'udp', src: fromClient ? port : 3545, dst: fromClient ? 3545 : port },
    { layer: 'ipv6', src: fromClient ? inner : peer, dst: fromClient ? peer : inner },
  ];
}

function proto41Wrap(client: number, server: number): Wrap {
  const inside = formatAddress(0x20010470, 0xaaaa0000, 0, client);
  const outside = formatAddress(0x2a001450, 0x40010000, 0, server);
  const near = formatIpv4(0x51800000 + (client & 0xffff));
  const far = formatIpv4(0xd8425000 + (server & 0xff));
  return (fromClient) => [
    { layer: 'ipv4', src: fromClient ? near : far, dst: fromClient ? far : near },
    { layer: 'ipv6', src: fromClient ? inside : outside, dst: fromClient ? outside : inside },
  ];
}

function* tcpSession(random: Random, body: Buffer, wrap: Wrap, segment: number): Generator<Uint8Array> {
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
    const bytes = body.subarray(0, 560 + random.below(segment - 560));
    yield frame(false, 'PA', sent, 101 + REQUEST.length, bytes);
    sent += bytes.length;
    if (i % 3 === 2) yield frame(true, 'A', 101 + REQUEST.length, sent);
  }
  yield frame(true, 'FA', 101 + REQUEST.length, sent);
  yield frame(false, 'FA', sent, 102 + REQUEST.length);
}

function* udpSession(random: Random, body: Buffer, wrap: Wrap): Generator<Uint8Array> {
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

const RECORD_HEADER = 16;
const BUFFER = 1024 * 1024;

/** Writes a nanosecond pcap. */
export class PcapWriter {
  frames = 0;
  readonly #file: number;
  readonly #buffer = Buffer.alloc(BUFFER);
  #at = 24;
  #nanoseconds = BigInt(FIRST_SECOND) * 1_000_000_000n;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    this.#buffer.writeUInt32LE(0xa1b23c4d, 0);
    this.#buffer.writeUInt16LE(2, 4);
    this.#buffer.writeUInt16LE(4, 6);
    this.#buffer.writeUInt32LE(262_144, 16);
    this.#buffer.writeUInt32LE(1, 20);
  }

  write(frame: Uint8Array, gapNs: number): void {
    if (this.#at + RECORD_HEADER + frame.length > BUFFER) this.#flush();
    this.#nanoseconds += BigInt(gapNs);
    const buffer = this.#buffer;
    buffer.writeUInt32LE(Number(this.#nanoseconds / 1_000_000_000n), this.#at);
    buffer.writeUInt32LE(Number(this.#nanoseconds % 1_000_000_000n), this.#at + 4);
    buffer.writeUInt32LE(frame.length, this.#at + 8);
    buffer.writeUInt32LE(frame.length, this.#at + 12);
    buffer.set(frame, this.#at + RECORD_HEADER);
    this.#at += RECORD_HEADER + frame.length;
    this.frames++;
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#buffer, 0, this.#at);
    this.#at = 0;
  }
}
