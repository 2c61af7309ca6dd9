import type { EndpointList } from '../intel/endpoint-list.js';
import type { AddressWords } from '../wire/address.js';
import { formatAddress, formatIpv4, formatIpv6, MAPPED_WORD } from '../wire/address.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import {
  inSixrdDomain,
  is6to4Word,
  isIsatapWord,
  isTeredoWord,
  OLD_TEREDO_PREFIX,
  sixrdBitsOf,
  sixrdV4Bits,
  sixtofourV4,
  teredoClient,
  teredoFlags,
  teredoPort,
} from '../wire/embedded-address.js';
import { IPV4_SCOPE, ipv4Scope } from '../wire/ipv4-space.js';
import { UDP_PORT } from '../wire/numbers.js';
import type { AddressVerdict, OuterEndpoint } from './address-verdicts.js';
import {
  bad,
  good,
  info,
  intelVerdicts,
  outerVerdicts,
  SCOPE_NAMES,
  scopeVerdicts,
} from './address-verdicts.js';

/** A run of bits of the address and what it stands for. */
export interface AddressPart {
  /** First and last bit, from 0. */
  readonly bits: readonly [number, number];
  readonly hex: string;
  readonly meaning: string;
}

/** All that can be said about one address. */
export interface AddressExplanation {
  readonly address: string;
  readonly kind: string;
  readonly parts: readonly AddressPart[];
  /** How embedded values were computed, line by line. */
  readonly steps: readonly string[];
  readonly embedded: Readonly<Record<string, string | number>>;
  readonly verdicts: readonly AddressVerdict[];
}

export interface ExplainContext {
  readonly endpoints: EndpointList;
  readonly sixrd: readonly SixrdDomain[];
  readonly outer: OuterEndpoint | undefined;
}

const NAT64_PREFIX: AddressWords = [0x0064ff9b, 0, 0, 0];
const NAT64_LOCAL_HIGH = 0x0064ff9b;
const NAT64_LOCAL_NEXT = 0x0001;
const TEREDO_SERVICE_PORT = UDP_PORT.TEREDO;
const CONE = 0x8000;
const RESERVED_FLAG = 0x4000;
const UNIVERSAL_GROUP = 0x0300;
const RANDOM_FLAGS = 0x3cff;

/** Explains an address; checks an embedded IPv4 address against the outer one when that is given. */
export function explainAddress(words: AddressWords, context: ExplainContext): AddressExplanation {
  const [w0, w1, w2] = words;
  if (w0 === 0 && w1 === 0 && w2 === MAPPED_WORD) return explainV4(words, context);
  if (isTeredoWord(w0)) return explainTeredo(words, context);
  if (is6to4Word(w0)) return explain6to4(words, context);
  const domain = context.sixrd.find((candidate) => inSixrdDomain(candidate, w0, w1));
  if (domain !== undefined) return explain6rd(words, domain, context);
  if (isIsatapWord(w2)) return explainIsatap(words, context);
  if (w0 === NAT64_PREFIX[0] && w1 === 0 && w2 === 0)
    return explainNat64(words, context, 'well-known prefix 64:ff9b::/96');
  if (w0 === NAT64_LOCAL_HIGH && w1 >>> 16 === NAT64_LOCAL_NEXT) {
    return explainNat64(words, context, 'local prefix 64:ff9b:1::/48 (taken for a /96)');
  }
  return explainOther(words, context);
}

function explainTeredo(words: AddressWords, context: ExplainContext): AddressExplanation {
  const [w0, server, w2, w3] = words;
  const flags = teredoFlags(w2);
  const port = teredoPort(w2);
  const client = teredoClient(w3);
  const isOld = w0 === OLD_TEREDO_PREFIX;
  const verdicts: AddressVerdict[] = [];
  if (isOld) verdicts.push(bad('the prefix 3ffe:831f::/32 went back in 2006: a relic, a replay, or made up'));
  verdicts.push(...flagVerdicts(flags));
  verdicts.push(...scopeVerdicts('server', server), ...scopeVerdicts('client', client));
  if (server === client) verdicts.push(bad('server and client are the same address: a loop, not a client'));
  if (port === 0) verdicts.push(bad('the client port is 0'));
  verdicts.push(...intelVerdicts('server', context.endpoints.findV4(server)));
  verdicts.push(...outerVerdicts(client, port, w3, w2 & 0xffff, context.outer));
  return {
    address: formatAddress(...words),
    kind: isOld ? 'Teredo address with the prefix of before RFC 4380' : 'Teredo address (RFC 4380 4)',
    parts: [
      part(0, 31, w0, 8, `Teredo prefix${isOld ? ' of before 2006' : ''}`),
      part(32, 63, server, 8, `server ${formatIpv4(server)}`),
      part(64, 79, flags, 4, flagMeaning(flags)),
      part(80, 95, w2 & 0xffff, 4, `client port, inverted: ${port}`),
      part(96, 127, w3, 8, `client address, inverted: ${formatIpv4(client)}`),
    ],
    steps: [
      `port:   0x${hex(w2 & 0xffff, 4)} XOR 0xffff = 0x${hex(port, 4)} = ${port}`,
      ...[0, 8, 16, 24].map((shift) => {
        const octet = (w3 >>> (24 - shift)) & 0xff;
        return `client: 0x${hex(octet, 2)} XOR 0xff = 0x${hex(octet ^ 0xff, 2)} = ${octet ^ 0xff}`;
      }),
    ],
    embedded: {
      server: formatIpv4(server),
      flags: `0x${hex(flags, 4)}`,
      client: formatIpv4(client),
      client_port: port,
    },
    verdicts,
  };
}

function flagMeaning(flags: number): string {
  const names = [
    (flags & CONE) !== 0 ? 'cone NAT' : '',
    (flags & RESERVED_FLAG) !== 0 ? 'reserved bit set' : '',
    (flags & UNIVERSAL_GROUP) !== 0 ? 'U or G bit set' : '',
    (flags & RANDOM_FLAGS) !== 0 ? 'random bits of RFC 5991' : '',
  ].filter((name) => name !== '');
  return `flags: ${names.length === 0 ? 'none' : names.join(', ')}`;
}

function flagVerdicts(flags: number): AddressVerdict[] {
  const verdicts: AddressVerdict[] = [];
  if ((flags & UNIVERSAL_GROUP) !== 0)
    verdicts.push(bad('U or G bit set in the flags: no client makes such an address (RFC 5991 3.1)'));
  if ((flags & RESERVED_FLAG) !== 0) verdicts.push(bad('the reserved flag bit is set (RFC 5991 3.1)'));
  if ((flags & CONE) !== 0)
    verdicts.push(info('cone bit set: an old client, which believed to be behind a cone NAT'));
  return verdicts;
}

function explain6to4(words: AddressWords, context: ExplainContext): AddressExplanation {
  const [w0, w1, w2, w3] = words;
  const v4 = sixtofourV4(w0, w1);
  const verdicts = [...scopeVerdicts('router', v4), ...intelVerdicts('router', context.endpoints.findV4(v4))];
  verdicts.push(...outerVerdicts(v4, undefined, ~v4 >>> 0, 0, context.outer));
  return {
    address: formatAddress(...words),
    kind: '6to4 address (RFC 3056 2)',
    parts: [
      part(0, 15, w0 >>> 16, 4, '6to4 prefix 2002::/16'),
      part(16, 47, v4, 8, `router ${formatIpv4(v4)}`),
      part(48, 63, w1 & 0xffff, 4, 'subnet'),
      part(64, 127, undefined, 16, 'interface identifier', `${hex(w2, 8)}${hex(w3, 8)}`),
    ],
    steps: [`router: 0x${hex(v4, 8)} = ${formatIpv4(v4)} (not inverted)`],
    embedded: { router: formatIpv4(v4) },
    verdicts,
  };
}

function explainIsatap(words: AddressWords, context: ExplainContext): AddressExplanation {
  const [w0, w1, w2, v4] = words;
  const isUnique = (w2 & 0x02000000) !== 0;
  const scope = ipv4Scope(v4);
  const verdicts = [
    ...intelVerdicts('host', context.endpoints.findV4(v4)),
    ...outerVerdicts(v4, undefined, ~v4 >>> 0, 0, context.outer),
  ];
  if (isUnique && scope !== IPV4_SCOPE.global) {
    verdicts.push(bad(`the u bit says globally unique, but ${formatIpv4(v4)} is not (RFC 5214 6.1)`));
  }
  if (!isUnique && scope === IPV4_SCOPE.global)
    verdicts.push(info('u bit clear with a public address: legal, uniqueness was not known'));
  return {
    address: formatIsatap(words),
    kind: 'ISATAP address (RFC 5214 6.1)',
    parts: [
      part(0, 63, undefined, 16, 'prefix', `${hex(w0, 8)}${hex(w1, 8)}`),
      part(64, 95, w2, 8, `ISATAP mark ${isUnique ? '0200' : '0000'}:5efe`),
      part(96, 127, v4, 8, `host ${formatIpv4(v4)}`),
    ],
    steps: [`host: 0x${hex(v4, 8)} = ${formatIpv4(v4)} (not inverted)`],
    embedded: { host: formatIpv4(v4) },
    verdicts,
  };
}

function formatIsatap(words: AddressWords): string {
  return formatIpv6(...words);
}

function explain6rd(words: AddressWords, domain: SixrdDomain, context: ExplainContext): AddressExplanation {
  const [w0, w1, w2, w3] = words;
  const bits = sixrdBitsOf(domain, w0, w1);
  const count = 32 - domain.v4MaskBits;
  const text = count === 32 ? formatIpv4(bits) : `low ${count} bits 0x${hex(bits, Math.ceil(count / 4))}`;
  const verdicts: AddressVerdict[] = count === 32 ? scopeVerdicts('customer', bits) : [];
  const { outer } = context;
  if (outer !== undefined) {
    const wanted = sixrdV4Bits(domain, outer.v4);
    verdicts.push(
      wanted === bits
        ? good(`the outer address ${formatIpv4(outer.v4)} fits the embedded bits`)
        : bad(
            `the outer address ${formatIpv4(outer.v4)} has 0x${hex(wanted, 8)} where the address has 0x${hex(bits, 8)} (RFC 5969 9.2)`,
          ),
    );
  }
  const from = domain.prefixBits;
  return {
    address: formatAddress(...words),
    kind: '6rd address (RFC 5969 4), by the domain that you named',
    parts: [
      part(0, from - 1, undefined, 0, '6rd prefix', bitsText(w0, w1, 0, from)),
      part(from, from + count - 1, bits, Math.ceil(count / 4), `customer IPv4 ${text}`),
      ...(from + count < 64
        ? [part(from + count, 63, undefined, 0, 'subnet', bitsText(w0, w1, from + count, 64))]
        : []),
      part(64, 127, undefined, 16, 'interface identifier', `${hex(w2, 8)}${hex(w3, 8)}`),
    ],
    steps: [`IPv4 bits ${from}-${from + count - 1}: 0x${hex(bits, Math.ceil(count / 4))} = ${text}`],
    embedded:
      count === 32
        ? { customer: formatIpv4(bits) }
        : { customer_bits: `0x${hex(bits, Math.ceil(count / 4))}` },
    verdicts,
  };
}

function explainNat64(words: AddressWords, context: ExplainContext, prefix: string): AddressExplanation {
  const v4 = words[3];
  return {
    address: formatAddress(...words),
    kind: `NAT64 address (RFC 6052), ${prefix}`,
    parts: [
      part(
        0,
        95,
        undefined,
        24,
        'NAT64 prefix',
        words
          .slice(0, 3)
          .map((word) => hex(word, 8))
          .join(''),
      ),
      part(96, 127, v4, 8, `IPv4 host ${formatIpv4(v4)}`),
    ],
    steps: [`host: 0x${hex(v4, 8)} = ${formatIpv4(v4)} (not inverted)`],
    embedded: { host: formatIpv4(v4) },
    verdicts: [
      ...intelVerdicts('host', context.endpoints.findV4(v4)),
      ...outerVerdicts(v4, undefined, ~v4 >>> 0, 0, context.outer),
    ],
  };
}

function explainV4(words: AddressWords, context: ExplainContext): AddressExplanation {
  const v4 = words[3];
  const scope = SCOPE_NAMES[ipv4Scope(v4)]!;
  return {
    address: formatIpv4(v4),
    kind: 'IPv4 address (also as ::ffff:0:0/96 mapped)',
    parts: [part(96, 127, v4, 8, `IPv4 host ${formatIpv4(v4)}`)],
    steps: [],
    embedded: { host: formatIpv4(v4) },
    verdicts: [info(`scope: ${scope}`), ...intelVerdicts('address', context.endpoints.findV4(v4))],
  };
}

function explainOther(words: AddressWords, context: ExplainContext): AddressExplanation {
  const [w0, w1, w2, w3] = words;
  const verdicts = intelVerdicts('address', context.endpoints.find(words, 0));
  const embedded: Record<string, string> = {};
  const steps: string[] = [];
  let kind = plainKind(words);
  // fe80::/10 of a Teredo server in a router advertisement: cone bit, port 3544 and address, inverted (RFC 4380 5.3.2).
  const isServerShape = w0 >>> 22 === 0x3fa && (w2 & 0x7fff0000) === 0;
  const portField = w2 & 0xffff;
  if (isServerShape && (portField === (~TEREDO_SERVICE_PORT & 0xffff) || portField === TEREDO_SERVICE_PORT)) {
    const isOld = portField === TEREDO_SERVICE_PORT;
    const server = teredoClient(w3);
    kind = isOld
      ? 'link-local address of a Teredo server of before RFC 4380 (port not inverted)'
      : 'link-local address of a Teredo server (RFC 4380 5.3.2)';
    embedded['server'] = formatIpv4(server);
    embedded['port'] = String(TEREDO_SERVICE_PORT);
    steps.push(
      isOld
        ? `port:   0x${hex(portField, 4)} = ${TEREDO_SERVICE_PORT} (not inverted)`
        : `port:   0x${hex(portField, 4)} XOR 0xffff = ${TEREDO_SERVICE_PORT}`,
      `server: 0x${hex(w3, 8)} XOR 0xffffffff = ${formatIpv4(server)}`,
    );
    verdicts.push(...intelVerdicts('server', context.endpoints.findV4(server)));
  } else if (w0 === 0 && w1 === 0 && w2 === 0 && w3 > 0xffff) {
    kind = 'IPv4-compatible address, deprecated (RFC 4291 2.5.5.1)';
    embedded['host'] = formatIpv4(w3);
    verdicts.push(bad('a decapsulator must drop this as an inner source (RFC 4213 3.6)'));
  }
  if (context.outer !== undefined)
    verdicts.push(info('nothing in this address can be checked against an outer one'));
  return {
    address: formatAddress(...words),
    kind,
    parts: [
      part(0, 63, undefined, 16, 'prefix', `${hex(w0, 8)}${hex(w1, 8)}`),
      part(64, 127, undefined, 16, interfaceMeaning(w2, w3), `${hex(w2, 8)}${hex(w3, 8)}`),
    ],
    steps,
    embedded,
    verdicts,
  };
}

function plainKind([w0, w1, w2, w3]: AddressWords): string {
  if (w0 === 0 && w1 === 0 && w2 === 0 && w3 <= 1)
    return w3 === 0 ? 'unspecified address' : 'loopback address';
  if (w0 >>> 24 === 0xff) return 'multicast address';
  if (w0 >>> 22 === 0x3fa) return 'link-local address';
  if (w0 >>> 25 === 0x7e) return 'unique local address';
  if (w0 === 0x20010db8) return 'documentation address';
  if (w0 >>> 16 === 0x3ffe) return 'address of the 6bone, given back in 2006';
  return w0 >>> 29 === 1
    ? 'global unicast address, nothing embedded that is known'
    : 'address outside the space in use';
}

function interfaceMeaning(w2: number, w3: number): string {
  if ((w2 & 0xff) === 0xff && w3 >>> 24 === 0xfe) {
    const mac = [
      (w2 >>> 24) ^ 0x02,
      (w2 >>> 16) & 0xff,
      (w2 >>> 8) & 0xff,
      (w3 >>> 16) & 0xff,
      (w3 >>> 8) & 0xff,
      w3 & 0xff,
    ];
    return `interface identifier from MAC ${mac.map((octet) => hex(octet, 2)).join(':')}`;
  }
  return 'interface identifier';
}

/* Bits `[from, to)` of the upper half of an address, in hex. */
function bitsText(w0: number, w1: number, from: number, to: number): string {
  const upper = (BigInt(w0) << 32n) | BigInt(w1);
  const value = (upper >> BigInt(64 - to)) & ((1n << BigInt(to - from)) - 1n);
  return value.toString(16).padStart(Math.ceil((to - from) / 4), '0');
}

function part(
  from: number,
  to: number,
  value: number | undefined,
  digits: number,
  meaning: string,
  text?: string,
): AddressPart {
  return { bits: [from, to], hex: text ?? hex(value ?? 0, digits), meaning };
}

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, '0');
}
