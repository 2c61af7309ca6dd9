import { LOG_NAMES } from '../../model/records.js';
import { SinkError } from '../alert-sink.js';
import type { Envelope } from './envelope.js';

export interface TaggedOptions {
  /** Static values that stand beside the record, at the root. Default: none. */
  readonly values?: Readonly<Record<string, string>>;
}

/**
 * The record below its log's name, byte for byte as zeek-kafka 1.2 writes it with `tag_json=T`: a space behind each
 * colon at the root, none behind a comma, static values sorted by the octets of their keys. zeek-kafka writes static
 * values raw; here they are escaped, so that the line is valid JSON whatever they hold. Throws a SinkError when a static
 * value has the name of a log, which would hide the record.
 */
export function taggedEnvelope({ values = {} }: TaggedOptions = {}): Envelope {
  const taken = LOG_NAMES.find((log) => Object.hasOwn(values, log));
  if (taken !== undefined) {
    throw new SinkError(
      `The static value "${taken}" has the name of a log, which the tagged envelope needs itself; rename the value.`,
    );
  }
  const end = `${Object.entries(values)
    .map(([key, value]) => ({
      octets: Buffer.from(key),
      text: `,${JSON.stringify(key)}: ${JSON.stringify(value)}`,
    }))
    .sort((a, b) => Buffer.compare(a.octets, b.octets))
    .map(({ text }) => text)
    .join('')}}`;
  return {
    contentType: 'application/json',
    wrap: (record) => `{"${record.log}": ${record.json}${end}`,
  };
}
