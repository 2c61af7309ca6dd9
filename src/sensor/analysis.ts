import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import { DEFAULT_CONFIG } from '../config/load.js';
import type { LayerStack } from '../decode/layers.js';
import { LAYER } from '../decode/layers.js';
import type { DecoderOptions } from '../decode/packet.js';
import { PacketDecoder } from '../decode/packet.js';
import type { WatchedPorts } from '../decode/plain-frame.js';
import { isPlainFrame, watchedPorts } from '../decode/plain-frame.js';
import { UsualTunnel } from '../decode/usual-tunnel.js';
import { VERDICT } from '../decode/verdicts.js';
import { FlowTable } from '../flow/flow-table.js';
import type { EndpointList } from '../intel/endpoint-list.js';
import { FactSheet } from '../model/fact-sheet.js';
import type { Alert, LogRecord } from '../model/records.js';
import type { FirstFragment, FragmentOrigin } from '../reassembly/fragment-reassembler.js';
import { FragmentReassembler, isWorthReassembling } from '../reassembly/fragment-reassembler.js';
import type { Rule } from '../rules/rule.js';
import type { SiteOptions } from '../tunnel/site.js';
import { Site } from '../tunnel/site.js';
import { TunnelTable } from '../tunnel/tunnel-table.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { LINK_TYPE } from '../wire/numbers.js';
import { noticeRecord } from '../zeek/notice-record.js';
import { weirdRecord } from '../zeek/weird-record.js';
import { Counters } from './counters.js';
import { FactFiller } from './fact-filler.js';
import { Identities } from './identities.js';
import { Judge } from './judge.js';
import { KnownFlows } from './known-flows.js';
import { MirrorDuplicates } from './mirror-duplicates.js';
import { PacketClock } from './packet-clock.js';
import { PacketScene } from './packet-scene.js';
import { Suppression } from './suppression.js';
import { TunnelLevels } from './tunnel-levels.js';
import { TunnelLog } from './tunnel-log.js';
import { WeirdLog } from './weird-log.js';

/** Upper sizes of everything that grows with the traffic. */
export interface AnalysisLimits {
  readonly tunnels: number;
  readonly flows: number;
  readonly clientMappings: number;
  readonly suppressionKeys: number;
  readonly weirdKeys: number;
  readonly fragmentedDatagrams: number;
  readonly fragmentBytes: number;
}

export const DEFAULT_LIMITS: AnalysisLimits = DEFAULT_CONFIG.limits;

export interface AnalysisOptions extends Omit<DecoderOptions, 'isKnownTunnel'> {
  readonly rules: readonly Rule[];
  readonly endpoints: EndpointList;
  readonly site: Omit<SiteOptions, 'maxMappings'>;
  readonly sixrd: readonly SixrdDomain[];
  readonly limits: AnalysisLimits;
  readonly sensor: string;
  /** Seed of uids: fixed for replay, a live sensor's own otherwise. */
  readonly seed: number;
  readonly emit: (record: LogRecord) => void;
  readonly onAlert?: (alert: Alert, facts: FactSheet) => void;
}

const UDP_IDLE_SECONDS = 60;
const IP_IDLE_SECONDS = 3600;
const TCP_FLOW_IDLE_SECONDS = 300;
/** Shorter than any tunnel's silence, so that a first fragment is judged while its tunnel is known. */
export const FRAGMENT_SECONDS = 30;
const NONE = -1;

/**
 * The analysis of one sensor, in one thread: decode, reassemble, tunnel and flow tables, checks, rules, records. The same
 * code for live traffic and for replay; packet time is its only clock.
 */
export class Analysis {
  readonly counters = new Counters();
  readonly tunnels: TunnelTable;
  readonly flows: FlowTable;
  readonly reassembler: FragmentReassembler;
  readonly site: Site;
  readonly suppression: Suppression;
  readonly #decoder: PacketDecoder;
  readonly #stack: LayerStack;
  readonly #watched: WatchedPorts;
  readonly #usual: UsualTunnel;
  readonly #scene: PacketScene;
  readonly #facts = new FactSheet();
  #judge: Judge;
  readonly #weirds: WeirdLog;
  readonly #tunnelLog: TunnelLog;
  readonly #identities: Identities;
  #levels: TunnelLevels;
  #known: KnownFlows;
  readonly #options: AnalysisOptions;
  readonly #duplicates: MirrorDuplicates;
  /** Latest packet time, in whole seconds: the time of all state. It never runs backwards. */
  #now = 0;
  readonly #clock = new PacketClock();
  #interfaces: readonly CaptureInterface[] = [];

  constructor(options: AnalysisOptions) {
    const { limits } = options;
    this.#options = options;
    this.site = new Site({ ...options.site, maxMappings: limits.clientMappings });
    this.tunnels = new TunnelTable({
      capacity: limits.tunnels,
      udpIdleSeconds: UDP_IDLE_SECONDS,
      ipIdleSeconds: IP_IDLE_SECONDS,
      onEnd: (slot) => this.#tunnelEnded(slot),
    });
    this.flows = new FlowTable({
      capacity: limits.flows,
      tcpIdleSeconds: TCP_FLOW_IDLE_SECONDS,
      otherIdleSeconds: UDP_IDLE_SECONDS,
    });
    this.#decoder = new PacketDecoder({
      ...options,
      isKnownTunnel: (stack, ip, udp) => this.tunnels.findUdp(stack, ip, udp) >= 0,
    });
    this.#stack = this.#decoder.stack;
    this.#watched = watchedPorts(options.vxlanPorts, options.mirrorTransports);
    this.#usual = new UsualTunnel(this.#watched);
    this.#duplicates = new MirrorDuplicates(options.seed, this.#usual);
    this.#scene = new PacketScene(this.#stack);
    this.reassembler = new FragmentReassembler({
      maxDatagrams: limits.fragmentedDatagrams,
      maxBytes: limits.fragmentBytes,
      timeoutSeconds: FRAGMENT_SECONDS,
      onIncomplete: (first) => this.#pendingFirsts.push(first),
    });
    this.suppression = new Suppression(limits.suppressionKeys, limits.flows);
    this.#identities = new Identities(this.tunnels, this.flows, options.seed);
    this.#weirds = new WeirdLog(
      limits.weirdKeys,
      this.counters,
      options.sensor,
      (event) => options.emit(weirdRecord(event)),
      this.#identities,
    );
    this.#tunnelLog = new TunnelLog(this.tunnels, this.#identities, options.sensor, options.emit);
    this.#judge = this.#makeJudge(options.rules, options.endpoints);
    this.#levels = this.#makeLevels();
    this.#known = this.#makeKnown();
  }

  /** Packets whose time was too far ahead to be believed on their own. */
  get timeJumps(): number {
    return this.#clock.jumps;
  }

  get weirdKeys(): number {
    return this.#weirds.size;
  }

  get weirdEvictions(): number {
    return this.#weirds.evictions;
  }

  /** Notes of decoders beyond the 8 that one packet may have. */
  get notesLost(): number {
    return this.#stack.notesLost;
  }

  /** First fragments whose datagrams were given up while another packet was at hand; judged after it. */
  readonly #pendingFirsts: FirstFragment[] = [];

  /** Analyses packets `[from, to)` of a batch. */
  process(batch: PacketBatch, from: number, to: number, interfaces: readonly CaptureInterface[]): void {
    this.#interfaces = interfaces;
    const { frame } = batch;
    const { portUsers } = this.tunnels;
    for (let i = from; i < to; i++) {
      const captured = batch.capturedLength[i]!;
      const wire = batch.wireLength[i]!;
      const at = batch.at[i]!;
      const index = batch.interface[i]!;
      const seconds = batch.seconds[i]!;
      this.counters.packets++;
      this.counters.wireBytes += wire;
      if (seconds > this.#now && this.#clock.accepts(batch.seconds, i, to)) this.#advance(seconds);
      const { linkType } = interfaces[index]!;
      if (linkType === LINK_TYPE.ETHERNET && seconds >= this.#now - 1) {
        const wireEnd = at + (wire > captured ? wire : captured);
        // Most packets leave here, after some ten loads.
        if (isPlainFrame(frame, at, at + captured, wireEnd, this.#watched, portUsers)) continue;
        // And most packets of tunnels here: those of flows that were judged.
        const nanoseconds = batch.nanoseconds[i]!;
        if (this.#known.count(frame, at, at + captured, wireEnd, seconds, nanoseconds, this.#now)) continue;
      }
      const verdict = this.#decoder.decode(frame, at, at + captured, wire, linkType);
      // Of the others many leave here: nothing went wrong and no tunnel carries them.
      if (
        verdict === VERDICT.ok &&
        this.#stack.encapsulations === 0 &&
        this.#stack.carrierComplaint === VERDICT.ok &&
        !this.#stack.isBrokerTalk &&
        !this.tunnels.mayBeTunnelPorts(this.#stack)
      ) {
        if (seconds < this.#now - 1) this.#timeWentBack(batch, i);
        continue;
      }
      this.#place(seconds, batch.nanoseconds[i]!, batch.firstNumber + i, index, wire);
      if (seconds < this.#now - 1) this.#timeWentBack(batch, i);
      // What a mirror shows twice is neither counted nor judged twice.
      if (this.#duplicates.isCopy(this.#stack, frame, seconds, batch.nanoseconds[i]!)) {
        this.counters.duplicates++;
        continue;
      }
      if (verdict === VERDICT.fragment) {
        this.#reassemble({
          seconds,
          nanoseconds: batch.nanoseconds[i]!,
          packetNumber: batch.firstNumber + i,
          interfaceIndex: index,
          wireLength: wire,
        });
      }
      this.#finishPacket(false);
      if (this.#pendingFirsts.length > 0) this.#judgeFirsts();
    }
  }

  /** Ends the input: gives up incomplete datagrams and closes what is open, in order of first packet. */
  finish(): void {
    this.reassembler.flush();
    this.#judgeFirsts();
    for (const slot of this.tunnels.all()) {
      this.#judge.judgeEnd(slot, this.#endTime);
      // A tunnel over UDP is a connection and closes; other tunnels get no second line at the end, as in Zeek.
      if (this.tunnels.isUdp(slot)) this.#tunnelLog.close(slot, this.#endTime);
    }
  }

  /**
   * Puts other rules and lists in the place of those in force. Tunnels, flows and their facts stay, and a rule that is the
   * same as before does not fire again for what it fired for.
   */
  useRules(rules: readonly Rule[], endpoints: EndpointList): void {
    this.#judge = this.#makeJudge(rules, endpoints);
    this.#levels = this.#makeLevels();
    this.#known = this.#makeKnown();
  }

  /**
   * Tells the time where no packets do: state that was silent for long ends on an idle wire too. For live capture, whose
   * packets are stamped with the same clock; a replay never calls it.
   */
  idleUntil(seconds: number): void {
    if (this.#now === 0 || seconds <= this.#now || !this.#clock.accepts([seconds], 0, 1)) return;
    this.#advance(seconds);
    if (this.#pendingFirsts.length > 0) this.#judgeFirsts();
  }

  #makeJudge(rules: readonly Rule[], endpoints: EndpointList): Judge {
    this.suppression.useRules(rules);
    return new Judge({
      rules,
      tunnels: this.tunnels,
      flows: this.flows,
      facts: this.#facts,
      filler: new FactFiller(this.#facts, this.tunnels, this.site, endpoints),
      identities: this.#identities,
      suppression: this.suppression,
      counters: this.counters,
      sensor: this.#options.sensor,
      onAlert: (alert, facts) => {
        this.#options.emit(noticeRecord(alert));
        this.#options.onAlert?.(alert, facts);
      },
    });
  }

  #makeLevels(): TunnelLevels {
    return new TunnelLevels({
      scene: this.#scene,
      tunnels: this.tunnels,
      flows: this.flows,
      site: this.site,
      checks: this.#facts.checks,
      sixrd: this.#options.sixrd,
      judge: this.#judge,
      tunnelLog: this.#tunnelLog,
      identities: this.#identities,
      counters: this.counters,
    });
  }

  #makeKnown(): KnownFlows {
    return new KnownFlows({
      usual: this.#usual,
      tunnels: this.tunnels,
      flows: this.flows,
      site: this.site,
      judge: this.#judge,
      duplicates: this.#duplicates,
      scene: this.#scene,
      counters: this.counters,
    });
  }

  get #endTime(): { seconds: number; nanoseconds: number } {
    const { seconds, nanoseconds } = this.#scene;
    return seconds >= this.#now ? { seconds, nanoseconds } : { seconds: this.#now, nanoseconds: 0 };
  }

  #place(seconds: number, nanoseconds: number, number: number, index: number, wire: number): void {
    const scene = this.#scene;
    scene.seconds = seconds;
    scene.nanoseconds = nanoseconds;
    scene.number = number;
    scene.captureFile = this.#interfaces[index]!.origin;
    scene.wireLength = wire;
  }

  #advance(seconds: number): void {
    this.reassembler.expire(seconds);
    if (this.#pendingFirsts.length > 0) this.#judgeFirsts();
    this.#now = seconds;
    this.tunnels.expire(seconds);
    this.flows.expire(seconds);
    this.site.expire(seconds);
  }

  #timeWentBack(batch: PacketBatch, i: number): void {
    if (this.counters.timeBackwards++ > 0) return;
    const by = this.#now - batch.seconds[i]!;
    this.#place(
      batch.seconds[i]!,
      batch.nanoseconds[i]!,
      batch.firstNumber + i,
      batch.interface[i]!,
      batch.wireLength[i]!,
    );
    // The tunnels of this packet are not looked up yet, and those of the packet before are not its own.
    this.#scene.levels = 0;
    this.#scene.flowTunnel = NONE;
    this.#weirds.reportNamed(this.#scene, 'packet_time_went_backwards', `by ${by} seconds`);
  }

  /* Hands fragments to the reassembler until the packet is whole, or waits for more. */
  #reassemble(origin: FragmentOrigin): void {
    const stack = this.#stack;
    const { reassembler } = this;
    while (stack.verdict === VERDICT.fragment && isWorthReassembling(stack)) {
      if (!reassembler.add(stack, origin, this.#now)) return;
      if (reassembler.completedWithOverlap) stack.remark(VERDICT.fragment_overlap);
      const { completedFrame, completedLength, completedProtocol } = reassembler;
      this.#decoder.resume(completedFrame, 0, completedLength, completedProtocol);
    }
  }

  #judgeFirsts(): void {
    for (let first = this.#pendingFirsts.shift(); first !== undefined; first = this.#pendingFirsts.shift()) {
      const { seconds, nanoseconds, packetNumber, interfaceIndex, wireLength } = first.origin;
      this.#decoder.resumeAlone(first.stack);
      this.#place(seconds, nanoseconds, packetNumber, interfaceIndex, wireLength);
      this.#finishPacket(true);
    }
  }

  /* Everything after decoding, for a packet that needs more than counting. */
  #finishPacket(isAlone: boolean): void {
    const stack = this.#stack;
    const scene = this.#scene;
    this.counters.countEnd(stack);
    this.#levels.enterAll(isAlone ? stack.incompleteLevel : 0, this.#now);
    if (scene.levels > 0) this.counters.tunnelPackets++;
    scene.flowTunnel = NONE;
    if (stack.encapsulations === 0 && !stack.isBrokerTalk) this.#complain();
    if (stack.verdict !== VERDICT.ok || stack.notes > 0) this.#weirds.report(scene);
  }

  /*
   * A datagram of a known tunnel over UDP that holds no tunnel packet: weird (as for Zeek only once the tunnel is known)
   * and not examined, but no end of the tunnel.
   */
  #complain(): void {
    const stack = this.#stack;
    const udp = stack.count - 1;
    if (stack.encapsulations > 0 || udp < 0 || stack.kind[udp] !== LAYER.udp) return;
    const slot = this.tunnels.findUdp(stack, stack.ip, udp);
    if (slot < 0) return;
    this.#scene.flowTunnel = slot;
    const complaint = stack.carrierComplaint === VERDICT.ok ? VERDICT.not_teredo : stack.carrierComplaint;
    this.counters.verdicts[complaint]! += 1;
    stack.remark(complaint);
  }

  /* By silence, or to make room for another. */
  #tunnelEnded(slot: number): void {
    const time = { seconds: this.#now, nanoseconds: 0 };
    this.#judge.judgeEnd(slot, time);
    if (this.tunnels.isUdp(slot)) this.#tunnelLog.close(slot, time);
    else this.#tunnelLog.expire(slot, time);
  }
}
