import type { LogName } from '../../model/records.js';
import { LOG_NAMES } from '../../model/records.js';

/*
 * `notice.2026-11-21-07-00-00.log`: the name that Zeek's ASCII writer gives, with the time at which the file was begun.
 * Malcolm and others know this form and take the log's name from it. Times are UTC, so that names sort by time also
 * where clocks are put back in autumn.
 */
const NAME = new RegExp(`^(${LOG_NAMES.join('|')})\\.(\\d{4}(?:-\\d\\d){5})\\.log(\\.gz|\\.gz\\.partial)?$`);

export interface RotatedName {
  readonly log: LogName;
  /** Second in the name, in milliseconds of the Unix epoch. */
  readonly begunMs: number;
  readonly form: 'plain' | 'gzip' | 'partial';
}

/** Name of a rotated file without compression. */
export function rotatedName(log: LogName, begunMs: number): string {
  const stamp = new Date(begunMs).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  return `${log}.${stamp}.log`;
}

/** What a name says; undefined when it is none of ours. */
export function parseRotatedName(name: string): RotatedName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [year, month, day, ...time] = match[2]!.split('-');
  const begunMs = Date.parse(`${year!}-${month!}-${day!}T${time.join(':')}Z`);
  if (Number.isNaN(begunMs)) return undefined;
  const form = match[3] === undefined ? 'plain' : match[3] === '.gz' ? 'gzip' : 'partial';
  return { log: match[1] as LogName, begunMs, form };
}
