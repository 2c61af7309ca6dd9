import type { LayerStack } from '../decode/layers.js';
import { IPPROTO, LAYER, LAYER_NAMES, PORTS, VLAN, VXLAN } from '../decode/layers.js';

/**
 * All layers of a packet as `eth/vlan:10/ipv4/udp:3544/teredo/ipv6/tcp:6667`. A layer with ports shows the one of the
 * responder; `isFromResponder` says, by layer, whether this packet goes the other way.
 */
export function tunnelPath(stack: LayerStack, isFromResponder: (layer: number) => boolean): string {
  const parts: string[] = [];
  for (let layer = 0; layer < stack.count; layer++) {
    const name = LAYER_NAMES[stack.kind[layer]!]!;
    switch (stack.kind[layer]) {
      case LAYER.vlan:
        parts.push(`${name}:${stack.word(layer, VLAN.ID)}`);
        break;
      case LAYER.vxlan:
      case LAYER.geneve:
        parts.push(`${name}:${stack.word(layer, VXLAN.VNI)}`);
        break;
      case LAYER.ipproto:
        parts.push(`${name}:${stack.word(layer, IPPROTO.PROTOCOL)}`);
        break;
      case LAYER.udp:
      case LAYER.tcp:
        parts.push(`${name}:${stack.word(layer, isFromResponder(layer) ? PORTS.SRC : PORTS.DST)}`);
        break;
      default:
        parts.push(name);
    }
  }
  return parts.join('/');
}
