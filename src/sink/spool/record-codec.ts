import type { LogRecord, RecordKeys } from '../../model/records.js';
import { LOG_NAMES } from '../../model/records.js';
import { SEVERITIES } from '../../model/severity.js';
import { crc32c } from './crc32c.js';

/*
 * A record in a segment, little endian:
 *
 *     marker (4) | body length (4) | CRC-32C (4) | sequence (8) | seconds (4) | nanoseconds (4) | log (1) | severity (1) | 0 (2) | body
 *
 * The body is four short texts (uid, Community ID, outer pair, sensor; one octet of length each, 255 for none), then
 * the record's JSON. The CRC covers everything but marker and itself. The marker lets a reader find the next record
 * behind damage; a chance match fails the CRC.
 */
const MARKER = 0x43485231; // "1RHC"
const LENGTH = 4;
const CRC = LENGTH + 4;
const SEQUENCE = CRC + 4;
const SECONDS = SEQUENCE + 8;
const NANOSECONDS = SECONDS + 4;
const LOG = NANOSECONDS + 4;
const SEVERITY = LOG + 1;
export const RECORD_HEADER = SEVERITY + 3;

/** Largest body that a record may have; more is a damaged length. */
export const MAX_BODY = 1024 * 1024;
const NO_TEXT = 255;
const MAX_TEXT = 254;
const WORD = 0x100000000;

/** A record with its place in the spool. */
export interface SpooledRecord extends LogRecord {
  /** Number of the record, from 1, without gaps over the spool's life. */
  readonly sequence: number;
}

/** Upper bound of the octets that a record takes. */
export function encodedBound(record: LogRecord): number {
  return RECORD_HEADER + 4 * (MAX_TEXT + 1) + record.json.length * 3;
}

/** Writes a record at `at`, where {@link encodedBound} octets are free. Returns the offset behind it. */
export function encodeRecord(record: LogRecord, sequence: number, into: Buffer, at: number): number {
  const { uid, communityId, outerPair, sensor } = record.keys;
  let end = at + RECORD_HEADER;
  end = writeText(into, end, uid);
  end = writeText(into, end, communityId);
  end = writeText(into, end, outerPair);
  end = writeText(into, end, sensor);
  end += into.write(record.json, end);
  into.writeUInt32LE(MARKER, at);
  into.writeUInt32LE(end - at - RECORD_HEADER, at + LENGTH);
  into.writeUInt32LE(sequence % WORD, at + SEQUENCE);
  into.writeUInt32LE(Math.floor(sequence / WORD), at + SEQUENCE + 4);
  into.writeUInt32LE(record.time.seconds, at + SECONDS);
  into.writeUInt32LE(record.time.nanoseconds, at + NANOSECONDS);
  into[at + LOG] = LOG_NAMES.indexOf(record.log);
  into[at + SEVERITY] = SEVERITIES.indexOf(record.severity);
  into[at + SEVERITY + 1] = 0;
  into[at + SEVERITY + 2] = 0;
  into.writeUInt32LE(checksum(into, at, end), at + CRC);
  return end;
}

/* Length, then everything behind the CRC. */
function checksum(bytes: Uint8Array, at: number, end: number): number {
  return (crc32c(bytes, at + SEQUENCE, end) ^ crc32c(bytes, at + LENGTH, at + CRC)) >>> 0;
}

function writeText(into: Buffer, at: number, text: string | undefined): number {
  if (text === undefined) {
    into[at] = NO_TEXT;
    return at + 1;
  }
  const length = into.write(text, at + 1, MAX_TEXT);
  into[at] = length;
  return at + 1 + length;
}

/** What stands at an offset of a segment. */
export interface RecordPlace {
  readonly at: number;
  readonly end: number;
  readonly sequence: number;
  readonly severity: number;
}

export type PlaceResult = RecordPlace | 'incomplete' | 'damaged';

/**
 * Looks at the octets from `at`: a whole, undamaged record; one that reaches past `end` (`incomplete`); or anything
 * else (`damaged`).
 */
export function recordAt(bytes: Buffer, at: number, end: number): PlaceResult {
  if (end - at < 4) return 'incomplete';
  if (bytes.readUInt32LE(at) !== MARKER) return 'damaged';
  if (end - at < RECORD_HEADER) return 'incomplete';
  const length = bytes.readUInt32LE(at + LENGTH);
  if (length > MAX_BODY) return 'damaged';
  const recordEnd = at + RECORD_HEADER + length;
  if (recordEnd > end) return 'incomplete';
  if (bytes.readUInt32LE(at + CRC) !== checksum(bytes, at, recordEnd)) return 'damaged';
  // A log or severity of a later release: nobody here can say what it is.
  if (bytes[at + LOG]! >= LOG_NAMES.length || bytes[at + SEVERITY]! >= SEVERITIES.length) return 'damaged';
  const sequence = bytes.readUInt32LE(at + SEQUENCE) + bytes.readUInt32LE(at + SEQUENCE + 4) * WORD;
  return { at, end: recordEnd, sequence, severity: bytes[at + SEVERITY]! };
}

/** Offset of the next marker at or behind `from`, or -1. */
export function findMarker(bytes: Buffer, from: number, end: number): number {
  const marker = Buffer.alloc(4);
  marker.writeUInt32LE(MARKER);
  const found = bytes.subarray(0, end).indexOf(marker, from);
  return found;
}

/** Reads the record at a place that {@link recordAt} found good. */
export function decodeRecord(bytes: Buffer, place: RecordPlace): SpooledRecord {
  const { at, end, sequence } = place;
  let here = at + RECORD_HEADER;
  const text = (): string | undefined => {
    const length = bytes[here]!;
    here += 1;
    if (length === NO_TEXT) return undefined;
    here += length;
    return bytes.toString('utf8', here - length, here);
  };
  const keys: RecordKeys = { uid: text(), communityId: text(), outerPair: text(), sensor: text() ?? '' };
  return {
    sequence,
    log: LOG_NAMES[bytes[at + LOG]!]!,
    severity: SEVERITIES[bytes[at + SEVERITY]!]!,
    time: { seconds: bytes.readUInt32LE(at + SECONDS), nanoseconds: bytes.readUInt32LE(at + NANOSECONDS) },
    keys,
    json: bytes.toString('utf8', here, end),
  };
}
