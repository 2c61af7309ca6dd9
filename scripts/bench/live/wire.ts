import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { run, whyNoLiveTest } from '../../../test/support/live-network.js';

/** Frames sent on this end of the veth pair ... */
export const WIRE = 'wire0';
/** ... are captured on that end. */
export const TAP = 'tap0';

/** Path of a program or addon that scripts/build-native makes. */
export function builtFile(name: string): string {
  return fileURLToPath(new URL(`../../../build/native/${name}`, import.meta.url));
}

/**
 * Puts this process into a network namespace of its own with a veth pair, which goes when the process ends. Programs that
 * it starts are there too. Ends the process with 1, after a sentence, where that cannot be.
 */
export function enterWire(): void {
  const reason = whyNoLiveTest();
  if (reason !== undefined) {
    console.error(`Live capture cannot be measured here: ${reason}.`);
    process.exit(1);
  }
  const namespace = createRequire(import.meta.url)(builtFile('test-netns.node')) as { enter(): void };
  namespace.enter();
  run('ip', 'link', 'set', 'lo', 'up');
  addWire();
}

export function addWire(): void {
  run('ip', 'link', 'add', WIRE, 'type', 'veth', 'peer', 'name', TAP);
  // TAP first: what is sent on WIRE before its peer is up is lost without a counter of ours.
  for (const name of [TAP, WIRE]) {
    // The kernel would send router solicitations and multicast reports of its own.
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
    run('ip', 'link', 'set', name, 'up');
  }
}

export function removeWire(): void {
  run('ip', 'link', 'del', WIRE);
}

/** What the kernel counts of an interface, in packets. */
export interface InterfaceCounters {
  readonly received: number;
  readonly receiveDrops: number;
  readonly sent: number;
  readonly sendDrops: number;
}

/** Reads /proc/net/dev. Throws when the interface is not there. */
export function interfaceCounters(name: string): InterfaceCounters {
  for (const line of readFileSync('/proc/thread-self/net/dev', 'utf8').split('\n')) {
    const [label, values] = line.split(':');
    if (label?.trim() !== name || values === undefined) continue;
    const columns = values.trim().split(/\s+/).map(Number);
    return {
      received: columns[1]!,
      receiveDrops: columns[3]!,
      sent: columns[9]!,
      sendDrops: columns[11]!,
    };
  }
  throw new Error(`No interface ${name} in /proc/net/dev.`);
}
