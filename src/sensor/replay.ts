import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CaptureError } from '../capture/capture-error.js';
import type { CutShort } from '../capture/capture-error.js';
import { CaptureFile } from '../capture/capture-file.js';
import { MergedFiles } from '../capture/merged-files.js';
import type { CaptureInterface, PacketBatch } from '../capture/packet-batch.js';
import { DEFAULT_CONFIG } from '../config/load.js';
import type { LogRecord } from '../model/records.js';
import type { AlertSink } from '../sink/alert-sink.js';
import { SinkError } from '../sink/alert-sink.js';
import type { Analysis } from './analysis.js';
import { refuseUnknownLinks } from './known-links.js';
import { Pace } from './pace.js';
import { tuneCompiler } from './tune-compiler.js';

/** Encapsulations that are opened by default (Zeek opens 4). */
export const DEFAULT_MAX_DEPTH = DEFAULT_CONFIG.maxDepth;
export const DEFAULT_VXLAN_PORTS: readonly number[] = DEFAULT_CONFIG.vxlanPorts;
/** Seed of uids in replay: the same capture gives the same identifiers on every machine. */
export const REPLAY_SEED = 0x636f7070;

export interface ReplayOptions {
  readonly files: readonly string[];
  /** By packet time, instead of file after file. */
  readonly merge: boolean;
  /** How many times faster than they were captured packets are replayed; undefined: as fast as can be. */
  readonly speed?: number;
  /** Called with the octets that were read so far, as stored. */
  readonly onProgress?: (bytesRead: number) => void;
}

export interface ReplayResult {
  /** Faults that ended the reading of a file. */
  readonly faults: readonly CaptureError[];
  readonly cutShort: readonly CutShort[];
  /** What sinks could not bring to its place although everything was read. */
  readonly sinkFailures: readonly SinkError[];
}

/** Packets that are analysed at once. Few, because each may raise several records, and those wait until all are done. */
const CHUNK = 512;
/**
 * Records that are handed to the sink together, unless somebody is waiting for them. Few, because those that wait while
 * V8 collects garbage are copied, and most would be.
 */
const RECORDS_TOGETHER = 256;

/**
 * Reads captures through the analysis into a sink, with back-pressure: reading waits for the sink. The sink is opened
 * with the first packet, so that a file which holds none leaves nothing behind. Faults of the input are returned, not
 * thrown; what was read before them is analysed and written.
 */
export class Replay {
  readonly #analysis: Analysis;
  readonly #sink: AlertSink;
  #pending: LogRecord[] = [];
  /** What the sink is taking now; the analysis goes on meanwhile. */
  #publishing: Promise<void> | undefined;
  readonly #interfaces: CaptureInterface[] = [];
  #checked = 0;
  #isOpen = false;
  #pace: Pace | undefined;

  /** `makeAnalysis` gets the function that takes its records. */
  constructor(sink: AlertSink, makeAnalysis: (emit: (record: LogRecord) => void) => Analysis) {
    tuneCompiler();
    this.#sink = sink;
    this.#analysis = makeAnalysis((record) => void this.#pending.push(record));
  }

  get analysis(): Analysis {
    return this.#analysis;
  }

  /** Whether a packet was read, and so the sink opened. */
  get hasOutput(): boolean {
    return this.#isOpen;
  }

  async run(options: ReplayOptions): Promise<ReplayResult> {
    const opened: CaptureFile[] = [];
    const faults: CaptureError[] = [];
    this.#pace = options.speed === undefined ? undefined : new Pace(options.speed);
    try {
      if (options.merge) await this.#readMerged(options, opened, faults);
      else await this.#readInOrder(options, opened, faults);
      if (this.#isOpen) {
        while (!this.#analysis.finish(RECORDS_TOGETHER)) await this.#handOver();
        await this.#handOver();
        await this.#publishing;
      }
    } catch (error) {
      // The first failure is told; what closing adds to it does not matter any more.
      if (this.#isOpen) await this.#sink.close().catch(() => undefined);
      throw error;
    } finally {
      for (const file of opened) await file.close();
    }
    const sinkFailures = this.#isOpen ? await this.#finishSink() : [];
    return { faults, sinkFailures, cutShort: opened.flatMap((file) => file.cutShort ?? []) };
  }

  async #finishSink(): Promise<SinkError[]> {
    const failures: SinkError[] = [];
    for (const step of [() => this.#sink.flush(), () => this.#sink.close()]) {
      try {
        await step();
      } catch (error) {
        if (!(error instanceof SinkError)) throw error;
        failures.push(error);
      }
    }
    return failures;
  }

  async #readMerged(options: ReplayOptions, opened: CaptureFile[], faults: CaptureError[]): Promise<void> {
    await this.#noting(faults, async () => {
      for (const path of options.files) opened.push(await CaptureFile.open(path, this.#interfaces));
      const merged = new MergedFiles(opened, this.#interfaces, (fault) => faults.push(fault));
      await merged.read((batch, from, to) => this.#take(batch, from, to, opened, options));
    });
  }

  /* A file that turns out damaged ends with its fault noted; the files behind it are read all the same. */
  async #readInOrder(options: ReplayOptions, opened: CaptureFile[], faults: CaptureError[]): Promise<void> {
    await this.#noting(faults, async () => {
      // A missing file is better known before hours of work than after.
      for (const path of options.files.slice(1)) await refuseIfMissing(path);
    });
    if (faults.length > 0) return;
    for (const path of options.files) {
      await this.#noting(faults, async () => {
        const file = await CaptureFile.open(path, this.#interfaces);
        opened.push(file);
        await file.read((batch, from, to) => this.#take(batch, from, to, opened, options));
      });
    }
  }

  async #noting(faults: CaptureError[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      faults.push(error);
    }
  }

  async #take(
    batch: PacketBatch,
    from: number,
    to: number,
    files: readonly CaptureFile[],
    options: ReplayOptions,
  ): Promise<void> {
    this.#refuseUnknownLinks();
    if (!this.#isOpen) {
      await this.#sink.open();
      this.#isOpen = true;
    }
    for (let at = from; at < to;) {
      const end = Math.min(at + CHUNK, to);
      const due = this.#pace === undefined ? end : this.#pace.dueUntil(batch, at, end);
      if (due > at) this.#analysis.process(batch, at, due, this.#interfaces);
      if (this.#pending.length >= RECORDS_TOGETHER) await this.#handOver();
      at = due;
      if (at < end) {
        await this.#handOver();
        await pause(this.#pace!.dueIn(batch, at));
      }
    }
    // The next packets of a pipe may be long in coming.
    if (files.some(({ totalBytes }) => totalBytes === undefined)) await this.#handOver();
    options.onProgress?.(files.reduce((sum, file) => sum + file.bytesRead, 0));
  }

  #refuseUnknownLinks(): void {
    if (this.#checked === this.#interfaces.length) return;
    this.#checked = this.#interfaces.length;
    refuseUnknownLinks(this.#interfaces);
  }

  /* Waits until the sink has taken what it was given before, so that no more than one batch is under way. */
  async #handOver(): Promise<void> {
    await this.#publishing;
    this.#publishing = undefined;
    if (this.#pending.length === 0) return;
    this.#publishing = this.#sink.publish(this.#pending);
    // A failure is thrown where it is waited for.
    this.#publishing.catch(() => undefined);
    this.#pending = [];
  }
}

/* Opens and closes a later file, so that its fault is told before the work. A pipe can be read only once. */
async function refuseIfMissing(path: string): Promise<void> {
  const info = statSync(path, { throwIfNoEntry: false });
  if (path === '-' || (info !== undefined && !info.isFile())) return;
  await (await CaptureFile.open(path)).close();
}
