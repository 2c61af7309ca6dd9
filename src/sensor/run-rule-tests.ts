import { dirname, resolve } from 'node:path';
import { CaptureFile } from '../capture/capture-file.js';
import { memoryBatch, memoryInterface } from '../capture/memory-batch.js';
import type { EndpointList } from '../intel/endpoint-list.js';
import type { FactSheet } from '../model/fact-sheet.js';
import { findField } from '../model/fields.js';
import type { Rule } from '../rules/rule.js';
import type { Expectation, RuleTest } from '../rules/rule-test.js';
import type { Prefix } from '../wire/address.js';
import { parsePrefix } from '../wire/address.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import { buildFrame } from '../wire/packet-builder.js';
import { Analysis, DEFAULT_LIMITS } from './analysis.js';
import { parseSixrd } from './load.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS } from './replay.js';

export interface RuleTestResult {
  readonly rule: string;
  readonly test: string;
  readonly file: string;
  readonly line: number;
  /** Why it failed, or undefined. */
  readonly failure: string | undefined;
}

const FIRST_SECOND = 1_700_000_000;

/** Runs the tests inside the rules: each through the whole analysis, with only its own rule loaded. */
export async function runRuleTests(
  rules: readonly Rule[],
  endpoints: EndpointList,
): Promise<RuleTestResult[]> {
  const results: RuleTestResult[] = [];
  for (const rule of rules) {
    for (const test of rule.tests) {
      const failure = await runOne(rule, test, endpoints).catch((error: unknown) => (error as Error).message);
      results.push({ rule: rule.id, test: test.name, file: rule.file, line: test.line, failure });
    }
  }
  return results;
}

async function runOne(rule: Rule, test: RuleTest, endpoints: EndpointList): Promise<string | undefined> {
  const wanted = new Set(test.expect.flatMap((one) => [...one.fields.keys()]));
  const alerts: Map<string, string>[] = [];
  const analysis = new Analysis({
    rules: [{ ...rule, index: 0 }],
    endpoints,
    site: { localNetworks: test.localNetworks.map(prefixOf), vantage: test.vantage },
    sixrd: test.sixrd.map(sixrdOf),
    maxDepth: DEFAULT_MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    limits: DEFAULT_LIMITS,
    sensor: 'rule-test',
    seed: 0,
    emit: () => undefined,
    onAlert: (alert, facts) => alerts.push(textsOf(wanted, alert.message, facts)),
  });
  await feed(analysis, rule, test);
  analysis.finish();
  return compare(test.expect, alerts);
}

async function feed(analysis: Analysis, rule: Rule, test: RuleTest): Promise<void> {
  if (test.capture !== undefined) {
    const file = await CaptureFile.open(resolve(dirname(rule.file), test.capture));
    try {
      await file.read((batch, from, to) => {
        analysis.process(batch, from, to, file.interfaces);
        return undefined;
      });
    } finally {
      await file.close();
    }
    return;
  }
  const frames =
    test.packets === undefined
      ? (test.hex ?? []).map((bytes) => ({ bytes, seconds: FIRST_SECOND }))
      : test.packets.map(({ atSeconds, layers }) => ({
          bytes: buildFrame(layers),
          seconds: FIRST_SECOND + atSeconds,
        }));
  const batch = memoryBatch(frames);
  analysis.process(batch, 0, batch.count, [memoryInterface('rule-test')]);
}

function textsOf(wanted: ReadonlySet<string>, message: string, facts: FactSheet): Map<string, string> {
  const texts = new Map<string, string>();
  for (const name of wanted) {
    const field = findField(name);
    texts.set(name, field === undefined ? message : facts.text(field));
  }
  return texts;
}

function compare(expect: readonly Expectation[], alerts: readonly Map<string, string>[]): string | undefined {
  const total = expect.reduce((sum, { count }) => sum + count, 0);
  const got = alerts.length === 0 ? 'none' : alerts.map((alert) => describe(alert)).join('; ');
  if (alerts.length !== total) return `expected ${total} alerts, got ${alerts.length}: ${got}`;
  for (const { count, fields } of expect) {
    const matching = alerts.filter((alert) =>
      [...fields].every(([name, text]) => alert.get(name) === text),
    ).length;
    if (matching < count) {
      const asked = [...fields].map(([name, text]) => `${name}: ${text}`).join(', ');
      return `expected ${count} alerts with ${asked}, got ${matching} of ${got}`;
    }
  }
  return undefined;
}

function describe(alert: ReadonlyMap<string, string>): string {
  const parts = [...alert].map(([name, text]) => `${name}: ${text}`);
  return parts.length === 0 ? 'an alert' : parts.join(', ');
}

function prefixOf(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (typeof prefix === 'string') throw new Error(prefix);
  return prefix;
}

function sixrdOf(text: string): SixrdDomain {
  const domain = parseSixrd(text);
  if (typeof domain === 'string') throw new Error(domain);
  return domain;
}
