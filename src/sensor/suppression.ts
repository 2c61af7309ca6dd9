import type { FactSheet } from '../model/fact-sheet.js';
import type { Rule } from '../rules/rule.js';
import { BoundedTable, grown } from '../state/bounded-table.js';
import { murmur128 } from '../wire/hash.js';

const KEY_WORDS = 64;
/** How far packets may be out of order and still count as one time. */
const OUT_OF_ORDER_SECONDS = 3_600;
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
  /* Number of each rule by its index. An unchanged rule keeps it when rules are read again. */
  #numbers: readonly number[] = [];
  readonly #numberOf = new Map<string, number>();
  readonly #words = new Uint32Array(KEY_WORDS);
  readonly #hash = new Uint32Array(4);
  #since = new Float64Array(0);
  #until = new Float64Array(0);
  #merged = new Uint32Array(0);

  /** Holds `capacity` keys, and for `flows` flows and tunnels which rules fired. */
  constructor(capacity: number, flows: number) {
    this.#fired = new BoundedTable({ keyWords: 3, capacity: flows });
    this.#keys = new BoundedTable({
      keyWords: 5,
      capacity,
      onGrow: (slots) => {
        this.#since = grown(this.#since, new Float64Array(slots));
        this.#until = grown(this.#until, new Float64Array(slots));
        this.#merged = grown(this.#merged, new Uint32Array(slots));
      },
    });
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  get evictions(): number {
    return this.#fired.evictions + this.#keys.evictions;
  }

  /** Says which rules there are. What is known of a rule whose id and revision were there before stays. */
  useRules(rules: readonly Rule[]): void {
    this.#numbers = rules.map(({ id, rev }) => {
      const name = `${id}/${rev}`;
      const number = this.#numberOf.get(name) ?? this.#numberOf.size;
      this.#numberOf.set(name, number);
      return number;
    });
  }

  /** Whether the rule has not fired for this flow or tunnel yet; remembers that it has now. */
  isFirst(rule: Rule, isFlow: boolean, id: number, now: number): boolean {
    const { key } = this.#fired;
    key[0] = this.#numbers[rule.index]!;
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

  /**
   * Whether a finding at packet time `seconds` becomes an alert; when it does, `merged` says how many did not since the
   * last. An alert with a time far ahead of all others does not keep later packets from raising theirs.
   */
  admit(rule: Rule, facts: FactSheet, seconds: number, now: number): boolean {
    this.#fillKey(rule, facts);
    let slot = this.#keys.find();
    if (slot < 0) {
      slot = this.#keys.insert(now);
      this.#merged[slot] = 0;
    } else {
      this.#keys.touch(slot, now);
      if (seconds < this.#until[slot]! && seconds > this.#since[slot]! - OUT_OF_ORDER_SECONDS) {
        this.#merged[slot]! += 1;
        return false;
      }
    }
    this.merged = this.#merged[slot]!;
    this.#merged[slot] = 0;
    this.#since[slot] = seconds;
    this.#until[slot] = seconds + rule.dedupSeconds;
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
    key[0] = this.#numbers[rule.index]!;
    for (let i = 0; i < 4; i++) key[1 + i] = this.#hash[i]!;
  }
}
