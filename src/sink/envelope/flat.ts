import { withPath } from '../../zeek/json-line.js';
import type { Envelope } from './envelope.js';

export interface FlatOptions {
  /** Puts `_path` with the log's name first, for topics that mix logs. Default: false. */
  readonly path?: boolean;
}

/** The record's JSON line as it is: what Zeek's ASCII writer and zeek-kafka with `tag_json=F` give. */
export function flatEnvelope({ path = false }: FlatOptions = {}): Envelope {
  return {
    contentType: 'application/json',
    wrap: path ? (record) => withPath(record.log, record.json) : (record) => record.json,
  };
}
