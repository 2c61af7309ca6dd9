import type { IHeaders } from 'kafkajs';
import type { LogName } from '../../model/records.js';
import { zeekTime } from '../../zeek/json-line.js';
import type { SpooledRecord } from '../spool/record-codec.js';
import type { KafkaOptions, KeyChoice } from './kafka-options.js';

/** A message in the form that kafkajs takes. Its time is left to kafkajs, which stamps it with the wall clock. */
export interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: IHeaders;
  partition?: number;
}

interface Constant {
  readonly headers: Readonly<Record<'log' | 'schema' | 'content-type', Buffer>>;
  readonly bytes: number;
}

/* Octets of the record format's own fields: lengths, deltas, attributes, and those of each header. */
const RECORD_OVERHEAD = 40;
const HEADER_OVERHEAD = 4;

/**
 * Turns records into messages. The message time is never the packet's: a broker removes messages with an old time by its
 * retention at once, and refuses a whole batch for one with a time ahead of its own. Packet time is in the record, and in
 * a header for those that do not open it.
 */
export class KafkaMessages {
  readonly #options: KafkaOptions;
  /* The headers of a log that are the same for each of its records. */
  readonly #constant = new Map<LogName, Constant>();

  constructor(options: KafkaOptions) {
    this.#options = options;
  }

  make(record: SpooledRecord): { readonly message: KafkaMessage; readonly bytes: number } {
    const key = keyOf(record, this.#options.key);
    const value = Buffer.from(this.#options.envelope.wrap(record));
    const { headers, bytes } = this.#headersOf(record);
    const time = zeekTime(record.time);
    const sensor = Buffer.from(record.keys.sensor);
    return {
      message: {
        key,
        value,
        headers: {
          sensor,
          log: headers.log,
          schema: headers.schema,
          'content-type': headers['content-type'],
          'packet-time': Buffer.from(time),
        },
      },
      bytes: RECORD_OVERHEAD + (key?.length ?? 0) + value.length + bytes + sensor.length + time.length,
    };
  }

  #headersOf({ log }: SpooledRecord): Constant {
    let constant = this.#constant.get(log);
    if (constant === undefined) {
      const headers = {
        log: Buffer.from(log),
        schema: Buffer.from(`urn:copperhull:zeek-${log}`),
        'content-type': Buffer.from(this.#options.envelope.contentType),
      };
      const names = ['sensor', 'packet-time', ...Object.keys(headers)];
      const bytes =
        names.reduce((sum, name) => sum + name.length + HEADER_OVERHEAD, 0) +
        Object.values(headers).reduce((sum, value) => sum + value.length, 0);
      constant = { headers, bytes };
      this.#constant.set(log, constant);
    }
    return constant;
  }
}

function keyOf({ keys }: SpooledRecord, choice: KeyChoice): Buffer | null {
  const text = {
    none: undefined,
    uid: keys.uid,
    community_id: keys.communityId,
    outer_pair: keys.outerPair,
    sensor: keys.sensor,
  }[choice];
  return text === undefined ? null : Buffer.from(text);
}
