import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Difference } from './compare.js';

export const TABLE = fileURLToPath(new URL('../../test/oracle/differences.yaml', import.meta.url));

/** Damaged packets among which every listed damage occurs. */
export const ENOUGH_DAMAGED = { seed: 1, packets: 5_000 };

/** A difference that is meant to be, with the reason. Every key of `when` must fit. */
export interface KnownDifference {
  readonly id: string;
  readonly reason: string;
  /** Captures in which it must occur, or one of `GENERATED` (generator). */
  readonly seen_in: readonly string[];
  /** Too rare among damaged packets to be held to occur there. */
  readonly rare?: boolean;
  readonly when: Readonly<
    Partial<
      Record<'kind' | 'layer' | 'after' | 'field' | 'verdict' | 'ours' | 'theirs', string | readonly string[]>
    >
  >;
}

export function readKnownDifferences(): KnownDifference[] {
  return parse(readFileSync(TABLE, 'utf8')) as KnownDifference[];
}

/**
 * Holds what was found in some places against the table. Returns a line for each difference that is not in it, and for
 * each entry that was not seen in a place that was looked at.
 */
export function holdAgainst(
  table: readonly KnownDifference[],
  found: ReadonlyMap<string, readonly Difference[]>,
  { mustOccur = () => true }: { readonly mustOccur?: (place: string) => boolean } = {},
): string[] {
  const complaints: string[] = [];
  const seen = new Set<string>();
  for (const [place, differences] of found) {
    for (const difference of differences) {
      const entry = table.find(({ seen_in, when }) => seen_in.includes(place) && fits(when, difference));
      if (entry === undefined) complaints.push(`${place}: ${differenceText(difference)}`);
      else seen.add(`${entry.id} ${place}`);
    }
  }
  for (const { id, seen_in, rare } of table) {
    for (const place of rare === true ? [] : seen_in) {
      if (found.has(place) && mustOccur(place) && !seen.has(`${id} ${place}`)) {
        complaints.push(`${place}: the listed difference "${id}" occurs no more; take it out of the table.`);
      }
    }
  }
  return complaints;
}

function fits(when: KnownDifference['when'], difference: Difference): boolean {
  return Object.entries(when).every(([key, wanted]) => {
    const value = difference[key as keyof Difference];
    return typeof wanted === 'string' ? value === wanted : wanted.includes(String(value));
  });
}

export function differenceText(difference: Difference): string {
  const { kind, layer, after, field, verdict, packet, ours, theirs } = difference;
  const where = kind === 'field' ? `${layer}.${field}` : `layer ${layer} after ${after}`;
  return `packet ${packet}: ${kind} ${where} (verdict ${verdict}): ours ${ours}, tshark ${theirs}`;
}
