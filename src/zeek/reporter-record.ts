import type { Profile } from '../model/profile.js';
import type { LogRecord, ReporterEvent } from '../model/records.js';
import { JsonLine } from './json-line.js';

const SEVERITY = { INFO: 'informational', WARNING: 'low', ERROR: 'high' } as const;

/** `reporter.log`: Zeek's columns (Reporter::Info), then ours. */
export function reporterRecord(event: ReporterEvent, profile: Profile = 'extended'): LogRecord {
  const line = new JsonLine(profile)
    .time('ts', event.time)
    .plain('level', `Reporter::${event.level}`)
    .string('message', event.message)
    .string('location', event.location)
    .beyondZeek()
    .string('sensor', event.sensor);
  return {
    log: 'reporter',
    time: event.time,
    severity: SEVERITY[event.level],
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor: event.sensor },
    json: line.toString(),
  };
}
