import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { LINK_TYPE } from '../wire/numbers.js';
import { CaptureError } from './capture-error.js';
import { liveError } from './live-error.js';

/** One capture of the package `cap`. */
export interface CapDevice {
  /** Returns its word for the link type. Each packet is written into `buffer` before its event. */
  open(device: string, filter: string, ringBytes: number, buffer: Buffer): string;
  close(): boolean;
  on(event: 'packet', listener: (octets: number, isCut: boolean) => void): unknown;
}

/** The package `cap`, as far as it is used. */
export interface CapPackage {
  readonly Cap: {
    new (): CapDevice;
    deviceList(): readonly { readonly name: string }[];
  };
}

/** What is worse with `cap` than with the addon, in sentences. */
export const CAP_IS_WORSE =
  'Times are approximate, for they are taken when JavaScript sees a packet. Packets that the kernel drops are not counted. ' +
  'While many packets come, nothing else is done on the main thread: no sinks, no signals. ' +
  'Setting a captured interface down ends the process.';

const LINK_TYPES: ReadonlyMap<string, number> = new Map([
  ['ETHERNET', LINK_TYPE.ETHERNET],
  ['NULL', LINK_TYPE.NULL],
  ['RAW', LINK_TYPE.RAW],
  ['LINKTYPE_LINUX_SLL', LINK_TYPE.LINUX_SLL],
]);

/*
 * Every device ever made, so that the garbage collector gets none. The destructor of one that could not be opened stops a
 * poll handle that was never set up, which is a segmentation fault; a closed one leaves its poll handle in the event loop's
 * list. They are few, one for each opening.
 */
const neverCollected: CapDevice[] = [];

/** Loads the package. Throws a CaptureError `no-driver` that says what to do. */
export function loadCap(): CapPackage {
  if (!isMainThread)
    throw new CaptureError(
      'no-driver',
      'The driver "cap" works on the main thread only; use the driver "libpcap" in a worker.',
    );
  try {
    return createRequire(import.meta.url)('cap') as CapPackage;
  } catch (error) {
    throw new CaptureError(
      'no-driver',
      'The driver "cap" is not installed or was not built for this Node; install libpcap’s headers and run "npm rebuild cap", or use the driver "libpcap".',
      { cause: error },
    );
  }
}

/** How a device is opened. */
export interface CapOpening {
  readonly interface: string;
  readonly filter: string;
  readonly bufferBytes: number;
}

/**
 * Opens a device, which writes each packet into `packet`, and tells the LINKTYPE_ value. The caller keeps `packet` from the
 * collector while it is open. Throws a CaptureError.
 */
export function openCapDevice(
  { Cap }: CapPackage,
  { interface: name, filter, bufferBytes }: CapOpening,
  packet: Buffer,
): { readonly device: CapDevice; readonly linkType: number } {
  const interfaces = (): string[] => Cap.deviceList().map((each) => each.name);
  if (!interfaces().includes(name))
    throw liveError(Object.assign(new Error(), { code: 'no-such-interface' }), {
      interface: name,
      filter,
      interfaces,
    });
  const refusal = whyRefused(name);
  if (refusal !== undefined) throw new CaptureError('interface-refused', refusal);
  const device = new Cap();
  neverCollected.push(device);
  let word: string;
  try {
    word = device.open(name, filter, bufferBytes, packet);
  } catch (error) {
    throw liveError(coded(error), { interface: name, filter, interfaces });
  }
  const linkType = LINK_TYPES.get(word);
  if (linkType !== undefined) return { device, linkType };
  device.close();
  throw new CaptureError(
    'unsupported-link-type',
    `The driver "cap" does not know the link type of "${name}" (${word}); use the driver "libpcap".`,
  );
}

/* `cap` asserts that its descriptor never fails, and a removed interface makes it fail: the process would be aborted. */
function whyRefused(name: string): string | undefined {
  // Nothing removes the one; the other is bound to no interface, so none takes it along.
  if (name === 'lo' || name === 'any') return undefined;
  let device: string;
  try {
    device = realpathSync(`/sys/class/net/${encodeURIComponent(name)}/device`);
  } catch {
    return `The driver "cap" would abort the process when ${JSON.stringify(name)} is removed, and it is no network card; use the driver "libpcap", or the interface "any".`;
  }
  return device.includes('/usb')
    ? `The driver "cap" would abort the process when the USB adapter "${name}" is unplugged; use the driver "libpcap", or the interface "any".`
    : undefined;
}

/* `cap` passes on libpcap's words alone. */
function coded(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = /permi|CAP_NET_RAW/i.test(error.message)
    ? 'not-permitted'
    : /no such device/i.test(error.message)
      ? 'no-such-interface'
      : /not up/i.test(error.message)
        ? 'interface-down'
        : /pars|syntax|unknown|filter|expression/i.test(error.message)
          ? 'bad-filter'
          : 'capture-failed';
  return Object.assign(error, { code });
}
