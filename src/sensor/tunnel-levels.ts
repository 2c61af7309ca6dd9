import type { LayerStack } from '../decode/layers.js';
import { CARRIER, IP, LAYER, PORTS, ROW, TEREDO, TEREDO_BIT } from '../decode/layers.js';
import { VERDICT } from '../decode/verdicts.js';
import type { FlowTable } from '../flow/flow-table.js';
import { CHECK } from '../model/checks.js';
import type { CheckResults } from '../model/checks.js';
import { CHECK_VALUE, DIRECTION, KIND, TEREDO_CLASS } from '../model/vocabulary.js';
import { isConfiguredTunnel, kindByCarrier, kindFromEvidence, sixInFourEvidence } from '../tunnel/kind.js';
import { innerIpLayer, transportLayer } from '../tunnel/level.js';
import { checkOuterEndpoints } from '../tunnel/outer-checks.js';
import { Proto41Checks } from '../tunnel/proto41-checks.js';
import type { Site } from '../tunnel/site.js';
import { checkTeredo } from '../tunnel/teredo-checks.js';
import { classifyTeredo } from '../tunnel/teredo-class.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import type { Counters } from './counters.js';
import type { Identities } from './identities.js';
import type { Judge, LevelEvents } from './judge.js';
import type { PacketScene } from './packet-scene.js';
import type { TunnelLog } from './tunnel-log.js';

const NO_FLOW = -1;

export interface TunnelLevelsParts {
  readonly scene: PacketScene;
  readonly tunnels: TunnelTable;
  readonly flows: FlowTable;
  readonly site: Site;
  readonly checks: CheckResults;
  readonly sixrd: readonly SixrdDomain[];
  readonly judge: Judge;
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
  readonly #proto41: Proto41Checks;
  readonly #events: LevelEvents = { isNewTunnel: false, kindChanged: false, isNewFlow: false };
  readonly #address = new Uint32Array(4);

  constructor(parts: TunnelLevelsParts) {
    this.#parts = parts;
    this.#stack = parts.scene.stack;
    this.#proto41 = new Proto41Checks(parts.site, parts.sixrd);
  }

  /**
   * Enters all encapsulations of the packet at hand. `countedLevels` says how many of the outer ones were counted when
   * the packet came the first time.
   */
  enterAll(countedLevels: number, now: number): void {
    const { scene, tunnels } = this.#parts;
    scene.levels = 0;
    let parentId = 0;
    for (let level = 0; level < this.#stack.encapsulations; level++) {
      const slot = this.#enterTunnel(level, parentId, level < countedLevels, now);
      if (slot < 0) return;
      parentId = tunnels.id[slot]!;
    }
  }

  /* Enters encapsulation `level` into tables and judges it. Returns the tunnel's slot, or -1 when it cannot be read. */
  #enterTunnel(level: number, parentId: number, wasCounted: boolean, now: number): number {
    const stack = this.#stack;
    const { scene, tunnels, flows } = this.#parts;
    const innerIp = innerIpLayer(stack, level);
    const isEthernet = stack.count > stack.inner[level]! && stack.kind[stack.inner[level]!] === LAYER.eth;
    if (innerIp < 0 && !isEthernet) return -1;
    const slot = tunnels.record(stack, level, parentId, scene.seconds, scene.nanoseconds, now, wasCounted);
    const transport = transportLayer(stack, level);
    const events = this.#events;
    events.isNewTunnel = tunnels.isNew;
    scene.levels = level + 1;
    scene.tunnel[level] = slot;
    scene.fromOriginator[level] = tunnels.fromOriginator ? 1 : 0;
    scene.innerIp[level] = innerIp;
    scene.transport[level] = transport;
    scene.flow[level] = NO_FLOW;
    events.isNewFlow = false;
    if (transport >= 0 && innerIp >= 0) {
      const id = tunnels.id[slot]!;
      scene.flow[level] = flows.record(stack, innerIp, transport, id, scene.seconds, scene.nanoseconds, now);
      events.isNewFlow = flows.isNew;
    }
    events.kindChanged = this.#refineKind(slot, level, innerIp, events.isNewFlow || transport < 0);
    if (events.isNewTunnel) this.#tunnelDiscovered(slot);
    this.#check(slot, level, innerIp, now);
    this.#parts.judge.judge(scene, level, events, now);
    return slot;
  }

  /* Sets or refines the tunnel's kind from this packet. True when a known kind changed. */
  #refineKind(slot: number, level: number, innerIp: number, isTelling: boolean): boolean {
    const { tunnels, counters, sixrd } = this.#parts;
    const before = tunnels.kind[slot]!;
    let kind = before;
    if (innerIp < 0) {
      kind = this.#stack.carrier[level] === CARRIER.gre ? KIND.gre : KIND.vxlan;
    } else {
      const byCarrier = kindByCarrier(this.#stack, level, innerIp);
      // Raw IPv6 in UDP becomes Teredo when Teredo addresses show up, never the other way.
      if (byCarrier !== KIND.none) kind = before === KIND.teredo ? before : byCarrier;
      else if (isTelling || before === KIND.none) {
        const evidence = sixInFourEvidence(this.#stack, level, innerIp, sixrd);
        tunnels.evidence[slot]! |= evidence;
        kind = kindFromEvidence(tunnels.evidence[slot]!);
      }
    }
    if (kind === before) return false;
    tunnels.kind[slot] = kind;
    counters.tunnelsByKind[kind]! += 1;
    if (before === KIND.none) return false;
    counters.tunnelsByKind[before]! -= 1;
    return true;
  }

  #tunnelDiscovered(slot: number): void {
    const { tunnels, site, scene, tunnelLog } = this.#parts;
    const words = this.#address;
    const isLocal = (originator: boolean): boolean => {
      for (let i = 0; i < 4; i++) words[i] = tunnels.endpointWord(slot, originator, i);
      return site.isLocal(words, 0);
    };
    const origLocal = isLocal(true);
    const respLocal = isLocal(false);
    tunnels.direction[slot] = origLocal
      ? respLocal
        ? DIRECTION.internal
        : DIRECTION.outbound
      : respLocal
        ? DIRECTION.inbound
        : DIRECTION.external;
    tunnels.vlan[slot] = scene.vlanId(0) + 1;
    tunnels.innerVlan[slot] = scene.vlanId(1) + 1;
    tunnelLog.discover(slot, scene.time, this.#parentUid(slot));
  }

  #parentUid(slot: number): string | undefined {
    const { tunnels, identities, scene } = this.#parts;
    const level = tunnels.level[slot]! - 1;
    return level > 0 ? identities.tunnelUid(scene.tunnel[level - 1]!) : undefined;
  }

  #check(slot: number, level: number, innerIp: number, now: number): void {
    const stack = this.#stack;
    const { checks, site, tunnels } = this.#parts;
    checks.reset();
    const isInnermost = level === stack.encapsulations - 1;
    const isTooDeep =
      stack.verdict === VERDICT.exceeded_tunnel_max_depth || stack.verdict === VERDICT.too_many_layers;
    checks.set(CHECK.X01, isInnermost && isTooDeep ? CHECK_VALUE.violated : CHECK_VALUE.holds);
    checkOuterEndpoints(stack, level, site, checks);
    if (innerIp < 0 || stack.kind[innerIp] !== LAYER.ipv6) return;
    if (stack.carrier[level] === CARRIER.teredo) this.#checkTeredo(level, now);
    else if (stack.carrier[level] === CARRIER.ip && stack.kind[stack.outerIp[level]!] === LAYER.ipv4) {
      this.#proto41.check(stack, level, isConfiguredTunnel(tunnels.evidence[slot]!), now, checks);
    }
  }

  #checkTeredo(level: number, now: number): void {
    const stack = this.#stack;
    const { scene, site, checks } = this.#parts;
    const teredoClass = classifyTeredo(stack, level);
    scene.teredoClass[level] = teredoClass;
    if (teredoClass === TEREDO_CLASS['router-advertisement']) this.#learnMapping(level, now);
    checkTeredo(stack, level, teredoClass, site, checks);
  }

  /* A server's origin indication tells which public endpoint stands for the client (RFC 4380 5.3.2). */
  #learnMapping(level: number, now: number): void {
    const stack = this.#stack;
    const teredo = stack.header[level]!;
    const outer = stack.outerIp[level]!;
    if ((stack.word(teredo, TEREDO.BITS) & TEREDO_BIT.origin) === 0 || stack.kind[outer] !== LAYER.ipv4)
      return;
    this.#parts.site.learn(
      stack.words[outer * ROW + IP.DST + 3]!,
      stack.word(teredo - 1, PORTS.DST),
      stack.word(teredo, TEREDO.ORIGIN_V4),
      stack.word(teredo, TEREDO.ORIGIN_PORT),
      now,
    );
  }
}
