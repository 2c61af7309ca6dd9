import { EVERY_PACKET, FORGETFUL } from '../../../test/support/asking-rules.js';
import { readPacketScript } from '../packet-script.js';
import { PACKET_TOKENS } from '../packet-tokens.js';
import { assertSameLines } from '../same-octets.js';
import { repairScript, scriptSeeds } from '../script-seeds.js';
import { analyseAmid, LARGE_ENOUGH } from '../small-analysis.js';

/* Several packets, twice: with the short way for packets of flows that were judged, and with every packet decoded. */
let last = '';

export const maxLength = 4_000;
export const share = 2;
export const tokens = PACKET_TOKENS;
export const repair = repairScript;
export const seeds = scriptSeeds;

export function fuzz(data: Buffer): void {
  const { linkType, frames: drawn } = readPacketScript(data);
  // Once more from the begin, so that flows are known and the short way is taken.
  const lastTime = drawn.at(-1)?.seconds ?? 0;
  const frames = [...drawn, ...drawn.map((frame) => ({ ...frame, seconds: lastTime + 1 }))];
  const short = analyseAmid(frames, linkType, 0x00, FORGETFUL, LARGE_ENOUGH);
  const full = analyseAmid(frames, linkType, 0x00, [...FORGETFUL, ...EVERY_PACKET], LARGE_ENOUGH);
  assertSameLines(short.lines, full.lines, 'the short way says something else');
  const { counters, tunnels, flows } = short.analysis;
  last = [
    counters.undecoded > 0,
    counters.duplicates > 0,
    tunnels.total,
    flows.total,
    ...counters.alertsByRule.keys(),
  ].join();
}

export function trait(): string {
  return last;
}
