import type { LayerStack } from '../../decode/layers.js';
import { LAYER_NAMES, LIMITED_BY_NAMES } from '../../decode/layers.js';
import { VERDICT, VERDICTS } from '../../decode/verdicts.js';
import { carrierName } from '../counters.js';
import type { LayerFields, LayerFieldValue } from './layer-fields.js';
import { headerLength, layerFields } from './layer-fields.js';
import type { InspectedPacket, LayerSource } from './packet-inspector.js';
import type { FactValue, WitnessedTunnel } from './packet-witness.js';

/* Keys as they stand in JSON (docs/decode.md). */

export interface FrameDescription {
  /** From 1, as in Wireshark. */
  readonly number: number;
  /** Seconds since 1970 with nine decimals, as text: a number could not hold them. */
  readonly time: string;
  readonly file: string;
  readonly interface: string;
  readonly link_type: number;
  /** Null for a first fragment that is judged after its frame is gone. */
  readonly captured_length: number | null;
  readonly wire_length: number;
  /** The packet was completed from fragments. */
  readonly reassembled: boolean;
  /** Only the first fragment came; the rest was never seen. */
  readonly incomplete: boolean;
  /** A copy that a mirror of several ports shows again; it is not judged. */
  readonly copy: boolean;
}

export interface LayerDescription {
  readonly layer: string;
  /** Offset of the first octet in `in`. */
  readonly offset: number;
  /** Octets of the layer's own header. */
  readonly header: number;
  /** Offset behind the last captured octet of its payload. */
  readonly end: number;
  /** The octets that offsets count in: the frame, a datagram that fragments made, or the payload of a first fragment. */
  readonly in: LayerSource['name'];
  readonly fields: LayerFields;
}

export interface VerdictDescription {
  readonly name: string;
  readonly family: string;
  readonly meaning: string;
  /** For a packet that ran out of octets: which layer asked for how many, where, and what ended them. */
  readonly layer?: string;
  readonly offset?: number;
  readonly needed?: number;
  readonly had?: number;
  readonly limited_by?: string;
  /** A carrier that was seen and is not opened. */
  readonly carrier?: string;
}

type Facts = Readonly<Record<string, FactValue>>;

export interface TunnelDescription {
  readonly kind: string;
  /** From 1, outermost first. */
  readonly level: number;
  readonly tunnel: Facts;
  readonly outer: Facts;
  readonly teredo: Readonly<Record<string, LayerFieldValue>> | null;
  readonly inner: Facts;
  /** IPv4 addresses inside inner 6to4 and ISATAP addresses, and the listed endpoint that the packet touches. */
  readonly sixtofour: Facts | null;
  readonly isatap: Facts | null;
  readonly intel: Facts | null;
  readonly checks: Readonly<Record<string, string>>;
}

/** All that is known of a packet, as plain values. */
export interface PacketDescription {
  readonly frame: FrameDescription;
  readonly layers: readonly LayerDescription[];
  readonly verdict: VerdictDescription;
  /** Why a UDP payload that begins like Teredo or VXLAN was not taken for it. */
  readonly complaint: { readonly name: string; readonly meaning: string } | null;
  /** What was weird and did not end the walk, with the number of encapsulations around it. */
  readonly notes: readonly { readonly name: string; readonly level: number; readonly meaning: string }[];
  readonly tunnels: readonly TunnelDescription[];
  /* Of the innermost tunnel; null in none. */
  readonly outer: Facts | null;
  readonly teredo: TunnelDescription['teredo'];
  readonly inner: Facts | null;
  readonly checks: Readonly<Record<string, string>> | null;
}

export function describePacket(packet: InspectedPacket): PacketDescription {
  const { stack } = packet;
  const tunnels = packet.tunnels.map((tunnel) => describeTunnel(tunnel, stack));
  const innermost = tunnels.at(-1);
  return {
    frame: {
      number: packet.number,
      time: `${packet.seconds}.${String(packet.nanoseconds).padStart(9, '0')}`,
      file: packet.interface.origin,
      interface: packet.interface.name,
      link_type: packet.interface.linkType,
      captured_length: packet.capturedLength ?? null,
      wire_length: packet.wireLength,
      reassembled: stack.reassembled,
      incomplete: packet.isAlone,
      copy: packet.isCopy,
    },
    layers: Array.from({ length: stack.count }, (_, layer) => describeLayer(packet, layer)),
    verdict: describeVerdict(packet),
    complaint: describeComplaint(stack),
    notes: Array.from({ length: stack.notes }, (_, i) => {
      const { name, doc } = VERDICTS[stack.note[i]!]!;
      return { name, level: stack.noteDepth[i]!, meaning: doc };
    }),
    tunnels,
    outer: innermost?.outer ?? null,
    teredo: innermost?.teredo ?? null,
    inner: innermost?.inner ?? null,
    checks: innermost?.checks ?? null,
  };
}

/** Octets that a layer was read from. */
export function sourceOf(packet: InspectedPacket, layer: number): LayerSource {
  return packet.sources.findLast((source) => source.firstLayer <= layer)!;
}

function describeLayer(packet: InspectedPacket, layer: number): LayerDescription {
  const { stack } = packet;
  const source = sourceOf(packet, layer);
  const isNextBeside = layer + 1 < stack.count && sourceOf(packet, layer + 1) === source;
  return {
    layer: LAYER_NAMES[stack.kind[layer]!]!,
    offset: stack.at[layer]! - source.base,
    header: headerLength(stack, layer, isNextBeside ? stack.at[layer + 1] : undefined),
    end: stack.end[layer]! - source.base,
    in: source.name,
    fields: layerFields(stack, layer),
  };
}

function describeVerdict(packet: InspectedPacket): VerdictDescription {
  const { stack } = packet;
  const { name, family, doc } = VERDICTS[stack.verdict]!;
  const known = { name, family, meaning: doc };
  if (stack.verdict === VERDICT.unsupported_carrier)
    return { ...known, carrier: carrierName(stack.unopened) };
  if (family !== 'truncated') return known;
  return {
    ...known,
    layer: LAYER_NAMES[stack.failedLayerKind]!,
    offset: stack.failedAt - packet.sources.at(-1)!.base,
    needed: stack.needed,
    had: stack.had,
    limited_by: LIMITED_BY_NAMES[stack.failedLimit]!,
  };
}

function describeComplaint(stack: LayerStack): PacketDescription['complaint'] {
  if (stack.carrierComplaint === VERDICT.ok) return null;
  const { name, doc } = VERDICTS[stack.carrierComplaint]!;
  return { name, meaning: doc };
}

function describeTunnel({ level, facts, checks }: WitnessedTunnel, stack: LayerStack): TunnelDescription {
  const tunnel = Object.entries(facts['tunnel'] ?? {});
  return {
    kind: String(facts['tunnel']?.['kind']),
    level,
    tunnel: Object.fromEntries(tunnel.filter(([name]) => name !== 'kind' && name !== 'level')),
    outer: facts['outer'] ?? {},
    teredo: facts['teredo'] === undefined ? null : describeTeredo(facts['teredo'], stack, level),
    inner: facts['inner'] ?? {},
    sixtofour: facts['sixtofour'] ?? null,
    isatap: facts['isatap'] ?? null,
    intel: facts['intel'] ?? null,
    checks,
  };
}

/* What the decoder kept of the Teredo headers says more than the facts about them. */
function describeTeredo(facts: Facts, stack: LayerStack, level: number): TunnelDescription['teredo'] {
  const isTeredo = facts['class'] !== undefined;
  const addresses = Object.fromEntries(
    Object.entries(facts).filter(([name]) => /^(class$|src_|dst_|server$)/.test(name)),
  );
  return isTeredo ? { ...addresses, ...layerFields(stack, stack.header[level - 1]!) } : addresses;
}
