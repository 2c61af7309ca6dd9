import type { LogName, PacketTime } from '../../model/records.js';

/** What an envelope needs of a record. */
export interface Enclosed {
  readonly log: LogName;
  readonly time: PacketTime;
  /** The record's flat JSON object, one line. */
  readonly json: string;
}

/** The form that a record takes as the value of a message. */
export interface Envelope {
  /** Value of the header `content-type`. */
  readonly contentType: string;
  wrap(record: Enclosed): string;
}
