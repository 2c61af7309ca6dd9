import type { TableSnapshot } from '../observe/sensor-snapshot.js';
import { IsatapChecks } from '../tunnel/isatap-checks.js';
import { LoopChecks } from '../tunnel/loop-checks.js';
import type { Analysis } from './analysis.js';
import { censusTables } from './census/census-analysis.js';

/** All bounded tables of an analysis: how full they are, and what made room for others. */
export function analysisTables(analysis: Analysis): TableSnapshot[] {
  const { udpFlows, tunnels, flows, site, teredo, proto41, suppression, reassembler, weirds } = analysis;
  const { limits } = analysis.options;
  const table = (name: string, size: number, capacity: number, evictions: number): TableSnapshot => ({
    name,
    size,
    capacity,
    evictions,
  });
  const { isatap, loops } = proto41;
  const datagrams = reassembler.counters.evicted;
  return [
    table('tunnels', tunnels.size, limits.tunnels, tunnels.evictions),
    table('flows', flows.size, limits.flows, flows.evictions),
    ...(udpFlows === undefined ? [] : [table('udp_flows', udpFlows.size, limits.flows, udpFlows.evictions)]),
    table('client_mappings', site.mappings, limits.clientMappings, site.evictions),
    table('teredo_endpoints', teredo.size, teredo.capacity, teredo.evictions),
    table('isatap_routers', isatap.size, IsatapChecks.CAPACITY, isatap.evictions),
    table('loop_packets', loops.size, LoopChecks.CAPACITY, loops.evictions),
    table('suppression_keys', suppression.size, limits.suppressionKeys, suppression.evictions),
    table('weird_keys', weirds.size, limits.weirdKeys, weirds.evictions),
    table('fragmented_datagrams', reassembler.waiting, limits.fragmentedDatagrams, datagrams),
    ...censusTables(analysis),
  ];
}
