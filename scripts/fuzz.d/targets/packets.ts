import { validateRecords } from '../../../test/support/record-schemas.js';
import { readPacketScript } from '../packet-script.js';
import { PACKET_TOKENS } from '../packet-tokens.js';
import { assertSameLines } from '../same-octets.js';
import { repairScript, scriptSeeds } from '../script-seeds.js';
import { analyseAmid } from '../small-analysis.js';

/* Several packets with times through one analysis with small tables, twice, amid different octets. */
let last = '';

export const maxLength = 6_000;
export const share = 4;
export const tokens = PACKET_TOKENS;
export const repair = repairScript;
export const seeds = scriptSeeds;

export function fuzz(data: Buffer): void {
  const { linkType, frames } = readPacketScript(data);
  const { analysis, records, lines } = analyseAmid(frames, linkType, 0x00);
  validateRecords(records);
  assertSameLines(lines, analyseAmid(frames, linkType, 0xff).lines, 'octets beside the packets count');
  const { counters, tunnels, flows, reassembler } = analysis;
  const verdicts = Array.from(counters.verdicts, (count, verdict) => (count > 0 ? verdict : 0)).filter(
    Boolean,
  );
  const rules = [...counters.alertsByRule.keys(), ...counters.suppressedByRule.keys()].sort();
  const { completed, evicted, discarded } = reassembler.counters;
  const was = [
    counters.duplicates,
    counters.undecoded,
    completed,
    evicted,
    discarded,
    tunnels.total > 6,
    flows.total > 6,
  ];
  last = `${verdicts.join(',')} ${rules.join(',')} ${was.map((some) => (some ? 1 : 0)).join('')}`;
}

export function trait(): string {
  return last;
}
