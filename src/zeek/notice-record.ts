import type { Alert, LogRecord } from '../model/records.js';
import { addConnection } from './connection-columns.js';
import { JsonLine } from './json-line.js';

/** `notice.log`: Zeek's columns in Zeek's order (Notice::Info), then ours. */
export function noticeRecord(alert: Alert): LogRecord {
  const { rule, connection, tunnel, teredo, packet } = alert;
  const line = new JsonLine().time('ts', alert.time).string('uid', alert.uid);
  addConnection(line, connection);
  line
    .string('proto', alert.transport)
    .string('note', rule.note)
    .string('msg', alert.message)
    .string('sub', alert.sub)
    .string('src', connection.origHost)
    .string('dst', connection.respHost)
    .count('p', connection.respPort)
    .count('n', alert.suppressed > 0 ? alert.suppressed : undefined)
    .strings('actions', ['Notice::ACTION_LOG'])
    .strings('email_dest', [])
    .interval('suppress_for', rule.suppressFor)
    .string('alert_id', alert.id)
    .string('rule_id', rule.id)
    .count('rule_rev', rule.rev)
    .string('severity', rule.severity)
    .strings('attack', rule.attack.length > 0 ? rule.attack : undefined)
    .string('tunnel_kind', tunnel.kind)
    .string('tunnel_uid', tunnel.uid)
    .string('tunnel_path', tunnel.path)
    .count('tunnel_depth', tunnel.depth)
    .string('tunnel_outer_orig_h', tunnel.outer.origHost)
    .count('tunnel_outer_orig_p', tunnel.outer.origPort)
    .string('tunnel_outer_resp_h', tunnel.outer.respHost)
    .count('tunnel_outer_resp_p', tunnel.outer.respPort)
    .string('teredo_server', teredo?.server)
    .string('teredo_client', teredo?.client)
    .count('teredo_client_port', teredo?.clientPort)
    .string('community_id', alert.communityId)
    .string('outer_community_id', tunnel.outerCommunityId)
    .string('sensor', alert.sensor);
  if (packet !== undefined) {
    line
      .string('capture_file', packet.captureFile)
      .count('packet_number', packet.packetNumber)
      .count('vlan', packet.vlan[0])
      .count('inner_vlan', packet.vlan[1])
      .string('orig_l2_addr', packet.origMac)
      .string('resp_l2_addr', packet.respMac);
  }
  return { log: 'notice', time: alert.time, severity: rule.severity, json: line.toString() };
}
