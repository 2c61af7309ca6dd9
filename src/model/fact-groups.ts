import type { Field, FieldName } from './fields.js';
import { findField } from './fields.js';

/**
 * Facts in groups that are filled together. A condition says which groups it reads, so that only those are made before it
 * is asked; the rest is made when it matches.
 */
export const FACT_GROUP = {
  packet: 1,
  outer: 2,
  outermost: 4,
  tunnel: 8,
  inner: 16,
  /** IPv4 addresses inside inner IPv6 addresses. */
  embedded: 32,
  teredo: 64,
  intel: 128,
  /** Sums over all octets of the packet. */
  checksum: 256,
  /** Where octets can hide: read from the packet itself, and only from packets of unusual shape. */
  covert: 512,
} as const;

export const ALL_FACTS = 1023;

const COVERT = new Set<string>([
  'teredo.auth_id_entropy',
  'teredo.auth_value_entropy',
  'teredo.nonce',
  'teredo.nonce_printable',
  'teredo.trailer_types',
  'teredo.trailers',
  'teredo.unknown_trailers',
  'teredo.trailer_rest',
  'teredo.trailer_entropy',
  'inner.routing_type',
  'inner.segments_left',
  'inner.padding_data',
  'inner.longest_padding',
  'inner.unknown_options',
  'inner.unknown_option_data',
  'inner.malformed_options',
  'inner.reserved_set',
  'inner.no_next_length',
  'inner.no_next_entropy',
  'inner.tail_length',
  'inner.tail_entropy',
] satisfies FieldName[]);

const BY_PREFIX: Readonly<Record<string, number>> = {
  packet: FACT_GROUP.packet,
  site: FACT_GROUP.packet,
  outer: FACT_GROUP.outer,
  outermost: FACT_GROUP.outermost,
  tunnel: FACT_GROUP.tunnel,
  inner: FACT_GROUP.inner,
  sixtofour: FACT_GROUP.embedded,
  isatap: FACT_GROUP.embedded,
  intel: FACT_GROUP.intel,
};

/** Groups that hold the fields of these names. */
export function groupsOf(names: Iterable<string>): number {
  let groups = 0;
  for (const name of names) {
    const field = findField(name);
    groups |= field === undefined ? ALL_FACTS : groupOf(field);
  }
  return groups;
}

/* Checks are not filled: they are decided for every packet. */
function groupOf({ name, check }: Field): number {
  if (check >= 0) return 0;
  if (COVERT.has(name)) return FACT_GROUP.covert;
  if (/^teredo\.(src_|dst_|server$)/.test(name)) return FACT_GROUP.embedded;
  if (name.endsWith('.checksum')) return FACT_GROUP.checksum;
  if (name.startsWith('teredo.')) return FACT_GROUP.teredo;
  return BY_PREFIX[name.slice(0, name.indexOf('.'))] ?? ALL_FACTS;
}
