import type { Kind } from './kind.js';
import { orFromEnvironment } from './kind.js';
import { wholeNumber } from './scalars.js';

/* Kinds of values that may carry their unit: sizes and durations. */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: KIB, MiB: MIB, GiB: GIB, TiB: TIB };
const SIZE = /^([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)?$/;

/** Octets: `64MiB`, or a plain number. */
export function size(least: number, most: number): Kind<number> {
  const words = `a size from ${writeSize(least)} to ${writeSize(most)}`;
  return {
    words,
    sections: [],
    read(at) {
      const value = wholeNumber(at) ?? parseSize(at.value);
      if (value !== undefined && value >= least && value <= most) return value;
      // Disks are sold in powers of ten, memory in powers of two; nobody should have to guess.
      const hint = /[0-9] ?[kKMGT]B?$/.test(String(at.value)) ? '; units are KiB, MiB, GiB and TiB' : '';
      return at.mismatch(words, hint);
    },
    write: writeSize,
    schema: () =>
      orFromEnvironment(
        { type: 'integer', minimum: least, maximum: most },
        { type: 'string', pattern: SIZE.source },
      ),
  };
}

function parseSize(value: unknown): number | undefined {
  const match = typeof value === 'string' ? SIZE.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * SIZE_UNITS[match[2] ?? 'B']!;
}

/** A number, or one with the largest unit that divides it. */
function writeSize(octets: number): string | number {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const scale = SIZE_UNITS[unit]!;
    if (octets >= scale && octets % scale === 0) return `${octets / scale}${unit}`;
  }
  return octets;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY };
const DURATION = /^([0-9]{1,15}) ?(ms|s|m|h|d)$/;
const NEVER = 'never';

/** Milliseconds, written with their unit: `5s`, `1h`; a plain number is milliseconds. `never` is Infinity. */
export function durationOrNever(least: number, most: number): Kind<number> {
  const words = `a duration from ${writeDuration(least)} to ${writeDuration(most)}, or ${NEVER}`;
  return {
    words,
    sections: [],
    read(at) {
      if (at.value === NEVER) return Infinity;
      const value = wholeNumber(at) ?? parseDuration(at.value);
      return value !== undefined && value >= least && value <= most
        ? value
        : at.mismatch(words, '; units are ms, s, m, h and d');
    },
    write: writeDuration,
    schema: () =>
      orFromEnvironment(
        { const: NEVER },
        { type: 'integer', minimum: least, maximum: most },
        { type: 'string', pattern: DURATION.source },
      ),
  };
}

function parseDuration(value: unknown): number | undefined {
  const match = typeof value === 'string' ? DURATION.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * TIME_UNITS[match[2]!]!;
}

function writeDuration(duration: number): string {
  if (duration === Infinity) return NEVER;
  const unit = ['d', 'h', 'm', 's'].find((name) => Number.isInteger(duration / TIME_UNITS[name]!)) ?? 'ms';
  return `${duration / TIME_UNITS[unit]!}${unit}`;
}
