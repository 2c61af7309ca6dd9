import type { FactSheet } from '../model/fact-sheet.js';
import type { Field } from '../model/fields.js';
import type { WordNode } from './syntax.js';
import { parseNetwork, parseRange } from './values.js';

/**
 * A word of a fact that must have one of few values for a condition to be true: what `inner.dst_port == 6667` or
 * `outer.dst in [192.0.2.0/24]` say. Rules that wait for the same word are found by its value, however many there are.
 */
export interface ValueKey {
  readonly field: Field;
  /** Which word of the fact sheet, and which of its bits. */
  readonly slot: number;
  readonly mask: number;
  /** Values of the word under the mask. */
  readonly values: ReadonlySet<number>;
}

/** Of rules with more values each is asked always: a list of thousands is a set of its own. */
const MAX_VALUES = 256;
const ALL_BITS = 0xffffffff;
const IPV4_BITS = 96;
/* Networks are told apart by 24 bits of IPv4, or by bits 32 to 47 of IPv6: what is shorter has no key. */
const V4 = { bits: IPV4_BITS + 24, word: 3, mask: 0xffffff00 } as const;
const V6 = { bits: 48, word: 1, mask: 0xffff0000 } as const;
const ONE_WORD = new Set(['port', 'u8', 'u16', 'u32']);

/** The key of `field == items` or `field in items`; undefined when it has none, or when an item is a mistake. */
export function keyOfValues(field: Field, items: readonly WordNode[]): ValueKey | undefined {
  if (items.length > MAX_VALUES || items.some((item) => item.quoted)) return undefined;
  if (field.type === 'ip') return keyOfNetworks(field, items);
  if (!ONE_WORD.has(field.type)) return undefined;
  const values = new Set<number>();
  for (const { text } of items) {
    const parsed = parseRange(text, field);
    if ('error' in parsed) return undefined;
    const [from, to] = parsed.value;
    if (to - from >= MAX_VALUES) return undefined;
    for (let value = from; value <= to; value++) values.add(value);
  }
  if (values.size > MAX_VALUES) return undefined;
  return { field, slot: field.slot, mask: ALL_BITS, values };
}

function keyOfNetworks(field: Field, items: readonly WordNode[]): ValueKey | undefined {
  const values = new Set<number>();
  let form: typeof V4 | typeof V6 | undefined;
  for (const { text } of items) {
    const parsed = parseNetwork(text);
    if ('error' in parsed) return undefined;
    const { words, bits } = parsed.value;
    const own = text.includes(':') ? V6 : V4;
    if (bits < own.bits || (form ?? own) !== own) return undefined;
    form = own;
    values.add((words[own.word] & own.mask) >>> 0);
  }
  return form === undefined ? undefined : { field, slot: field.slot + form.word, mask: form.mask, values };
}

/** Of two necessary keys, the one with fewer values says more. */
export function narrowerKey(a: ValueKey | undefined, b: ValueKey | undefined): ValueKey | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.values.size <= b.values.size ? a : b;
}

/** What one of two keys says. */
export function eitherKey(a: ValueKey | undefined, b: ValueKey | undefined): ValueKey | undefined {
  if (a === undefined || a.slot !== b?.slot || a.mask !== b.mask) return undefined;
  const values = new Set([...a.values, ...b.values]);
  return values.size > MAX_VALUES ? undefined : { ...a, values };
}

/** Whether the facts have one of the values. */
export function hasKey({ field, slot, mask, values }: ValueKey, facts: FactSheet): boolean {
  return facts.present[field.id] === 1 && values.has((facts.words[slot]! & mask) >>> 0);
}
