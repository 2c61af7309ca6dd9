import type { Profile } from '../model/profile.js';
import type { LogRecord, StatsEvent } from '../model/records.js';
import { JsonLine } from './json-line.js';

const MEGABYTE = 1024 * 1024;

/**
 * `stats.log`: the columns of Zeek's Stats::Info that have a meaning here, in Zeek's order, then ours. Zeek's columns about
 * events, timers, files, DNS and connections by protocol are left out: a 0 there would be a claim.
 */
export function statsRecord(event: StatsEvent, profile: Profile = 'extended'): LogRecord {
  const line = new JsonLine(profile)
    .time('ts', event.time)
    .string('peer', event.sensor)
    .count('mem', Math.floor(event.residentBytes / MEGABYTE))
    .count('pkts_proc', event.packets)
    .count('bytes_recv', event.bytes)
    .count('pkts_dropped', event.droppedPackets)
    .count('pkts_link', event.linkPackets)
    .interval('pkt_lag', event.lagSeconds)
    .count('reassem_frag_size', event.fragmentBytes)
    .beyondZeek()
    .interval('ts_delta', event.seconds)
    .count('tunnel_pkts', event.tunnelPackets)
    .count('duplicate_pkts', event.duplicatePackets)
    .count('active_tunnels', event.activeTunnels)
    .count('active_flows', event.activeFlows)
    .count('tunnels', event.tunnels)
    .count('flows', event.flows)
    .count('evictions', event.evictions)
    .count('alerts', event.alerts)
    .count('suppressed', event.suppressed)
    .count('weirds', event.weirds)
    .count('records_dropped', event.droppedRecords)
    .string('sensor', event.sensor);
  return {
    log: 'stats',
    time: event.time,
    severity: 'informational',
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor: event.sensor },
    json: line.toString(),
  };
}
