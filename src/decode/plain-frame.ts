import { ETHERTYPE, IP_PROTOCOL } from '../wire/numbers.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import type { FrameView } from '../wire/frame.js';
import { ETHERNET_LENGTH } from './ethernet.js';
import { isBrokerTcp } from './broker.js';
import { IPV4_MIN_HEADER, MORE_FRAGMENTS, OFFSET_MASK } from './ipv4.js';
import { IPV6_HEADER } from './ipv6.js';
import { beginsLikeTeredo } from './teredo.js';
import { UDP_HEADER } from './udp.js';
import { UdpCarriers } from './udp-carriers.js';

const TAG_LENGTH = 4;
const MAX_TAGS = 2;
const IPV4 = { FRAGMENT: 6, PROTOCOL: 9 } as const;
const IPV6 = { PAYLOAD_LENGTH: 4, NEXT_HEADER: 6 } as const;
const UDP_LENGTH = 4;

/** Protocols that end the walk of a packet in no tunnel, without their header being read. */
const IS_LEAF = new Uint8Array(256);
for (const protocol of [
  IP_PROTOCOL.ICMP,
  IP_PROTOCOL.ICMPV6,
  IP_PROTOCOL.IGMP,
  IP_PROTOCOL.ESP,
  IP_PROTOCOL.OSPF,
  IP_PROTOCOL.SCTP,
]) {
  IS_LEAF[protocol] = 1;
}

/** UDP ports whose payload a {@link PacketDecoder} must look at. Index: port. */
export type WatchedPorts = Uint8Array;

/** UDP ports of carriers. */
export function watchedPorts(
  vxlanPorts: readonly number[],
  mirrors: readonly MirrorTransport[] = [],
): WatchedPorts {
  const carriers = new UdpCarriers(vxlanPorts, mirrors);
  const watched = new Uint8Array(65_536);
  // Not by Uint8Array.from, which takes two milliseconds: fuzzing begins thousands of analyses.
  for (let port = 0; port < watched.length; port++) if (carriers.watches(port)) watched[port] = 1;
  return watched;
}

/**
 * Whether an Ethernet frame is sound as far as it must be read and certainly carries no tunnel: what the decoder would
 * walk through, store and call `ok`. Most frames are, and leave after some ten loads and no store. False means "look
 * closer", never that something is wrong. `usedPorts` counts, by port, tunnels over UDP: a datagram between two ports that
 * are in use may belong to one.
 */
export function isPlainFrame(
  frame: FrameView,
  at: number,
  end: number,
  wireEnd: number,
  watched: WatchedPorts,
  usedPorts: Uint32Array,
): boolean {
  if (end - at < ETHERNET_LENGTH) return false;
  const { bytes, view } = frame;
  const ip = behindTags(frame, at, end);
  if (ip < 0) return false;
  const type = view.getUint16(ip - 2);
  let protocol: number;
  let payload: number;
  let packetEnd: number;
  if (type === ETHERTYPE.IPV4) {
    if (end - ip < IPV4_MIN_HEADER) return false;
    // The fixed header lies before `end`. Version, words of the header, service, total length: one load for most packets.
    const first = view.getUint32(ip);
    const headerLength = ((first >>> 24) & 0x0f) << 2;
    if (first >>> 28 !== 4 || headerLength < IPV4_MIN_HEADER || end - ip < headerLength) return false;
    const totalLength = first & 0xffff;
    packetEnd = totalLength === 0 ? wireEnd : ip + totalLength;
    payload = ip + headerLength;
    if (packetEnd < payload || packetEnd > wireEnd) return false;
    if ((view.getUint16(ip + IPV4.FRAGMENT) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0) return false;
    protocol = bytes[ip + IPV4.PROTOCOL]!;
  } else if (type === ETHERTYPE.IPV6) {
    if (end - ip < IPV6_HEADER || bytes[ip]! >>> 4 !== 6) return false;
    // The fixed header lies before `end`.
    payload = ip + IPV6_HEADER;
    packetEnd = payload + view.getUint16(ip + IPV6.PAYLOAD_LENGTH);
    if (packetEnd > wireEnd) return false;
    protocol = bytes[ip + IPV6.NEXT_HEADER]!;
  } else {
    return false;
  }
  // Only what brokers are told on their ports is read of TCP in no tunnel.
  if (protocol === IP_PROTOCOL.TCP) return end - payload < 4 || !isBrokerTcp(view.getUint32(payload));
  if (IS_LEAF[protocol] === 1) return true;
  if (protocol !== IP_PROTOCOL.UDP) return false;
  const capturedEnd = packetEnd < end ? packetEnd : end;
  if (capturedEnd - payload < UDP_HEADER) return false;
  // A datagram between two ports in use may belong to a tunnel.
  if (usedPorts[view.getUint16(payload)] !== 0 && usedPorts[view.getUint16(payload + 2)] !== 0) return false;
  return isPlainDatagram(frame, payload, capturedEnd, packetEnd, watched);
}

/** Where the network header of an Ethernet frame begins, behind at most two VLAN tags and the EtherType; -1 when there is none. */
export function behindTags({ view }: FrameView, at: number, end: number): number {
  let ip = at + ETHERNET_LENGTH;
  for (let tags = 0; isTag(view.getUint16(ip - 2)); tags++) {
    if (tags === MAX_TAGS || end - ip < TAG_LENGTH) return -1;
    ip += TAG_LENGTH;
  }
  return ip;
}

function isTag(type: number): boolean {
  return type === ETHERTYPE.VLAN || type === ETHERTYPE.PROVIDER_VLAN;
}

/** Whether a UDP header is sound and its payload is not taken for that of a tunnel. */
export function isPlainDatagram(
  frame: FrameView,
  at: number,
  end: number,
  wireEnd: number,
  watched: WatchedPorts,
): boolean {
  if (end - at < UDP_HEADER) return false;
  // The header lies before `end`.
  const view = frame.view;
  if (watched[view.getUint16(at)] === 1 || watched[view.getUint16(at + 2)] === 1) return false;
  const length = view.getUint16(at + UDP_LENGTH);
  const datagramEnd = length === 0 ? wireEnd : at + length;
  if (datagramEnd < at + UDP_HEADER || datagramEnd > wireEnd) return false;
  return !beginsLikeTeredo(frame, at + UDP_HEADER, datagramEnd < end ? datagramEnd : end, datagramEnd);
}
