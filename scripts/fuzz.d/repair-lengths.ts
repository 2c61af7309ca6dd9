import { IP, LAYER } from '../../src/decode/layers.js';
import { sum16 } from '../../src/wire/checksum.js';
import { frameOf } from '../../src/wire/frame.js';
import { newDecoder } from '../../test/support/decoding.js';

const decoder = newDecoder();
const MOST_LAYERS = 12;

/**
 * Makes the lengths of IPv4, IPv6 and UDP headers those of the octets that are there, and header sums right. Damage deep
 * inside is otherwise hidden by an outer length that no longer fits.
 */
export function repairLengths(bytes: Buffer, linkType: number): void {
  const frame = frameOf(bytes);
  const { view } = frame;
  const { stack } = decoder;
  // A length that was made right lets the walk reach the next wrong one.
  for (let layer = 0; layer < MOST_LAYERS; layer++) {
    decoder.decode(frame, 0, bytes.length, bytes.length, linkType);
    if (layer >= stack.count) {
      repairFailed(bytes, view, stack.failedLayerKind, stack.failedAt);
      decoder.decode(frame, 0, bytes.length, bytes.length, linkType);
      if (layer >= stack.count) return;
    }
    const at = stack.at[layer]!;
    const rest = bytes.length - at;
    if (stack.kind[layer] === LAYER.ipv4) {
      const header = stack.word(layer, IP.HEADER_LENGTH);
      view.setUint16(at + 2, Math.min(rest, 0xffff));
      view.setUint16(at + 10, 0);
      view.setUint16(at + 10, ~sum16(frame, at, at + header, 0) & 0xffff);
    } else if (stack.kind[layer] === LAYER.ipv6) view.setUint16(at + 4, Math.min(rest - 40, 0xffff));
    else if (stack.kind[layer] === LAYER.udp && rest >= 8) view.setUint16(at + 4, Math.min(rest, 0xffff));
  }
}

function repairFailed(bytes: Buffer, view: DataView, kind: number, at: number): void {
  const rest = bytes.length - at;
  if (at < 0 || rest < 0) return;
  if (kind === LAYER.ipv4 && rest >= 20) view.setUint16(at + 2, Math.min(rest, 0xffff));
  else if (kind === LAYER.ipv6 && rest >= 40) view.setUint16(at + 4, Math.min(rest - 40, 0xffff));
  else if (kind === LAYER.udp && rest >= 8) view.setUint16(at + 4, Math.min(rest, 0xffff));
}
