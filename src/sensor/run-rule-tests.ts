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
import { parseSixrd } from '../wire/sixrd-domain.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS } from './replay.js';

export interface RuleTestResult {
  readonly rule: string;
  readonly test: string;
  readonly file: string;
  readonly line: number;
  /** Why it failed, or undefined. */
  readonly failure: string | undefined;
}

/** An alert that a test raised: its message, its frame, and the texts of the fields that the test asks for. */
interface SeenAlert {
  readonly message: string;
  readonly packet: number;
  readonly texts: ReadonlyMap<string, string>;
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
  const alerts: SeenAlert[] = [];
  const analysis = new Analysis({
    rules: [{ ...rule, index: 0 }],
    endpoints,
    site: {
      localNetworks: test.localNetworks.map(prefixOf),
      vantage: test.vantage,
      sixtofourRelays: test.sixtofourRelays.map(prefixOf),
    },
    sixrd: test.sixrd.map(sixrdOf),
    profile: 'extended',
    maxDepth: DEFAULT_MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    limits: DEFAULT_LIMITS,
    sensor: 'rule-test',
    seed: 0,
    emit: () => undefined,
    onAlert: ({ message, packet }, facts) =>
      alerts.push({ message, packet: packet?.packetNumber ?? 0, texts: textsOf(wanted, message, facts) }),
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

function compare(expect: readonly Expectation[], alerts: readonly SeenAlert[]): string | undefined {
  const total = expect.reduce((sum, { count }) => sum + count, 0);
  const came = alerts.map(({ message, packet }) => `frame ${packet} "${message}"`).join('; ');
  if (alerts.length !== total) {
    return `${total} alerts were expected, ${alerts.length} came${came === '' ? '' : `: ${came}`}`;
  }
  for (const { count, fields } of expect) {
    const matching = alerts.filter(({ texts }) =>
      [...fields].every(([name, text]) => texts.get(name) === text),
    ).length;
    if (matching < count) {
      const asked = [...fields].map(([name, text]) => `${name}: ${text}`).join(', ');
      const got = alerts.map(({ texts }) =>
        [...fields.keys()].map((name) => `${name}: ${texts.get(name) ?? '-'}`).join(', '),
      );
      return `${count} alerts with ${asked} were expected; those that came have ${got.join('; ')}`;
    }
  }
  return undefined;
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
