import { isTeredoByAddresses } from './teredo-evidence.js';
import type { FrameView } from '../wire/frame.js';
import { ETHERTYPE, IP_PROTOCOL } from '../wire/numbers.js';
import { ETHERNET_LENGTH } from './ethernet.js';
import { DONT_FRAGMENT, IPV4_MIN_HEADER, MORE_FRAGMENTS, OFFSET_MASK } from './ipv4.js';
import { IPV6_HEADER } from './ipv6.js';
import { LAYER } from './layers.js';
import type { WatchedPorts } from './plain-frame.js';
import { behindTags, isPlainDatagram } from './plain-frame.js';
import { TCP_MIN_HEADER } from './tcp.js';
import { TEREDO_MOST_UDP } from './teredo.js';
import { UDP_HEADER } from './udp.js';

const IPV4_WITHOUT_OPTIONS = 0x45;
const IPV4 = { TOTAL_LENGTH: 2, FRAGMENT: 6, PROTOCOL: 9 } as const;
const IPV6 = { PAYLOAD_LENGTH: 4, NEXT_HEADER: 6, HOP_LIMIT: 7, SOURCE: 8, DESTINATION: 24 } as const;
const UDP = { DESTINATION: 2, LENGTH: 4 } as const;
/* Congestion notification: two bits of the second octet of each header, four places apart. */
const ECN = 3;
const ECN_IN_IPV6 = 4;
const TCP_DATA_OFFSET = 12;

/**
 * Where the headers of a usual tunnel packet lie: IPv6 in IPv4, by protocol 41 or as Teredo without headers of its own,
 * with TCP or UDP directly inside and nothing to remark on. For such a packet a {@link PacketDecoder} says `ok`, notes
 * nothing and finds one encapsulation, whatever else is known; the fields here say what it would.
 */
export class UsualTunnel {
  /** Offset of the outer IPv4 header, and of what lies behind the packet's last captured octet. */
  ip = 0;
  end = 0;
  /** Offset of the UDP header that carries the tunnel, or -1 for protocol 41. */
  udp = -1;
  /** Offset of the IPv6 header. */
  inner = 0;
  /** Octets of the IPv6 packet on the wire, header included. */
  innerLength = 0;
  /** Offset of the TCP or UDP header in it, and which it is (`LAYER.tcp` or `LAYER.udp`). */
  transport = 0;
  transportKind = 0;

  /** Offset behind everything that a decoder reads of the packet. */
  get headersEnd(): number {
    const end = this.transport + TCP_MIN_HEADER;
    return end < this.end ? end : this.end;
  }

  readonly #watched: WatchedPorts;

  /** `watched` are the UDP ports of other carriers. */
  constructor(watched: WatchedPorts) {
    this.#watched = watched;
  }

  /** Reads an Ethernet frame. False for whatever is unusual; the fields then mean nothing. */
  read(frame: FrameView, at: number, end: number, wireEnd: number): boolean {
    if (end - at < ETHERNET_LENGTH) return false;
    const ip = behindTags(frame, at, end);
    if (ip < 0 || frame.view.getUint16(ip - 2) !== ETHERTYPE.IPV4) return false;
    return this.readIpv4(frame, ip, end, wireEnd);
  }

  /** The same from the outer IPv4 header on. */
  readIpv4(frame: FrameView, ip: number, frameEnd: number, wireEnd: number): boolean {
    const { bytes, view } = frame;
    if (frameEnd - ip < IPV4_MIN_HEADER || bytes[ip] !== IPV4_WITHOUT_OPTIONS) return false;
    // The header lies before the end.
    const packetEnd = ip + view.getUint16(ip + IPV4.TOTAL_LENGTH);
    if (packetEnd > wireEnd) return false;
    if ((view.getUint16(ip + IPV4.FRAGMENT) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0) return false;
    const end = packetEnd < frameEnd ? packetEnd : frameEnd;
    const payload = ip + IPV4_MIN_HEADER;
    const protocol = bytes[ip + IPV4.PROTOCOL];
    this.ip = ip;
    this.end = end;
    this.udp = -1;
    if (protocol === IP_PROTOCOL.IPV6) return this.#readIpv6(frame, payload, end, packetEnd);
    if (protocol !== IP_PROTOCOL.UDP || end - payload < UDP_HEADER) return false;
    this.udp = payload;
    const isWatched =
      this.#watched[view.getUint16(payload)]! | this.#watched[view.getUint16(payload + UDP.DESTINATION)]!;
    if (isWatched !== 0) return false;
    const length = view.getUint16(payload + UDP.LENGTH);
    const datagramEnd = payload + length;
    // What is longer than Teredo's packets, or not to be fragmented, is unusual too (T40).
    if (datagramEnd > packetEnd || length > TEREDO_MOST_UDP) return false;
    if ((view.getUint16(ip + IPV4.FRAGMENT) & DONT_FRAGMENT) !== 0) return false;
    const inner = payload + UDP_HEADER;
    return (
      this.#readIpv6(frame, inner, end, datagramEnd) &&
      isModestHeader(bytes, ip, inner) &&
      isTeredoByAddresses(view.getUint32(inner + IPV6.SOURCE), view.getUint32(inner + IPV6.DESTINATION))
    );
  }

  /* An IPv6 packet that fills what carries it, which ends at `carrierEnd` on the wire. */
  #readIpv6(frame: FrameView, at: number, end: number, carrierEnd: number): boolean {
    const { bytes, view } = frame;
    if (end - at < IPV6_HEADER || bytes[at]! >>> 4 !== 6) return false;
    // The header lies before the end.
    const transport = at + IPV6_HEADER;
    if (transport + view.getUint16(at + IPV6.PAYLOAD_LENGTH) !== carrierEnd) return false;
    const capturedEnd = carrierEnd < end ? carrierEnd : end;
    this.inner = at;
    this.innerLength = carrierEnd - at;
    this.transport = transport;
    switch (bytes[at + IPV6.NEXT_HEADER]) {
      case IP_PROTOCOL.TCP: {
        this.transportKind = LAYER.tcp;
        if (capturedEnd - transport < TCP_MIN_HEADER) return false;
        const headerLength = (bytes[transport + TCP_DATA_OFFSET]! >>> 4) << 2;
        return headerLength >= TCP_MIN_HEADER && headerLength <= carrierEnd - transport;
      }
      case IP_PROTOCOL.UDP:
        this.transportKind = LAYER.udp;
        return isPlainDatagram(frame, transport, capturedEnd, carrierEnd, this.#watched);
      default:
        return false;
    }
  }
}

/*
 * Both headers lie before the end. What checks of each Teredo packet look at besides addresses (T39, T41), and what no
 * earlier packet of the flow answers for: a hop limit of 0, and congestion outside that the inside cannot have.
 */
function isModestHeader(bytes: Uint8Array, ip: number, inner: number): boolean {
  if (bytes[inner + IPV6.HOP_LIMIT] === 0) return false;
  return (bytes[ip + 1]! & ECN) === 0 || ((bytes[inner + 1]! >>> ECN_IN_IPV6) & ECN) !== 0;
}
