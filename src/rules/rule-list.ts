import { groupsOf } from '../model/fact-groups.js';
import type { FactSheet } from '../model/fact-sheet.js';
import type { Rule } from './rule.js';
import type { ValueKey } from './value-key.js';

/** Rules that are asked together, and the groups of facts that their conditions read. */
export interface Asked {
  readonly rules: readonly Rule[];
  readonly reads: number;
}

const NOBODY: Asked = { rules: [], reads: 0 };
/** Fewer rules are asked one by one: a look-up costs as much. */
const FEW = 4;

/** Rules by the value of a word of one field. */
export class ValueIndex {
  readonly #present: number;
  readonly #slot: number;
  readonly #mask: number;
  readonly #byValue = new Map<number, { rules: Rule[]; reads: number }>();

  constructor(rules: readonly Rule[], { field, slot, mask }: ValueKey) {
    this.#present = field.id;
    this.#slot = slot;
    this.#mask = mask;
    for (const rule of rules) {
      for (const value of rule.gate.value!.values) {
        const asked = this.#byValue.get(value) ?? { rules: [], reads: 0 };
        this.#byValue.set(value, asked);
        asked.rules.push(rule);
        asked.reads |= rule.reads;
      }
    }
  }

  /** The rules whose value this is. The facts of the field's group are there. */
  find(facts: FactSheet): Asked {
    if (facts.present[this.#present] !== 1) return NOBODY;
    return this.#byValue.get((facts.words[this.#slot]! & this.#mask) >>> 0) ?? NOBODY;
  }
}

/**
 * The rules of one event and kind of tunnel: some are always asked, in their order, and then those that wait for a value,
 * when the facts have it.
 */
export class RuleList {
  readonly size: number;
  readonly always: readonly Rule[];
  readonly byValue: readonly ValueIndex[];
  /** Groups of facts that `always` and the look-ups read. */
  readonly reads: number;

  constructor(rules: readonly Rule[]) {
    this.size = rules.length;
    const always: Rule[] = [];
    const byValue: ValueIndex[] = [];
    let reads = 0;
    for (const { key, group } of groupsByKey(rules)) {
      if (key === undefined || group.length < FEW) {
        always.push(...group);
        continue;
      }
      byValue.push(new ValueIndex(group, key));
      reads |= groupsOf([key.field.name]);
    }
    always.sort((a, b) => a.index - b.index);
    for (const rule of always) reads |= rule.reads;
    this.always = always;
    this.byValue = byValue;
    this.reads = reads;
  }
}

/* In the order of their first rules. */
function groupsByKey(
  rules: readonly Rule[],
): Iterable<{ readonly key: ValueKey | undefined; readonly group: Rule[] }> {
  const groups = new Map<string, { key: ValueKey | undefined; group: Rule[] }>();
  for (const rule of rules) {
    const key = rule.gate.value;
    const name = key === undefined ? '' : `${key.slot}/${key.mask}`;
    const there = groups.get(name) ?? { key, group: [] };
    groups.set(name, there);
    there.group.push(rule);
  }
  return groups.values();
}
