import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAB_CAPTURES } from '../../test/support/captures.js';
import {
  block,
  enhancedPacket,
  fields,
  interfaceBlock,
  obsoletePacket,
  pcap,
  section,
  simplePacket,
} from '../../test/support/pcap-writer.js';
import { seedTraffic } from './packet-seeds.js';

const LONGEST_FILE = 5_000;

/** Whole capture files: the lab's small ones, and one of each form that the readers know. */
export async function captureSeeds(): Promise<Buffer[]> {
  const lab = readdirSync(LAB_CAPTURES)
    .filter((name) => name.endsWith('.pcap'))
    .map((name) => readFileSync(join(LAB_CAPTURES, name)).subarray(0, LONGEST_FILE));
  const traffic = await seedTraffic();
  const packets = traffic[0]!.packets
    .slice(0, 3)
    .map((bytes, i) => ({ seconds: 1_700_000_000 + i, nanoseconds: 5, bytes }));
  const forms = [true, false].flatMap((isLittle) => {
    const units = 1_700_000_000_000_000n;
    const bytes = packets[0]!.bytes.subarray(0, 60);
    return [
      pcap(packets, { isLittle, isNano: true }),
      pcap(packets, { isLittle, isNano: false, linkType: 101 }),
      Buffer.concat([
        section(isLittle),
        interfaceBlock(isLittle, { name: 'eth0', resolution: 9, offsetSeconds: 7 }),
        interfaceBlock(isLittle, { linkType: 101, snapLength: 40, resolution: 0x94 }),
        enhancedPacket(isLittle, 0, units, bytes),
        block(isLittle, 0x0bad, Buffer.alloc(8)),
        obsoletePacket(isLittle, 1, units, bytes),
        simplePacket(isLittle, bytes),
        section(!isLittle),
        interfaceBlock(!isLittle),
        enhancedPacket(!isLittle, 0, units, bytes, 999),
      ]),
    ];
  });
  return [...lab, ...forms];
}

/** Magic numbers, block types and lengths that lie. */
export const CAPTURE_TOKENS: readonly Uint8Array[] = [true, false].flatMap((isLittle) =>
  [
    0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0x0a0d0d0a, 0x1a2b3c4d, 1, 2, 3, 6, 12, 262_144, 262_145, 0x7fffffff,
    0xffffffff,
  ].map((value) => fields(isLittle, ['u32', value])),
);
