import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import type { LayerStack } from '../decode/layers.js';
import { endOfHeaderChain } from '../decode/header-chain.js';
import { FRAGMENT_BIT, LAYER } from '../decode/layers.js';
import { PacketDecoder } from '../decode/packet.js';
import type { WatchedPorts } from '../decode/plain-frame.js';
import { isPlainFrame } from '../decode/plain-frame.js';
import { UsualTunnel } from '../decode/usual-tunnel.js';
import { VERDICT } from '../decode/verdicts.js';
import { FlowTable } from '../flow/flow-table.js';
import type { EndpointList } from '../intel/endpoint-list.js';
import { FactSheet } from '../model/fact-sheet.js';
import type { FirstFragment, FragmentOrigin } from '../reassembly/fragment-reassembler.js';
import { FragmentReassembler, isWorthReassembling } from '../reassembly/fragment-reassembler.js';
import type { Rule } from '../rules/rule.js';
import { Proto41Checks } from '../tunnel/proto41-checks.js';
import { Site } from '../tunnel/site.js';
import { TeredoEndpoints } from '../tunnel/teredo-endpoints.js';
import { TunnelTable } from '../tunnel/tunnel-table.js';
import { LINK_TYPE } from '../wire/numbers.js';
import { noticeRecord } from '../zeek/notice-record.js';
import type { AnalysisOptions } from './analysis-options.js';
import type { Checksums } from './checksums.js';
import { Counters } from './counters.js';
import { FactFiller } from './fact-filler.js';
import { Identities } from './identities.js';
import { Judge } from './judge.js';
import { KnownFlows } from './known-flows.js';
import { MirrorDuplicates } from './mirror-duplicates.js';
import { PacketClock } from './packet-clock.js';
import { PacketScene } from './packet-scene.js';
import type { ProfileParts } from './profile-parts.js';
import { profileParts, UDP_IDLE_SECONDS } from './profile-parts.js';
import { Suppression } from './suppression.js';
import { TunnelLevels } from './tunnel-levels.js';
import type { TunnelLog } from './tunnel-log.js';
import type { WeirdLog } from './weird-log.js';

export { DEFAULT_LIMITS } from './analysis-options.js';
export type { AnalysisLimits, AnalysisOptions } from './analysis-options.js';
export { FRAGMENT_SECONDS } from './profile-parts.js';

const TCP_FLOW_IDLE_SECONDS = 300;
const NONE = -1;

/** The analysis of one sensor, in one thread, live or in replay; packet time is its only clock. */
export class Analysis {
  readonly counters = new Counters();
  readonly tunnels: TunnelTable;
  readonly flows: FlowTable;
  readonly reassembler: FragmentReassembler;
  readonly site: Site;
  readonly teredo: TeredoEndpoints;
  readonly proto41: Proto41Checks;
  readonly suppression: Suppression;
  readonly #decoder: PacketDecoder;
  readonly #stack: LayerStack;
  readonly #watched: WatchedPorts;
  readonly #usual: UsualTunnel;
  readonly #scene: PacketScene;
  readonly #facts = new FactSheet();
  #judge: Judge;
  readonly #weirds: WeirdLog;
  readonly #checksums: Checksums;
  readonly #tunnelLog: TunnelLog;
  readonly #identities: Identities;
  #levels: TunnelLevels;
  /** Undefined where the profile takes no shortcuts. */
  #known: KnownFlows | undefined;
  readonly options: AnalysisOptions;
  readonly #profile: ProfileParts;
  readonly #duplicates: MirrorDuplicates;
  /** Latest packet time, in whole seconds: the time of all state. It never runs backwards. */
  #now = 0;
  readonly #clock = new PacketClock();
  #interfaces: readonly CaptureInterface[] = [];
  /** Tunnels that are to be closed, the last first, once the input has ended. */
  #open: number[] | undefined;

  constructor(options: AnalysisOptions) {
    const { limits } = options;
    this.options = options;
    this.#profile = profileParts(options, () => this.tunnels);
    this.site = new Site({ ...options.site, maxMappings: limits.clientMappings });
    this.tunnels = new TunnelTable({
      capacity: limits.tunnels,
      udpIdleSeconds: UDP_IDLE_SECONDS,
      ...this.#profile.tunnels,
      onEnd: (slot) => this.#tunnelEnded(slot),
    });
    this.flows = new FlowTable({
      capacity: limits.flows,
      tcpIdleSeconds: TCP_FLOW_IDLE_SECONDS,
      otherIdleSeconds: UDP_IDLE_SECONDS,
      acrossTunnels: this.#profile.acrossTunnels,
    });
    this.#decoder = new PacketDecoder({
      maxDepth: this.#profile.maxDepth,
      vxlanPorts: options.vxlanPorts,
      ...(options.mirrorTransports !== undefined && { mirrorTransports: options.mirrorTransports }),
      isKnownTunnel: (stack, ip, udp) => this.tunnels.findUdp(stack, ip, udp) >= 0,
      ...(this.#profile.udpFlows !== undefined && { zeekSession: this.#profile.udpFlows }),
    });
    this.#stack = this.#decoder.stack;
    this.teredo = new TeredoEndpoints(this.#stack, this.site, limits.clientMappings);
    this.proto41 = new Proto41Checks(this.site, options.sixrd);
    this.#watched = this.#profile.watched;
    this.#usual = new UsualTunnel(this.#watched);
    this.#duplicates = new MirrorDuplicates(options.seed, this.#usual);
    this.#scene = new PacketScene(this.#stack);
    this.reassembler = new FragmentReassembler({
      maxDatagrams: limits.fragmentedDatagrams,
      maxBytes: limits.fragmentBytes,
      timeoutSeconds: this.#profile.fragmentSeconds,
      onIncomplete: (first) => {
        if (this.#profile.judgesFirstFragments) this.#pendingFirsts.push(first);
      },
    });
    this.suppression = new Suppression(limits.suppressionKeys, limits.flows);
    this.#identities = new Identities(this.tunnels, this.flows, options.seed);
    const logs = this.#profile.makeLogs(this.tunnels, this.#identities, this.counters);
    this.#weirds = logs.weirds;
    this.#tunnelLog = logs.tunnelLog;
    this.#checksums = logs.checksums;
    this.#judge = this.#makeJudge(options.rules, options.endpoints);
    this.#levels = this.#makeLevels();
    this.#known = this.#makeKnown();
  }

  /** Packets whose time was too far ahead to be believed on their own. */
  get timeJumps(): number {
    return this.#clock.jumps;
  }

  /** UDP flows, which the strict profile keeps all. */
  get udpFlows(): ProfileParts['udpFlows'] {
    return this.#profile.udpFlows;
  }

  /** Size and evictions of the table that samples weirds. */
  get weirds(): { readonly size: number; readonly evictions: number } {
    return this.#weirds;
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
    this.counters.countPackets(batch.wireLength, from, to);
    for (let i = from; i < to; i++) {
      const captured = batch.capturedLength[i]!;
      const wire = batch.wireLength[i]!;
      const at = batch.at[i]!;
      const index = batch.interface[i]!;
      const seconds = batch.seconds[i]!;
      if (seconds > this.#now && this.#clock.accepts(batch.seconds, i, to)) this.#advance(seconds);
      const { linkType } = interfaces[index]!;
      if (linkType === LINK_TYPE.ETHERNET && seconds >= this.#now - 1) {
        const wireEnd = at + (wire > captured ? wire : captured);
        // Most packets leave here, after some ten loads.
        if (isPlainFrame(frame, at, at + captured, wireEnd, this.#watched, portUsers)) continue;
        // And most packets of tunnels here: those of flows that were judged.
        const nanoseconds = batch.nanoseconds[i]!;
        if (this.#known?.count(frame, at, at + captured, wireEnd, seconds, nanoseconds, this.#now) === true)
          continue;
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
      const number = batch.firstNumber + i;
      this.#scene.place(seconds, batch.nanoseconds[i]!, number, interfaces[index]!.origin, wire);
      if (seconds < this.#now - 1) this.#timeWentBack(batch, i);
      // What a mirror shows twice is neither counted nor judged twice.
      if (
        this.#known !== undefined &&
        this.#duplicates.isCopy(this.#stack, frame, seconds, batch.nanoseconds[i]!)
      ) {
        this.counters.duplicates++;
        continue;
      }
      if (verdict === VERDICT.fragment) {
        this.#reassemble({
          seconds,
          nanoseconds: batch.nanoseconds[i]!,
          packetNumber: number,
          interfaceIndex: index,
          wireLength: wire,
        });
      }
      this.#finishPacket(false);
      if (this.#pendingFirsts.length > 0) this.#judgeFirsts();
    }
  }

  /**
   * Ends the input: gives up incomplete datagrams and closes what is open, in order of first packet. Closes at most `most`
   * tunnels, and says whether those were all; otherwise call it again.
   */
  finish(most = Infinity): boolean {
    if (this.#open === undefined) {
      this.reassembler.flush();
      this.#judgeFirsts();
      this.#open = this.tunnels.all().reverse();
    }
    for (let n = 0; n < most && this.#open.length > 0; n++) {
      const slot = this.#open.pop()!;
      const time = this.#scene.timeNotBefore(this.#now);
      this.#judge.judgeEnd(slot, time);
      this.#tunnelLog.cutOff(slot, time);
    }
    return this.#open.length === 0;
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
      filler: new FactFiller(this.#facts, this.tunnels, this.site, endpoints, this.#checksums),
      identities: this.#identities,
      suppression: this.suppression,
      counters: this.counters,
      sensor: this.options.sensor,
      onAlert: (alert, facts) => {
        this.options.emit(noticeRecord(alert, this.options.profile));
        this.options.onAlert?.(alert, facts);
      },
    });
  }

  #makeLevels(): TunnelLevels {
    return new TunnelLevels({
      scene: this.#scene,
      tunnels: this.tunnels,
      flows: this.flows,
      site: this.site,
      teredo: this.teredo,
      checks: this.#facts.checks,
      sixrd: this.options.sixrd,
      proto41: this.proto41,
      judge: this.#judge,
      checksums: this.#checksums,
      tunnelLog: this.#tunnelLog,
      identities: this.#identities,
      counters: this.counters,
    });
  }

  #makeKnown(): KnownFlows | undefined {
    if (!this.#profile.takesShortcuts) return undefined;
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

  #advance(seconds: number): void {
    this.reassembler.expire(seconds);
    if (this.#pendingFirsts.length > 0) this.#judgeFirsts();
    this.#now = seconds;
    this.tunnels.expire(seconds);
    this.#tunnelLog.expire(seconds);
    this.flows.expire(seconds);
    if (this.#profile.udpFlows !== undefined) this.#profile.udpFlows.advance(seconds);
    this.site.expire(seconds);
    this.teredo.expire(seconds);
  }

  #timeWentBack(batch: PacketBatch, i: number): void {
    if (this.counters.timeBackwards++ > 0) return;
    const { seconds, nanoseconds, interface: index, wireLength, firstNumber } = batch;
    const by = this.#now - seconds[i]!;
    const { origin } = this.#interfaces[index[i]!]!;
    this.#scene.place(seconds[i]!, nanoseconds[i]!, firstNumber + i, origin, wireLength[i]!);
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
      stack.fragments |= reassembler.completedBits;
      const firstLength = reassembler.completedFirstLength;
      this.#decoder.resume(completedFrame, 0, completedLength, completedProtocol);
      if (endOfHeaderChain(stack) > firstLength) stack.fragments |= FRAGMENT_BIT.splitChain;
    }
  }

  #judgeFirsts(): void {
    for (let first = this.#pendingFirsts.shift(); first !== undefined; first = this.#pendingFirsts.shift()) {
      const { seconds, nanoseconds, packetNumber, interfaceIndex, wireLength } = first.origin;
      this.#decoder.resumeAlone(first.stack);
      this.#stack.fragments |= FRAGMENT_BIT.seen | FRAGMENT_BIT.alone;
      // What the capture cut off may hold the rest of the headers.
      const isWhole = this.#stack.nextEnd >= first.stack.wireEnd;
      const chain = endOfHeaderChain(this.#stack);
      if ((this.#stack.fragments & FRAGMENT_BIT.overlap) !== 0) this.#stack.remark(VERDICT.fragment_overlap);
      if (isWhole && (chain < 0 || chain > first.stack.nextEnd)) {
        this.#stack.fragments |= FRAGMENT_BIT.splitChain;
      }
      const { origin } = this.#interfaces[interfaceIndex]!;
      this.#scene.place(seconds, nanoseconds, packetNumber, origin, wireLength);
      this.#finishPacket(true);
    }
  }

  /* Everything after decoding, for a packet that needs more than counting. */
  #finishPacket(isAlone: boolean): void {
    const stack = this.#stack;
    const scene = this.#scene;
    this.counters.countEnd(stack);
    this.#levels.enterAll(isAlone ? stack.incompleteLevel : 0, this.#now);
    const wasCounted = isAlone && stack.incompleteLevel > 0;
    if (scene.levels > 0 && !wasCounted) this.counters.tunnelPackets++;
    scene.flowTunnel = NONE;
    if (!stack.isBrokerTalk) this.#complain();
    if (stack.verdict !== VERDICT.ok || stack.notes > 0) this.#weirds.report(scene);
  }

  /*
   * A datagram of a known tunnel over UDP that holds no tunnel packet: weird (as for Zeek only once the tunnel is known)
   * and not examined, but no end of the tunnel.
   */
  #complain(): void {
    const stack = this.#stack;
    const udp = stack.count - 1;
    const { strayDatagram, udpFlows } = this.#profile;
    // Only the strict profile refuses datagrams inside of tunnels that are open.
    if (stack.encapsulations > 0 && udpFlows === undefined) return;
    if (udp < 0 || stack.kind[udp] !== LAYER.udp) return;
    const slot = this.tunnels.findUdp(stack, stack.ip, udp);
    if (slot < 0) return;
    this.#scene.flowTunnel = slot;
    const complaint = stack.carrierComplaint === VERDICT.ok ? strayDatagram : stack.carrierComplaint;
    if (complaint === VERDICT.ok) return;
    this.counters.verdicts[complaint]! += 1;
    stack.remark(complaint);
  }

  /* By silence, or to make room for another. */
  #tunnelEnded(slot: number): void {
    const time = { seconds: this.#now, nanoseconds: 0 };
    this.#judge.judgeEnd(slot, time);
    this.#tunnelLog.ended(slot, time);
  }
}
