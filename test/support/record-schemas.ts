import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { LogName, LogRecord } from '../../src/model/records.js';
import { LOG_NAMES } from '../../src/model/records.js';
import { readSchema } from '../../src/sensor/package-files.js';

const ajv = new Ajv2020({ allErrors: true, strict: true });
const VALIDATORS = new Map(LOG_NAMES.map((log) => [log, ajv.compile(readSchema(`zeek-${log}.schema.json`))]));

const FRACTIONS = ['ts', 'suppress_for', 'duration', 'ts_delta', 'pkt_lag', 'percent_lost'].map(
  (key) => [key, new RegExp(`"${key}":([^,}]+)`)] as const,
);

/** Fails unless every record is one line of valid JSON of its schema, with Zeek's key order and number forms. */
export function validateRecords(records: readonly LogRecord[]): void {
  for (const { log, json } of records) validateLine(log, json);
}

export function validateLine(log: LogName, json: string): void {
  assert.ok(!json.includes('\n'));
  const value = JSON.parse(json) as Record<string, unknown>;
  const validate = VALIDATORS.get(log)!;
  assert.ok(validate(value), `${JSON.stringify(validate.errors)} in ${json}`);
  const keys = Object.keys(value).filter((key) => key !== '_path');
  assert.equal(keys[0], 'ts');
  // Times and intervals always have a fraction, which JSON.parse cannot tell.
  for (const [key, pattern] of FRACTIONS) {
    const number = pattern.exec(json)?.[1];
    if (number !== undefined) assert.match(number, /^\d+\.\d+$|e/, `${key} in ${json}`);
  }
  const order = COLUMNS[log].filter((column) => keys.includes(column));
  assert.deepEqual(keys.slice(0, order.length), order);
}

/** Zeek's columns in Zeek's order (reference: zeek.md section 3). */
const ID = ['id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p'];
const COLUMNS: Readonly<Record<LogName, readonly string[]>> = {
  notice: [
    'ts',
    'uid',
    ...ID,
    'proto',
    'note',
    'msg',
    'sub',
    'src',
    'dst',
    'p',
    'n',
    'peer_descr',
    'actions',
    'email_dest',
    'suppress_for',
  ],
  tunnel: ['ts', 'uid', ...ID, 'tunnel_type', 'action'],
  weird: ['ts', 'uid', ...ID, 'name', 'addl', 'notice', 'peer', 'source'],
  reporter: ['ts', 'level', 'message', 'location'],
  stats: [
    'ts',
    'peer',
    'mem',
    'pkts_proc',
    'bytes_recv',
    'pkts_dropped',
    'pkts_link',
    'pkt_lag',
    'reassem_frag_size',
  ],
  capture_loss: ['ts', 'ts_delta', 'peer', 'gaps', 'acks', 'percent_lost'],
  teredo: ['ts', 'ts_delta', 'what'],
};
