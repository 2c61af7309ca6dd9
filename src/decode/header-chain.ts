import type { LayerStack } from './layers.js';
import { EXTENSION, IP, LAYER, ROW, TCP } from './layers.js';
import { TCP_MIN_HEADER } from './tcp.js';
import { UDP_HEADER } from './udp.js';

const ICMP_HEADER = 4;

/**
 * Where, in the octets behind a fragmented IP header, the headers end that the first fragment has to hold: all extension
 * headers and the one of the next protocol (RFC 7112 2). Of a stack that went on behind the fragment; -1 when that one was
 * not reached.
 */
export function endOfHeaderChain(stack: LayerStack): number {
  let layer = stack.frameFrom;
  let end = 0;
  for (; layer < stack.count && isExtension(stack.kind[layer]!); layer++) {
    end = stack.at[layer]! + stack.words[layer * ROW + EXTENSION.LENGTH]!;
  }
  if (layer >= stack.count) return -1;
  const at = stack.at[layer]!;
  switch (stack.kind[layer]) {
    case LAYER.tcp:
      return at + Math.max(TCP_MIN_HEADER, stack.word(layer, TCP.HEADER_LENGTH));
    case LAYER.udp:
      return at + UDP_HEADER;
    case LAYER.icmp:
    case LAYER.icmpv6:
      return at + ICMP_HEADER;
    case LAYER.ipv4:
    case LAYER.ipv6:
      return at + stack.word(layer, IP.HEADER_LENGTH);
    default:
      return Math.max(end, at);
  }
}

function isExtension(kind: number): boolean {
  return kind >= LAYER.hopopts && kind <= LAYER.experimental;
}
