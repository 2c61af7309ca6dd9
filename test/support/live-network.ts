import { skip } from './skip.js';
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ADDON_PATH } from '../../src/capture/native-addon.js';
import type { LiveSource } from '../../src/capture/live-source.js';

const BUILT = fileURLToPath(new URL('../../build/native/', import.meta.url));

/** Ethernet type of the frames that `send` makes by itself (for experiments). */
export const TEST_TYPE = 0x88b5;
export const TEST_FILTER = 'ether proto 0x88b5';
/** Offset of the frame's number, as 8 octets, in such a frame. */
const NUMBER = 14;

/** Why live capture cannot be tested here; undefined when it can. */
export function whyNoLiveTest(): string | undefined {
  if (process.platform !== 'linux') return 'live capture needs Linux';
  if (!existsSync(ADDON_PATH) || !existsSync(`${BUILT}test-netns.node`)) {
    return 'the addon is not built; run scripts/build-native';
  }
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const tried = spawnSync(
    'unshare',
    ['-n', 'ip', 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'tap0'],
    {
      encoding: 'utf8',
    },
  );
  if (tried.status !== 0) {
    return `no veth pair in a network namespace: ${(tried.stderr as string | null)?.trim() ?? 'no unshare or ip'}`;
  }
  return undefined;
}

/** A veth pair in a network namespace of this thread: frames sent on `wire` are captured on `tap`. */
export interface LiveNetwork {
  readonly wire: string;
  readonly tap: string;
  /** Makes the pair anew, after `removeLink`. */
  readonly addLink: () => void;
  readonly removeLink: () => void;
}

/**
 * Gives the tests of a `describe` a network namespace of their own with a veth pair; everything goes with it. Skips them,
 * and says why, where that cannot be. Programs and workers that the tests start are in the namespace too.
 */
export function liveNetwork(): LiveNetwork {
  let isLinked = false;
  const network: LiveNetwork = {
    wire: 'wire0',
    tap: 'tap0',
    addLink: () => {
      isLinked = true;
      run('ip', 'link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'tap0');
      for (const name of ['wire0', 'tap0']) {
        // The kernel would send router solicitations and multicast reports of its own.
        writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
        run('ip', 'link', 'set', name, 'up');
      }
    },
    removeLink: () => {
      isLinked = false;
      run('ip', 'link', 'del', 'wire0');
    },
  };
  let namespace: { enter(): void; leave(): void } | undefined;
  before(function () {
    const reason = whyNoLiveTest();
    if (reason !== undefined) skip(this, reason);
    namespace = createRequire(import.meta.url)(`${BUILT}test-netns.node`) as typeof namespace;
    namespace!.enter();
    run('ip', 'link', 'set', 'lo', 'up');
  });
  // A test that failed while the link was away must not fail all that follow.
  beforeEach(() => {
    if (!isLinked) network.addLink();
  });
  after(() => {
    for (const child of senders) child.kill('SIGKILL');
    namespace?.leave();
  });
  return network;
}

/* A test that fails leaves its flood to `after`. */
const senders = new Set<ChildProcess>();

/** Runs a program to its end; throws with what it said when it fails. */
export function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  return stdout;
}

export interface Sending {
  /** Frames that the kernel took, when all were sent or `stop` was called. */
  readonly sent: Promise<number>;
  /** Ends it; `sent` is then 0. */
  readonly stop: () => void;
}

/** Sends frames in the background: `rate` a second (0: as fast as it goes), `length` octets long, or one given in hex. */
export function sending(
  wire: string,
  count: number,
  { rate = 0, length = 64, hex }: { rate?: number; length?: number; hex?: string } = {},
): Sending {
  const args = [wire, String(count), String(rate), String(length)];
  if (hex !== undefined) args.push(hex);
  const child = spawn(`${BUILT}send-frames`, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  senders.add(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const sent = new Promise<number>((resolve, reject) => {
    child.on('error', reject).on('close', () => {
      senders.delete(child);
      resolve(Number(text));
    });
  });
  return { sent, stop: () => child.kill('SIGKILL') };
}

/** Sends frames and waits until that is done. Returns how many the kernel took. */
export function send(
  wire: string,
  count: number,
  options: Parameters<typeof sending>[2] = {},
): Promise<number> {
  return sending(wire, count, options).sent;
}

export interface LivePacket {
  readonly bytes: Buffer;
  readonly wireLength: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Reads a source and keeps everything. `done` settles with `read`. */
export function collecting(source: LiveSource): {
  readonly packets: LivePacket[];
  readonly done: Promise<void>;
} {
  const packets: LivePacket[] = [];
  const done = source.read((batch, from, to) => {
    for (let i = from; i < to; i++) {
      const at = batch.at[i]!;
      packets.push({
        bytes: Buffer.from(batch.frame.bytes.subarray(at, at + batch.capturedLength[i]!)),
        wireLength: batch.wireLength[i]!,
        seconds: batch.seconds[i]!,
        nanoseconds: batch.nanoseconds[i]!,
      });
    }
    return undefined;
  });
  return { packets, done };
}

/** Reads a source and counts; the numbers of frames must rise. */
export function counting(source: LiveSource): {
  readonly seen: { packets: number; disorder: number };
  readonly done: Promise<void>;
} {
  const seen = { packets: 0, disorder: 0 };
  let last = -1;
  const done = source.read((batch, from, to) => {
    for (let i = from; i < to; i++) {
      const number = frameNumber(batch.frame.view, batch.at[i]!);
      if (number <= last) seen.disorder++;
      last = number;
    }
    seen.packets += to - from;
    return undefined;
  });
  return { seen, done };
}

/** The number that `send` wrote into a frame. */
export function frameNumber(view: DataView, at: number): number {
  return view.getUint32(at + NUMBER) * 2 ** 32 + view.getUint32(at + NUMBER + 4);
}

/** Waits until something is so; fails after 20 seconds. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited 20 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Open file descriptors of this process. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
