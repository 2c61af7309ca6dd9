/* What tests run in a process of their own: node --import tsx test/support/live-child.ts SCENARIO INTERFACE. */
import { argv, getegid, geteuid, getgroups } from 'node:process';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { LiveCapture } from '../../src/capture/live-capture.js';
import { ADDON_PATH, loadAddon } from '../../src/capture/native-addon.js';
import { dropPrivileges } from '../../src/capture/privileges.js';
import { openDescriptors, run, until } from './live-network.js';

const [scenario, tap] = argv.slice(2) as [string, string];
const NOBODY = { uid: 65_534, gid: 65_534 };
const say = (line: string): void => console.log(line);
const options = {
  interface: tap,
  filter: 'ether proto 0x88b5',
  slabs: 4,
  reopen: { initialMs: 5, maxMs: 20 },
};

/** Effective, permitted, inheritable, ambient and bounding capabilities of the calling thread, in hex without zeros. */
function capabilities(text: string): string {
  return ['CapEff', 'CapPrm', 'CapInh', 'CapAmb', 'CapBnd']
    .map((name) => new RegExp(`${name}:\\s*0*([0-9a-f]*)`).exec(text)![1] ?? '')
    .join(' ');
}

const scenarios: Readonly<Record<string, () => Promise<void> | void>> = {
  /** Ends by itself, because the capture does not hold the process. */
  'not-held': () => {
    const capture = LiveCapture.open({ ...options, keepProcess: false });
    void capture.read(() => undefined);
    say('reading');
  },

  /** Held by the capture until a timer that does not hold it ends. */
  held: () => {
    const capture = LiveCapture.open(options);
    void capture.read(() => undefined).then(() => say('ended'));
    setTimeout(() => void capture.close(), 200).unref();
  },

  /** Ends with process.exit in the middle of a batch. */
  'exits-in-callback': () => {
    const capture = LiveCapture.open(options);
    void capture.read(() => {
      say('exiting');
      process.exit(7);
    });
    say('reading');
  },

  /** Ends while the thread runs, without closing. */
  'exits-unclosed': () => {
    const capture = LiveCapture.open(options);
    let packets = 0;
    void capture.read((_batch, from, to) => {
      packets += to - from;
      if (packets > 1000) setImmediate(() => process.exit(0));
      return undefined;
    });
    say('reading');
  },

  /** Loses all references to open handles; the collector closes them. */
  collected: async () => {
    const collect = (globalThis as { gc?: () => void }).gc!;
    const addon = loadAddon();
    const native = { device: tap, filter: '', snaplen: 2048, bufferBytes: 1 << 20, timeoutMs: 5 } as const;
    const before = openDescriptors();
    for (let i = 0; i < 10; i++) {
      addon.start(
        addon.open(
          { ...native, promiscuous: 1, direction: 0, slabPackets: 10 },
          [new ArrayBuffer(65_536)],
          () => undefined,
        ),
      );
    }
    await until('the handles are closed', () => {
      collect();
      return openDescriptors() <= before;
    });
    say('collected');
  },

  /** Opens as root, becomes nobody, captures, loses the interface and opens it again. */
  'drops-root': async () => {
    let packets = 0;
    const capture = LiveCapture.open(options, {
      onLost: () => say('lost'),
      onReturned: () => say('returned'),
    });
    const done = capture.read((_batch, from, to) => {
      packets += to - from;
      return undefined;
    });
    dropPrivileges(NOBODY);
    say(
      `user ${geteuid!()} group ${getegid!()} groups ${getgroups!()
        .filter((id) => id !== NOBODY.gid)
        .join()}`,
    );
    say(`main ${capabilities(readFileSync('/proc/thread-self/status', 'utf8'))}`);
    say(`program ${capabilities(run('cat', '/proc/self/status'))}`);
    say('reading');
    process.once('SIGTERM', () => void capture.close());
    await done;
    say(`packets ${packets}`);
  },

  /** The worker that captures is started after the drop. */
  'worker-after-drop': async () => {
    dropPrivileges(NOBODY);
    const worker = new Worker(
      `const addon = require(${JSON.stringify(ADDON_PATH)});
       const handle = addon.open({ device: ${JSON.stringify(tap)}, filter: '', snaplen: 2048, bufferBytes: 1 << 20,
         timeoutMs: 5, promiscuous: 1, direction: 0, slabPackets: 10 }, [new ArrayBuffer(65536)], () => undefined);
       addon.close(handle);
       require('node:worker_threads').parentPort.postMessage(addon.hasNetRaw());`,
      { eval: true },
    );
    const [opened] = await new Promise<unknown[]>((resolve, reject) => {
      worker.once('message', (...news) => resolve(news)).once('error', reject);
    });
    await worker.terminate();
    say(`worker ${String(opened)}`);
  },

  /** A worker that was there before the drop keeps nothing. */
  'worker-before-drop': async () => {
    const worker = new Worker(
      `const addon = require(${JSON.stringify(ADDON_PATH)});
       const { parentPort } = require('node:worker_threads');
       parentPort.on('message', () => parentPort.postMessage(addon.hasNetRaw()));`,
      { eval: true },
    );
    const ask = (): Promise<boolean> =>
      new Promise((resolve) => {
        worker.once('message', resolve);
        worker.postMessage('?');
      });
    say(`before ${await ask()}`);
    dropPrivileges(NOBODY);
    say(`after ${await ask()} main ${loadAddon().hasNetRaw()}`);
    await worker.terminate();
  },

  /** Has no right at all. */
  'no-right': () => {
    process.setgroups!([]);
    process.setgid!(NOBODY.gid);
    process.setuid!(NOBODY.uid);
    for (const work of [() => LiveCapture.open(options), () => dropPrivileges(NOBODY)]) {
      try {
        work();
      } catch (error) {
        say(`${(error as NodeJS.ErrnoException).code}: ${(error as Error).message}`);
      }
    }
  },
};

await scenarios[scenario]!();
