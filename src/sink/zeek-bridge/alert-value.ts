import type { ZeekValue } from '../../zeek/bridge/index.js';
import { address, count, NONE, port, PORT_PROTOCOLS, real, string, vector } from '../../zeek/bridge/index.js';
import type { PortProtocol } from '../../zeek/bridge/index.js';
import type { LogRecord, PacketTime } from '../../model/records.js';

/** A line of notice.log, parsed. */
type Notice = Readonly<Record<string, unknown>>;
type FieldReader = (notice: Notice, record: LogRecord) => ZeekValue;

/** Thrown for a line that cannot become an alert; names the key. */
export class UnfitNotice extends Error {
  override readonly name = 'UnfitNotice';
}

/**
 * The fields of the script's record `CopperhullBridge::Alert`, in its order: records travel as vectors. A test compares
 * them with deploy/zeek/copperhull.zeek. Optional fields are those that the readers here may leave unset.
 */
export const ALERT_FIELDS: readonly (readonly [field: string, read: FieldReader])[] = [
  // Epoch seconds: a timestamp of the API has no zone, and may be read as local time.
  ['ts', (_notice, record) => real(epochSeconds(record.time))],
  ['note', (notice) => text(notice, 'note')],
  ['msg', (notice) => text(notice, 'msg')],
  ['severity', (_notice, record) => string(record.severity)],
  ['sensor', (_notice, record) => string(record.keys.sensor)],
  ['json', (_notice, record) => string(record.json)],
  ['sub', (notice) => optionalText(notice, 'sub')],
  ['n', (notice) => optionalCount(notice, 'n')],
  ['uid', (notice) => optionalText(notice, 'uid')],
  ['orig_h', (notice) => optionalAddress(notice, 'id.orig_h')],
  ['orig_p', (notice) => optionalPort(notice, 'id.orig_p', transportOf(notice))],
  ['resp_h', (notice) => optionalAddress(notice, 'id.resp_h')],
  ['resp_p', (notice) => optionalPort(notice, 'id.resp_p', transportOf(notice))],
  ['proto', (notice) => optionalText(notice, 'proto')],
  ['alert_id', (notice) => optionalText(notice, 'alert_id')],
  ['rule_id', (notice) => optionalText(notice, 'rule_id')],
  ['rule_rev', (notice) => optionalCount(notice, 'rule_rev')],
  ['tunnel_kind', (notice) => optionalText(notice, 'tunnel_kind')],
  ['tunnel_uid', (notice) => optionalText(notice, 'tunnel_uid')],
  ['tunnel_path', (notice) => optionalText(notice, 'tunnel_path')],
  ['outer_orig_h', (notice) => optionalAddress(notice, 'tunnel_outer_orig_h')],
  ['outer_orig_p', (notice) => outerPort(notice, 'tunnel_outer_orig_p')],
  ['outer_resp_h', (notice) => optionalAddress(notice, 'tunnel_outer_resp_h')],
  ['outer_resp_p', (notice) => outerPort(notice, 'tunnel_outer_resp_p')],
];

/** A notice as a `CopperhullBridge::Alert`. Throws an UnfitNotice or a ZeekValueError. */
export function alertValue(record: LogRecord): ZeekValue {
  let notice: unknown;
  try {
    notice = JSON.parse(record.json);
  } catch (error) {
    throw new UnfitNotice('The record is not JSON.', { cause: error });
  }
  if (typeof notice !== 'object' || notice === null)
    throw new UnfitNotice('The record is not a JSON object.');
  return vector(ALERT_FIELDS.map(([, read]) => read(notice as Notice, record)));
}

/** Seconds of the epoch, to the microsecond. */
export function epochSeconds(time: PacketTime): number {
  return (time.seconds * 1_000_000 + Math.floor(time.nanoseconds / 1000)) / 1_000_000;
}

function text(notice: Notice, key: string): ZeekValue {
  const value = notice[key];
  if (typeof value !== 'string') throw new UnfitNotice(`The notice has no text in ${key}.`);
  return string(value);
}

function optionalText(notice: Notice, key: string): ZeekValue {
  return notice[key] === undefined ? NONE : text(notice, key);
}

function optionalAddress(notice: Notice, key: string): ZeekValue {
  const value = notice[key];
  if (value === undefined) return NONE;
  if (typeof value !== 'string') throw new UnfitNotice(`The notice has no address in ${key}.`);
  return address(value);
}

function number(notice: Notice, key: string): number | undefined {
  const value = notice[key];
  if (value !== undefined && typeof value !== 'number')
    throw new UnfitNotice(`The notice has no number in ${key}.`);
  return value;
}

function optionalCount(notice: Notice, key: string): ZeekValue {
  const value = number(notice, key);
  return value === undefined ? NONE : count(value);
}

function optionalPort(notice: Notice, key: string, protocol: PortProtocol): ZeekValue {
  const value = number(notice, key);
  return value === undefined ? NONE : port(value, protocol);
}

/* Zeek's `unknown_transport` and anything new have no ports. */
function transportOf(notice: Notice): PortProtocol {
  return PORT_PROTOCOLS.find((protocol) => protocol === notice['proto']) ?? 'unknown';
}

/* Tunnels with ports are tunnels over UDP; all others have 0 there. */
function outerPort(notice: Notice, key: string): ZeekValue {
  const value = number(notice, key);
  return optionalPort(notice, key, value === 0 ? 'unknown' : 'udp');
}
