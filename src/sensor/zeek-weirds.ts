import type { LayerStack } from '../decode/layers.js';
import { LAYER } from '../decode/layers.js';
import type { Verdict } from '../decode/verdicts.js';
import { VERDICT } from '../decode/verdicts.js';
import { isMeasuredByZeek } from '../decode/zeek-inner-ip.js';

/**
 * What Zeek calls a verdict. A weird is `about` the connection of the tunnel, a pair of hosts (the addresses of IP layer
 * `ip`), or nothing that has a name.
 */
export interface ZeekWeird {
  readonly name: string;
  readonly source: string | undefined;
  readonly about: 'tunnel' | 'hosts' | 'nothing';
  /** IP layer of the hosts; -1 otherwise. */
  readonly ip: number;
  readonly detail?: string;
  /** Written once a day for each originator, not once in ten minutes for each pair. */
  readonly isPerOriginator?: true;
}

const IPV4_MIN_HEADER = 20;
const IPV6_HEADER = 40;
const GRE_VERSION_MASK = 7;

const UDP_ANALYZER: Readonly<Record<number, string>> = {
  [LAYER.teredo]: 'TEREDO',
  [LAYER.vxlan]: 'VXLAN',
  [LAYER.geneve]: 'GENEVE',
  [LAYER.ayiya]: 'AYIYA',
  [LAYER.gtp]: 'GTPV1',
};

/**
 * Zeek's weird for a verdict of the packet in `stack`, which came when `depth` encapsulations were open; undefined where Zeek
 * has none. The suffix is there when Zeek has already opened a tunnel around the header that is at fault.
 */
export function zeekWeird(stack: LayerStack, verdict: Verdict, depth: number): ZeekWeird | undefined {
  const inTunnel = depth > 0 ? '_in_tunnel' : '';
  const aboutPacket = (name: string, source: string): ZeekWeird =>
    stack.ip < 0
      ? aboutNothing(name + inTunnel, source)
      : { name: name + inTunnel, source, about: 'hosts', ip: stack.ip };
  switch (verdict) {
    case VERDICT.truncated_inner_IP:
    case VERDICT.invalid_inner_IP_version:
    case VERDICT.inner_IP_payload_length_mismatch:
      if (isMeasuredByZeek(stack, depth - 1)) return innerWeird(stack, verdict, depth);
      return verdict === VERDICT.truncated_inner_IP
        ? aboutNothing(truncatedIp(stack) + inTunnel, 'IP')
        : aboutNothing(`unknown_ip_version${inTunnel}`, 'IP');
    case VERDICT.truncated_IP:
      return aboutNothing(truncatedIp(stack) + inTunnel, 'IP');
    case VERDICT.unknown_ip_version:
      return aboutNothing(`unknown_ip_version${inTunnel}`, 'IP');
    case VERDICT.invalid_IP_header_size:
      return aboutNothing(`IPv4_min_header_size${inTunnel}`, 'IP');
    case VERDICT.bogus_IP_header_lengths:
      return aboutNothing(`invalid_IP_header_size${inTunnel}`, 'IP');
    case VERDICT.truncated_link_header:
      return stack.failedLayerKind === LAYER.eth
        ? aboutNothing(`truncated_ethernet_frame${inTunnel}`, 'ETHERNET')
        : undefined;
    case VERDICT.exceeded_tunnel_max_depth:
      return aboutPacket('exceeded_tunnel_max_depth', depthAnalyzer(stack));
    case VERDICT.ipv6_no_next:
      return aboutPacket('ipv6_no_next', 'IP');
    case VERDICT.truncated_UDP:
      return aboutPacket(truncatedTransport(stack), 'UDP');
    case VERDICT.truncated_TCP:
      return aboutPacket(truncatedTransport(stack), 'TCP');
    case VERDICT.truncated_ICMP:
      return aboutPacket(truncatedTransport(stack), 'ICMP');
    case VERDICT.truncated_GRE:
      return aboutPacket('truncated_GRE', 'GRE');
    case VERDICT.gre_routing:
      return aboutPacket('gre_routing', 'GRE');
    case VERDICT.unknown_gre_version: {
      const version = stack.frame.view.getUint16(stack.nextAt) & GRE_VERSION_MASK;
      return { ...aboutPacket('unknown_gre_version', 'GRE'), detail: `version=${version}` };
    }
    case VERDICT.truncated_Teredo:
      return aboutTunnel('truncated_Teredo');
    case VERDICT.truncated_Teredo_authentication:
      return aboutTunnel('truncated_Teredo_authentication');
    case VERDICT.truncated_Teredo_origin_indication:
      return aboutTunnel('truncated_Teredo_origin_indication');
    case VERDICT.truncated_IPv6_in_Teredo:
      return aboutTunnel('truncated_IPv6_in_Teredo');
    case VERDICT.Teredo_bubble_with_payload:
      return aboutTunnel('Teredo_bubble_with_payload');
    case VERDICT.fragment_overlap:
      // The octets differ, and that is what Zeek calls it.
      return {
        name: 'fragment_inconsistency',
        source: undefined,
        about: 'hosts',
        ip: stack.ip,
        isPerOriginator: true,
      };
    default:
      return undefined;
  }
}

function aboutNothing(name: string, source: string): ZeekWeird {
  return { name, source, about: 'nothing', ip: -1 };
}

/* A weird of a connection: its name never says that it was in a tunnel. */
function aboutTunnel(name: string): ZeekWeird {
  return { name, source: 'TEREDO', about: 'tunnel', ip: -1 };
}

/* Zeek measures the inner packet before it adds the tunnel to those that are open. */
function innerWeird(stack: LayerStack, verdict: Verdict, depth: number): ZeekWeird {
  const name =
    verdict === VERDICT.truncated_inner_IP
      ? 'truncated_inner_IP'
      : verdict === VERDICT.invalid_inner_IP_version
        ? 'invalid_inner_IP_version'
        : 'inner_IP_payload_length_mismatch';
  const suffix = depth > 1 ? '_in_tunnel' : '';
  return { name: name + suffix, source: 'IPTUNNEL', about: 'hosts', ip: stack.outerIp[depth - 1]! };
}

function truncatedIp(stack: LayerStack): string {
  const header = stack.failedLayerKind === LAYER.ipv6 ? IPV6_HEADER : IPV4_MIN_HEADER;
  return stack.had < header ? 'truncated_IP' : 'truncated_IP_len';
}

function truncatedTransport(stack: LayerStack): string {
  return stack.cutBySnapLength ? 'internally_truncated_header' : 'truncated_header';
}

function depthAnalyzer(stack: LayerStack): string {
  const isOverUdp = stack.last >= 0 && stack.kind[stack.last] === LAYER.udp;
  return (isOverUdp ? UDP_ANALYZER[stack.failedLayerKind] : undefined) ?? 'IPTUNNEL';
}
