import type { Profile } from '../model/profile.js';
import type { LogRecord, WeirdEvent } from '../model/records.js';
import { hostPair } from '../model/records.js';
import { addConnection } from './connection-columns.js';
import { JsonLine } from './json-line.js';

/** `weird.log`: Zeek's columns (Weird::Info), then ours. `peer` is the sensor's name, as Zeek puts its node's. */
export function weirdRecord(event: WeirdEvent, profile: Profile = 'extended'): LogRecord {
  const line = new JsonLine(profile).time('ts', event.time).plain('uid', event.uid);
  if (event.connection !== undefined) addConnection(line, event.connection);
  line
    .plain('name', event.name)
    .string('addl', event.detail)
    .bool('notice', false)
    .string('peer', event.sensor)
    .plain('source', event.source)
    .beyondZeek()
    .string('capture_file', event.captureFile)
    .count('packet_number', event.packetNumber);
  return {
    log: 'weird',
    time: event.time,
    severity: 'informational',
    keys: {
      uid: event.uid,
      communityId: undefined,
      outerPair: event.connection === undefined ? undefined : hostPair(event.connection),
      sensor: event.sensor,
    },
    json: line.toString(),
  };
}
