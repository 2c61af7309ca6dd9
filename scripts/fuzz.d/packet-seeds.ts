import { CaptureFile } from '../../src/capture/capture-file.js';
import { captureNames, LAB_CAPTURES } from '../../test/support/captures.js';
import { generatedPackets } from '../oracle.d/generator.js';
import { join } from 'node:path';
import { IP_PROTOCOL, LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, buildPacket } from '../../src/wire/packet-builder.js';

/** Packets of one capture, in order. */
export interface SeedTraffic {
  readonly linkType: number;
  readonly packets: readonly Uint8Array[];
}

const MOST_OF_A_CAPTURE = 40;
const LONGEST_PACKET = 1_600;
const GENERATED = 300;

/** The lab's captures, generated tunnels, and one packet of each carrier that neither of them has. */
export async function seedTraffic(): Promise<SeedTraffic[]> {
  const all: SeedTraffic[] = [];
  for (const name of captureNames(LAB_CAPTURES)) all.push(await readTraffic(join(LAB_CAPTURES, name)));
  const generated = Array.from(generatedPackets(1, GENERATED, 'generated'), ({ bytes }) => bytes);
  for (let i = 0; i < GENERATED; i += 10) {
    all.push({ linkType: LINK_TYPE.ETHERNET, packets: generated.slice(i, i + 10) });
  }
  return [...all, { linkType: LINK_TYPE.ETHERNET, packets: rareCarriers() }];
}

async function readTraffic(path: string): Promise<SeedTraffic> {
  const file = await CaptureFile.open(path);
  try {
    const packets: Uint8Array[] = [];
    await file.read((batch, from, to) => {
      for (let i = from; i < to && packets.length < MOST_OF_A_CAPTURE; i++) {
        const at = batch.at[i]!;
        const length = Math.min(batch.capturedLength[i]!, LONGEST_PACKET);
        packets.push(batch.frame.bytes.slice(at, at + length));
      }
      return undefined;
    });
    return { linkType: file.interfaces[0]!.linkType, packets };
  } finally {
    await file.close();
  }
}

const OUTER: Extract<LayerSpec, { layer: 'ipv4' }> = { layer: 'ipv4', src: '81.1.1.1', dst: '82.2.2.2' };
const INNER: readonly LayerSpec[] = [
  { layer: 'ipv6', src: '2a00::1', dst: '2a00::2' },
  { layer: 'tcp', src: 50_000, dst: 6667 },
];

function rareCarriers(): Uint8Array[] {
  const packet = buildPacket(INNER);
  const frame = buildFrame(INNER);
  const inUdp = (port: number, header: readonly number[], carried: Uint8Array): Uint8Array =>
    buildFrame([
      OUTER,
      { layer: 'udp', src: 40_000, dst: port },
      { layer: 'payload', bytes: Uint8Array.of(...header, ...carried) },
    ]);
  const inGre = (header: readonly number[], carried: Uint8Array): Uint8Array =>
    buildFrame([
      { ...OUTER, protocol: IP_PROTOCOL.GRE },
      { layer: 'payload', bytes: Uint8Array.of(...header, ...carried) },
    ]);
  return [
    inUdp(6081, [0, 0, 0x65, 0x58, 0, 0, 7, 0], frame),
    inUdp(6081, [1, 0, 0x86, 0xdd, 0, 0, 7, 0, 0, 1, 0, 0], packet),
    inUdp(5072, [0x44, 0x52, 0x11, 0x29, ...new Array<number>(40).fill(1)], packet),
    inUdp(1701, [0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x57], packet),
    inUdp(2152, [0x30, 0xff, 0, packet.length, 0, 0, 0, 1], packet),
    inUdp(2152, [0x34, 0xff, 0, packet.length + 8, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0], packet),
    inUdp(3653, [], packet),
    inGre([0x30, 0x01, 0x88, 0x0b, 0, packet.length + 4, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x57], packet),
    inGre([0, 0, 0x88, 0x47, 0, 0x01, 0x01, 64], packet),
    buildFrame([OUTER, { layer: 'erspan', type: 2 }, { layer: 'eth' }, OUTER, ...INNER]),
    buildFrame([OUTER, { layer: 'erspan', type: 3, subheader: true }, { layer: 'eth' }, OUTER, ...INNER]),
    Uint8Array.of(...frame.subarray(0, 12), 0x88, 0x47, 0, 1, 1, 64, ...buildPacket([OUTER, ...INNER])),
    Uint8Array.of(
      ...frame.subarray(0, 12),
      0,
      70,
      0xaa,
      0xaa,
      3,
      0,
      0,
      0,
      8,
      0,
      ...buildPacket([OUTER, ...INNER]),
    ),
  ];
}
