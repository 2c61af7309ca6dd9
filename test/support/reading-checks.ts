import type { CheckName } from '../../src/model/checks.js';
import { CHECK, CHECKS, CHECK_WORDS } from '../../src/model/checks.js';
import type { FactSheet } from '../../src/model/fact-sheet.js';
import { CHECK_VALUE, CHECK_VALUES } from '../../src/model/vocabulary.js';
import type { Rule } from '../../src/rules/rule.js';
import type { AnalysisOptions } from '../../src/sensor/analysis.js';
import { loadRules } from '../../src/sensor/load.js';
import type { Prefix } from '../../src/wire/address.js';
import { parsePrefix } from '../../src/wire/address.js';
import type { SixrdDomain } from '../../src/wire/embedded-address.js';
import { parseSixrd } from '../../src/wire/sixrd-domain.js';
import type { TestPacket } from './analysing.js';
import { analyse } from './analysing.js';

function asking(id: string, index: number, matches: (facts: FactSheet) => boolean): Rule {
  return {
    ...loadRules([]).rules[0]!,
    index,
    id,
    on: 'packet',
    matches,
    gate: { violated: undefined, kinds: 0xffffffff, value: undefined, unusual: false },
    dedupKey: [],
    dedupSeconds: 0,
    exceptions: [],
  };
}

/** A rule that is shown the facts of every packet and finds nothing. */
export function looking(look: (facts: FactSheet) => void): Rule {
  return asking('looking', 0, (facts) => {
    look(facts);
    return false;
  });
}

/** For each check a rule with its name, which fires when it is violated. */
export const VIOLATIONS: readonly Rule[] = CHECKS.map(({ name }, index) =>
  asking(name, index, (facts) => facts.checks.get(CHECK[name]) === CHECK_VALUE.violated),
);

/** The same rules, asked as shipped ones are: only when something is violated, so that judged flows are spared. */
export const WAITING_VIOLATIONS: readonly Rule[] = VIOLATIONS.map((rule) => ({
  ...rule,
  gate: { ...rule.gate, violated: new Uint32Array(CHECK_WORDS).fill(0xffffffff) },
}));

export interface SiteTexts {
  readonly vantage?: 'inside' | 'outside' | 'auto';
  readonly local?: readonly string[];
  readonly relays?: readonly string[];
  readonly sixrd?: readonly string[];
}

/** The options of an analysis of such a site. */
export function siteOptions(texts: SiteTexts = {}): Pick<AnalysisOptions, 'site' | 'sixrd'> {
  const prefixes = (list: readonly string[] = []): Prefix[] =>
    list.map((text) => parsePrefix(text) as Prefix);
  return {
    site: {
      vantage: texts.vantage ?? 'auto',
      localNetworks: prefixes(texts.local),
      sixtofourRelays: prefixes(texts.relays),
    },
    sixrd: (texts.sixrd ?? []).map((text) => parseSixrd(text) as SixrdDomain),
  };
}

/** Values of a check, packet by packet. */
export function checksOf(packets: readonly TestPacket[], name: CheckName, texts: SiteTexts = {}): string[] {
  const values: string[] = [];
  const rule = looking((facts) => values.push(CHECK_VALUES[facts.checks.get(CHECK[name])]!));
  analyse(packets, { rules: [rule], ...siteOptions(texts) });
  return values;
}
