import type { LayerStack } from '../../src/decode/layers.js';
import { LAYER_NAMES } from '../../src/decode/layers.js';
import { PacketDecoder } from '../../src/decode/packet.js';
import { frameOf } from '../../src/wire/frame.js';
import type { FrameView } from '../../src/wire/frame.js';
import type { MirrorTransport } from '../../src/wire/mirror-transport.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';

const ETHERNET: number = LINK_TYPE.ETHERNET;

export function newDecoder(maxDepth = 8, mirrorTransports: readonly MirrorTransport[] = []): PacketDecoder {
  return new PacketDecoder({ maxDepth, vxlanPorts: [4789], mirrorTransports, isKnownTunnel: () => false });
}

/** Decodes a frame; `wireLength` beyond the octets means that the capture was cut. */
export function decodeBytes(
  bytes: Uint8Array,
  { linkType = ETHERNET, wireLength = bytes.length, decoder = newDecoder() } = {},
): LayerStack {
  decoder.decode(frameOf(bytes), 0, bytes.length, wireLength, linkType);
  return decoder.stack;
}

/** Builds and decodes a frame. */
export function decodeLayers(...layers: readonly LayerSpec[]): LayerStack {
  return decodeBytes(buildFrame(layers));
}

/** Names of the decoded layers, joined by slashes. */
export function layerNames(stack: LayerStack): string {
  return Array.from(stack.kind.subarray(0, stack.count), (kind) => LAYER_NAMES[kind]).join('/');
}

class ReadOutside extends Error {}

/**
 * The octets `[at, end)` inside a larger buffer, as a frame that throws on any read outside of them: what a decoder
 * must never do.
 */
export function guardedFrame(bytes: Uint8Array): { frame: FrameView; at: number; end: number } {
  const margin = 64;
  const whole = new Uint8Array(bytes.length + 2 * margin).fill(0x60);
  whole.set(bytes, margin);
  const at = margin;
  const end = margin + bytes.length;
  const check = (offset: number, length: number): void => {
    if (offset < at || offset + length > end)
      throw new ReadOutside(`read of ${length} octets at ${offset - at} of ${bytes.length}`);
  };
  const plain = new DataView(whole.buffer);
  const widths: Record<string, number> = {
    getUint8: 1,
    getUint16: 2,
    getUint32: 4,
    getBigUint64: 8,
    getInt8: 1,
  };
  const view = new Proxy(plain, {
    get: (_target, name) => {
      const width = widths[String(name)];
      if (width === undefined) throw new ReadOutside(`unexpected use of DataView.${String(name)}`);
      return (offset: number, little?: boolean): unknown => {
        check(offset, width);
        return (plain as unknown as Record<string, (o: number, l?: boolean) => unknown>)[String(name)]!(
          offset,
          little,
        );
      };
    },
  });
  const guarded = new Proxy(whole, {
    get: (target, name) => {
      if (typeof name === 'string' && /^\d+$/.test(name)) {
        check(Number(name), 1);
        return target[Number(name)];
      }
      throw new ReadOutside(`unexpected use of Uint8Array.${String(name)}`);
    },
  });
  return { frame: { bytes: guarded, view }, at, end };
}
