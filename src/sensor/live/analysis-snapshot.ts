import { VERDICTS } from '../../decode/verdicts.js';
import { TUNNEL_KINDS } from '../../model/vocabulary.js';
import type { AnalysisSnapshot, TableSnapshot } from '../../observe/sensor-snapshot.js';
import type { Analysis, AnalysisLimits } from '../analysis.js';
import { censusTables } from '../census/census-analysis.js';

/** What an analysis knows of itself. */
export function analysisSnapshot(
  analysis: Analysis,
  limits: AnalysisLimits,
): Omit<AnalysisSnapshot, 'answerAgeSeconds' | 'alerts' | 'lagSeconds' | 'queue'> {
  const { counters, flows, reassembler } = analysis;
  return {
    packets: counters.packets,
    bytes: counters.wireBytes,
    tunnelPackets: counters.tunnelPackets,
    duplicates: counters.duplicates,
    cutPackets: counters.cutBySnapLength,
    verdictFamilies: byFamily(counters.verdicts),
    tunnelsByKind: Object.fromEntries(TUNNEL_KINDS.map((kind, i) => [kind, counters.tunnelsByKind[i]!])),
    flows: flows.total,
    tables: tables(analysis, limits),
    fragmentBytes: reassembler.heldBytes,
    suppressed: sum(counters.suppressedByRule),
    excepted: sum(counters.excepted),
    weirds: counters.weirds,
    weirdsSampledOut: counters.weirdsSampledOut,
  };
}

function tables(analysis: Analysis, limits: AnalysisLimits): TableSnapshot[] {
  const { udpFlows, tunnels, flows, site, teredo, suppression, reassembler, weirdKeys, weirdEvictions } =
    analysis;
  const table = (name: string, size: number, capacity: number, evictions: number): TableSnapshot => ({
    name,
    size,
    capacity,
    evictions,
  });
  const datagrams = reassembler.counters.evicted;
  return [
    table('tunnels', tunnels.size, limits.tunnels, tunnels.evictions),
    table('flows', flows.size, limits.flows, flows.evictions),
    ...(udpFlows === undefined ? [] : [table('udp_flows', udpFlows.size, limits.flows, udpFlows.evictions)]),
    table('client_mappings', site.mappings, limits.clientMappings, site.evictions),
    table('teredo_endpoints', teredo.size, teredo.capacity, teredo.evictions),
    table('suppression_keys', suppression.size, limits.suppressionKeys, suppression.evictions),
    table('weird_keys', weirdKeys, limits.weirdKeys, weirdEvictions),
    table('fragmented_datagrams', reassembler.waiting, limits.fragmentedDatagrams, datagrams),
    ...censusTables(analysis),
  ];
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
