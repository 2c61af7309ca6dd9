import type { Profile } from '../model/profile.js';
import type { Alert, LogRecord } from '../model/records.js';
import { hostPair } from '../model/records.js';
import { addConnection } from './connection-columns.js';
import { JsonLine } from './json-line.js';

/** `notice.log`: Zeek's columns in Zeek's order (Notice::Info), then ours. */
export function noticeRecord(alert: Alert, profile: Profile = 'extended'): LogRecord {
  const { rule, connection, tunnel, teredo, packet } = alert;
  const line = new JsonLine(profile).time('ts', alert.time).plain('uid', alert.uid);
  addConnection(line, connection);
  line
    .plain('proto', alert.transport)
    .plain('note', rule.note)
    .string('msg', alert.message)
    .string('sub', alert.sub)
    .plain('src', connection.origHost)
    .plain('dst', connection.respHost)
    .count('p', connection.respPort)
    .count('n', alert.suppressed > 0 ? alert.suppressed : undefined)
    .strings('actions', ['Notice::ACTION_LOG'])
    .strings('email_dest', [])
    .interval('suppress_for', rule.suppressFor)
    .beyondZeek()
    .plain('alert_id', alert.id)
    .plain('rule_id', rule.id)
    .count('rule_rev', rule.rev)
    .plain('severity', rule.severity)
    .strings('attack', rule.attack.length > 0 ? rule.attack : undefined)
    .plain('tunnel_kind', tunnel.kind)
    .plain('tunnel_uid', tunnel.uid)
    .plain('tunnel_path', tunnel.path)
    .count('tunnel_depth', tunnel.depth)
    .plain('tunnel_outer_orig_h', tunnel.outer.origHost)
    .count('tunnel_outer_orig_p', tunnel.outer.origPort)
    .plain('tunnel_outer_resp_h', tunnel.outer.respHost)
    .count('tunnel_outer_resp_p', tunnel.outer.respPort)
    .plain('tunnel_outermost_orig_h', tunnel.outermost?.origHost)
    .count('tunnel_outermost_orig_p', tunnel.outermost?.origPort)
    .plain('tunnel_outermost_resp_h', tunnel.outermost?.respHost)
    .count('tunnel_outermost_resp_p', tunnel.outermost?.respPort)
    .plain('teredo_server', teredo?.server)
    .plain('teredo_client', teredo?.client)
    .count('teredo_client_port', teredo?.clientPort)
    .plain('community_id', alert.communityId)
    .plain('outer_community_id', tunnel.outerCommunityId)
    .string('sensor', alert.sensor);
  if (packet !== undefined) {
    line
      .string('capture_file', packet.captureFile)
      .count('packet_number', packet.packetNumber)
      .bool('packet_incomplete', packet.isIncomplete ? true : undefined)
      .count('vlan', packet.vlan[0])
      .count('inner_vlan', packet.vlan[1])
      .plain('orig_l2_addr', packet.origMac)
      .plain('resp_l2_addr', packet.respMac);
  }
  return {
    log: 'notice',
    time: alert.time,
    severity: rule.severity,
    keys: {
      uid: alert.uid,
      communityId: alert.communityId,
      outerPair: hostPair(tunnel.outer),
      sensor: alert.sensor,
    },
    json: line.toString(),
  };
}
