import type { FlowTable } from '../flow/flow-table.js';
import { ALL_FACTS } from '../model/fact-groups.js';
import type { FactSheet } from '../model/fact-sheet.js';
import { FIELD, FIELDS } from '../model/fields.js';
import type { Alert, PacketTime, TeredoReference } from '../model/records.js';
import { TRANSPORTS, TUNNEL_KINDS } from '../model/vocabulary.js';
import type { Rule } from '../rules/rule.js';
import { RuleIndex } from '../rules/rule-index.js';
import type { Asked, RuleList } from '../rules/rule-list.js';
import { hasUsualShape } from '../tunnel/level.js';
import type { TunnelTable } from '../tunnel/tunnel-table.js';
import { murmur128 } from '../wire/hash.js';
import type { Counters } from './counters.js';
import type { FactFiller } from './fact-filler.js';
import type { Identities } from './identities.js';
import type { PacketScene } from './packet-scene.js';
import type { Suppression } from './suppression.js';
import { tunnelPath } from './tunnel-path.js';

export interface JudgeParts {
  readonly rules: readonly Rule[];
  readonly tunnels: TunnelTable;
  readonly flows: FlowTable;
  readonly facts: FactSheet;
  readonly filler: FactFiller;
  readonly identities: Identities;
  readonly suppression: Suppression;
  readonly counters: Counters;
  readonly sensor: string;
  /** Called with each alert, and the facts that it was made of. */
  readonly onAlert: (alert: Alert, facts: FactSheet) => void;
}

/** What happened in a tunnel that rules may want to know. */
export interface LevelEvents {
  isNewTunnel: boolean;
  kindChanged: boolean;
  isNewFlow: boolean;
}

const NONE = -1;

/**
 * Asks the rules about one tunnel of a packet and makes alerts of what they find: finding, exceptions, once per flow,
 * suppression, alert.
 */
export class Judge {
  readonly #parts: JudgeParts;
  readonly #index: RuleIndex;
  readonly #ruleHash: readonly number[];
  readonly #asksEveryPacket: Uint8Array;
  /** Groups of facts that are there for the tunnel that is being judged. */
  #filled = 0;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
    this.#index = new RuleIndex(parts.rules);
    this.#ruleHash = parts.rules.map((rule) => hashText(`${rule.id}/${rule.rev}`));
    this.#asksEveryPacket = Uint8Array.from(TUNNEL_KINDS, (_, kind) =>
      this.#index.onEveryPacket(kind).size > 0 ? 1 : 0,
    );
    parts.filler.describePath = (scene) => this.#path(scene);
  }

  /** Judges encapsulation `level`; its checks are in the fact sheet. */
  judge(scene: PacketScene, level: number, events: Readonly<LevelEvents>, now: number): void {
    const { tunnels, facts } = this.#parts;
    const kind = tunnels.kind[scene.tunnel[level]!]!;
    this.#filled = 0;
    if (events.isNewTunnel || events.kindChanged) this.#ask(this.#index.onTunnel(kind), scene, level, now);
    if (events.isNewFlow) this.#ask(this.#index.onFlow(kind), scene, level, now);
    const everyPacket = this.#index.onEveryPacket(kind);
    if (everyPacket.size > 0) this.#ask(everyPacket, scene, level, now);
    const shaped = this.#index.onUnusualShape(kind);
    if (shaped.size > 0 && !hasUsualShape(scene.stack, level, scene.innerIp[level]!, scene.transport[level]!))
      this.#ask(shaped, scene, level, now);
    if (facts.checks.anyViolated) this.#ask(this.#index.onViolation(kind, facts.checks), scene, level, now);
  }

  /** Whether rules ask about every packet of such a tunnel, those of the usual shape that violate nothing too. */
  asksEveryPacket(kind: number): boolean {
    return this.#asksEveryPacket[kind] === 1;
  }

  /** Asks rules about totals of a tunnel that ends. */
  judgeEnd(slot: number, time: PacketTime): void {
    const { tunnels, facts, filler } = this.#parts;
    const list = this.#index.onTunnelEnd(tunnels.kind[slot]!);
    if (list.size === 0) return;
    filler.fillEnded(slot);
    const ask = (rules: readonly Rule[]): void => {
      for (const rule of rules)
        if (rule.matches(facts)) this.#found(rule, undefined, slot, NONE, time, time.seconds);
    };
    ask(list.always);
    for (const index of list.byValue) ask(index.find(facts).rules);
  }

  #ask(list: RuleList, scene: PacketScene, level: number, now: number): void {
    if (list.size === 0) return;
    this.#fill(list.reads, scene, level);
    this.#askEach(list.always, scene, level, now);
    for (const index of list.byValue) {
      const asked: Asked = index.find(this.#parts.facts);
      if (asked.rules.length === 0) continue;
      this.#fill(asked.reads, scene, level);
      this.#askEach(asked.rules, scene, level, now);
    }
  }

  #askEach(rules: readonly Rule[], scene: PacketScene, level: number, now: number): void {
    const { facts } = this.#parts;
    for (const rule of rules) {
      if (!rule.matches(facts)) continue;
      // Exceptions, the message and the key may read anything.
      this.#fill(ALL_FACTS, scene, level);
      const flow = rule.on === 'tunnel' ? NONE : scene.flow[level]!;
      this.#found(rule, scene, scene.tunnel[level]!, flow, scene.time, now, level);
    }
  }

  #fill(groups: number, scene: PacketScene, level: number): void {
    const missing = groups & ~this.#filled;
    // Also for a condition that reads checks alone: what was there before must not stay.
    if (this.#filled === 0) this.#parts.facts.clear();
    if (missing === 0) return;
    this.#filled |= missing;
    this.#parts.filler.fill(scene, level, missing);
  }

  #found(
    rule: Rule,
    scene: PacketScene | undefined,
    tunnel: number,
    flow: number,
    time: PacketTime,
    now: number,
    level = 0,
  ): void {
    const { facts, suppression, counters, tunnels, flows, onAlert } = this.#parts;
    const isFlow = flow !== NONE;
    const id = isFlow ? flows.id[flow]! : tunnels.id[tunnel]!;
    for (const exception of rule.exceptions) {
      if (time.seconds < exception.expiresAt && exception.matches(facts)) {
        counters.addTo(counters.excepted, rule.id);
        return;
      }
    }
    if (!suppression.isFirst(rule, isFlow, id, now)) return;
    if (!suppression.admit(rule, facts, time.seconds, now)) {
      counters.addTo(counters.suppressedByRule, rule.id);
      return;
    }
    counters.addTo(counters.alertsByRule, rule.id);
    onAlert(this.#alert(rule, scene, tunnel, flow, time, level), facts);
  }

  #alert(
    rule: Rule,
    scene: PacketScene | undefined,
    tunnel: number,
    flow: number,
    time: PacketTime,
    level: number,
  ): Alert {
    const { facts, identities, flows, tunnels, suppression, sensor } = this.#parts;
    const isFlow = flow !== NONE && rule.about === 'flow';
    const outer = identities.tunnelConnection(tunnel);
    const outerCommunityId = identities.tunnelCommunityId(tunnel);
    const path = FIELDS[FIELD['tunnel.path']]!;
    return {
      id: identities.alertId(
        this.#ruleHash[rule.index]!,
        isFlow,
        isFlow ? flow : tunnel,
        time.seconds,
        time.nanoseconds,
      ),
      time,
      rule: {
        id: rule.id,
        rev: rule.rev,
        title: rule.title,
        note: rule.note,
        severity: rule.severity,
        attack: rule.attack,
        suppressFor: rule.dedupSeconds,
      },
      uid: isFlow ? identities.flowUid(flow) : identities.tunnelUid(tunnel),
      connection: isFlow ? identities.flowConnection(flow) : outer,
      transport: isFlow
        ? TRANSPORTS[flows.transport[flow]!]!
        : tunnels.isUdp(tunnel)
          ? 'udp'
          : 'unknown_transport',
      communityId: isFlow ? identities.flowCommunityId(flow) : outerCommunityId,
      message: rule.message.render(facts),
      sub: rule.title,
      suppressed: suppression.merged,
      tunnel: {
        uid: identities.tunnelUid(tunnel),
        kind: TUNNEL_KINDS[tunnels.kind[tunnel]!]!,
        path: scene === undefined ? '-' : facts.text(path),
        depth: tunnels.level[tunnel]!,
        outer,
        outerCommunityId,
        outermost:
          scene === undefined || level === 0 ? undefined : identities.tunnelConnection(scene.tunnel[0]!),
      },
      teredo: teredoReference(facts),
      packet: scene?.reference(scene.fromOriginator[level] === 1),
      sensor,
    };
  }

  /* In a packet from the responder the responder's port is the source port. */
  #path(scene: PacketScene): string {
    const { stack } = scene;
    const { flows } = this.#parts;
    return tunnelPath(stack, (layer) => {
      for (let level = 0; level < scene.levels; level++) {
        if (layer === stack.header[level]! - 1) return scene.fromOriginator[level] === 0;
        if (layer === scene.transport[level] && scene.flow[level] !== NONE) {
          return (
            stack.word(layer, 0) === flows.respPort[scene.flow[level]!] &&
            stack.word(layer, 1) === flows.origPort[scene.flow[level]!]
          );
        }
      }
      return false;
    });
  }
}

function teredoReference(facts: FactSheet): TeredoReference | undefined {
  const isSource = facts.has(FIELD['teredo.src_server']);
  if (!isSource && !facts.has(FIELD['teredo.dst_server'])) return undefined;
  const field = (source: number, destination: number): string =>
    facts.text(FIELDS[isSource ? source : destination]!);
  return {
    server: field(FIELD['teredo.src_server'], FIELD['teredo.dst_server']),
    client: field(FIELD['teredo.src_client'], FIELD['teredo.dst_client']),
    clientPort: Number(field(FIELD['teredo.src_port'], FIELD['teredo.dst_port'])),
  };
}

function hashText(text: string): number {
  const bytes = Buffer.from(text);
  const words = new Uint32Array(bytes.length);
  words.set(bytes);
  const hash = new Uint32Array(4);
  murmur128(words, words.length, 0, hash);
  return hash[0]!;
}
