import { parseConfig } from '../../../src/config/load.js';
import { effectiveConfigText } from '../../../src/config/show.js';
import { configSeeds, YAML_OCTETS } from '../text-seeds.js';
import { unlessTold } from '../told-mistakes.js';

/* A configuration file. Mistakes are told with their places; what has none can be shown. */
const ENVIRONMENT = { A: '1', KAFKA_PASSWORD: 'x y' };
let last = '';

export const maxLength = 4_000;
export const tokens = [
  ...YAML_OCTETS,
  ...['${A}', '${B:-1}', '${', 'file:/none', '$$'].map((text) => Buffer.from(text)),
];
export const seeds = configSeeds;

export function fuzz(data: Buffer): void {
  const traits: string[] = [];
  const text = data.toString('utf8');
  const loaded = unlessTold(text, () => parseConfig('fuzz.yaml', text, ENVIRONMENT, '/nonexistent'), traits);
  if (loaded !== undefined) {
    effectiveConfigText(loaded.config);
    traits.push(`read, ${loaded.warnings.length} warnings`);
  }
  last = [...new Set(traits)].sort().join();
}

export function trait(): string {
  return last;
}
