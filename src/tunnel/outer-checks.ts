import type { LayerStack } from '../decode/layers.js';
import { IP, LAYER, ROW } from '../decode/layers.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK } from '../model/checks.js';
import { CHECK_VALUE, VANTAGE } from '../model/vocabulary.js';
import type { Ipv4Scope } from '../wire/ipv4-space.js';
import { IPV4_SCOPE, ipv4Scope, isNeverEndpoint, isSiteScope } from '../wire/ipv4-space.js';
import { isFabric } from './level.js';
import type { Site } from './site.js';

/** 239.192.0.0/16, where 6over4 maps IPv6 groups (RFC 2529 6). */
const SIXOVER4_GROUPS = 0xefc0;
/** 224.0.0.253, Teredo local discovery (RFC 4380 2.17). */
const DISCOVERY_GROUP = 0xe00000fd;

/**
 * T06: the outer addresses can be tunnel endpoints. Private addresses are wrong only on the public side; multicast,
 * loopback and the like are wrong everywhere.
 */
export function checkOuterEndpoints(stack: LayerStack, level: number, site: Site, out: CheckResults): void {
  const outerIp = stack.outerIp[level]!;
  // Fabrics carry broadcast and unknown frames by multicast (RFC 7348 4.2).
  if (stack.kind[outerIp] !== LAYER.ipv4 || isFabric(stack.carrier[level]!)) return;
  const words = stack.words;
  const src = outerIp * ROW + IP.SRC;
  const dst = outerIp * ROW + IP.DST;
  const srcV4 = words[src + 3]!;
  const dstV4 = words[dst + 3]!;
  const srcScope = ipv4Scope(srcV4 | 0);
  const dstScope = ipv4Scope(dstV4 | 0);
  const isGroup = dstV4 >>> 16 === SIXOVER4_GROUPS || dstV4 === DISCOVERY_GROUP;
  if (isBogon(srcScope, words, src, site) || (!isGroup && isBogon(dstScope, words, dst, site))) {
    out.set(CHECK.T06, CHECK_VALUE.violated);
    return;
  }
  const bothInside = isSiteScope(srcScope) && isSiteScope(dstScope);
  const oneInside = isSiteScope(srcScope) || isSiteScope(dstScope);
  if (!oneInside || site.vantage === VANTAGE.inside || bothInside) out.set(CHECK.T06, CHECK_VALUE.holds);
  else out.set(CHECK.T06, site.vantage === VANTAGE.outside ? CHECK_VALUE.violated : CHECK_VALUE.undetermined);
}

function isBogon(scope: Ipv4Scope, words: Uint32Array, at: number, site: Site): boolean {
  if (scope === IPV4_SCOPE.global || scope === IPV4_SCOPE.anycast6to4 || isSiteScope(scope)) return false;
  if (isNeverEndpoint(scope)) return true;
  // Documentation, benchmark and protocol space: a lab may use it and say so.
  return !site.isLocal(words, at);
}
