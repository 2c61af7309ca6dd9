import assert from 'node:assert/strict';
import type { LayerStack } from '../../../src/decode/layers.js';
import { LAYER, LAYER_NAMES, MAX_LAYERS, ROW } from '../../../src/decode/layers.js';
import { VERDICTS } from '../../../src/decode/verdicts.js';
import { frameOf } from '../../../src/wire/frame.js';
import { guardedFrame, newDecoder } from '../../../test/support/decoding.js';
import { validateRecords } from '../../../test/support/record-schemas.js';
import { repairLengths } from '../repair-lengths.js';
import { seedTraffic } from '../packet-seeds.js';
import { linkTypeIndex, linkTypeOf } from '../packet-script.js';
import { PACKET_TOKENS } from '../packet-tokens.js';
import { analyseAmid } from '../small-analysis.js';

/*
 * One frame: link type (1: index), octets that the capture cut off (1), frame. Decoded inside guards that throw on any read
 * outside it, then taken through the whole analysis with the shipped rules.
 */
const HEADER = 2;
const FIRST_SECOND = 1_700_000_000;
const decoder = newDecoder();
const guarded = newDecoder();
let last = '';

export const maxLength = 2_048;
export const share = 3;
export const tokens = PACKET_TOKENS;

export function fuzz(data: Buffer): void {
  if (data.length < HEADER) return;
  const linkType = linkTypeOf(data[0]);
  const bytes = data.subarray(HEADER);
  const wireLength = bytes.length + data[1]!;
  decoder.decode(frameOf(bytes), 0, bytes.length, wireLength, linkType);
  const { stack } = decoder;
  assert.ok(VERDICTS[stack.verdict] !== undefined, `verdict ${stack.verdict}`);
  assert.ok(stack.count <= MAX_LAYERS, `${stack.count} layers`);
  for (let layer = 0; layer < stack.count; layer++) {
    assert.ok(
      stack.at[layer]! <= bytes.length && stack.end[layer]! <= bytes.length,
      'a layer behind the end',
    );
  }
  const inside = guardedFrame(bytes);
  guarded.decode(inside.frame, inside.at, inside.end, wireLength, linkType);
  assert.equal(shapeOf(guarded.stack, inside.at), shapeOf(stack, 0));
  const frame = { bytes, wireLength, seconds: FIRST_SECOND };
  const { analysis, records } = analyseAmid([frame], linkType, 0xff);
  validateRecords(records);
  last = `${linkType} ${kindsOf(stack)} ${[...analysis.counters.alertsByRule.keys()].join(' ')}`;
}

export function trait(): string {
  return last;
}

export function repair(data: Buffer): void {
  if (data.length > HEADER) repairLengths(data.subarray(HEADER), linkTypeOf(data[0]));
}

export async function seeds(): Promise<Buffer[]> {
  const traffic = await seedTraffic();
  return traffic.flatMap(({ linkType, packets }) =>
    packets.map((bytes) => Buffer.concat([linkTypeIndex(linkType), Buffer.of(0), bytes])),
  );
}

function kindsOf(stack: LayerStack): string {
  const kinds = Array.from(stack.kind.subarray(0, stack.count), (kind) => LAYER_NAMES[kind]).join('/');
  const notes = stack.note.subarray(0, stack.notes).join(',');
  return `${kinds} ${stack.verdict} ${stack.carrierComplaint} ${notes}`;
}

/* All that was decoded, with offsets from the frame's begin. */
function shapeOf(stack: LayerStack, base: number): string {
  let shape = kindsOf(stack);
  for (let layer = 0; layer < stack.count; layer++) {
    shape += ` ${stack.at[layer]! - base}-${stack.end[layer]! - base}`;
    if (stack.kind[layer] !== LAYER.teredo)
      shape += `:${stack.words.subarray(layer * ROW, layer * ROW + 5).join(',')}`;
  }
  return shape;
}
