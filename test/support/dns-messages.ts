import { parseIpv6 } from '../../src/wire/address.js';

/** DNS messages for tests, without compression but where a pointer is named. */
export interface DnsRecord {
  /** A name, or the offset that a pointer names. */
  readonly owner: string | number;
  readonly type: number;
  readonly class?: number;
  readonly data: Uint8Array;
}

export interface DnsSpec {
  readonly isResponse?: boolean;
  readonly questions?: readonly { readonly name: string | number; readonly type: number }[];
  readonly answers?: readonly DnsRecord[];
}

export const TYPE = { A: 1, PTR: 12, AAAA: 28 } as const;
/** Where the first name of a message stands. */
export const FIRST_NAME = 12;

export function dnsMessage({ isResponse = false, questions = [], answers = [] }: DnsSpec): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0x1234, 0);
  head.writeUInt16BE(isResponse ? 0x8180 : 0x0100, 2);
  head.writeUInt16BE(questions.length, 4);
  head.writeUInt16BE(answers.length, 6);
  return Buffer.concat([
    head,
    ...questions.map(({ name, type }) => Buffer.concat([nameBytes(name), u16(type), u16(1)])),
    ...answers.map(({ owner, type, class: its = 1, data }) =>
      Buffer.concat([nameBytes(owner), u16(type), u16(its), u16(0), u16(60), u16(data.length), data]),
    ),
  ]);
}

/** Octets of an address, as an AAAA record has them. */
export function addressBytes(text: string): Uint8Array {
  const bytes = Buffer.alloc(16);
  wordsOf(text).forEach((word, i) => bytes.writeUInt32BE(word, 4 * i));
  return bytes;
}

/** The name of an address below ip6.arpa, or of the zone of its first nibbles (RFC 3596 2.5). */
export function reverseName(text: string, nibbles = 32): string {
  const digits = wordsOf(text)
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');
  return `${Array.from(digits.slice(0, nibbles)).reverse().join('.')}.ip6.arpa`;
}

export function nameBytes(name: string | number): Buffer {
  if (typeof name === 'number') return u16(0xc000 | name);
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ]);
}

function wordsOf(text: string): readonly number[] {
  const words = parseIpv6(text);
  if (words === undefined) throw new Error(`"${text}" is not an IPv6 address`);
  return words;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
