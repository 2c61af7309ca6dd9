import assert from 'node:assert/strict';
import { memoryInterface } from '../../../src/capture/memory-batch.js';
import { packetText } from '../../../src/cli/decode-text.js';
import type { PacketDescription } from '../../../src/sensor/inspect/packet-description.js';
import { describePacket, sourceOf } from '../../../src/sensor/inspect/packet-description.js';
import { PacketInspector } from '../../../src/sensor/inspect/packet-inspector.js';
import { analysisOptions } from '../../../test/support/analysing.js';
import { readPacketScript } from '../packet-script.js';
import { PACKET_TOKENS } from '../packet-tokens.js';
import { batchAmid } from '../same-octets.js';
import { repairScript, scriptSeeds } from '../script-seeds.js';

/* Several packets as `copperhull decode` shows them: as text with octets, and as JSON. */
// eslint-disable-next-line no-control-regex -- none may reach a terminal
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
const { site, sixrd, maxDepth, vxlanPorts, endpoints } = analysisOptions();
let last = '';

export const maxLength = 2_500;
export const share = 2;
export const tokens = PACKET_TOKENS;
export const repair = repairScript;
export const seeds = scriptSeeds;

export function fuzz(data: Buffer): void {
  const { linkType, frames } = readPacketScript(data);
  const seen = new Set<string>();
  let shown = 0;
  const inspector = new PacketInspector({ site, sixrd, maxDepth, vxlanPorts, endpoints }, (packet) => {
    if (!packet.isAlone) shown++;
    const description = describePacket(packet);
    const octets = description.layers.map((_, layer) => sourceOf(packet, layer).bytes);
    const text = packetText({ description, octets }, true);
    assert.ok(!CONTROL.test(text), 'a control character in the text');
    JSON.stringify(description, refuseWhatJsonLacks);
    assertPlausible(description, octets);
    seen.add(`${description.verdict.name}${packet.isAlone ? '!' : ''}${packet.isCopy ? '=' : ''}`);
    for (const { layer, in: place } of description.layers) seen.add(`${layer} ${place}`);
    for (const { kind, level } of description.tunnels) seen.add(`${kind}${level}`);
  });
  const batch = batchAmid(frames, 0);
  const interfaces = [memoryInterface('fuzz.pcap', linkType)];
  for (let i = 0; i < batch.count; i++) inspector.inspect(batch, i, interfaces);
  inspector.finish();
  assert.equal(shown, frames.length, 'packets that were shown');
  last = [...seen].sort().join();
}

export function trait(): string {
  return last;
}

/* JSON would leave these out, or write null. */
function refuseWhatJsonLacks(key: string, value: unknown): unknown {
  assert.ok(
    value !== undefined && (typeof value !== 'number' || Number.isFinite(value)),
    `${key} is no JSON`,
  );
  return value;
}

/* Layers lie in their octets, and what is said of the tunnels is said of the same layers. */
function assertPlausible(
  { frame, layers, tunnels }: PacketDescription,
  octets: readonly (Uint8Array | undefined)[],
): void {
  layers.forEach(({ layer, offset, header, end }, i) => {
    const length = octets[i]?.length ?? Infinity;
    const place = `${layer} at ${offset}, header ${header}, end ${end} of ${length}`;
    assert.ok(
      header >= 0 && (length === Infinity || (offset >= 0 && offset + header <= length && end <= length)),
      place,
    );
  });
  const names = layers.map(({ layer }) => layer).join('/');
  for (const { tunnel } of tunnels) {
    assert.equal(String(tunnel['path']).replace(/:\d+/g, ''), names, `packet ${frame.number}`);
  }
}
