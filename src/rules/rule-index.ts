import { CHECK_WORDS } from '../model/checks.js';
import type { CheckResults } from '../model/checks.js';
import { TUNNEL_KINDS } from '../model/vocabulary.js';
import type { Rule, RuleEvent } from './rule.js';

/** Rules that are asked together, and the groups of facts that their conditions read. */
export interface RuleList {
  readonly rules: readonly Rule[];
  readonly reads: number;
}

class GrowingList implements RuleList {
  readonly rules: Rule[] = [];
  reads = 0;

  push(rule: Rule): void {
    this.rules.push(rule);
    this.reads |= rule.reads;
  }
}

const NO_RULES: RuleList = new GrowingList();

/** Rules by event and tunnel kind, so that only those that can match are asked. */
export class RuleIndex {
  readonly #flow = perKind();
  readonly #tunnel = perKind();
  readonly #gated = perKind();
  readonly #ungated = perKind();
  readonly #shaped = perKind();
  readonly #totals = perKind();
  /** Checks whose violation a gated packet rule waits for, by kind. */
  readonly #waitsFor = TUNNEL_KINDS.map(() => new Uint32Array(CHECK_WORDS));

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      for (let kind = 0; kind < TUNNEL_KINDS.length; kind++) {
        if (((rule.gate.kinds >>> kind) & 1) === 1) this.#add(rule, kind);
      }
    }
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

  #add(rule: Rule, kind: number): void {
    switch (rule.on satisfies RuleEvent) {
      case 'flow':
        this.#flow[kind]!.push(rule);
        return;
      case 'tunnel':
        this.#tunnel[kind]!.push(rule);
        if (rule.readsTotals) this.#totals[kind]!.push(rule);
        return;
      case 'packet': {
        const { violated } = rule.gate;
        if (violated === undefined) {
          (rule.gate.unusual ? this.#shaped : this.#ungated)[kind]!.push(rule);
          return;
        }
        this.#gated[kind]!.push(rule);
        violated.forEach((word, i) => (this.#waitsFor[kind]![i]! |= word));
      }
    }
  }
}

function perKind(): GrowingList[] {
  return TUNNEL_KINDS.map(() => new GrowingList());
}
