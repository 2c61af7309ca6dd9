import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { PcapWriter } from './pcap-writer.js';
import { Random } from './random.js';

/*
 * The state flood of the budget: 1.5 M frames, 1 M distinct inner flows over 800,000 outer pairs, all protocol 41. Two of
 * three frames open a flow, the third belongs to one that was opened before.
 */
const PAIRS_OF_FLOWS = 0.8;
const GAP_NS = 5_000;
const SOURCES = 65_536;
/* Offsets in Ethernet, IPv4, IPv6, TCP. */
const IPV4_CHECKSUM = 24;
const IPV4_SOURCE = 26;
const IPV4_DESTINATION = 30;
const IPV6_SOURCE_LAST = 54;
const TCP_PORT = 74;
const TCP_CHECKSUM = 90;

export function floodCaptureName(frames: number): string {
  return `flood-1-${frames}.pcap`;
}

/** Writes the capture unless it is there. Its checksums are right, for those who verify them. */
export function writeFloodCapture(path: string, frames: number): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  const writer = new PcapWriter(`${path}.part`);
  const frame = buildFrame([
    { layer: 'ipv4', src: '81.0.0.0', dst: '216.66.0.0' },
    { layer: 'ipv6', src: '2001:470:1f0b::', dst: '2a00:1450:4001::5' },
    { layer: 'tcp', src: 0, dst: 443, flags: 'S' },
  ]);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const [ipv4Sum, tcpSum] = [view.getUint16(IPV4_CHECKSUM), view.getUint16(TCP_CHECKSUM)];
  const [source, destination] = [view.getUint32(IPV4_SOURCE), view.getUint32(IPV4_DESTINATION)];
  const random = new Random(1);
  const flows = Math.ceil((frames * 2) / 3);
  const pairs = Math.ceil(flows * PAIRS_OF_FLOWS);
  let opened = 0;
  for (let i = 0; i < frames; i++) {
    const flow = i % 3 === 2 ? random.below(opened) : opened++;
    const pair = flow % pairs;
    const port = 1024 + (flow % 60_000);
    view.setUint32(IPV4_SOURCE, source + (pair % SOURCES));
    view.setUint32(IPV4_DESTINATION, destination + Math.floor(pair / SOURCES));
    view.setUint32(IPV6_SOURCE_LAST, flow);
    view.setUint16(TCP_PORT, port);
    view.setUint16(IPV4_CHECKSUM, added(ipv4Sum, (pair % SOURCES) + Math.floor(pair / SOURCES)));
    view.setUint16(TCP_CHECKSUM, added(tcpSum, (flow >>> 16) + (flow & 0xffff) + port));
    writer.write(frame, GAP_NS);
  }
  writer.close();
  renameSync(`${path}.part`, path);
}

/* RFC 1624: the checksum when words that were 0 become these. */
function added(checksum: number, sum: number): number {
  let total = (~checksum & 0xffff) + sum;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}
