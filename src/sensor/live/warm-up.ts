import { memoryBatch, memoryInterface } from '../../capture/memory-batch.js';
import { ETHERNET_LENGTH } from '../../decode/ethernet.js';
import { buildFrame } from '../../wire/packet-builder.js';
import type { AnalysisOptions } from '../analysis.js';
import { Analysis } from '../analysis.js';

/** How long the analysis runs on packets of its own before the first interface is opened. */
export const WARM_UP_MS = 700;
const FIRST_SECOND = 1_700_000_000;
/** Times that the same packets come in one after the other, before they come from other senders. */
const REPEATS = 4;
const IPV4_SOURCE = ETHERNET_LENGTH + 12;
const MOST_FRAMES = 4096;

/**
 * Runs an analysis that is thrown away on the packets of the rules' own tests, so that V8 has compiled the code before
 * the wire asks for speed: a cold analysis is ten times slower, and a busy mirror port fills every queue meanwhile.
 * Returns how many packets it was.
 */
export function warmUp(options: AnalysisOptions, forMs = WARM_UP_MS): number {
  const frames = options.rules
    .flatMap(({ tests }) => tests)
    .flatMap(({ packets, hex }) => [
      ...(hex ?? []),
      ...(packets ?? []).map(({ layers }) => buildFrame(layers)),
    ])
    .slice(0, MOST_FRAMES)
    .map((bytes) => ({ bytes, seconds: FIRST_SECOND }));
  if (frames.length === 0) return 0;
  const analysis = new Analysis({ ...options, emit: () => undefined, onAlert: () => undefined });
  const interfaces = [memoryInterface('warm-up')];
  const deadline = performance.now() + forMs;
  const batch = memoryBatch(frames);
  let packets = 0;
  for (let round = 0; performance.now() < deadline; round++) {
    for (let i = 0; i < batch.count; i++) {
      batch.seconds[i] = FIRST_SECOND + round;
      // New tunnels and flows, alerts and records: what a sensor that has just started sees most.
      if (round % REPEATS === 0 && batch.capturedLength[i]! > IPV4_SOURCE + 4)
        batch.frame.view.setUint16(batch.at[i]! + IPV4_SOURCE + 1, round & 0xffff);
    }
    analysis.process(batch, 0, batch.count, interfaces);
    packets += batch.count;
  }
  analysis.finish();
  return packets;
}
