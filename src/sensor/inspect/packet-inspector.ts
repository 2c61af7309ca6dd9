import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import { decodeIcmp } from '../../decode/icmp.js';
import type { LayerStack } from '../../decode/layers.js';
import { IPPROTO, LAYER } from '../../decode/layers.js';
import { PacketDecoder } from '../../decode/packet.js';
import { decodeTcp } from '../../decode/tcp.js';
import { VERDICT } from '../../decode/verdicts.js';
import type { EndpointList } from '../../intel/endpoint-list.js';
import type { FirstFragment } from '../../reassembly/fragment-reassembler.js';
import { FragmentReassembler, isWorthReassembling } from '../../reassembly/fragment-reassembler.js';
import { innerIpLayer } from '../../tunnel/level.js';
import { IP_PROTOCOL } from '../../wire/numbers.js';
import type { AnalysisOptions } from '../analysis.js';
import { Analysis, DEFAULT_LIMITS, FRAGMENT_SECONDS } from '../analysis.js';
import { PacketClock } from '../packet-clock.js';
import { REPLAY_SEED } from '../replay.js';
import type { WitnessedTunnel } from './packet-witness.js';
import { PacketWitness } from './packet-witness.js';

export interface InspectorOptions extends Pick<
  AnalysisOptions,
  'site' | 'sixrd' | 'maxDepth' | 'vxlanPorts' | 'checksums' | 'mirrorTransports'
> {
  readonly endpoints: EndpointList;
}

/** Octets that layers were read from. Offsets of these layers count from their begin. */
export interface LayerSource {
  readonly name: 'frame' | 'datagram' | 'first fragment';
  /** First layer that was read from them. */
  readonly firstLayer: number;
  /** Where their first octet stands for the layer stack. */
  readonly base: number;
  /** Undefined when they are gone: a first fragment keeps what its IP header carries, not the headers before it. */
  readonly bytes: Uint8Array | undefined;
}

/** A packet after decoding and analysis. Stack and octets are valid until the callback returns. */
export interface InspectedPacket {
  readonly number: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly interface: CaptureInterface;
  /** Undefined for a first fragment that is judged after its frame is gone. */
  readonly capturedLength: number | undefined;
  readonly wireLength: number;
  readonly stack: LayerStack;
  /** At least one; in the order of their layers. */
  readonly sources: readonly LayerSource[];
  /** A copy that a mirror of several ports shows again: decoded, not judged. */
  readonly isCopy: boolean;
  /** A first fragment whose rest never came. */
  readonly isAlone: boolean;
  /** Tunnels that were judged, outermost first. */
  readonly tunnels: readonly WitnessedTunnel[];
}

/**
 * Shows what a replay makes of each packet. The packet goes through the same {@link Analysis}, with a rule that
 * witnesses facts and checks; its layers come from the same {@link PacketDecoder}, which is asked a second time because
 * the analysis leaves plain packets unopened and keeps no layers.
 */
export class PacketInspector {
  readonly #witness = new PacketWitness();
  readonly #analysis: Analysis;
  readonly #decoder: PacketDecoder;
  readonly #reassembler: FragmentReassembler;
  readonly #clock = new PacketClock();
  readonly #onPacket: (packet: InspectedPacket) => void;
  readonly #firsts: FirstFragment[] = [];
  #interfaces: readonly CaptureInterface[] = [];
  #now = 0;

  constructor(options: InspectorOptions, onPacket: (packet: InspectedPacket) => void) {
    this.#onPacket = onPacket;
    this.#analysis = new Analysis({
      ...options,
      profile: 'extended',
      rules: [this.#witness.rule],
      limits: DEFAULT_LIMITS,
      sensor: 'decode',
      seed: REPLAY_SEED,
      emit: () => undefined,
    });
    this.#decoder = new PacketDecoder({
      ...options,
      isKnownTunnel: (stack, ip, udp) => this.#analysis.tunnels.findUdp(stack, ip, udp) >= 0,
    });
    this.#reassembler = new FragmentReassembler({
      maxDatagrams: DEFAULT_LIMITS.fragmentedDatagrams,
      maxBytes: DEFAULT_LIMITS.fragmentBytes,
      timeoutSeconds: FRAGMENT_SECONDS,
      onIncomplete: (first) => this.#firsts.push(first),
    });
  }

  /** Inspects packet `i` of a batch. First fragments that are given up meanwhile are shown too, as packets of their own. */
  inspect(batch: PacketBatch, i: number, interfaces: readonly CaptureInterface[]): void {
    this.#interfaces = interfaces;
    this.#moveClock(batch, i);
    const { duplicates } = this.#analysis.counters;
    this.#analysis.process(batch, i, i + 1, interfaces);
    const isCopy = this.#analysis.counters.duplicates > duplicates;
    const judged = this.#witness.take();
    const origin = {
      seconds: batch.seconds[i]!,
      nanoseconds: batch.nanoseconds[i]!,
      packetNumber: batch.firstNumber + i,
      interfaceIndex: batch.interface[i]!,
      wireLength: batch.wireLength[i]!,
    };
    const packetInterface = interfaces[origin.interfaceIndex]!;
    const at = batch.at[i]!;
    const capturedLength = batch.capturedLength[i]!;
    this.#decoder.decode(batch.frame, at, at + capturedLength, origin.wireLength, packetInterface.linkType);
    const bytes = batch.frame.bytes.subarray(at, at + capturedLength);
    const sources: LayerSource[] = [{ name: 'frame', firstLayer: 0, base: at, bytes }];
    if (!isCopy) this.#reassemble(origin, sources);
    openPlainLeaf(this.#decoder.stack);
    this.#onPacket({
      number: origin.packetNumber,
      seconds: origin.seconds,
      nanoseconds: origin.nanoseconds,
      interface: packetInterface,
      capturedLength,
      wireLength: origin.wireLength,
      stack: this.#decoder.stack,
      sources,
      isCopy,
      isAlone: false,
      tunnels: judged.filter((tunnel) => !tunnel.isAlone),
    });
    this.#showFirsts(judged);
  }

  /** Ends the input: datagrams that are incomplete are given up, and their first fragments shown. */
  finish(): void {
    this.#reassembler.flush();
    this.#analysis.finish();
    this.#showFirsts(this.#witness.take());
  }

  /*
   * As the analysis does, with a look at the packet that follows: one damaged time moves no clock. The analysis gets one
   * packet at a time and cannot look ahead; told the time first, it believes it as if it had.
   */
  #moveClock(batch: PacketBatch, i: number): void {
    const seconds = batch.seconds[i]!;
    if (seconds <= this.#now || !this.#clock.accepts(batch.seconds, i, batch.count)) return;
    this.#reassembler.expire(seconds);
    this.#now = seconds;
    this.#analysis.idleUntil(seconds);
    this.#showFirsts(this.#witness.take());
  }

  #reassemble(origin: FirstFragment['origin'], sources: LayerSource[]): void {
    const decoder = this.#decoder;
    const { stack } = decoder;
    while (stack.verdict === VERDICT.fragment && isWorthReassembling(stack)) {
      if (!this.#reassembler.add(stack, origin, this.#now)) return;
      const { completedFrame, completedLength, completedProtocol, completedWithOverlap } = this.#reassembler;
      if (completedWithOverlap) stack.remark(VERDICT.fragment_overlap);
      const bytes = completedFrame.bytes.slice(0, completedLength);
      sources.push({ name: 'datagram', firstLayer: stack.count, base: 0, bytes });
      decoder.resume(completedFrame, 0, completedLength, completedProtocol);
    }
  }

  /* The analysis judged them in this order; those that no tunnel carries it did not ask the witness about. */
  #showFirsts(judged: readonly WitnessedTunnel[]): void {
    let next = 0;
    const alone = judged.filter((tunnel) => tunnel.isAlone);
    for (let first = this.#firsts.shift(); first !== undefined; first = this.#firsts.shift()) {
      const { origin } = first;
      const { stack } = this.#decoder;
      const firstLayer = first.stack.count;
      const bytes = first.stack.frame.bytes;
      this.#decoder.resumeAlone(first.stack);
      openPlainLeaf(stack);
      const levels = readableLevels(stack);
      this.#onPacket({
        number: origin.packetNumber,
        seconds: origin.seconds,
        nanoseconds: origin.nanoseconds,
        interface: this.#interfaces[origin.interfaceIndex]!,
        capturedLength: undefined,
        wireLength: origin.wireLength,
        stack,
        sources: [
          { name: 'frame', firstLayer: 0, base: 0, bytes: undefined },
          { name: 'first fragment', firstLayer, base: 0, bytes },
        ],
        isCopy: false,
        isAlone: true,
        tunnels: alone.slice(next, next + levels),
      });
      next += levels;
    }
  }
}

/* Encapsulations that the analysis judges: those whose carried packet could be read. */
function readableLevels(stack: LayerStack): number {
  for (let level = 0; level < stack.encapsulations; level++) {
    const first = stack.inner[level]!;
    const isFrame = stack.count > first && stack.kind[first] === LAYER.eth;
    if (innerIpLayer(stack, level) < 0 && !isFrame) return level;
  }
  return stack.encapsulations;
}

/*
 * The packet path does not open the transport of a packet in no tunnel. Who looks at one packet wants to see it; the
 * verdict stays what it was.
 */
function openPlainLeaf(stack: LayerStack): void {
  const isOpen = stack.verdict !== VERDICT.ok || stack.encapsulations > 0 || stack.nextAt >= stack.nextEnd;
  if (isOpen || stack.ip < 0 || stack.kind[stack.last]! >= LAYER.udp) return;
  const { frame, nextAt, nextEnd, selector } = stack;
  if (selector === IP_PROTOCOL.TCP) decodeTcp(frame, nextAt, nextEnd, stack);
  else if (selector === IP_PROTOCOL.ICMP || selector === IP_PROTOCOL.ICMPV6) {
    decodeIcmp(frame, nextAt, nextEnd, stack);
  } else {
    const row = stack.push(LAYER.ipproto, nextAt, nextEnd);
    stack.words[row + IPPROTO.PROTOCOL] = selector;
  }
}
