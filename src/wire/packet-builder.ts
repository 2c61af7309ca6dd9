import type { AddressWords } from './address.js';
import { formatAddress, mapped, parseIpv4, parseIpv6 } from './address.js';
import { fold16, sum16 } from './checksum.js';
import { OLD_TEREDO_PREFIX, TEREDO_PREFIX } from './embedded-address.js';
import { frameOf } from './frame.js';
import { ETHERTYPE, IP_PROTOCOL, PPP_PROTOCOL } from './numbers.js';

/**
 * Builds frames for rule tests, unit tests and generators: outermost layer first, lengths, protocol numbers and checksums
 * filled in. Fields that a test wants wrong can be set. Not for the packet path.
 */
export type LayerSpec =
  | { readonly layer: 'eth'; readonly src?: string; readonly dst?: string; readonly type?: number }
  | { readonly layer: 'vlan'; readonly id: number; readonly tpid?: number }
  | { readonly layer: 'pppoe'; readonly session?: number }
  | {
      readonly layer: 'ipv4';
      readonly src: string;
      readonly dst: string;
      readonly tos?: number;
      readonly ttl?: number;
      readonly protocol?: number;
      readonly id?: number;
      readonly totalLength?: number;
      /** Flags and fragment offset word. */
      readonly fragment?: number;
      readonly options?: Uint8Array;
    }
  | {
      readonly layer: 'ipv6';
      readonly src: string;
      readonly dst: string;
      readonly hopLimit?: number;
      readonly nextHeader?: number;
      readonly payloadLength?: number;
      readonly flowLabel?: number;
    }
  | {
      readonly layer: 'hopopts' | 'dstopts';
      readonly length?: number;
      /** Instead of padding; filled up with Pad1. */
      readonly options?: Uint8Array;
    }
  | {
      readonly layer: 'routing';
      readonly type?: number;
      readonly segmentsLeft?: number;
      readonly length?: number;
    }
  | {
      readonly layer: 'fragment';
      readonly offset?: number;
      readonly more?: boolean;
      readonly id?: number;
      readonly nextHeader?: number;
    }
  | {
      readonly layer: 'udp';
      readonly src: number;
      readonly dst: number;
      readonly length?: number;
      readonly checksum?: number;
    }
  | {
      readonly layer: 'tcp';
      readonly src: number;
      readonly dst: number;
      readonly flags?: string;
      readonly seq?: number;
      readonly ack?: number;
      readonly checksum?: number;
    }
  | {
      readonly layer: 'icmpv6' | 'icmp';
      readonly type: number;
      readonly code?: number;
      readonly checksum?: number;
    }
  | {
      readonly layer: 'teredo';
      readonly auth?: {
        readonly id?: Uint8Array;
        readonly value?: Uint8Array;
        readonly nonce?: bigint;
        readonly confirmation?: number;
      };
      readonly origin?: { readonly address: string; readonly port: number };
      /** Octets behind the IPv6 packet. */
      readonly trailer?: Uint8Array;
    }
  | { readonly layer: 'gre'; readonly protocol?: number; readonly key?: number; readonly flags?: number }
  /** GRE and ERSPAN (draft-foschiano-erspan) around a frame. */
  | {
      readonly layer: 'erspan';
      /** 1 to 3. */
      readonly type?: number;
      readonly truncated?: boolean;
      readonly subheader?: boolean;
      /** Octets of the frame that are sent; the rest was cut by the switch. */
      readonly kept?: number;
    }
  | { readonly layer: 'vxlan'; readonly vni: number }
  | { readonly layer: 'payload'; readonly bytes: Uint8Array };

export type LayerSpecName = LayerSpec['layer'];

const IP_LAYERS: ReadonlySet<string> = new Set(['ipv4', 'ipv6']);
const TCP_FLAGS = 'FSRPAU';

/** Octets of one frame. An Ethernet header is added when the first layer is none of the link layers. */
export function buildFrame(layers: readonly LayerSpec[]): Uint8Array {
  const first = layers[0]?.layer;
  const withLink: readonly LayerSpec[] = first === 'eth' ? layers : [{ layer: 'eth' }, ...layers];
  return build(withLink, 0, undefined);
}

/** Octets of a packet without link layer (link type RAW). */
export function buildPacket(layers: readonly LayerSpec[]): Uint8Array {
  return build(layers, 0, undefined);
}

/** A Teredo address in text (RFC 4380 4). */
export function teredoAddress(
  server: string,
  client: string,
  port: number,
  flags = 0,
  isOldPrefix = false,
): string {
  const prefix = isOldPrefix ? OLD_TEREDO_PREFIX : TEREDO_PREFIX;
  const w2 = ((flags << 16) | (~port & 0xffff)) >>> 0;
  return formatAddress(prefix, need(parseIpv4(server), server), w2, ~need(parseIpv4(client), client) >>> 0);
}

type IpSpec = Extract<LayerSpec, { layer: 'ipv4' | 'ipv6' }>;

function build(layers: readonly LayerSpec[], at: number, ip: IpSpec | undefined): Uint8Array {
  const spec = layers[at];
  if (spec === undefined) return new Uint8Array(0);
  const nearestIp = IP_LAYERS.has(spec.layer) ? (spec as IpSpec) : ip;
  const body = build(layers, at + 1, nearestIp);
  const next = layers[at + 1];
  switch (spec.layer) {
    case 'eth':
      return join(
        mac(spec.dst ?? '02:00:00:00:00:02'),
        mac(spec.src ?? '02:00:00:00:00:01'),
        u16(spec.type ?? ethertype(next)),
        body,
      );
    case 'vlan':
      return join(u16(spec.id), u16(ethertype(next)), body);
    case 'pppoe': {
      const protocol = next?.layer === 'ipv6' ? PPP_PROTOCOL.IPV6 : PPP_PROTOCOL.IPV4;
      return join(Uint8Array.of(0x11, 0), u16(spec.session ?? 1), u16(body.length + 2), u16(protocol), body);
    }
    case 'ipv4':
      return ipv4(spec, body, next);
    case 'ipv6':
      return ipv6(spec, body, next);
    case 'hopopts':
    case 'dstopts':
      return extension(
        protocolOf(next),
        spec.length ?? ((spec.options?.length ?? 0) + 9) & ~7,
        spec.options ?? Uint8Array.of(1),
        body,
      );
    case 'routing':
      return extension(
        protocolOf(next),
        spec.length ?? 8,
        Uint8Array.of(spec.type ?? 0, spec.segmentsLeft ?? 0),
        body,
      );
    case 'fragment': {
      const word = (spec.offset ?? 0) | (spec.more === true ? 1 : 0);
      return join(Uint8Array.of(spec.nextHeader ?? protocolOf(next), 0), u16(word), u32(spec.id ?? 1), body);
    }
    case 'udp': {
      const length = spec.length ?? body.length + 8;
      const bytes = join(u16(spec.src), u16(spec.dst), u16(length), u16(0), body);
      return sealed(bytes, 6, spec.checksum, IP_PROTOCOL.UDP, ip);
    }
    case 'tcp': {
      let flags = 0;
      for (const letter of spec.flags ?? 'S') flags |= 1 << TCP_FLAGS.indexOf(letter);
      const bytes = join(
        u16(spec.src),
        u16(spec.dst),
        u32(spec.seq ?? 0),
        u32(spec.ack ?? 0),
        Uint8Array.of(0x50, flags),
        u16(8192),
        u32(0),
        body,
      );
      return sealed(bytes, 16, spec.checksum, IP_PROTOCOL.TCP, ip);
    }
    case 'icmpv6':
    case 'icmp': {
      const bytes = join(Uint8Array.of(spec.type, spec.code ?? 0), u16(0), body.length === 0 ? u32(0) : body);
      const protocol = spec.layer === 'icmpv6' ? IP_PROTOCOL.ICMPV6 : IP_PROTOCOL.ICMP;
      return sealed(bytes, 2, spec.checksum, protocol, spec.layer === 'icmp' ? undefined : ip);
    }
    case 'teredo':
      return join(teredoHeaders(spec), body, spec.trailer ?? new Uint8Array(0));
    case 'gre': {
      const flags = spec.flags ?? (spec.key === undefined ? 0 : 0x2000);
      const key = spec.key === undefined ? new Uint8Array(0) : u32(spec.key);
      return join(u16(flags), u16(spec.protocol ?? greProtocol(next)), key, body);
    }
    case 'erspan':
      return join(erspanHeaders(spec), body.subarray(0, spec.kept ?? body.length));
    case 'vxlan': {
      const inner =
        next?.layer === 'eth' ? body : build([{ layer: 'eth' }, ...layers.slice(at + 1)], 0, undefined);
      return join(u32(0x08000000), u32(spec.vni * 256), inner);
    }
    case 'payload':
      return join(spec.bytes, body);
  }
}

function ipv4(
  spec: Extract<LayerSpec, { layer: 'ipv4' }>,
  body: Uint8Array,
  next: LayerSpec | undefined,
): Uint8Array {
  const options = spec.options ?? new Uint8Array(0);
  const headerLength = 20 + options.length;
  const header = join(
    Uint8Array.of(0x40 | (headerLength >> 2), spec.tos ?? 0),
    u16(spec.totalLength ?? headerLength + body.length),
    u16(spec.id ?? 0),
    u16(spec.fragment ?? 0),
    Uint8Array.of(spec.ttl ?? 64, spec.protocol ?? protocolOf(next)),
    u16(0),
    u32(need(parseIpv4(spec.src), spec.src)),
    u32(need(parseIpv4(spec.dst), spec.dst)),
    options,
  );
  const frame = frameOf(header);
  frame.view.setUint16(10, ~sum16(frame, 0, header.length, 0) & 0xffff);
  return join(header, body);
}

function ipv6(
  spec: Extract<LayerSpec, { layer: 'ipv6' }>,
  body: Uint8Array,
  next: LayerSpec | undefined,
): Uint8Array {
  return join(
    u32((0x60000000 | (spec.flowLabel ?? 0)) >>> 0),
    u16(spec.payloadLength ?? body.length),
    Uint8Array.of(spec.nextHeader ?? protocolOf(next), spec.hopLimit ?? 64),
    ...need(parseIpv6(spec.src), spec.src).map(u32),
    ...need(parseIpv6(spec.dst), spec.dst).map(u32),
    body,
  );
}

function extension(nextHeader: number, length: number, data: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = nextHeader;
  bytes[1] = (length >> 3) - 1;
  bytes.set(data, 2);
  if (data.length === 1 && data[0] === 1) bytes[3] = length - 4; // PadN over the rest
  return join(bytes, body);
}

function teredoHeaders(spec: Extract<LayerSpec, { layer: 'teredo' }>): Uint8Array {
  const parts: Uint8Array[] = [];
  if (spec.auth !== undefined) {
    const id = spec.auth.id ?? new Uint8Array(0);
    const value = spec.auth.value ?? new Uint8Array(0);
    const nonce = new Uint8Array(8);
    new DataView(nonce.buffer).setBigUint64(0, spec.auth.nonce ?? 0x0102030405060708n);
    parts.push(
      Uint8Array.of(0, 1, id.length, value.length),
      id,
      value,
      nonce,
      Uint8Array.of(spec.auth.confirmation ?? 0),
    );
  }
  if (spec.origin !== undefined) {
    const address = need(parseIpv4(spec.origin.address), spec.origin.address);
    parts.push(u16(0), u16(~spec.origin.port & 0xffff), u32(~address >>> 0));
  }
  return join(...parts);
}

/* Fills the checksum at `at`: a stated one, or the right one for the enclosing IP header. */
function sealed(
  bytes: Uint8Array,
  at: number,
  stated: number | undefined,
  protocol: number,
  ip: IpSpec | undefined,
): Uint8Array {
  const frame = frameOf(bytes);
  if (stated !== undefined) {
    frame.view.setUint16(at, stated);
    return bytes;
  }
  let sum = 0;
  if (ip !== undefined) {
    sum = protocol + bytes.length;
    for (const text of [ip.src, ip.dst]) {
      const words: AddressWords =
        ip.layer === 'ipv4' ? mapped(need(parseIpv4(text), text)) : need(parseIpv6(text), text);
      for (const word of ip.layer === 'ipv4' ? words.slice(3) : words) sum += (word >>> 16) + (word & 0xffff);
    }
  }
  const checksum = ~fold16(sum16(frame, 0, bytes.length, sum)) & 0xffff;
  frame.view.setUint16(at, checksum === 0 && protocol === IP_PROTOCOL.UDP ? 0xffff : checksum);
  return bytes;
}

function ethertype(next: LayerSpec | undefined): number {
  switch (next?.layer) {
    case 'ipv6':
      return ETHERTYPE.IPV6;
    case 'vlan':
      return next.tpid ?? ETHERTYPE.VLAN;
    case 'pppoe':
      return ETHERTYPE.PPPOE_SESSION;
    default:
      return ETHERTYPE.IPV4;
  }
}

function erspanHeaders(spec: Extract<LayerSpec, { layer: 'erspan' }>): Uint8Array {
  if (spec.type === 1) return join(u16(0), u16(ETHERTYPE.ERSPAN_II));
  const isTypeIII = spec.type === 3;
  const first = u32((isTypeIII ? 2 : 1) * 0x10000000 + (spec.truncated === true ? 0x0400 : 0) + 7);
  const gre = join(u16(0x1000), u16(isTypeIII ? ETHERTYPE.ERSPAN_III : ETHERTYPE.ERSPAN_II), u32(1));
  if (!isTypeIII) return join(gre, first, u32(0));
  const hasSubheader = spec.subheader === true;
  return join(gre, first, u32(1), u32(hasSubheader ? 1 : 0), new Uint8Array(hasSubheader ? 8 : 0));
}

function greProtocol(next: LayerSpec | undefined): number {
  if (next?.layer === 'eth') return ETHERTYPE.TRANSPARENT_ETHERNET;
  return next?.layer === 'ipv6' ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4;
}

const PROTOCOL_OF_LAYER: Readonly<Partial<Record<LayerSpecName, number>>> = {
  ipv4: IP_PROTOCOL.IPV4,
  ipv6: IP_PROTOCOL.IPV6,
  hopopts: IP_PROTOCOL.HOPOPTS,
  dstopts: IP_PROTOCOL.DSTOPTS,
  routing: IP_PROTOCOL.ROUTING,
  fragment: IP_PROTOCOL.FRAGMENT,
  udp: IP_PROTOCOL.UDP,
  tcp: IP_PROTOCOL.TCP,
  icmp: IP_PROTOCOL.ICMP,
  icmpv6: IP_PROTOCOL.ICMPV6,
  gre: IP_PROTOCOL.GRE,
  erspan: IP_PROTOCOL.GRE,
};

function protocolOf(next: LayerSpec | undefined): number {
  return next === undefined ? IP_PROTOCOL.NONE : (PROTOCOL_OF_LAYER[next.layer] ?? IP_PROTOCOL.NONE);
}

function mac(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), (part) => parseInt(part, 16));
}

function u16(value: number): Uint8Array {
  return Uint8Array.of((value >>> 8) & 0xff, value & 0xff);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function need<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`"${text}" is not an address of the right family`);
  return value;
}
