import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { allCaptures } from '../../test/support/captures.js';
import type { Difference } from './compare.js';
import { compareCapture } from './compare.js';
import { GENERATED } from './generator.js';
import { writeGenerated } from './generated-capture.js';
import { differenceText, ENOUGH_DAMAGED, holdAgainst, readKnownDifferences } from './known-differences.js';
import { tsharkVersion, whyNoTshark } from './tshark.js';

/*
 * oracle [--packets N] [--seed N] [--all] [CAPTURE...]
 * Compares with tshark. Exit code 1 when a difference is not in the table, or one in the table occurs no more.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packets: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
  },
});
const why = whyNoTshark();
if (why !== undefined) {
  process.stderr.write(`oracle: ${why}.\n`);
  process.exit(1);
}
const packets = Number(values.packets);
if (!Number.isInteger(packets) || packets < 0 || !Number.isInteger(Number(values.seed))) {
  process.stderr.write('oracle: --packets and --seed take whole numbers.\n');
  process.exit(2);
}

console.log(tsharkVersion());
const found = new Map<string, readonly Difference[]>();
const captures = positionals.length > 0 ? positionals : allCaptures();
for (const path of captures) await look(basename(path), path);
const folder = mkdtempSync(join(tmpdir(), 'copperhull-oracle-'));
try {
  for (const place of packets > 0 ? GENERATED : []) {
    const path = join(folder, `${place}.pcap`);
    await writeGenerated(path, Number(values.seed), packets, place);
    await look(place, path);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const isEnough = Number(values.seed) === ENOUGH_DAMAGED.seed && packets >= ENOUGH_DAMAGED.packets;
// Whether a rare damage is among few packets is chance: then only what is not listed counts.
const complaints = holdAgainst(readKnownDifferences(), found, {
  mustOccur: (place) => place !== 'damaged' || isEnough,
});
for (const complaint of complaints) console.log(complaint);
const listed = [...found.values()].reduce((sum, { length }) => sum + length, 0) - complaints.length;
console.log(`${complaints.length} complaints, ${Math.max(listed, 0)} differences that are listed`);
process.exitCode = complaints.length > 0 ? 1 : 0;

async function look(place: string, path: string): Promise<void> {
  const { packets: count, layers, fields, differences } = await compareCapture(path);
  found.set(place, differences);
  console.log(
    `${place}: ${count} packets, ${layers} layers and ${fields} fields agree, ${differences.length} packets differ`,
  );
  if (values.all) for (const difference of differences) console.log(`  ${differenceText(difference)}`);
}
