import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { CaptureError } from './capture-error.js';

/** An interface that libpcap can capture on. */
export interface InterfaceDescription {
  readonly name: string;
  /** libpcap's words, often `''`. */
  readonly description: string;
  readonly isUp: boolean;
  /** Has a carrier. */
  readonly isRunning: boolean;
  readonly isLoopback: boolean;
  /** IPv4 and IPv6 addresses as text. */
  readonly addresses: readonly string[];
}

/** A capture that the addon has open. */
export interface NativeHandle {
  /** LINKTYPE_ value. */
  readonly linkType: number;
  /** Whether times come in nanoseconds; otherwise they are microseconds times 1000. */
  readonly isNanosecond: boolean;
}

/** Counters of one open capture, from its opening. */
export interface NativeStats {
  readonly received: number;
  readonly kernelDrops: number;
  readonly interfaceDrops: number;
  readonly ringFull: number;
  readonly delivered: number;
  readonly slabs: number;
  /** 1, or 0 while libpcap filters in this process. */
  readonly filterInKernel: number;
}

export interface NativeOptions {
  readonly device: string;
  readonly filter: string;
  readonly snaplen: number;
  readonly bufferBytes: number;
  readonly timeoutMs: number;
  readonly promiscuous: 0 | 1;
  /** 0 both, 1 in, 2 out. */
  readonly direction: 0 | 1 | 2;
  readonly slabPackets: number;
}

/** Called for each slab; `slab` -1 says that capturing is over, with the reason in `fault` or `''` when it was asked for. */
export type OnSlab = (slab: number, octets: number, packets: number, fault: string) => void;

/**
 * The addon (src/capture/native). Each function throws an Error whose `code` is a LiveErrorCode or Node's own for wrong
 * arguments. May be loaded in any number of worker threads; it has no state of its own.
 */
export interface NativeAddon {
  libraryVersion(): string;
  listInterfaces(): InterfaceDescription[];
  /** Number of instructions, for a link type, without an interface. */
  compileFilter(text: string, linkType: number, snaplen: number): number;
  dropPrivileges(uid: number, gid: number): void;
  /** Whether the calling thread has CAP_NET_RAW. */
  hasNetRaw(): boolean;
  /** Opens and activates, on the calling thread, which therefore needs the right to. The slabs stay pinned until `close`. */
  open(options: NativeOptions, slabs: readonly ArrayBuffer[], onSlab: OnSlab): NativeHandle;
  start(handle: NativeHandle): void;
  /** Gives a slab back to be written again. */
  release(handle: NativeHandle, slab: number): void;
  stats(handle: NativeHandle): NativeStats;
  setFilter(handle: NativeHandle, text: string): number;
  /** As `compileFilter`, for this interface: `vlan` compiles to other code on a live one. */
  countInstructions(handle: NativeHandle, text: string): number;
  holdProcess(handle: NativeHandle, whether: boolean): void;
  /** Takes what the kernel has received, then calls back with slab -1. */
  stop(handle: NativeHandle): void;
  /** Ends now and frees everything; nothing is called back afterwards. */
  close(handle: NativeHandle): void;
}

/** The addon's place, the same seen from `src` and from `dist`. */
export const ADDON_PATH = fileURLToPath(
  new URL('../../build/native/copperhull-capture.node', import.meta.url),
);

/** Loads the addon. Throws a CaptureError `no-driver` that says what is missing. */
export function loadAddon(path: string = ADDON_PATH): NativeAddon {
  try {
    return createRequire(import.meta.url)(path) as NativeAddon;
  } catch (error) {
    throw new CaptureError('no-driver', whyNotLoaded(error as NodeJS.ErrnoException), { cause: error });
  }
}

function whyNotLoaded(error: NodeJS.ErrnoException): string {
  if (error.code === 'MODULE_NOT_FOUND') {
    return 'Live capture is not built here; run "scripts/build-native", which needs a C compiler and libpcap’s headers (apt-get install gcc libc6-dev libpcap-dev). Everything else works without it.';
  }
  const detail = error.message.split('\n')[0]!;
  if (detail.includes('libpcap.so')) {
    return `Live capture needs libpcap, which is not installed (${detail}); install it with "apt-get install libpcap0.8" or your system's command.`;
  }
  return `Live capture cannot be loaded (${detail}); build it for this machine with "scripts/build-native".`;
}
