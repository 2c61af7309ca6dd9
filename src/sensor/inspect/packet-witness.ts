import type { CheckName } from '../../model/checks.js';
import { CHECKS } from '../../model/checks.js';
import { ALL_FACTS } from '../../model/fact-groups.js';
import type { FactSheet } from '../../model/fact-sheet.js';
import type { Field } from '../../model/fields.js';
import { FIELD, FIELDS } from '../../model/fields.js';
import { CHECK_VALUES, TUNNEL_KINDS } from '../../model/vocabulary.js';
import type { Rule } from '../../rules/rule.js';

export type FactValue = string | number | boolean;

/** What the analysis knows of one tunnel of a packet, as rules see it. */
export interface WitnessedTunnel {
  /** From 1, outermost first. */
  readonly level: number;
  /** The packet was judged from its first fragment alone. */
  readonly isAlone: boolean;
  /** Facts that are there, by the part of their name before the dot and the part behind it. */
  readonly facts: Readonly<Record<string, Readonly<Record<string, FactValue>>>>;
  readonly checks: Readonly<Record<CheckName, string>>;
}

/**
 * A rule that finds nothing and sees everything: it is asked about every packet in every tunnel, with all facts filled
 * and all checks decided, exactly as the rules of a replay are.
 */
export class PacketWitness {
  /** What was seen since {@link take}, in the order in which it was judged. */
  #seen: WitnessedTunnel[] = [];

  readonly rule: Rule = {
    index: 0,
    id: 'packet-witness',
    rev: 1,
    title: '',
    description: '',
    on: 'packet',
    about: 'tunnel',
    severity: 'informational',
    status: 'stable',
    note: '',
    conditionText: '',
    fields: new Set(),
    matches: (facts) => {
      this.#seen.push(witnessed(facts));
      return false;
    },
    gate: { violated: undefined, kinds: 2 ** TUNNEL_KINDS.length - 1, value: undefined, unusual: false },
    reads: ALL_FACTS,
    readsTotals: false,
    message: { text: '', fields: [], render: () => '' },
    dedupKey: [],
    dedupSeconds: 0,
    attack: [],
    detections: [],
    references: [],
    falsePositives: '',
    exceptions: [],
    tests: [],
    file: '',
    line: 0,
  };

  /** What was seen since the last call. */
  take(): WitnessedTunnel[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }
}

function witnessed(facts: FactSheet): WitnessedTunnel {
  const groups: Record<string, Record<string, FactValue>> = {};
  for (const field of FIELDS) {
    if (field.check >= 0 || !facts.has(field.id)) continue;
    const [group = '', name = ''] = field.name.split('.');
    (groups[group] ??= {})[name] = valueOf(facts, field);
  }
  return {
    level: facts.number(FIELDS[FIELD['tunnel.level']]!),
    isAlone: facts.number(FIELDS[FIELD['packet.incomplete']]!) === 1,
    facts: groups,
    checks: Object.fromEntries(
      CHECKS.map(({ name }, check) => [name, CHECK_VALUES[facts.checks.get(check)]!]),
    ) as Record<CheckName, string>,
  };
}

function valueOf(facts: FactSheet, field: Field): FactValue {
  switch (field.type) {
    case 'ip':
    case 'mac':
    case 'enum':
    case 'string':
      return facts.text(field);
    case 'bool':
      return facts.number(field) === 1;
    default:
      return facts.number(field);
  }
}
