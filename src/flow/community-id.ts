import { createHash } from 'node:crypto';
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
  const source = addressBytes(flow.source);
  const destination = addressBytes(flow.destination);
  const order = Buffer.compare(source, destination);
  const isSwapped = !isOneWay(flow) && (order > 0 || (order === 0 && flow.sourcePort > flow.destinationPort));
  const [first, second] = isSwapped ? [destination, source] : [source, destination];
  const [firstPort, secondPort] = isSwapped
    ? [flow.destinationPort, flow.sourcePort]
    : [flow.sourcePort, flow.destinationPort];
  const tail = Buffer.from([
    flow.protocol,
    0,
    firstPort >>> 8,
    firstPort & 0xff,
    secondPort >>> 8,
    secondPort & 0xff,
  ]);
  const parts = [Buffer.alloc(SEED_LENGTH), first, second];
  parts.push(PORT_PROTOCOLS.has(flow.protocol) ? tail : tail.subarray(0, 2));
  return `1:${createHash('sha1').update(Buffer.concat(parts)).digest('base64')}`;
}

/* An ICMP message without counterpart is not turned around. */
function isOneWay(flow: FlowTuple): boolean {
  const isV6 = flow.protocol === IP_PROTOCOL.ICMPV6;
  if (!isV6 && flow.protocol !== IP_PROTOCOL.ICMP) return false;
  return !hasIcmpCounterpart(isV6, flow.sourcePort);
}

function addressBytes(words: readonly number[]): Buffer {
  const isV4 = words[0] === 0 && words[1] === 0 && words[2] === MAPPED_WORD;
  const used = isV4 ? words.slice(3) : words;
  const bytes = Buffer.alloc(used.length * 4);
  used.forEach((word, i) => bytes.writeUInt32BE(word >>> 0, i * 4));
  return bytes;
}
