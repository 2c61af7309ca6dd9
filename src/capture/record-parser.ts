import type { CaptureInterface, PacketBatch } from './packet-batch.js';

/**
 * Finds packets in the octets of one capture format. Stateful over the whole input, fed slab by slab.
 */
export interface RecordParser {
  /** Offset of a record that went on behind the octets given so far, though none of it is needed any more. */
  readonly unfinishedAt?: number | undefined;

  /**
   * Lists packets of `bytes[from, to)` in `batch` until the octets, or the batch, are used up. Returns the offset behind
   * the last whole record. Throws a CaptureError on a record that cannot be true.
   * `fileOffset` is the offset in the capture of `bytes[0]`.
   */
  parse(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    to: number,
    fileOffset: number,
    batch: PacketBatch,
  ): number;
}

/** What a parser shares with its reader. */
export interface ParserContext {
  readonly origin: string;
  /** Adds an interface and returns its index. */
  addInterface(description: CaptureInterface): number;
}

/** Most octets that a captured packet may have; libpcap's own bound. A larger length is a lie. */
export const MAX_CAPTURED_LENGTH = 262_144;
