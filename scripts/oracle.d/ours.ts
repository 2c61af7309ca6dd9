import { CaptureInspection } from '../../src/sensor/inspect/capture-inspection.js';
import type { LayerDescription } from '../../src/sensor/inspect/packet-description.js';
import { loadEndpoints } from '../../src/sensor/load.js';
import { DEFAULT_VXLAN_PORTS } from '../../src/sensor/replay.js';
import type { DissectedLayer, DissectedPacket } from './dissected.js';

const ENDPOINTS = loadEndpoints();
const MAX_DEPTH = 16;
/** Layers that say only what the header before them said, and links in links that tshark does not show as we do. */
const NOT_COMPARED = new Set(['ipproto', 'nonext', 'experimental', 'ppp', 'llc']);

/** What `copperhull decode --json` says of each packet of a capture. */
export async function* ourPackets(path: string): AsyncGenerator<DissectedPacket> {
  const inspection = await CaptureInspection.open(path, {
    site: { localNetworks: [], vantage: 'auto' },
    sixrd: [],
    maxDepth: MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    endpoints: ENDPOINTS,
  });
  try {
    for await (const { description } of inspection.shown()) {
      const { frame, layers, verdict, complaint } = description;
      // tshark judges no first fragment alone.
      if (frame.incomplete) continue;
      yield {
        number: frame.number,
        verdict: verdict.name === 'ok' ? (complaint?.name ?? 'ok') : verdict.name,
        layers: layers.filter(({ layer }) => !NOT_COMPARED.has(layer)).map(dissected),
      };
    }
  } finally {
    await inspection.close();
  }
}

function dissected({ layer, offset, fields }: LayerDescription): DissectedLayer {
  const flat: Record<string, string | number> = {};
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'boolean') flat[name] = value ? 1 : 0;
    else if (typeof value === 'number' || typeof value === 'string') flat[name] = value;
    else if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      for (const [key, one] of Object.entries(value)) add(`${name}_${key}`, one);
    }
  };
  for (const [name, value] of Object.entries(fields)) add(name, value);
  return { layer, offset, fields: flat };
}
