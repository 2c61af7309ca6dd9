import { hash } from 'node:crypto';
import { MAPPED_WORD } from '../wire/address.js';
import { hasIcmpCounterpart } from './icmp-counterpart.js';
import { IP_PROTOCOL } from '../wire/numbers.js';

/** A flow as Community ID sees it; addresses are 4 words each, IPv4 mapped. Ports of ICMP are type and counterpart. */
export interface FlowTuple {
  readonly source: readonly number[];
  readonly destination: readonly number[];
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

const SEED_LENGTH = 2;
/* Seed, two addresses, protocol, zero, two ports. */
const MESSAGE = Buffer.alloc(SEED_LENGTH + 16 + 16 + 2 + 4);
/** The first octets of the message, by their number. */
const MESSAGES = Array.from({ length: MESSAGE.length + 1 }, (_, length) => MESSAGE.subarray(0, length));
const PORT_PROTOCOLS: ReadonlySet<number> = new Set([
  IP_PROTOCOL.ICMP,
  IP_PROTOCOL.TCP,
  IP_PROTOCOL.UDP,
  IP_PROTOCOL.ICMPV6,
  IP_PROTOCOL.SCTP,
]);

/**
 * Community ID version 1 (corelight/community-id-spec), seed 0: base64 of SHA-1 over seed, ordered addresses, protocol,
 * a zero octet and ordered ports. The specification does not cover nesting; inner and outer flow each get their own.
 */
export function communityId(flow: FlowTuple): string {
  const order = compareAddresses(flow.source, flow.destination);
  const isSwapped = !isOneWay(flow) && (order > 0 || (order === 0 && flow.sourcePort > flow.destinationPort));
  let at = SEED_LENGTH;
  at = putAddress(isSwapped ? flow.destination : flow.source, at);
  at = putAddress(isSwapped ? flow.source : flow.destination, at);
  MESSAGE[at++] = flow.protocol;
  MESSAGE[at++] = 0;
  if (PORT_PROTOCOLS.has(flow.protocol)) {
    at = putPort(isSwapped ? flow.destinationPort : flow.sourcePort, at);
    at = putPort(isSwapped ? flow.sourcePort : flow.destinationPort, at);
  }
  // One call instead of a Hash object: a quarter of the time.
  return `1:${hash('sha1', MESSAGES[at]!, 'base64')}`;
}

/* An ICMP message without counterpart is not turned around. */
function isOneWay(flow: FlowTuple): boolean {
  const isV6 = flow.protocol === IP_PROTOCOL.ICMPV6;
  if (!isV6 && flow.protocol !== IP_PROTOCOL.ICMP) return false;
  return !hasIcmpCounterpart(isV6, flow.sourcePort);
}

/* An IPv4 address goes in with its four octets. */
function isV4(words: readonly number[]): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === MAPPED_WORD;
}

/* As their octets compare. */
function compareAddresses(a: readonly number[], b: readonly number[]): number {
  const from = isV4(a) ? 3 : 0;
  if (from !== (isV4(b) ? 3 : 0)) return Buffer.compare(addressBytes(a), addressBytes(b));
  for (let i = from; i < 4; i++) if (a[i] !== b[i]) return (a[i]! >>> 0) - (b[i]! >>> 0);
  return 0;
}

/* Not in the message: its first octets are the seed. Two families in one flow are rare enough for two buffers. */
function addressBytes(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(16);
  return bytes.subarray(0, putAddress(words, 0, bytes));
}

function putAddress(words: readonly number[], at: number, into = MESSAGE): number {
  for (let i = isV4(words) ? 3 : 0; i < 4; i++) at = into.writeUInt32BE(words[i]! >>> 0, at);
  return at;
}

function putPort(port: number, at: number): number {
  MESSAGE[at] = port >>> 8;
  MESSAGE[at + 1] = port & 0xff;
  return at + 2;
}
