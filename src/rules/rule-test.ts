import type { LayerSpec } from '../wire/packet-builder.js';
import type { YamlFile, YamlPath } from '../yaml/yaml-file.js';
import type { Diagnostic } from '../yaml/diagnostic.js';
import { findField, FIELDS } from '../model/fields.js';
import { suggestion } from '../yaml/nearest-name.js';
import { packetSpec } from './packet-spec.js';
import { parseDuration } from './values.js';

export interface TestPacket {
  /** Seconds after the first packet. */
  readonly atSeconds: number;
  readonly layers: readonly LayerSpec[];
}

/** What one expected alert must say: field name to text, and how often. */
export interface Expectation {
  readonly count: number;
  readonly fields: ReadonlyMap<string, string>;
}

/** A test inside a rule file. */
export interface RuleTest {
  readonly name: string;
  readonly packets: readonly TestPacket[] | undefined;
  /** Whole Ethernet frames. */
  readonly hex: readonly Uint8Array[] | undefined;
  /** Capture file, relative to the rule file's folder. */
  readonly capture: string | undefined;
  readonly vantage: 'inside' | 'outside' | 'auto';
  readonly localNetworks: readonly string[];
  readonly sixrd: readonly string[];
  readonly sixtofourRelays: readonly string[];
  readonly expect: readonly Expectation[];
  readonly line: number;
}

interface RawTest {
  readonly name: string;
  readonly packets?: readonly unknown[];
  readonly hex?: readonly string[];
  readonly capture?: string;
  readonly options?: {
    readonly vantage?: 'inside' | 'outside' | 'auto';
    readonly local_net?: readonly string[];
    readonly '6rd'?: readonly string[];
    readonly '6to4_relay'?: readonly string[];
  };
  readonly expect: readonly Readonly<Record<string, unknown>>[];
}

/** Reads a test whose form the schema has checked. Mistakes in it are added to `diagnostics`. */
export function readRuleTest(
  file: YamlFile,
  path: YamlPath,
  raw: RawTest,
  diagnostics: Diagnostic[],
): RuleTest {
  const packets = raw.packets?.map((packet, i) => {
    const isTimed = !Array.isArray(packet);
    const timed = packet as { readonly at: string; readonly layers: readonly unknown[] };
    const layersPath = [...path, 'packets', i, ...(isTimed ? ['layers'] : [])];
    const layers = packetSpec(file, layersPath, isTimed ? timed.layers : (packet as unknown[]), diagnostics);
    return { atSeconds: isTimed ? parseDuration(timed.at) : 0, layers };
  });
  return {
    name: raw.name,
    packets,
    hex: raw.hex?.map((text) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))),
    capture: raw.capture,
    vantage: raw.options?.vantage ?? 'auto',
    localNetworks: raw.options?.local_net ?? [],
    sixrd: raw.options?.['6rd'] ?? [],
    sixtofourRelays: raw.options?.['6to4_relay'] ?? [],
    expect: raw.expect.map((one, i) => readExpectation(file, [...path, 'expect', i], one, diagnostics)),
    line: file.diagnose(path, '').line,
  };
}

function readExpectation(
  file: YamlFile,
  path: YamlPath,
  raw: Readonly<Record<string, unknown>>,
  diagnostics: Diagnostic[],
): Expectation {
  const fields = new Map<string, string>();
  let count = 1;
  for (const [key, value] of Object.entries(raw)) {
    if (key === 'count') count = value as number;
    else if (findField(key) === undefined && key !== 'message') {
      const hint = suggestion(
        key,
        FIELDS.map(({ name }) => name),
      );
      diagnostics.push(file.diagnose([...path, key], `there is no field "${key}"${hint}`, true));
    } else fields.set(key, String(value));
  }
  return { count, fields };
}
