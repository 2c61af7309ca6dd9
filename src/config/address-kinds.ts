import type { Prefix } from '../wire/address.js';
import { formatPrefix, parsePrefix } from '../wire/address.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { formatSixrd, parseSixrd } from '../wire/sixrd-domain.js';
import type { Kind } from './kind.js';
import { orFromEnvironment } from './kind.js';

/* Kinds of values that are addresses in text. `parse` returns a sentence for a text that is none. */

function addressKind<T extends object>(
  words: string,
  parse: (text: string) => T | string,
  format: (value: T) => string,
): Kind<T> {
  return {
    words,
    sections: [],
    read(at) {
      if (typeof at.value !== 'string') return at.mismatch(words);
      const value = parse(at.value);
      if (typeof value !== 'string') return value;
      return at.isSubstituted ? at.mismatch(words) : at.report(value);
    },
    write: format,
    schema: () => orFromEnvironment({ type: 'string', minLength: 1 }),
  };
}

/** `192.0.2.0/24` or `2001:db8::/32`; a bare address is a prefix of full length. */
export const prefix: Kind<Prefix> = addressKind('an IPv4 or IPv6 prefix', parsePrefix, formatPrefix);

/** `PREFIX/LENGTH[,MASKLENGTH[,RELAY]]` (RFC 5969 4). */
export const sixrdDomain: Kind<SixrdDomain> = addressKind(
  'a 6rd domain, PREFIX/LENGTH[,MASKLENGTH[,RELAY]]',
  parseSixrd,
  formatSixrd,
);
