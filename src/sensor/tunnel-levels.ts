import type { LayerStack } from '../decode/layers.js';
import { CARRIER, IP, LAYER, PORTS, ROW, TEREDO, TEREDO_BIT } from '../decode/layers.js';
import { VERDICT, VERDICTS } from '../decode/verdicts.js';
import type { FlowTable } from '../flow/flow-table.js';
import { CHECK } from '../model/checks.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK_VALUE, CHECKSUM_VALUE, DIRECTION, KIND, TEREDO_CLASS } from '../model/vocabulary.js';
import { KIND_EVIDENCE, kindByCarrier, kindFromEvidence, sixInFourEvidence } from '../tunnel/kind.js';
import { checkFragments, hasFragmentFaults } from '../tunnel/fragment-checks.js';
import {
  carrierUdpLayer,
  carriesAnyIp,
  hasUsualShape,
  innerIpLayer,
  transportLayer,
} from '../tunnel/level.js';
import { checkOuterEndpoints } from '../tunnel/outer-checks.js';
import type { Proto41Checks } from '../tunnel/proto41-checks.js';
import type { Site } from '../tunnel/site.js';
import { checkTeredo } from '../tunnel/teredo-checks.js';
import { classifyTeredo } from '../tunnel/teredo-class.js';
import type { TeredoEndpoints } from '../tunnel/teredo-endpoints.js';
import { isUsualForm } from '../tunnel/teredo-format-checks.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { isIsatapWord } from '../wire/embedded-address.js';
import type { Checksums } from './checksums.js';
import type { Counters } from './counters.js';
import type { Identities } from './identities.js';
import type { Judge, LevelEvents } from './judge.js';
import { markOf } from './known-flows.js';
import type { PacketScene } from './packet-scene.js';
import type { TunnelLog } from './tunnel-log.js';

const NONE = -1;
const IS_LIMIT = Uint8Array.from(VERDICTS, ({ family }) => (family === 'limit' ? 1 : 0));

export interface TunnelLevelsParts {
  readonly scene: PacketScene;
  readonly tunnels: TunnelTable;
  readonly flows: FlowTable;
  readonly site: Site;
  readonly teredo: TeredoEndpoints;
  readonly checks: CheckResults;
  readonly sixrd: readonly SixrdDomain[];
  readonly proto41: Proto41Checks;
  readonly judge: Judge;
  readonly checksums: Checksums;
  readonly tunnelLog: TunnelLog;
  readonly identities: Identities;
  readonly counters: Counters;
}

/**
 * Takes a decoded packet through its encapsulations, outermost first: into the tunnel and flow tables, kind, checks,
 * rules.
 */
export class TunnelLevels {
  readonly #parts: TunnelLevelsParts;
  readonly #stack: LayerStack;
  readonly #events: LevelEvents = { isNewTunnel: false, kindChanged: false, isNewFlow: false };
  readonly #history = { evidence: 0, isFirst: false };
  readonly #address = new Uint32Array(4);

  constructor(parts: TunnelLevelsParts) {
    this.#parts = parts;
    this.#stack = parts.scene.stack;
  }

  /**
   * Enters all encapsulations of the packet at hand. `countedLevels` says how many of the outer ones were counted when
   * the packet came the first time.
   */
  enterAll(countedLevels: number, now: number): void {
    const { scene } = this.#parts;
    scene.levels = this.#readableLevels();
    let parent = NONE;
    for (let level = 0; level < scene.levels; level++) {
      parent = this.#enterTunnel(level, parent, level < countedLevels, now);
    }
  }

  /* Encapsulations whose carried packet could be read; notes the inner IP header of each. */
  #readableLevels(): number {
    const stack = this.#stack;
    const { scene } = this.#parts;
    for (let level = 0; level < stack.encapsulations; level++) {
      const innerIp = innerIpLayer(stack, level);
      const first = stack.inner[level]!;
      if (innerIp < 0 && !(stack.count > first && stack.kind[first] === LAYER.eth)) return level;
      scene.innerIp[level] = innerIp;
    }
    return stack.encapsulations;
  }

  /* Enters encapsulation `level` into the tables and judges it. Returns the tunnel's slot. */
  #enterTunnel(level: number, parent: number, wasCounted: boolean, now: number): number {
    const stack = this.#stack;
    const { scene, tunnels, flows, tunnelLog } = this.#parts;
    const { seconds, nanoseconds } = scene;
    const innerIp = scene.innerIp[level]!;
    const slot = tunnels.record(stack, level, parent, seconds, nanoseconds, now, wasCounted);
    const transport = transportLayer(stack, level);
    const events = this.#events;
    events.isNewTunnel = tunnels.isNew;
    scene.tunnel[level] = slot;
    scene.fromOriginator[level] = tunnels.fromOriginator ? 1 : 0;
    scene.transport[level] = transport;
    scene.flow[level] = NONE;
    events.isNewFlow = false;
    if (transport >= 0 && innerIp >= 0) {
      scene.flow[level] = flows.record(stack, innerIp, transport, tunnels, slot, seconds, nanoseconds, now);
      events.isNewFlow = flows.isNew;
      tunnelLog.carried(scene, level, flows.isNew);
    }
    const mark = this.#markOf(slot, level, transport, innerIp, now);
    const { version } = this.#parts.site;
    if (mark !== 0 && !events.isNewTunnel && flows.isNoted(scene.flow[level], mark, version)) return slot;
    events.kindChanged = this.#refineKind(slot, level, innerIp, events.isNewFlow || transport < 0);
    if (events.isNewTunnel) this.#tunnelDiscovered(slot);
    const isFirst = events.isNewFlow || scene.flow[level] === NONE;
    this.#check(slot, level, innerIp, isFirst, now);
    if (isFirst || !isPortsLayer(stack.kind[transport]!)) this.#verify(level, innerIp, transport);
    this.#parts.judge.judge(scene, level, events, now);
    if (mark !== 0 && !this.#parts.checks.anyViolated && !events.kindChanged) {
      // With what is known of the tunnel by now.
      flows.setNote(
        scene.flow[level],
        this.#markOf(slot, level, transport, innerIp, now),
        this.#parts.site.version,
      );
    }
    return slot;
  }

  /*
   * Sums what every packet need not be summed for: the first of a flow, and all that are no flow of TCP or UDP. Whatever
   * the packets are looked at for, these are the same ones.
   */
  #verify(level: number, innerIp: number, transport: number): void {
    const stack = this.#stack;
    const { scene, checksums } = this.#parts;
    const outerIp = stack.outerIp[level]!;
    // What lies between two encapsulations belongs to the outer one.
    if (level === 0 || scene.innerIp[level - 1] !== outerIp) {
      this.#complain(VERDICT.bad_IP_checksum, checksums.header(scene, outerIp), level);
      const udp = carrierUdpLayer(stack, level);
      if (udp >= 0) {
        this.#complain(VERDICT.bad_UDP_checksum, checksums.transport(scene, outerIp, udp), level);
      }
    }
    if (innerIp < 0) return;
    this.#complain(VERDICT.bad_IP_checksum, checksums.header(scene, innerIp), level + 1);
    if (transport < 0) return;
    const value = checksums.transport(scene, innerIp, transport);
    this.#complain(complaintOf(stack.kind[transport]!), value, level + 1);
  }

  #complain(verdict: number, value: number, depth: number): void {
    if (value !== CHECKSUM_VALUE.bad) return;
    this.#parts.counters.badChecksums++;
    this.#stack.remarkAt(verdict, depth);
  }

  /*
   * What the judgement of a packet depends on beside the flow and direction that it belongs to; 0 when that cannot be put
   * in a word. While it is the same as for an earlier packet of the flow, which violated nothing, this one has nothing new
   * to say: no kind is refined, no check is violated, no rule is asked.
   *
   * Packets of the usual shape alone: their class and checks follow from addresses and ports, the same for all packets of a flow.
   * What it says here of a packet must be so of every one that UsualTunnel reads: those are not even decoded (known-flows).
   */
  #markOf(slot: number, level: number, transport: number, innerIp: number, now: number): number {
    const stack = this.#stack;
    const { scene, tunnels, judge } = this.#parts;
    if (transport < 0 || innerIp < 0 || stack.encapsulations !== 1 || stack.verdict !== VERDICT.ok) return 0;
    if (hasFragmentFaults(stack) || !hasUsualShape(stack, level, innerIp, transport)) return 0;
    const leaf = stack.kind[transport];
    if (leaf !== LAYER.tcp && leaf !== LAYER.udp) return 0;
    if (stack.carrier[level] === CARRIER.teredo && !isUsualForm(stack, level, transport)) return 0;
    // Whether its sender or receiver is an ISATAP router may change at any time.
    if (isIsatapWord(stack.word(innerIp, IP.SRC + 2)) || isIsatapWord(stack.word(innerIp, IP.DST + 2))) {
      return 0;
    }
    const hopLimit = stack.word(innerIp, IP.TTL);
    return markOf(slot, scene.fromOriginator[level] === 1, hopLimit, tunnels, judge, now);
  }

  /* Sets or refines the tunnel's kind from this packet. True when something that was known of it changed. */
  #refineKind(slot: number, level: number, innerIp: number, isTelling: boolean): boolean {
    const { tunnels, counters } = this.#parts;
    const before = tunnels.kind[slot]!;
    const evidenceBefore = tunnels.evidence[slot]!;
    const kind = this.#kindOf(slot, level, innerIp, isTelling, before);
    const becameIpv6 = ((tunnels.evidence[slot]! ^ evidenceBefore) & KIND_EVIDENCE.greIpv6) !== 0;
    if (kind === before) return becameIpv6;
    tunnels.kind[slot] = kind;
    counters.tunnelsByKind[kind]! += 1;
    if (before === KIND.none) return false;
    counters.tunnelsByKind[before]! -= 1;
    return true;
  }

  #kindOf(slot: number, level: number, innerIp: number, isTelling: boolean, before: number): number {
    const stack = this.#stack;
    const { tunnels, sixrd } = this.#parts;
    const carrier = stack.carrier[level];
    if (innerIp < 0) return kindByCarrier(stack, level, innerIp);
    const overIpv4 = stack.kind[stack.outerIp[level]!] === LAYER.ipv4;
    if (carriesAnyIp(carrier!) && overIpv4 && stack.kind[innerIp] === LAYER.ipv6) {
      tunnels.evidence[slot]! |= KIND_EVIDENCE.greIpv6;
    }
    const byCarrier = kindByCarrier(stack, level, innerIp);
    // Raw IPv6 in UDP becomes Teredo when Teredo addresses show up, never the other way.
    if (byCarrier !== KIND.none) return before === KIND.teredo ? before : byCarrier;
    const fromOriginator = this.#parts.scene.fromOriginator[level] === 1;
    const looked = fromOriginator ? KIND_EVIDENCE.lookedAtOriginator : KIND_EVIDENCE.lookedAtResponder;
    // Addresses change with the flow, and with the direction.
    if (!isTelling && (tunnels.evidence[slot]! & looked) !== 0) return before;
    tunnels.evidence[slot]! |= looked | sixInFourEvidence(stack, level, innerIp, fromOriginator, sixrd);
    return kindFromEvidence(tunnels.evidence[slot]!);
  }

  #tunnelDiscovered(slot: number): void {
    const { tunnels, scene, tunnelLog } = this.#parts;
    const origLocal = this.#isLocalEnd(slot, true);
    const respLocal = this.#isLocalEnd(slot, false);
    tunnels.direction[slot] = origLocal
      ? respLocal
        ? DIRECTION.internal
        : DIRECTION.outbound
      : respLocal
        ? DIRECTION.inbound
        : DIRECTION.external;
    tunnels.vlan[slot] = scene.vlanId(0) + 1;
    tunnels.innerVlan[slot] = scene.vlanId(1) + 1;
    tunnelLog.discovered(slot, scene.time, this.#parentUid(slot));
  }

  #isLocalEnd(slot: number, originator: boolean): boolean {
    const { tunnels, site } = this.#parts;
    for (let i = 0; i < 4; i++) this.#address[i] = tunnels.endpointWord(slot, originator, i);
    return site.isLocal(this.#address, 0);
  }

  #parentUid(slot: number): string | undefined {
    const { tunnels, identities, scene } = this.#parts;
    const level = tunnels.level[slot]! - 1;
    return level > 0 ? identities.tunnelUid(scene.tunnel[level - 1]!) : undefined;
  }

  #check(slot: number, level: number, innerIp: number, isFirst: boolean, now: number): void {
    const stack = this.#stack;
    const { checks, site, tunnels } = this.#parts;
    checks.reset();
    const isInnermost = level === this.#parts.scene.levels - 1;
    const isOverALimit = IS_LIMIT[stack.verdict] === 1;
    checks.set(CHECK.X01, isInnermost && isOverALimit ? CHECK_VALUE.violated : CHECK_VALUE.holds);
    if (isInnermost) checkFragments(stack, checks);
    checkOuterEndpoints(stack, level, site, checks);
    if (innerIp < 0 || stack.kind[innerIp] !== LAYER.ipv6) return;
    if (stack.carrier[level] === CARRIER.teredo) this.#checkTeredo(level, now);
    else if (stack.carrier[level] === CARRIER.ip && stack.kind[stack.outerIp[level]!] === LAYER.ipv4) {
      this.#history.evidence = tunnels.evidence[slot]!;
      this.#history.isFirst = isFirst;
      this.#parts.proto41.check(stack, level, this.#history, now, checks);
    }
  }

  #checkTeredo(level: number, now: number): void {
    const stack = this.#stack;
    const { scene, site, teredo, checks } = this.#parts;
    const teredoClass = classifyTeredo(stack, level);
    scene.teredoClass[level] = teredoClass;
    this.#watchQualification(level, teredoClass, now);
    checkTeredo(stack, level, teredoClass, site, checks);
    // The packet's own time is finer, but not believed when it is far from that of all others.
    const fine = scene.seconds + scene.nanoseconds / 1e9;
    teredo.check(level, teredoClass, Math.abs(fine - now) <= 2 ? fine : now, now, checks);
  }

  /* A server's answer to a client's solicitation tells which public endpoint stands for the client (RFC 4380 5.3.2). */
  #watchQualification(level: number, teredoClass: number, now: number): void {
    const isSolicitation = teredoClass === TEREDO_CLASS['router-solicitation'];
    if (!isSolicitation && teredoClass !== TEREDO_CLASS['router-advertisement']) return;
    const stack = this.#stack;
    const { site } = this.#parts;
    const teredo = stack.header[level]!;
    const outer = stack.outerIp[level]! * ROW;
    if (stack.kind[stack.outerIp[level]!] !== LAYER.ipv4) return;
    const bits = stack.word(teredo, TEREDO.BITS);
    const nonce = {
      isThere: (bits & TEREDO_BIT.auth) !== 0,
      high: stack.word(teredo, TEREDO.NONCE_HIGH),
      low: stack.word(teredo, TEREDO.NONCE_LOW),
    };
    if (isSolicitation) {
      site.solicited(stack.words[outer + IP.SRC + 3]!, stack.word(teredo - 1, PORTS.SRC), nonce, now);
    } else if ((bits & TEREDO_BIT.origin) !== 0) {
      const client = { words: stack.words, at: outer + IP.DST, port: stack.word(teredo - 1, PORTS.DST) };
      site.answered(
        client,
        nonce,
        stack.word(teredo, TEREDO.ORIGIN_V4),
        stack.word(teredo, TEREDO.ORIGIN_PORT),
        now,
      );
    }
  }
}

function isPortsLayer(kind: number): boolean {
  return kind === LAYER.tcp || kind === LAYER.udp;
}

function complaintOf(kind: number): number {
  if (kind === LAYER.tcp) return VERDICT.bad_TCP_checksum;
  return kind === LAYER.udp ? VERDICT.bad_UDP_checksum : VERDICT.bad_ICMP_checksum;
}
