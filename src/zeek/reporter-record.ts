import type { LogRecord, ReporterEvent } from '../model/records.js';
import { JsonLine } from './json-line.js';

const SEVERITY = { INFO: 'informational', WARNING: 'low', ERROR: 'high' } as const;

/** `reporter.log`: Zeek's columns (Reporter::Info), then ours. */
export function reporterRecord(event: ReporterEvent): LogRecord {
  const line = new JsonLine()
    .time('ts', event.time)
    .plain('level', `Reporter::${event.level}`)
    .string('message', event.message)
    .string('location', event.location)
    .string('sensor', event.sensor);
  return {
    log: 'reporter',
    time: event.time,
    severity: SEVERITY[event.level],
    keys: { uid: undefined, communityId: undefined, outerPair: undefined, sensor: event.sensor },
    json: line.toString(),
  };
}
