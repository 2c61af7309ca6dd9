/** Which packets of an interface are captured: `out` are copies of what this machine sends. */
export type Direction = 'both' | 'in' | 'out';

/** What to say of a filter that the kernel did not take. */
export const FILTERED_IN_PROCESS =
  'The kernel did not take the filter, so every packet is copied first, and packets that were not read cannot be told from refused ones; let it take longer filters ("sysctl -w net.core.optmem_max=131072"), or name fewer ports or carriers.';

/** How a live capture is opened. */
export interface LiveOptions {
  /** Interface name, or `any` for all of them in cooked form. */
  readonly interface: string;
  /** Filter in libpcap's language; `''` passes everything. */
  readonly filter?: string;
  /** Octets kept of each packet. Offloads of the interface can make packets as long as 65,535. */
  readonly snaplen?: number;
  /** Octets of the kernel's ring: what may wait while the capture thread gets no processor time. */
  readonly bufferBytes?: number;
  /** Milliseconds after which the kernel shows a block of packets that is not full. */
  readonly timeoutMs?: number;
  readonly promiscuous?: boolean;
  readonly direction?: Direction;
  /** Octets of one slab, a multiple of 4 and more than `snaplen`. */
  readonly slabBytes?: number;
  /** Number of slabs, at most 1024: what may wait while the reader is busy. Memory is taken as far as it was ever needed. */
  readonly slabs?: number;
  /** Whether the capture alone keeps the process running. */
  readonly keepProcess?: boolean;
  /** Milliseconds to the first attempt to open an interface that went away, and at most between attempts. */
  readonly reopen?: { readonly initialMs: number; readonly maxMs: number };
}

export const DEFAULT_LIVE_OPTIONS = {
  filter: '',
  snaplen: 65_535,
  bufferBytes: 32 * 1024 * 1024,
  timeoutMs: 20,
  promiscuous: true,
  direction: 'both',
  slabBytes: 1024 * 1024,
  slabs: 32,
  keepProcess: true,
  reopen: { initialMs: 250, maxMs: 5_000 },
} as const satisfies Omit<Required<LiveOptions>, 'interface'>;

/** The options with defaults filled in. */
export function liveOptions(options: LiveOptions): Required<LiveOptions> {
  return { ...DEFAULT_LIVE_OPTIONS, ...options };
}
