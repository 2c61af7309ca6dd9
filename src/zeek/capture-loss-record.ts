import type { Profile } from '../model/profile.js';
import type { CaptureLossEvent, LogRecord } from '../model/records.js';
import { DROP_KINDS } from '../model/records.js';
import { JsonLine } from './json-line.js';

/**
 * `capture_loss.log`: Zeek's columns (CaptureLoss::Info), then ours. Zeek estimates loss from TCP acknowledgements of what it
 * did not see; here drops are counted where they happen: `gaps` are packets that were dropped, `acks` all that there were.
 */
export function captureLossRecord(event: CaptureLossEvent, profile: Profile = 'extended'): LogRecord {
  const { drops } = event;
  const unknown = DROP_KINDS.filter((kind) => drops[kind] === undefined);
  const line = new JsonLine(profile)
    .time('ts', event.time)
    .interval('ts_delta', event.seconds)
    .string('peer', event.sensor)
    .count('gaps', event.lost)
    .count('acks', event.expected)
    .interval('percent_lost', event.percentLost)
    .beyondZeek()
    .string('interface', event.interface)
    .count('kernel_drops', drops.kernel)
    .count('interface_drops', drops.interface)
    .count('ring_full_drops', drops.ring_full)
    .count('unread_drops', drops.unread)
    .strings('unknown_drops', unknown.length > 0 ? unknown : undefined)
    .string('sensor', event.sensor);
  return {
    log: 'capture_loss',
    time: event.time,
    severity: 'informational',
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor: event.sensor },
    json: line.toString(),
  };
}
