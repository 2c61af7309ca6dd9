import type { LayerStack } from '../decode/layers.js';
import { ICMP, IP, LAYER, ROW, TEREDO, UDP } from '../decode/layers.js';
import { isTeredoWord } from '../wire/embedded-address.js';
import { UDP_PORT } from '../wire/numbers.js';
import { TEREDO_CLASS } from '../model/vocabulary.js';
import { lastLayer } from './level.js';

/** Consoles ask servers on this port as well, before the assigned one. */
const CONSOLE_SERVER_PORT = 65_444;

/** What the checks of one Teredo packet read of it. One object, filled again for every packet. */
export class TeredoPacket {
  readonly stack: LayerStack;
  readonly words: Uint32Array;
  teredoClass = 0;
  /** Indexes of the first words of the inner addresses, and of the outer ones. */
  source = 0;
  destination = 0;
  outerSource = 0;
  outerDestination = 0;
  sourceIsTeredo = false;
  destinationIsTeredo = false;
  sourceV4 = 0;
  destinationV4 = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** Whether a client was seen to qualify at the outer endpoints. */
  sourceIsQualified = false;
  destinationIsQualified = false;
  /** Rows of the layers. */
  outer = 0;
  udp = 0;
  teredo = 0;
  inner = 0;
  bits = 0;
  /** Last layer of the tunnel, and its ICMPv6 type, or -1. */
  last = 0;
  icmpType = -1;
  /** Packet time in seconds. */
  time = 0;

  constructor(stack: LayerStack) {
    this.stack = stack;
    this.words = stack.words;
  }

  /** Reads Teredo encapsulation `level`. False when it is not carried by IPv4. */
  read(level: number, teredoClass: number, time: number): boolean {
    const { stack, words } = this;
    if (stack.kind[stack.outerIp[level]!] !== LAYER.ipv4) return false;
    this.teredoClass = teredoClass;
    this.time = time;
    this.outer = stack.outerIp[level]! * ROW;
    this.outerSource = this.outer + IP.SRC;
    this.outerDestination = this.outer + IP.DST;
    this.sourceV4 = words[this.outerSource + 3]!;
    this.destinationV4 = words[this.outerDestination + 3]!;
    this.teredo = stack.header[level]! * ROW;
    this.udp = this.teredo - ROW;
    this.sourcePort = words[this.udp + UDP.SRC]!;
    this.destinationPort = words[this.udp + UDP.DST]!;
    this.bits = words[this.teredo + TEREDO.BITS]!;
    this.inner = stack.inner[level]! * ROW;
    this.source = this.inner + IP.SRC;
    this.destination = this.inner + IP.DST;
    this.sourceIsTeredo = isTeredoWord(words[this.source]!);
    this.destinationIsTeredo = isTeredoWord(words[this.destination]!);
    this.last = lastLayer(stack, level);
    this.icmpType = stack.kind[this.last] === LAYER.icmpv6 ? stack.word(this.last, ICMP.TYPE) : -1;
    return true;
  }

  get isBubble(): boolean {
    switch (this.teredoClass) {
      case TEREDO_CLASS['direct-bubble']:
      case TEREDO_CLASS['indirect-bubble-to-server']:
      case TEREDO_CLASS['indirect-bubble-from-server']:
      case TEREDO_CLASS['local-discovery']:
        return true;
      default:
        return false;
    }
  }

  get isQualification(): boolean {
    return (
      this.teredoClass === TEREDO_CLASS['router-solicitation'] ||
      this.teredoClass === TEREDO_CLASS['router-advertisement']
    );
  }

  /** Whether the packet comes from a relay for an IPv6 host: its own source is no Teredo address, and it is no bubble. */
  get isFromRelay(): boolean {
    if (this.sourceIsTeredo || !this.destinationIsTeredo) return false;
    return this.teredoClass === TEREDO_CLASS.data || this.teredoClass === TEREDO_CLASS['ping-reply'];
  }

  /** Whether the sender is the client or relay itself, and no server that forwards for it. */
  get isSentByPeer(): boolean {
    return (
      !this.isQualification &&
      this.teredoClass !== TEREDO_CLASS['indirect-bubble-from-server'] &&
      this.teredoClass !== TEREDO_CLASS['local-discovery']
    );
  }

  /** Whether all octets of the innermost packet were captured, and belong to it. */
  get isWhole(): boolean {
    const { stack } = this;
    return stack.nextEnd >= stack.wireEnd && !stack.incompleteFragment && stack.fragmentLayer < 0;
  }
}

/** Whether a server may send from this port. */
export function isServerPort(port: number): boolean {
  return port === UDP_PORT.TEREDO || port === CONSOLE_SERVER_PORT;
}
