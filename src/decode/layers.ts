import type { FrameView } from '../wire/frame.js';
import type { Verdict } from './verdicts.js';
import { VERDICT } from './verdicts.js';

export { CARRIER, LAYER, LAYER_NAMES } from './layer-names.js';

/** What the dispatcher decodes next, with `selector` as its argument. */
export const STEP = {
  stop: 0,
  link: 1,
  ethertype: 2,
  ppp: 3,
  protocol: 4,
  innerIp: 5,
  udpPayload: 6,
  pppHeader: 7,
  llc: 8,
} as const;

/** Which length ended the bytes that a decoder may read. */
export const LIMITED_BY = {
  frame: 0,
  snapLength: 1,
  ipv4TotalLength: 2,
  ipv6PayloadLength: 3,
  udpLength: 4,
} as const;

export const LIMITED_BY_NAMES: readonly string[] = [
  'frame',
  'snap length',
  'IPv4 total length',
  'IPv6 payload length',
  'UDP length',
];

export const MAX_LAYERS = 32;
/** Words a layer may keep. */
export const ROW = 16;
/** Hard bound on encapsulations; the configured depth is at most this. */
export const MAX_ENCAPSULATIONS = 16;
const MAX_NOTES = 8;

/* Word offsets inside a row, by layer. IPv4 and IPv6 share theirs, addresses as four words each. */
export const ETH = { DST_HIGH: 0, DST_LOW: 1, SRC_HIGH: 2, SRC_LOW: 3, TYPE: 4 } as const;
export const VLAN = { ID: 0, TPID: 1 } as const;
export const IP = {
  SRC: 0,
  DST: 4,
  PROTOCOL: 8,
  TTL: 9,
  /** IPv4 total length or IPv6 payload length, as on the wire. */
  LENGTH: 10,
  IDENTIFICATION: 11,
  /** IPv4 flags and fragment offset word; 0 for IPv6. */
  FRAGMENT_WORD: 12,
  HEADER_LENGTH: 13,
  /** IPv4 type of service; IPv6 traffic class and flow label (28 bits). */
  CLASS: 14,
} as const;
export const EXTENSION = {
  NEXT: 0,
  LENGTH: 1,
  /** Routing type; fragment offset in octets. */
  DETAIL: 2,
  /** Segments left; fragment M flag. */
  DETAIL_2: 3,
  /** Fragment identification. */
  DETAIL_3: 4,
  /** Hop-by-Hop Options: bits of {@link HOP_OPTION}. */
  OPTIONS: 5,
} as const;
/** Options of a Hop-by-Hop header that ask routers on the way for something (RFC 2711, RFC 2675). */
export const HOP_OPTION = { routerAlert: 1, jumbo: 2 } as const;
export const PORTS = { SRC: 0, DST: 1 } as const;
export const UDP = { SRC: 0, DST: 1, LENGTH: 2, CHECKSUM: 3 } as const;
export const TCP = { SRC: 0, DST: 1, FLAGS: 2, HEADER_LENGTH: 3, SEQUENCE: 4, ACKNOWLEDGEMENT: 5 } as const;
export const ICMP = { TYPE: 0, CODE: 1 } as const;
export const TEREDO = {
  BITS: 0,
  ORIGIN_PORT: 1,
  ORIGIN_V4: 2,
  NONCE_HIGH: 3,
  NONCE_LOW: 4,
  CONFIRMATION: 5,
  ID_LENGTH: 6,
  AUTH_LENGTH: 7,
  /** Octets after the IPv6 packet. */
  TRAILER_LENGTH: 8,
  /** Bit n set: a trailer of type n (1-5) is there; bit 0: one of an unknown type. */
  TRAILER_TYPES: 9,
  EVIDENCE: 10,
  SCORE: 11,
  /** What is wrong with single trailers: bits of {@link TRAILER_FAULT}. */
  TRAILER_FAULTS: 12,
} as const;
export const TRAILER_FAULT = {
  /** A length that the type does not have (RFC 6081 4.2-4.5). */
  length: 1,
  /** An alternate address that is no unicast address, or with port 0. */
  alternate: 2,
  /** Reserved octets that are not 0, or an unknown kind of neighbor discovery. */
  content: 4,
  /** A type that may occur once and does so again. */
  repeated: 8,
} as const;
export const GRE = { VERSION: 0, PROTOCOL: 1, KEY: 2 } as const;
export const VXLAN = { VNI: 0 } as const;
/** The network identifier stands where that of VXLAN does. */
export const GENEVE = { VNI: 0, OPTIONS_LENGTH: 1 } as const;
/** Label at the bottom of the stack, and how many there are. */
export const MPLS = { LABEL: 0, LABELS: 1 } as const;
export const PPP = { PROTOCOL: 0 } as const;
export const AYIYA = { OPERATION: 0, NEXT_HEADER: 1 } as const;
export const GTP = { ENDPOINT: 0, TYPE: 1 } as const;
export const GUE = { PROTOCOL: 0, FLAGS: 1 } as const;
export const L2TP = { TUNNEL: 0, SESSION: 1 } as const;
export const IPPROTO = { PROTOCOL: 0 } as const;

export const TEREDO_BIT = {
  auth: 1,
  origin: 2,
  bubble: 4,
  trailer: 8,
  malformedTrailer: 16,
  /** Headers in another order than RFC 4380 5.1.1 allows, or one of them twice. */
  illegalOrder: 32,
  /** Trailers that the capture cut. */
  cutTrailer: 64,
} as const;

/** What the fragments of a packet were like. */
export const FRAGMENT_BIT = {
  seen: 1,
  overlap: 2,
  /** The first fragment did not hold all headers. */
  splitChain: 4,
  nested: 8,
  atomic: 16,
  tiny: 32,
  /** The rest never came. */
  alone: 64,
} as const;

/**
 * The result of decoding one packet: up to 32 layers as rows of words, the encapsulations among them, and how it ended.
 * One object is made at start and reused for every packet, so nothing is allocated while packets flow.
 */
export class LayerStack {
  count = 0;
  readonly kind = new Uint8Array(MAX_LAYERS);
  /** Offset of the layer's first octet in the frame that it was read from. */
  readonly at = new Uint32Array(MAX_LAYERS);
  /** Offset behind the layer's last captured octet, payload included. */
  readonly end = new Uint32Array(MAX_LAYERS);
  readonly words = new Uint32Array(MAX_LAYERS * ROW);

  encapsulations = 0;
  readonly carrier = new Uint8Array(MAX_ENCAPSULATIONS);
  /** Layer of the outer IP header of each encapsulation. */
  readonly outerIp = new Uint8Array(MAX_ENCAPSULATIONS);
  /** Layer of the header that opens it: Teredo, GRE, VXLAN, or the outer IP header itself. */
  readonly header = new Uint8Array(MAX_ENCAPSULATIONS);
  /** First layer inside. */
  readonly inner = new Uint8Array(MAX_ENCAPSULATIONS);
  /** Octets that each encapsulation carries, as on the wire. */
  readonly carried = new Uint32Array(MAX_ENCAPSULATIONS);
  /** Encapsulations that were weighed and kept; those above are new since. */
  accepted = 0;
  /** Notes that had been made when each encapsulation was opened. */
  readonly notesBefore = new Uint8Array(MAX_ENCAPSULATIONS);

  /* Where the walk stands. */
  step = 0;
  selector = 0;
  nextAt = 0;
  nextEnd = 0;
  /** Where the current payload ends on the wire; above `nextEnd` when the capture was cut short. */
  wireEnd = 0;
  limitedBy = 0;
  /** Frame of the current layer: the captured one, or a reassembled datagram. */
  frame: FrameView;
  /** First layer whose octets lie in {@link frame}; those before were read from another. */
  frameFrom = 0;
  /** The captured frame, and the number of layers that were read from it, when {@link frame} is a reassembled datagram. */
  captured: FrameView;
  capturedTo = 0;
  /** Last IP layer, or -1. */
  ip = -1;
  extensionHeaders = 0;
  extensionOctets = 0;

  /* How it ended. */
  verdict: Verdict = 0;
  failedLayerKind = 0;
  failedAt = 0;
  needed = 0;
  had = 0;
  failedLimit = 0;
  /** Fragment header layer, or the IPv4 layer itself, that waits for reassembly; -1 when none. */
  fragmentLayer = -1;
  /** The packet was judged from its first fragment alone. */
  incompleteFragment = false;
  /** Encapsulations around that first fragment. */
  incompleteLevel = 0;
  /** The packet was completed from fragments. */
  reassembled = false;
  /** Bits of FRAGMENT_BIT. */
  fragments = 0;
  /** The frame came inside the transport of a mirror port which is not among the layers. */
  isMirrored = false;
  notes = 0;
  readonly note = new Uint8Array(MAX_NOTES);
  /** Number of encapsulations when each note was made. */
  readonly noteDepth = new Uint8Array(MAX_NOTES);
  notesLost = 0;
  /** Selector of a carrier that was seen and not opened: EtherType, port or protocol; 0 when none. */
  unopened = 0;
  /** Why a UDP payload that looked like a tunnel (Teredo, VXLAN) was not taken for one; `ok` when nothing did. */
  carrierComplaint: Verdict = 0;
  /** What a tunnel broker is told was remarked. */
  isBrokerTalk = false;

  constructor(frame: FrameView) {
    this.frame = frame;
    this.captured = frame;
  }

  /** The frame that holds a layer's octets; undefined when it is gone. */
  frameOf(layer: number): FrameView | undefined {
    if (layer >= this.frameFrom) return this.frame;
    return layer < this.capturedTo ? this.captured : undefined;
  }

  reset(frame: FrameView, at: number, end: number, wireEnd: number): void {
    this.count = 0;
    this.encapsulations = 0;
    this.accepted = 0;
    this.frame = frame;
    this.nextAt = at;
    this.nextEnd = end;
    this.wireEnd = wireEnd;
    this.limitedBy = LIMITED_BY.frame;
    this.frameFrom = 0;
    this.capturedTo = 0;
    this.ip = -1;
    this.extensionHeaders = 0;
    this.extensionOctets = 0;
    this.verdict = VERDICT.ok;
    this.failedLimit = LIMITED_BY.frame;
    this.fragmentLayer = -1;
    this.incompleteFragment = false;
    this.reassembled = false;
    this.fragments = 0;
    this.isMirrored = false;
    this.notes = 0;
    this.unopened = 0;
    this.carrierComplaint = VERDICT.ok;
    this.isBrokerTalk = false;
  }

  /** Makes this stack what `other` is, frame included. */
  copyFrom(other: LayerStack): void {
    this.reset(other.frame, other.nextAt, other.nextEnd, other.wireEnd);
    this.count = other.count;
    this.kind.set(other.kind);
    this.at.set(other.at);
    this.end.set(other.end);
    this.words.set(other.words);
    this.encapsulations = other.encapsulations;
    this.accepted = other.accepted;
    this.carrier.set(other.carrier);
    this.outerIp.set(other.outerIp);
    this.header.set(other.header);
    this.inner.set(other.inner);
    this.carried.set(other.carried);
    this.notesBefore.set(other.notesBefore);
    this.step = other.step;
    this.selector = other.selector;
    this.limitedBy = other.limitedBy;
    this.frameFrom = other.frameFrom;
    this.ip = other.ip;
    this.extensionHeaders = other.extensionHeaders;
    this.extensionOctets = other.extensionOctets;
    this.verdict = other.verdict;
    this.fragmentLayer = other.fragmentLayer;
    this.reassembled = other.reassembled;
    this.fragments = other.fragments;
    this.isMirrored = other.isMirrored;
  }

  /** Adds a layer and returns the index of its first word. The dispatcher has checked that there is room. */
  push(kind: number, at: number, end: number): number {
    const layer = this.count++;
    this.kind[layer] = kind;
    this.at[layer] = at;
    this.end[layer] = end;
    return layer * ROW;
  }

  /** Opens an encapsulation whose carried packet starts at `innerAt`. The dispatcher has checked the depth. */
  open(carrier: number, header: number, innerAt: number): void {
    const level = this.encapsulations++;
    this.carrier[level] = carrier;
    this.outerIp[level] = this.ip;
    this.header[level] = header;
    this.inner[level] = this.count;
    this.carried[level] = this.wireEnd - innerAt;
    this.notesBefore[level] = this.notes;
  }

  /** Forgets all layers and begins again with the mirrored frame that comes next: how it came here is no finding. */
  beginAgain(): void {
    const { step, selector, reassembled } = this;
    this.reset(this.frame, this.nextAt, this.nextEnd, this.wireEnd);
    this.goOn(step, selector, this.nextAt);
    this.reassembled = reassembled;
    this.isMirrored = true;
  }

  /** Takes back encapsulation `level` and all that was decoded in it; its UDP datagram becomes the leaf. */
  takeBack(level: number): void {
    this.encapsulations = level;
    this.count = this.header[level]!;
    this.ip = this.outerIp[level]!;
    this.notes = this.notesBefore[level]!;
    this.verdict = VERDICT.ok;
    this.fragmentLayer = -1;
    this.unopened = 0;
    this.step = STEP.stop;
  }

  /** Sets what comes next, inside the current payload. */
  goOn(step: number, selector: number, at: number): void {
    this.step = step;
    this.selector = selector;
    this.nextAt = at;
  }

  /** Ends the walk at a leaf. */
  stop(): void {
    this.step = STEP.stop;
  }

  /**
   * Narrows the payload to what a length field says: `wireEnd` is where the field ends it. Returns false when the field
   * promises more than its enclosing layer has on the wire. A first fragment that is judged alone holds less than its
   * lengths say, and that is no lie.
   */
  narrow(wireEnd: number, limitedBy: number): boolean {
    if (wireEnd > this.wireEnd) return this.incompleteFragment;
    this.wireEnd = wireEnd;
    if (wireEnd <= this.nextEnd) {
      this.nextEnd = wireEnd;
      this.limitedBy = limitedBy;
    }
    return true;
  }

  /** Records why a decoder stopped: it needed `needed` octets at `at` and had `had`. */
  fail(verdict: Verdict, layerKind: number, at: number, needed: number, had: number): Verdict {
    this.failedLayerKind = layerKind;
    this.failedAt = at;
    this.needed = needed;
    this.had = had;
    this.failedLimit = this.nextEnd < this.wireEnd ? LIMITED_BY.snapLength : this.limitedBy;
    return verdict;
  }

  /** Notes something weird and goes on. */
  remark(verdict: Verdict): void {
    this.remarkAt(verdict, this.encapsulations);
  }

  /** The same of what lies in `depth` encapsulations. */
  remarkAt(verdict: Verdict, depth: number): void {
    if (this.notes === MAX_NOTES) {
      this.notesLost++;
      return;
    }
    this.note[this.notes] = verdict;
    this.noteDepth[this.notes] = depth;
    this.notes++;
  }

  /** Word `offset` of a layer's row. */
  word(layer: number, offset: number): number {
    return this.words[layer * ROW + offset]!;
  }

  /** Last layer, or -1. */
  get last(): number {
    return this.count - 1;
  }

  /** Whether the walk ended because the capture holds less than was on the wire. */
  get cutBySnapLength(): boolean {
    return this.verdict !== VERDICT.ok && this.failedLimit === LIMITED_BY.snapLength;
  }
}
