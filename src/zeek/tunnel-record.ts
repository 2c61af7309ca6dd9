import type { Profile } from '../model/profile.js';
import type { LogRecord, TunnelEvent } from '../model/records.js';
import { hostPair } from '../model/records.js';
import { addConnection } from './connection-columns.js';
import { JsonLine } from './json-line.js';

/** `tunnel.log`: Zeek's columns (Tunnel::Info), then ours. */
export function tunnelRecord(event: TunnelEvent, profile: Profile = 'extended'): LogRecord {
  const line = new JsonLine(profile).time('ts', event.time).plain('uid', event.uid);
  addConnection(line, event.connection);
  line
    .plain('tunnel_type', `Tunnel::${event.zeekType}`)
    .plain('action', `Tunnel::${event.action}`)
    .beyondZeek()
    .plain('tunnel_kind', event.kind)
    .count('tunnel_depth', event.depth)
    .plain('tunnel_parent', event.parentUid)
    .plain('tunnel_direction', event.direction);
  const { totals } = event;
  if (totals !== undefined) {
    line
      .interval('duration', totals.durationSeconds)
      .count('orig_pkts', totals.origPackets)
      .count('orig_bytes', totals.origBytes)
      .count('resp_pkts', totals.respPackets)
      .count('resp_bytes', totals.respBytes);
  }
  line
    .plain('outer_community_id', event.communityId)
    .string('sensor', event.sensor)
    .count('vlan', event.vlan[0])
    .count('inner_vlan', event.vlan[1]);
  return {
    log: 'tunnel',
    time: event.time,
    severity: 'informational',
    keys: {
      uid: event.uid,
      communityId: event.communityId,
      outerPair: hostPair(event.connection),
      sensor: event.sensor,
    },
    json: line.toString(),
  };
}
