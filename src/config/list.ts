import type { Kind } from './kind.js';

interface ListLimits {
  readonly least?: number;
  readonly most?: number;
  /** No two items may be the same. For items without sections. */
  readonly isSet?: boolean;
}

/** Several values of one kind. */
export function listOf<T>(
  item: Kind<T>,
  { least = 0, most = 100, isSet = false }: ListLimits = {},
): Kind<readonly T[]> {
  const words = least === 0 ? 'a list' : `a list of at least ${least}`;
  return {
    words: `${words}, each ${item.words}`,
    sections: item.sections,
    read(at) {
      const { value } = at;
      if (!Array.isArray(value)) return at.mismatch(words);
      if (value.length < least) return at.mismatch(words, '; this one is too short');
      if (value.length > most) return at.report(`this list has more than ${most} items`);
      const seen = new Set<string>();
      return value.flatMap((_, i): T[] => {
        const place = at.child(i);
        const loaded = place.read(item);
        if (loaded === undefined) return [];
        if (isSet) {
          const text = JSON.stringify(item.write(loaded));
          if (seen.has(text)) place.report('this item is in the list twice');
          seen.add(text);
        }
        return [loaded];
      });
    },
    write: (values) => values.map((value) => item.write(value)),
    schema: (definitions) => ({
      type: 'array',
      items: item.schema(definitions),
      ...(least === 0 ? {} : { minItems: least }),
      maxItems: most,
    }),
  };
}
