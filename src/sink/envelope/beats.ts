import type { LogName, PacketTime } from '../../model/records.js';
import { LOG_NAMES } from '../../model/records.js';
import type { Envelope } from './envelope.js';

export const DEFAULT_LOG_FOLDER = '/var/log/copperhull';
/** Version of the Elastic Common Schema that Filebeat 8 names. */
const ECS_VERSION = '8.0.0';

export interface BeatsOptions {
  /** Name of the sensor: `host.name` and `agent.name`. */
  readonly sensor: string;
  /** Folder of `log.file.path`; nothing needs to be there. Default: {@link DEFAULT_LOG_FOLDER}. */
  readonly logFolder?: string;
  /** Default: none, and then no `tags`. */
  readonly tags?: readonly string[];
  /** Static values, below `fields`. Default: none, and then no `fields`. */
  readonly values?: Readonly<Record<string, string>>;
}

/**
 * What Filebeat would send for this line of `notice.log`, as far as somebody reads it (docs/envelopes.md says who reads
 * which key). There is no `log.offset`: the record was not read from a file, and no reader needs it.
 */
export function beatsEnvelope(options: BeatsOptions): Envelope {
  const ends = new Map(LOG_NAMES.map((log) => [log, fixedKeys(log, options)]));
  return {
    contentType: 'application/json',
    wrap: ({ log, time, json }) =>
      `{"@timestamp":"${isoTime(time)}","message":${JSON.stringify(json)},${ends.get(log)!}`,
  };
}

/* Everything behind the message, which is the same for all records of a log; with the closing brace. */
function fixedKeys(log: LogName, { sensor, logFolder, tags = [], values = {} }: BeatsOptions): string {
  const folder = (logFolder ?? DEFAULT_LOG_FOLDER).replace(/\/+$/, '');
  return JSON.stringify({
    '@metadata': { pipeline: `zeek.${log}` },
    log: { file: { path: `${folder}/${log}.log` } },
    event: { dataset: `zeek.${log}`, module: 'zeek' },
    host: { name: sensor },
    agent: { name: sensor, type: 'filebeat' },
    ecs: { version: ECS_VERSION },
    input: { type: 'log' },
    ...(tags.length > 0 ? { tags } : {}),
    ...(Object.keys(values).length > 0 ? { fields: values } : {}),
  }).slice(1);
}

/* Milliseconds, cut off. Packet times are 32-bit seconds, which a Date holds. */
function isoTime({ seconds, nanoseconds }: PacketTime): string {
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000)).toISOString();
}
