import type { LayerStack } from '../decode/layers.js';
import { ICMP, IP, LAYER, PORTS, ROW, TEREDO, TEREDO_BIT } from '../decode/layers.js';
import { ICMPV6_TYPE, UDP_PORT } from '../wire/numbers.js';
import { isTeredoWord } from '../wire/embedded-address.js';
import { TEREDO_CLASS } from '../model/vocabulary.js';
import { lastLayer } from './level.js';

/** 224.0.0.253, the IPv4 group of local client discovery (RFC 4380 2.17). */
export const DISCOVERY_GROUP = 0xe00000fd;

/**
 * What a Teredo packet is for (RFC 4380 5.2-5.4): decided before any check, because a bubble that a server forwards may
 * legitimately come from an address that its source does not name.
 */
export function classifyTeredo(stack: LayerStack, level: number): number {
  const words = stack.words;
  const teredo = stack.header[level]! * ROW;
  const udp = teredo - ROW;
  const inner = stack.inner[level]! * ROW;
  const outer = stack.outerIp[level]! * ROW;
  const toServerPort = words[udp + PORTS.DST] === UDP_PORT.TEREDO;
  const fromServerPort = words[udp + PORTS.SRC] === UDP_PORT.TEREDO;
  const outerDst = words[outer + IP.DST + 3]!;

  const last = lastLayer(stack, level);
  const icmpType = stack.kind[last] === LAYER.icmpv6 ? stack.word(last, ICMP.TYPE) : -1;
  if (icmpType === ICMPV6_TYPE.ROUTER_SOLICITATION) return TEREDO_CLASS['router-solicitation'];
  if (icmpType === ICMPV6_TYPE.ROUTER_ADVERTISEMENT) return TEREDO_CLASS['router-advertisement'];

  const srcIsTeredo = isTeredoWord(words[inner + IP.SRC]!);
  const dstIsTeredo = isTeredoWord(words[inner + IP.DST]!);
  const isBubble = (words[teredo + TEREDO.BITS]! & TEREDO_BIT.bubble) !== 0;
  if (isBubble) {
    if (outerDst === DISCOVERY_GROUP) return TEREDO_CLASS['local-discovery'];
    if (toServerPort && dstIsTeredo && isServer(outerDst, words[inner + IP.DST + 1]!)) {
      return TEREDO_CLASS['indirect-bubble-to-server'];
    }
    const origin = (words[teredo + TEREDO.BITS]! & TEREDO_BIT.origin) !== 0;
    if (fromServerPort || origin) return TEREDO_CLASS['indirect-bubble-from-server'];
    return TEREDO_CLASS['direct-bubble'];
  }
  const toOwnServer = toServerPort && srcIsTeredo && isServer(outerDst, words[inner + IP.SRC + 1]!);
  if (toOwnServer && icmpType === ICMPV6_TYPE.ECHO_REQUEST && !dstIsTeredo) return TEREDO_CLASS['ping-test'];
  if (icmpType === ICMPV6_TYPE.ECHO_REPLY && dstIsTeredo && !srcIsTeredo) return TEREDO_CLASS['ping-reply'];
  return toOwnServer ? TEREDO_CLASS['data-to-server'] : TEREDO_CLASS.data;
}

/** Whether `v4` is an address of a server: its primary address or, in practice, the next one as secondary. */
export function isServer(v4: number, server: number): boolean {
  return v4 === server || v4 === (server + 1) >>> 0;
}
