import { IP_PROTOCOL } from '../wire/numbers.js';
import type { LayerStack } from './layers.js';
import { CARRIER, IP, IPPROTO, LAYER } from './layers.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

/** Next header 59: nothing follows (RFC 8200 4.7). */
export function noNextHeader(at: number, end: number, stack: LayerStack, asZeek: boolean): Verdict {
  stack.push(LAYER.nonext, at, end);
  const level = stack.encapsulations - 1;
  const isTeredo = level >= 0 && stack.carrier[level] === CARRIER.teredo;
  // Zeek looks neither at the length of a bubble nor whether there is a tunnel.
  const isWeird = asZeek ? !isTeredo : level >= 0 && !(isTeredo && stack.word(stack.ip, IP.LENGTH) === 0);
  if (isWeird) stack.remark(VERDICT.ipv6_no_next);
  stack.stop();
  return VERDICT.ok;
}

/** A protocol that is not opened. */
export function otherProtocol(protocol: number, at: number, end: number, stack: LayerStack): Verdict {
  stack.stop();
  if (stack.encapsulations === 0) return VERDICT.ok;
  const row = stack.push(LAYER.ipproto, at, end);
  stack.words[row + IPPROTO.PROTOCOL] = protocol;
  return protocol === IP_PROTOCOL.ESP || protocol === IP_PROTOCOL.SCTP || protocol === IP_PROTOCOL.UDPLITE
    ? VERDICT.ok
    : VERDICT.unknown_protocol;
}
