import type { CheckName } from '../../src/model/checks.js';
import { CHECK, CHECK_WORDS, CHECKS } from '../../src/model/checks.js';
import type { FactSheet } from '../../src/model/fact-sheet.js';
import { CHECK_VALUES } from '../../src/model/vocabulary.js';
import type { Rule } from '../../src/rules/rule.js';
import type { AnalysisOptions } from '../../src/sensor/analysis.js';
import { loadRules } from '../../src/sensor/load.js';
import { parsePrefix } from '../../src/wire/address.js';
import type { Prefix } from '../../src/wire/address.js';
import { analyse, analyseCapture } from './analysing.js';
import type { TestPacket } from './analysing.js';

const TEMPLATE = loadRules([]).rules[0]!;

/** A rule that reads the checks of every packet in a tunnel and finds nothing. */
function reading(read: (facts: FactSheet) => void): Rule {
  return {
    ...TEMPLATE,
    index: 0,
    id: 'reads-checks',
    on: 'packet',
    matches: (facts) => {
      read(facts);
      return false;
    },
    gate: { violated: undefined, kinds: 0xffffffff, value: undefined, unusual: false },
  };
}

export interface CheckingOptions {
  readonly vantage?: 'inside' | 'outside' | 'auto';
  readonly local?: readonly string[];
  readonly limits?: AnalysisOptions['limits'];
}

function withSite({ vantage = 'auto', local = [], limits }: CheckingOptions): Partial<AnalysisOptions> {
  const localNetworks = local.map((text) => parsePrefix(text) as Prefix);
  return { site: { vantage, localNetworks }, ...(limits === undefined ? {} : { limits }) };
}

/** Value of one check for each packet. */
export function valuesOf(
  name: CheckName,
  packets: readonly TestPacket[],
  options: CheckingOptions = {},
): string[] {
  const values: string[] = [];
  const rule = reading((facts) => values.push(CHECK_VALUES[facts.checks.get(CHECK[name])]!));
  analyse(packets, { ...withSite(options), rules: [rule] });
  return values;
}

/** Value of one check for the last packet. */
export function valueOf(
  name: CheckName,
  packets: readonly TestPacket[],
  options: CheckingOptions = {},
): string {
  return valuesOf(name, packets, options).at(-1) ?? 'no tunnel';
}

/** Names of the checks that some packet violates, sorted. */
export function violatedBy(packets: readonly TestPacket[], options: CheckingOptions = {}): string[] {
  const violated = new Set<string>();
  analyse(packets, { ...withSite(options), rules: [reading((facts) => addViolated(facts, violated))] });
  return [...violated].sort();
}

/** Packets of a capture file that violate each check. */
export async function violatedInCapture(
  path: string,
  options: CheckingOptions = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const rule = reading((facts) => {
    const violated = new Set<string>();
    addViolated(facts, violated);
    for (const name of violated) counts[name] = (counts[name] ?? 0) + 1;
  });
  await analyseCapture(path, { ...withSite(options), rules: [rule] });
  return counts;
}

/**
 * How many packets violate one check where no rule asks about every packet, so that packets of known flows are counted
 * without being looked at; and how many those are.
 */
export function violationsBesideKnownFlows(
  name: CheckName,
  packets: readonly TestPacket[],
): { violations: number; undecoded: number } {
  let violations = 0;
  const violated = new Uint32Array(CHECK_WORDS);
  violated[CHECK[name] >>> 5] = 1 << (CHECK[name] & 31);
  const asked = reading((facts) => {
    if (CHECK_VALUES[facts.checks.get(CHECK[name])] === 'violated') violations++;
  });
  const rule = { ...asked, gate: { ...asked.gate, violated } };
  const { analysis } = analyse(packets, { rules: [rule] });
  return { violations, undecoded: analysis.counters.undecoded };
}

function addViolated(facts: FactSheet, into: Set<string>): void {
  CHECKS.forEach(({ name }, check) => {
    if (CHECK_VALUES[facts.checks.get(check)] === 'violated') into.add(name);
  });
}
