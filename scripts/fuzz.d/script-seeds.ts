import { seedTraffic } from './packet-seeds.js';
import { linkTypeOf, readPacketScript, writePacketScript } from './packet-script.js';
import { repairLengths } from './repair-lengths.js';

const LONGEST_SCRIPT = 6_000;

/** The seed traffic as inputs of several packets each. */
export async function scriptSeeds(): Promise<Buffer[]> {
  const traffic = await seedTraffic();
  return traffic.flatMap(({ linkType, packets }) => {
    const scripts: Buffer[] = [];
    for (let from = 0; from < packets.length;) {
      let to = from;
      for (let size = 0; to < packets.length && (size += packets[to]!.length + 4) < LONGEST_SCRIPT;) to++;
      to = Math.max(to, from + 1);
      scripts.push(writePacketScript(linkType, packets.slice(from, to)));
      from = to;
    }
    return scripts;
  });
}

export function repairScript(data: Buffer): void {
  const linkType = linkTypeOf(data[0]);
  for (const { bytes } of readPacketScript(data).frames) repairLengths(bytes as Buffer, linkType);
}
