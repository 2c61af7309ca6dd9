import type { LiveErrorCode } from './capture-error.js';
import { CaptureError } from './capture-error.js';

/** libpcap's pseudo devices, which are not interfaces. */
const PSEUDO = /^(?:bluetooth|nflog|nfqueue|dbus|usbmon|rdmasniff|dpdk|netmap)/;
const LISTED = 20;

interface Attempt {
  readonly interface: string;
  readonly filter: string;
  /** Asked for only when it helps. */
  readonly interfaces: () => readonly string[];
}

/** What the addon threw, as one sentence that says what to do. Anything that is no fault of capturing is returned as it is. */
export function liveError(thrown: unknown, attempt: Attempt): unknown {
  if (!(thrown instanceof Error) || thrown instanceof CaptureError) return thrown;
  const code = (thrown as NodeJS.ErrnoException).code as LiveErrorCode | undefined;
  const name = JSON.stringify(attempt.interface);
  const sentence = {
    'not-permitted': () => notPermitted(name),
    'no-such-interface': () => `There is no interface ${name}; there are: ${names(attempt)}.`,
    'interface-down': () =>
      `Interface ${name} is down; "ip link set ${attempt.interface} up" as root starts it.`,
    'bad-filter': () => badFilter(attempt.filter, thrown.message),
    'capture-failed': () => `Capturing on ${name} failed: ${thrown.message}.`,
    closed: () => `The capture on ${name} has ended; open it anew.`,
    'no-driver': undefined,
    'interface-refused': undefined,
  }[code ?? 'no-driver'];
  return sentence === undefined ? thrown : new CaptureError(code!, sentence(), { cause: thrown });
}

/** libpcap's complaint about a filter, as a sentence. */
export function badFilter(filter: string, complaint: string): string {
  return `The capture filter ${JSON.stringify(filter)} is wrong: ${complaint}; the language is that of pcap-filter(7).`;
}

function notPermitted(name: string): string {
  return (
    `Capturing on ${name} needs CAP_NET_RAW, which this process does not have: as a service, set ` +
    '"AmbientCapabilities=CAP_NET_RAW" in the systemd unit; by hand, start it as root, or run ' +
    `"setcap cap_net_raw+ep ${process.execPath}" as root, which gives the right to every program of that Node.`
  );
}

function names(attempt: Attempt): string {
  const all = attempt.interfaces().filter((each) => !PSEUDO.test(each));
  const more = all.length > LISTED ? `, and ${all.length - LISTED} more` : '';
  return all.length === 0 ? 'none' : all.slice(0, LISTED).join(', ') + more;
}
