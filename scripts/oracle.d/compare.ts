import type { DissectedPacket } from './dissected.js';
import { ourPackets } from './ours.js';
import { tsharkPackets } from './tshark.js';

/** The first thing in a packet that the two decoders do not agree on. */
export interface Difference {
  /** `missing`: tshark shows a layer that we do not; `extra`: the other way round; `packet`: one side has no such packet. */
  readonly kind: 'missing' | 'extra' | 'field' | 'packet';
  /** Layer that differs; of a missing or extra one its name there. */
  readonly layer: string;
  /** Layer before it. */
  readonly after: string;
  /** Field that differs, or `''`. */
  readonly field: string;
  /** Our verdict. */
  readonly verdict: string;
  readonly packet: number;
  readonly ours: string;
  readonly theirs: string;
}

export interface Comparison {
  readonly packets: number;
  readonly layers: number;
  readonly fields: number;
  readonly differences: readonly Difference[];
}

const PORTS_ALONE = new Set(['truncated_UDP', 'truncated_TCP']);

/** Compares what both make of a capture, packet by packet. */
export async function compareCapture(path: string): Promise<Comparison> {
  const counts = { packets: 0, layers: 0, fields: 0 };
  const differences: Difference[] = [];
  const theirs = tsharkPackets(path);
  for await (const ours of ourPackets(path)) {
    const next = await theirs.next();
    const other = next.done === true ? undefined : next.value;
    counts.packets++;
    const difference =
      other === undefined
        ? packetDifference(ours.number, 'tshark ended')
        : comparePacket(ours, other, counts);
    if (difference !== undefined) differences.push(difference);
  }
  const rest = await theirs.next();
  if (rest.done !== true) differences.push(packetDifference(rest.value.number, 'we ended'));
  await theirs.return(undefined);
  return { ...counts, differences };
}

function packetDifference(packet: number, what: string): Difference {
  return { kind: 'packet', layer: '', after: '', field: '', verdict: '', packet, ours: what, theirs: '' };
}

function comparePacket(
  ours: DissectedPacket,
  theirs: DissectedPacket,
  counts: { layers: number; fields: number },
): Difference | undefined {
  const path = (packet: DissectedPacket): string =>
    packet.layers.map(({ layer, offset }) => `${layer}@${offset}`).join('/');
  const most = Math.max(ours.layers.length, theirs.layers.length);
  for (let i = 0; i < most; i++) {
    const a = ours.layers[i];
    const b = theirs.layers[i];
    const base = {
      after: ours.layers[i - 1]?.layer ?? '',
      verdict: ours.verdict,
      packet: ours.number,
    };
    const isSame = a?.layer === b?.layer && a?.offset === b?.offset;
    if (a === undefined || b === undefined || !isSame) {
      const isMissing = b !== undefined && a?.layer !== b.layer;
      const layer = (isMissing ? b : a)?.layer ?? '';
      const kind = isMissing ? 'missing' : b === undefined ? 'extra' : 'field';
      const field = kind === 'field' ? 'offset' : '';
      return { ...base, kind, layer, field, ours: path(ours), theirs: path(theirs) };
    }
    counts.layers++;
    for (const [field, value] of Object.entries(b.fields)) {
      const own = a.fields[field];
      // We keep the ports of a header that was cut behind them, and nothing else of it.
      if (own === undefined && PORTS_ALONE.has(ours.verdict) && i === ours.layers.length - 1) continue;
      counts.fields++;
      if (own === value) continue;
      return { ...base, kind: 'field', layer: a.layer, field, ours: String(own), theirs: String(value) };
    }
  }
  return undefined;
}
