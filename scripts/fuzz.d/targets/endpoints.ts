import { readEndpointLists } from '../../../src/intel/endpoint-list.js';
import { readSchema } from '../../../src/sensor/package-files.js';
import { endpointSeeds, YAML_OCTETS } from '../text-seeds.js';
import { unlessTold } from '../told-mistakes.js';

/* A list of known tunnel endpoints. */
const schema = readSchema('endpoints.schema.json');
let last = '';

export const maxLength = 3_000;
export const tokens = [
  ...YAML_OCTETS,
  ...['::/0', '1.2.3.4/33', '2001:db8::/129', '::ffff:1.2.3.4'].map((text) => Buffer.from(text)),
];
export const seeds = endpointSeeds;

export function fuzz(data: Buffer): void {
  const traits: string[] = [];
  const text = data.toString('utf8');
  const list = unlessTold(text, () => readEndpointLists([{ name: 'fuzz.yaml', text }], schema), traits);
  if (list !== undefined) traits.push(String(list.findV4(0x01020304)?.name !== undefined));
  last = [...new Set(traits)].sort().join();
}

export function trait(): string {
  return last;
}
