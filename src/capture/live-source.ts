import type { CaptureError } from './capture-error.js';
import type { PacketSource } from './packet-batch.js';

/** A counter, or `unknown` where the driver cannot tell. */
export type LossCount = number | 'unknown';

/**
 * Packets of a live capture since it was opened, over all losses of its interface. With direction `both`,
 * received = kernelDrops + ringFull + delivered + unread + what is under way; other directions are sorted out after
 * `received` was counted.
 */
export interface CaptureStats {
  /** Passed the filter, dropped ones included. */
  readonly received: number;
  /** Lost because the kernel's ring was full: too little processor time for capturing, or too small a ring. */
  readonly kernelDrops: LossCount;
  /** Lost by the interface or its driver, as far as the driver tells. */
  readonly interfaceDrops: LossCount;
  /** Lost because all slabs were in use: the reader is too slow, or has too few. */
  readonly ringFull: number;
  /** Written into slabs that were, or will be, handed over. */
  readonly delivered: number;
  /**
   * Received and not taken from the kernel when the capture ended or its interface went away. Unknown while libpcap filters
   * in this process: then `received` has what the filter refused.
   */
  readonly unread: LossCount;
  /** What runs the filter. In the process, every packet is copied first. */
  readonly filteredBy: 'kernel' | 'process' | 'unknown';
  /** Times that the interface went away. */
  readonly interruptions: number;
}

/** The interface went away; the capture waits for it. */
export interface InterfaceLost {
  readonly interface: string;
  /** libpcap's words. */
  readonly reason: string;
}

/** What a live capture tells while it runs. Called between batches; must not throw. */
export interface LiveEvents {
  readonly onLost?: (lost: InterfaceLost) => void;
  /** An attempt to open the interface again failed; the next is in `waitMs`. */
  readonly onStillLost?: (error: CaptureError, waitMs: number) => void;
  readonly onReturned?: () => void;
}

/** How many there are, where the driver can tell. */
export type Instructions = number | undefined;

/** Packets from an interface. `read` ends when the capture is closed; what it is given back late is counted, not waited for. */
export interface LiveSource extends PacketSource {
  /** Whether the interface is there and captured from. */
  readonly isCapturing: boolean;
  stats(): CaptureStats;
  /** Number of instructions that a filter has on this interface, if known. Throws or rejects with a CaptureError `bad-filter`. */
  countInstructions(text: string): Instructions | Promise<Instructions>;
  /** Puts another filter in the place of the one in force; otherwise as `countInstructions`. */
  setFilter(text: string): Instructions | Promise<Instructions>;
  /** Stops, hands over what was captured, and frees everything. Resolves when `read` has ended. */
  close(): Promise<void>;
}
