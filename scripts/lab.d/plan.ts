import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

/** What a sensor must say about one mirror port. */
export interface PortExpectation {
  /** Committed capture of the same story. */
  readonly capture: string;
  /** Number of tunnels by kind; undefined where it depends on timing. */
  readonly tunnels?: Readonly<Record<string, number>>;
  /** Services inside tunnels, as `tcp:6667`. */
  readonly services: readonly string[];
  /** Outer VLAN id that alerts name; null: none. */
  readonly vlan?: number | null;
  readonly inner_vlan?: number;
  readonly alerts: {
    /** Rule ids and how often, or `any` for at least once. */
    readonly must: Readonly<Record<string, number | 'any'>>;
    readonly never?: readonly string[];
  };
  /** A port that sees the same packets once. */
  readonly same_totals_as?: string;
}

export interface Scenario {
  readonly about: string;
  readonly network: 'teredo' | 'protocol41';
  readonly kernel: 'host' | 'uml';
  /** Where sensors listen when the kernel is `uml`. */
  readonly sensors?: 'inside' | 'outside';
  readonly seconds: number;
  readonly quick?: boolean;
  readonly ports: Readonly<Record<string, PortExpectation>>;
}

export interface Plan {
  /** Rules that must be silent wherever a scenario does not ask for them. */
  readonly never: readonly string[];
  readonly scenarios: Readonly<Record<string, Scenario>>;
}

const TEXT = { type: 'string' };
const TEXTS = { type: 'array', items: TEXT };
const COUNT = { type: 'integer', minimum: 0 };

const PORT = {
  type: 'object',
  additionalProperties: false,
  required: ['capture', 'services', 'alerts'],
  properties: {
    capture: TEXT,
    tunnels: { type: 'object', additionalProperties: COUNT },
    services: TEXTS,
    vlan: { type: ['integer', 'null'] },
    inner_vlan: { type: 'integer' },
    alerts: {
      type: 'object',
      additionalProperties: false,
      required: ['must'],
      properties: {
        must: { type: 'object', additionalProperties: { anyOf: [COUNT, { const: 'any' }] } },
        never: TEXTS,
      },
    },
    same_totals_as: TEXT,
  },
};

const SCENARIO = {
  type: 'object',
  additionalProperties: false,
  required: ['about', 'network', 'kernel', 'seconds', 'ports'],
  properties: {
    about: TEXT,
    network: { enum: ['teredo', 'protocol41'] },
    kernel: { enum: ['host', 'uml'] },
    sensors: { enum: ['inside', 'outside'] },
    seconds: { type: 'integer', minimum: 1, maximum: 600 },
    quick: { type: 'boolean' },
    // Port names become names of interfaces, and `m-` comes before them: 15 octets at most.
    ports: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^[a-z][a-z-]{0,12}$' },
      additionalProperties: PORT,
    },
  },
};

const isPlan = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile<Plan>({
  type: 'object',
  additionalProperties: false,
  required: ['never', 'scenarios'],
  properties: {
    never: TEXTS,
    scenarios: {
      type: 'object',
      propertyNames: { pattern: '^[a-z0-9][a-z0-9-]*$' },
      additionalProperties: SCENARIO,
    },
  },
});

/** Reads the scenarios. Throws an Error that names each mistake. */
export function loadPlan(): Plan {
  const plan: unknown = parse(readFileSync(new URL('scenarios.yaml', import.meta.url), 'utf8'), {
    merge: true,
  });
  if (isPlan(plan)) return plan;
  const mistakes = isPlan.errors!.map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
  throw new Error(`scenarios.yaml is wrong: ${mistakes.join('; ')}.`);
}

/** The scenario of that name. Throws an Error when there is none. */
export function scenarioOf(plan: Plan, name: string): Scenario {
  const scenario = plan.scenarios[name];
  if (scenario === undefined)
    throw new Error(`there is no scenario ${name}; scripts/lab list shows them all.`);
  return scenario;
}
