import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { pcap } from '../../test/support/pcap-writer.js';
import type { Generated } from './generator.js';
import { generatedPackets } from './generator.js';

/** Writes a capture of generated packets, packet by packet. */
export async function writeGenerated(
  path: string,
  seed: number,
  count: number,
  place: Generated,
): Promise<void> {
  const stream = createWriteStream(path);
  const header = pcap([]);
  stream.write(header);
  for (const packet of generatedPackets(seed, count, place)) {
    if (!stream.write(pcap([packet]).subarray(header.length))) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
}
