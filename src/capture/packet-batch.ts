import type { FrameView } from '../wire/frame.js';
import { frameOf } from '../wire/frame.js';

/** Most packets that one batch lists. */
export const BATCH_PACKETS = 32_768;

/** One capture interface: a link type, and where its packets come from. */
export interface CaptureInterface {
  /** Interface name as the capture tells it, or `''`. */
  readonly name: string;
  /** LINKTYPE_ value. */
  readonly linkType: number;
  /** File name without its folder, `-` for standard input, or the live interface. */
  readonly origin: string;
}

/**
 * A slab of bytes with an index of the packets in it, as columns. The bytes are those that were read: nothing is
 * copied and nothing is allocated per packet. Valid until the source's callback returns.
 */
export class PacketBatch {
  frame: FrameView = frameOf(new Uint8Array(0));
  count = 0;
  /** Number of the first packet in its file, counted from 1 as Wireshark does. */
  firstNumber = 1;
  readonly at = new Uint32Array(BATCH_PACKETS);
  readonly capturedLength = new Uint32Array(BATCH_PACKETS);
  readonly wireLength = new Uint32Array(BATCH_PACKETS);
  readonly seconds = new Uint32Array(BATCH_PACKETS);
  readonly nanoseconds = new Uint32Array(BATCH_PACKETS);
  /** Index into the source's `interfaces`. */
  readonly interface = new Uint16Array(BATCH_PACKETS);
}

/** Called with packets `[from, to)` of a batch; reading goes on when the promise, if any, settles. */
export type OnPackets = (batch: PacketBatch, from: number, to: number) => Promise<void> | undefined;

/** Where packets come from. */
export interface PacketSource {
  /** Grows while reading: a capture may name an interface late. */
  readonly interfaces: readonly CaptureInterface[];
  /** Reads to the end. Rejects with a CaptureError, after all packets before the fault were handed over. */
  read(onPackets: OnPackets): Promise<void>;
}
