import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { autoFilter } from '../../../src/capture/filter/automatic-filter.js';
import { tunnelNeeds } from '../../../src/capture/filter/filter-needs.js';
import { LINK_TYPE } from '../../../src/wire/numbers.js';

/** Options that all benchmarks under load have; each has further numbers of its own. */
export interface BenchOptions<Own extends string> {
  readonly seconds: number;
  /** Frames of the corpus, and the share of them that tunnels carry. */
  readonly frames: number;
  readonly tunnelPercent: number;
  readonly senders: number;
  /** Octets of the kernel's ring. */
  readonly bufferBytes: number;
  readonly filter: 'auto' | 'none';
  readonly isFromSource: boolean;
  readonly own: Readonly<Record<Own, number>>;
}

const COMMON = {
  frames: 1_000_000,
  'tunnel-percent': 40,
  senders: availableParallelism(),
  ring: 32 * 1024 * 1024,
} as const;

/** Reads the command line. `own` are numbers with their defaults; a number that is none throws. */
export function benchOptions<Own extends string>(
  own: Readonly<Record<Own | 'seconds', number>>,
  filter: 'auto' | 'none',
): BenchOptions<Own | 'seconds'> {
  const numbers: Readonly<Record<string, number>> = { ...COMMON, ...own };
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: 'string' }] as const)),
      filter: { type: 'string' },
      'from-source': { type: 'boolean' },
    },
  });
  const given = values as Readonly<Record<string, string | boolean | undefined>>;
  const number = (name: string): number => {
    const value = given[name] === undefined ? numbers[name]! : Number(given[name]);
    if (!(value >= 0)) throw new RangeError(`--${name} wants a number, not "${String(given[name])}".`);
    return value;
  };
  const wanted = given['filter'] ?? filter;
  if (wanted !== 'auto' && wanted !== 'none') throw new RangeError('--filter is auto or none.');
  return {
    seconds: number('seconds'),
    frames: number('frames'),
    tunnelPercent: number('tunnel-percent'),
    senders: Math.max(1, number('senders')),
    bufferBytes: number('ring'),
    filter: wanted,
    isFromSource: given['from-source'] === true,
    own: Object.fromEntries(Object.keys(own).map((name) => [name, number(name)])) as Record<
      Own | 'seconds',
      number
    >,
  };
}

/** The text of the filter that the sensor will use, for the bare loop and the senders. */
export function filterText(filter: 'auto' | 'none'): string {
  return filter === 'none' ? '' : autoFilter(tunnelNeeds(LINK_TYPE.ETHERNET)).text;
}
