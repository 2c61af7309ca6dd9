import { readdir, stat } from 'node:fs/promises';
import { LOG_NAMES } from '../../model/records.js';
import type { LogName } from '../../model/records.js';
import type { Severity } from '../../model/severity.js';
import { SEVERITIES } from '../../model/severity.js';
import type { Committed } from './committed-file.js';
import { readCommitted } from './committed-file.js';
import type { SpooledRecord } from './record-codec.js';
import { decodeRecord } from './record-codec.js';
import { scanRecords, scanSegment, SEGMENT_HEADER, segmentFirst, segmentPath } from './segment.js';
import { SpoolError, spoolError } from './spool-error.js';
import { SpoolLock } from './spool-lock.js';

/** What a look at a spool from outside shows. Nothing is changed, so the spool may be in use. */
export interface SpoolReport {
  readonly folder: string;
  /** Process that writes it now. */
  readonly holder: number | undefined;
  /** Undefined when the file is damaged: then everything is sent again. */
  readonly committed: Committed | undefined;
  readonly bytes: number;
  readonly segments: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly first: number;
    readonly last: number;
    readonly records: number;
    readonly dropped: number;
    /** Places where octets between records are damaged. */
    readonly damagedPlaces: number;
    /** Octets behind the last whole record: a write that is going on, or was cut off. */
    readonly tailBytes: number;
    readonly modified: string;
  }[];
  readonly waiting: {
    readonly records: number;
    readonly byLog: Readonly<Partial<Record<LogName, number>>>;
    readonly bySeverity: Readonly<Partial<Record<Severity, number>>>;
    /** Packet times of the first and the last, ISO 8601. */
    readonly first: string | undefined;
    readonly last: string | undefined;
  };
}

/** Looks at a spool. Rejects with a SpoolError when the folder is none. */
export async function inspectSpool(folder: string): Promise<SpoolReport> {
  const firsts = await segmentsOf(folder);
  const committed = await readCommitted(folder);
  const segments: SpoolReport['segments'][number][] = [];
  for (const first of firsts) {
    const path = segmentPath(folder, first);
    const scanned = await unlessGone(() => scanSegment(folder, first));
    const info = await unlessGone(() => stat(path));
    if (scanned === undefined || info === undefined) continue;
    const { segment, damagedRuns, tailBytes } = scanned;
    const { bytes, last, records, dropped } = segment;
    const modified = info.mtime.toISOString();
    segments.push({
      path,
      bytes,
      first,
      last,
      records,
      dropped,
      damagedPlaces: damagedRuns,
      tailBytes,
      modified,
    });
  }
  const byLog: Partial<Record<LogName, number>> = {};
  const bySeverity: Partial<Record<Severity, number>> = {};
  let records = 0;
  let firstTime: string | undefined;
  let lastTime: string | undefined;
  for await (const some of spooledRecords(folder, (committed?.settled ?? 0) + 1)) {
    for (const { log, severity, time } of some) {
      records++;
      byLog[log] = (byLog[log] ?? 0) + 1;
      bySeverity[severity] = (bySeverity[severity] ?? 0) + 1;
      lastTime = new Date(time.seconds * 1000 + time.nanoseconds / 1e6).toISOString();
      firstTime ??= lastTime;
    }
  }
  return {
    folder,
    holder: SpoolLock.holder(folder),
    committed,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    segments,
    waiting: {
      records,
      byLog: inOrder(byLog, LOG_NAMES),
      bySeverity: inOrder(bySeverity, SEVERITIES),
      first: firstTime,
      last: lastTime,
    },
  };
}

/** The records of a spool from a sequence on, a segment's at a time, without changing anything. */
export async function* spooledRecords(folder: string, from: number): AsyncGenerator<SpooledRecord[]> {
  for (const first of await segmentsOf(folder)) {
    const records: SpooledRecord[] = [];
    // A sensor that runs removes segments as they are delivered.
    await unlessGone(() =>
      scanRecords(segmentPath(folder, first), SEGMENT_HEADER, (bytes, place) => {
        if (place.sequence >= from) records.push(decodeRecord(bytes, place));
      }),
    );
    if (records.length > 0) yield records;
  }
}

/** Sequence of the first record that is not settled. */
export async function firstWaiting(folder: string): Promise<number> {
  return ((await readCommitted(folder))?.settled ?? 0) + 1;
}

async function segmentsOf(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new SpoolError('unwritable', `There is no spool ${folder}; check its path.`, { cause: error });
    if (code === 'EACCES' || code === 'EPERM')
      throw new SpoolError('unwritable', `The spool ${folder} may not be read; use the user of the sensor.`, {
        cause: error,
      });
    throw spoolError(error, folder);
  }
  const firsts = names.map(segmentFirst).filter((first) => first !== undefined);
  if (firsts.length === 0 && !names.includes('committed.json')) {
    throw new SpoolError(
      'unwritable',
      `${folder} is not a spool: there are no segments in it; name the folder of a sink's spool.`,
    );
  }
  return firsts.sort((a, b) => a - b);
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function inOrder<Key extends string>(
  counts: Readonly<Partial<Record<Key, number>>>,
  keys: readonly Key[],
): Partial<Record<Key, number>> {
  return Object.fromEntries(
    keys.filter((key) => counts[key] !== undefined).map((key) => [key, counts[key]]),
  ) as Partial<Record<Key, number>>;
}
