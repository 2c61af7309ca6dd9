import type { LayerStack } from '../decode/layers.js';
import { CARRIER, IP, LAYER, PORTS, TEREDO } from '../decode/layers.js';

/* Where things lie in one encapsulation of a decoded packet. Layer numbers, or -1. */

/** First IP header inside the encapsulation. */
export function innerIpLayer(stack: LayerStack, level: number): number {
  const last = lastLayer(stack, level);
  for (let layer = stack.inner[level]!; layer <= last; layer++) {
    const kind = stack.kind[layer];
    if (kind === LAYER.ipv4 || kind === LAYER.ipv6) return layer;
  }
  return -1;
}

/** Last layer that belongs to this encapsulation: the leaf, or the carrier of the next one inside. */
export function lastLayer(stack: LayerStack, level: number): number {
  const next = level + 1;
  if (next >= stack.encapsulations) return stack.count - 1;
  return stack.header[next] === stack.outerIp[next] ? stack.header[next]! : stack.header[next]! - 1;
}

/** UDP header that carries the encapsulation. */
export function carrierUdpLayer(stack: LayerStack, level: number): number {
  const udp = stack.header[level]! - 1;
  return udp >= 0 && stack.header[level] !== stack.outerIp[level] && stack.kind[udp] === LAYER.udp ? udp : -1;
}

/** The TCP, UDP, ICMP or other transport inside the encapsulation; that of a bubble is its "no next header". */
export function transportLayer(stack: LayerStack, level: number): number {
  const last = lastLayer(stack, level);
  const kind = stack.kind[last];
  const isTransport =
    kind === LAYER.tcp ||
    kind === LAYER.udp ||
    kind === LAYER.icmp ||
    kind === LAYER.icmpv6 ||
    kind === LAYER.ipproto ||
    kind === LAYER.nonext;
  return isTransport && last > stack.inner[level]! ? last : -1;
}

/**
 * Whether TCP or UDP lies directly inside, and nothing before, between or behind: the shape of nearly all packets. It is
 * so of every packet that UsualTunnel reads. Fields say what such packets have (model/fields, `usual`).
 */
export function hasUsualShape(stack: LayerStack, level: number, innerIp: number, transport: number): boolean {
  if (innerIp < 0 || transport !== innerIp + 1) return false;
  const leaf = stack.kind[transport];
  if (leaf !== LAYER.tcp && leaf !== LAYER.udp) return false;
  if (stack.carrier[level] === CARRIER.teredo) return stack.word(stack.header[level]!, TEREDO.BITS) === 0;
  return tailLength(stack, level, innerIp) === 0;
}

/** Octets behind the IPv6 packet that protocol 41 carries, on the wire; 0 for other carriers. */
export function tailLength(stack: LayerStack, level: number, innerIp: number): number {
  if (stack.carrier[level] !== CARRIER.ip || stack.kind[innerIp] !== LAYER.ipv6) return 0;
  const length = stack.word(innerIp, IP.HEADER_LENGTH) + stack.word(innerIp, IP.LENGTH);
  // A first fragment that is judged alone holds less than its lengths say.
  return Math.max(0, stack.carried[level]! - length);
}

/** Whether a carrier builds networks in data centres rather than tunnels out of them. */
export function isFabric(carrier: number): boolean {
  return carrier === CARRIER.vxlan || carrier === CARRIER.geneve;
}

/** Whether a carrier is no fabric and may carry IPv4 as well as IPv6: whether it hides IPv6 is known from inside only. */
export function carriesAnyIp(carrier: number): boolean {
  return carrier === CARRIER.gre || carrier === CARRIER.l2tp || carrier >= CARRIER.gtp;
}

/** Source port of a layer with ports. */
export function sourcePort(stack: LayerStack, layer: number): number {
  return stack.word(layer, PORTS.SRC);
}

/** Destination port of a layer with ports. */
export function destinationPort(stack: LayerStack, layer: number): number {
  return stack.word(layer, PORTS.DST);
}
