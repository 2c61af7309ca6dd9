import type { FactSheet } from '../model/fact-sheet.js';
import type { Rule } from '../rules/rule.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { murmur128 } from '../wire/hash.js';

const KEY_WORDS = 64;
const WIDTH = { ip: 4, mac: 2, u64: 2 } as const;

/**
 * Keeps alerts few: a rule fires once per flow (or tunnel), and further alerts of the same key within the rule's time
 * are merged into the next one, whose `n` says how many they were. All in packet time, all bounded.
 */
export class Suppression {
  /** Findings of the key that were suppressed since its last alert; set by {@link admit}. */
  merged = 0;
  readonly #fired: BoundedTable;
  readonly #keys: BoundedTable;
  readonly #words = new Uint32Array(KEY_WORDS);
  readonly #hash = new Uint32Array(4);
  #until = new Float64Array(0);
  #merged = new Uint32Array(0);

  constructor(capacity: number) {
    this.#fired = new BoundedTable({ keyWords: 3, capacity });
    this.#keys = new BoundedTable({
      keyWords: 5,
      capacity,
      onGrow: (slots) => {
        this.#until = grown(this.#until, new Float64Array(slots));
        this.#merged = grown(this.#merged, new Uint32Array(slots));
      },
    });
  }

  get evictions(): number {
    return this.#fired.evictions + this.#keys.evictions;
  }

  /** Whether the rule has not fired for this flow or tunnel yet; remembers that it has now. */
  isFirst(rule: Rule, isFlow: boolean, id: number, now: number): boolean {
    const { key } = this.#fired;
    key[0] = rule.index;
    key[1] = id;
    key[2] = isFlow ? 1 : 0;
    const slot = this.#fired.find();
    if (slot >= 0) {
      this.#fired.touch(slot, now);
      return false;
    }
    this.#fired.insert(now);
    return true;
  }

  /** Whether a finding becomes an alert; when it does, `merged` says how many did not since the last. */
  admit(rule: Rule, facts: FactSheet, now: number): boolean {
    this.#fillKey(rule, facts);
    let slot = this.#keys.find();
    if (slot < 0) {
      slot = this.#keys.insert(now);
      this.#merged[slot] = 0;
    } else {
      this.#keys.touch(slot, now);
      if (now < this.#until[slot]!) {
        this.#merged[slot]! += 1;
        return false;
      }
    }
    this.merged = this.#merged[slot]!;
    this.#merged[slot] = 0;
    this.#until[slot] = now + rule.dedupSeconds;
    return true;
  }

  #fillKey(rule: Rule, facts: FactSheet): void {
    const words = this.#words;
    let count = 0;
    for (const field of rule.dedupKey) {
      const isPresent = field.check >= 0 || facts.present[field.id] === 1;
      words[count++] = isPresent ? 1 : 0;
      const width = field.type in WIDTH ? WIDTH[field.type as keyof typeof WIDTH] : 1;
      for (let i = 0; i < width; i++) {
        words[count++] = !isPresent
          ? 0
          : field.check >= 0
            ? facts.checks.get(field.check)
            : facts.words[field.slot + i]!;
      }
    }
    murmur128(words, count, 0, this.#hash);
    const { key } = this.#keys;
    key[0] = rule.index;
    for (let i = 0; i < 4; i++) key[1 + i] = this.#hash[i]!;
  }
}
