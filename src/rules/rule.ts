import type { Field } from '../model/fields.js';
import type { Severity } from '../model/severity.js';
import type { Predicate } from './compiler.js';
import type { Gate } from './gate.js';
import type { MessageTemplate } from './message.js';
import type { RuleTest } from './rule-test.js';

export const RULE_EVENTS = ['packet', 'flow', 'tunnel'] as const;
export type RuleEvent = (typeof RULE_EVENTS)[number];

export interface RuleException {
  readonly name: string;
  readonly owner: string;
  readonly reason: string;
  readonly matches: Predicate;
  /** Packet time in seconds from which it no longer counts; Infinity when it does not expire. */
  readonly expiresAt: number;
}

/** A rule, checked and compiled. */
export interface Rule {
  /** Position in its rule set. */
  readonly index: number;
  readonly id: string;
  readonly rev: number;
  readonly title: string;
  readonly description: string;
  readonly on: RuleEvent;
  /** Whose endpoints the alert names: those of the inner flow, if there is one, or those of the tunnel. */
  readonly about: 'flow' | 'tunnel';
  readonly severity: Severity;
  readonly status: string;
  readonly note: string;
  readonly conditionText: string;
  readonly matches: Predicate;
  readonly gate: Gate;
  /** Names of the fields that the condition reads. */
  readonly fields: ReadonlySet<string>;
  /** Groups of facts that the condition reads (model/fact-groups). */
  readonly reads: number;
  /** The condition reads totals of the tunnel, so it is asked again when the tunnel ends. */
  readonly readsTotals: boolean;
  readonly message: MessageTemplate;
  readonly dedupKey: readonly Field[];
  readonly dedupSeconds: number;
  readonly attack: readonly string[];
  readonly detections: readonly string[];
  readonly references: readonly string[];
  readonly falsePositives: string;
  readonly exceptions: readonly RuleException[];
  readonly tests: readonly RuleTest[];
  readonly file: string;
  readonly line: number;
}
