import { VERDICTS } from '../../decode/verdicts.js';
import { TUNNEL_KINDS } from '../../model/vocabulary.js';
import type { AnalysisSnapshot } from '../../observe/sensor-snapshot.js';
import type { Analysis } from '../analysis.js';
import { analysisTables } from '../tables.js';

/** What an analysis knows of itself. */
export function analysisSnapshot(
  analysis: Analysis,
): Omit<AnalysisSnapshot, 'answerAgeSeconds' | 'alerts' | 'lagSeconds' | 'queue'> {
  const { counters, flows, reassembler } = analysis;
  return {
    packets: counters.packets,
    bytes: counters.wireBytes,
    tunnelPackets: counters.tunnelPackets,
    duplicates: counters.duplicates,
    cutPackets: counters.cutBySnapLength,
    badChecksums: counters.badChecksums,
    verdictFamilies: byFamily(counters.verdicts),
    tunnelsByKind: Object.fromEntries(TUNNEL_KINDS.map((kind, i) => [kind, counters.tunnelsByKind[i]!])),
    flows: flows.total,
    tables: analysisTables(analysis),
    fragmentBytes: reassembler.heldBytes,
    suppressed: sum(counters.suppressedByRule),
    excepted: sum(counters.excepted),
    weirds: counters.weirds,
    weirdsSampledOut: counters.weirdsSampledOut,
  };
}

function byFamily(verdicts: ArrayLike<number>): Record<string, number> {
  const counts: Record<string, number> = {};
  VERDICTS.forEach(({ family }, i) => (counts[family] = (counts[family] ?? 0) + verdicts[i]!));
  return counts;
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
