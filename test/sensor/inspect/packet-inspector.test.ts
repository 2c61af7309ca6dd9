import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { loadEndpoints } from '../../../src/sensor/load.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS } from '../../../src/sensor/replay.js';
import { CaptureInspection } from '../../../src/sensor/inspect/capture-inspection.js';
import type { PacketDescription } from '../../../src/sensor/inspect/packet-description.js';
import { analyseCapture } from '../../support/analysing.js';
import { allCaptures } from '../../support/captures.js';

const ENDPOINTS = loadEndpoints();

async function describeCapture(path: string): Promise<PacketDescription[]> {
  const inspection = await CaptureInspection.open(path, {
    site: { localNetworks: [], vantage: 'auto' },
    sixrd: [],
    maxDepth: DEFAULT_MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    endpoints: ENDPOINTS,
  });
  const all: PacketDescription[] = [];
  for await (const { description } of inspection.shown()) all.push(description);
  await inspection.close();
  return all;
}

describe('the inspection of packets', function () {
  this.timeout(60_000);

  for (const path of allCaptures()) {
    it(`says of ${basename(path)} what a replay says`, async () => {
      const [shown, { analysis }] = await Promise.all([describeCapture(path), analyseCapture(path)]);
      const { counters } = analysis;
      const judged = shown.filter(({ frame }) => !frame.copy);
      assert.equal(shown.filter(({ frame }) => !frame.incomplete).length, counters.packets);
      assert.equal(shown.filter(({ frame }) => frame.copy).length, counters.duplicates);
      assert.equal(judged.filter(({ tunnels }) => tunnels.length > 0).length, counters.tunnelPackets);
      for (const { frame, layers, tunnels } of judged) {
        // Layers and judgement come from two walks through the packet: they must be of one mind.
        const names = layers.map(({ layer }) => layer).join('/');
        for (const { tunnel } of tunnels) {
          assert.equal(String(tunnel['path']).replace(/:\d+/g, ''), names, `packet ${frame.number}`);
        }
      }
    });
  }
});
