import type { LogRecord } from '../../src/model/records.js';
import type { Severity } from '../../src/model/severity.js';

/** A record of about 500 octets that names its number. */
export function logRecord(number: number, severity: Severity = 'medium', size = 500): LogRecord {
  const base = `{"ts":1700000000.0,"uid":"C${number}","alert_id":"A${number}","note":"TunnelAbuse::Test","pad":"`;
  return {
    log: 'notice',
    time: { seconds: 1_700_000_000 + number, nanoseconds: number % 1_000_000_000 },
    severity,
    keys: {
      uid: `C${number}`,
      communityId: undefined,
      outerPair: `10.0.0.${number % 50} 10.1.0.1`,
      sensor: 'test',
    },
    json: `${base}${'x'.repeat(Math.max(0, size - base.length - 2))}"}`,
  };
}

/** The number that a record names. */
export function numberOf(record: { readonly json: string }): number {
  return Number(/"alert_id":"A(\d+)"/.exec(record.json)![1]);
}

export function logRecords(from: number, to: number, severity: Severity = 'medium', size = 500): LogRecord[] {
  return Array.from({ length: to - from }, (_, i) => logRecord(from + i, severity, size));
}
