import { CHECK_WORDS } from '../model/checks.js';
import type { CheckResults } from '../model/checks.js';
import { TUNNEL_KINDS } from '../model/vocabulary.js';
import type { Rule } from './rule.js';
import { RuleList } from './rule-list.js';

const NO_RULES = new RuleList([]);
type PerKind = readonly RuleList[];

/** Rules by event and tunnel kind, so that only those that can match are asked. */
export class RuleIndex {
  readonly #flow: PerKind;
  readonly #tunnel: PerKind;
  readonly #gated: PerKind;
  readonly #ungated: PerKind;
  readonly #shaped: PerKind;
  readonly #totals: PerKind;
  /** Checks whose violation a gated packet rule waits for, by kind. */
  readonly #waitsFor: readonly Uint32Array[];

  constructor(rules: readonly Rule[]) {
    const perKind = (isMeant: (rule: Rule) => boolean): PerKind =>
      TUNNEL_KINDS.map((_, kind) => new RuleList(ofKind(rules, kind).filter(isMeant)));
    this.#flow = perKind(({ on }) => on === 'flow');
    this.#tunnel = perKind(({ on }) => on === 'tunnel');
    this.#totals = perKind(({ on, readsTotals }) => on === 'tunnel' && readsTotals);
    this.#gated = perKind(({ on, gate }) => on === 'packet' && gate.violated !== undefined);
    const isFree = ({ on, gate }: Rule): boolean => on === 'packet' && gate.violated === undefined;
    this.#ungated = perKind((rule) => isFree(rule) && !rule.gate.unusual);
    this.#shaped = perKind((rule) => isFree(rule) && rule.gate.unusual);
    this.#waitsFor = TUNNEL_KINDS.map((_, kind) => {
      const waitsFor = new Uint32Array(CHECK_WORDS);
      for (const { on, gate } of ofKind(rules, kind))
        if (on === 'packet') gate.violated?.forEach((word, i) => (waitsFor[i]! |= word));
      return waitsFor;
    });
  }

  /** Rules to ask when a flow begins. */
  onFlow(kind: number): RuleList {
    return this.#flow[kind] ?? NO_RULES;
  }

  /** Rules to ask when a tunnel is discovered or its kind is refined. */
  onTunnel(kind: number): RuleList {
    return this.#tunnel[kind] ?? NO_RULES;
  }

  /** Rules to ask when a tunnel ends. */
  onTunnelEnd(kind: number): RuleList {
    return this.#totals[kind] ?? NO_RULES;
  }

  /** Packet rules without a gate: asked for every packet of a tunnel. */
  onEveryPacket(kind: number): RuleList {
    return this.#ungated[kind] ?? NO_RULES;
  }

  /** Packet rules that wait for a packet of unusual shape. */
  onUnusualShape(kind: number): RuleList {
    return this.#shaped[kind] ?? NO_RULES;
  }

  /** Packet rules of which one waits for a check that this packet violates. */
  onViolation(kind: number, checks: CheckResults): RuleList {
    const waitsFor = this.#waitsFor[kind]!;
    for (let i = 0; i < CHECK_WORDS; i++) {
      if ((waitsFor[i]! & checks.violated(i)) !== 0) return this.#gated[kind]!;
    }
    return NO_RULES;
  }
}

function ofKind(rules: readonly Rule[], kind: number): Rule[] {
  return rules.filter(({ gate }) => ((gate.kinds >>> kind) & 1) === 1);
}
