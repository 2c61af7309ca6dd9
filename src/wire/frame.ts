/**
 * Bytes of one or many frames, with the two ways of reading them that V8 turns into single loads.
 * Offsets are passed beside the frame; a frame is never sliced per packet (a `subarray` costs three times a
 * whole decode). Valid until the slab that it covers is released.
 */
export interface FrameView {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Makes a frame view over `bytes` (no copy). */
export function frameOf(bytes: Uint8Array): FrameView {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}
