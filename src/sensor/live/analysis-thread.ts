import type { MessagePort } from 'node:worker_threads';
import { CaptureError } from '../../capture/capture-error.js';
import { FilterError } from '../../capture/filter/filter-error.js';
import type { LiveOptions } from '../../capture/live-options.js';
import type { LiveEvents, LiveSource } from '../../capture/live-source.js';
import { loadAddon } from '../../capture/native-addon.js';
import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import { RelayedCapture } from '../../capture/relayed-capture.js';
import type { Severity } from '../../model/severity.js';
import { SEVERITIES } from '../../model/severity.js';
import type { Rule } from '../../rules/rule.js';
import { SourceError } from '../../yaml/diagnostic.js';
import type { Analysis, AnalysisOptions } from '../analysis.js';
import { makeAnalysis } from '../census/census-analysis.js';
import { FolderError, loadEndpoints, loadRules } from '../load.js';
import { tuneCompiler } from '../tune-compiler.js';
import { analysisSnapshot } from './analysis-snapshot.js';
import type { KernelFilter } from './kernel-filter.js';
import { LabelledCapture } from './labelled-capture.js';
import { Lag } from './lag.js';
import { RecordOutbox } from './record-outbox.js';
import { LinkWatch } from './link-watch.js';
import { collectGarbage } from './collect-garbage.js';
import { warmUp } from './warm-up.js';
import type { AnalysisConfig, AnalysisState, AnalysisTask, Fault, News, Order } from './worker-messages.js';

/** How long the wire must be silent before the clock moves without packets. Longer than any packet is under way. */
const SILENCE_MS = 5000;
const TICK_MS = 1000;
/** Turns of the ticker between two looks at the links. */
const LINK_TICKS = 2;

/**
 * The thread of the analysis: it captures, judges, and hands finished records to the main thread in bounded batches. It
 * never waits for the main thread but at the end.
 */
export class AnalysisThread {
  readonly #port: MessagePort;
  readonly #task: AnalysisTask;
  readonly #outbox: RecordOutbox;
  readonly #analysis: Analysis;
  readonly #captures: LabelledCapture[] = [];
  readonly #interfaces: CaptureInterface[] = [];
  readonly #lag = new Lag();
  readonly #alerts = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<
    Severity,
    number
  >;
  #rules: readonly Rule[];
  #packetsAt = performance.now();
  #ticker: NodeJS.Timeout | undefined;
  #isStopping = false;
  #ticks = 0;
  readonly #links: LinkWatch | undefined;

  private constructor(port: MessagePort, task: AnalysisTask) {
    this.#port = port;
    this.#task = task;
    this.#outbox = new RecordOutbox((records) => this.#tell({ kind: 'records', records }));
    const { config } = task;
    const { rules, endpoints } = sourcesOf(config);
    this.#rules = rules;
    const options: AnalysisOptions = {
      rules,
      endpoints,
      site: {
        localNetworks: config.site.localNetworks,
        vantage: config.site.vantage,
        sixtofourRelays: config.site.sixtofourRelays,
      },
      sixrd: config.site.sixrd,
      profile: config.profile,
      maxDepth: config.maxDepth,
      vxlanPorts: config.vxlanPorts,
      checksums: config.checksums,
      mirrorTransports: config.capture.mirrorTransports,
      limits: config.limits,
      sensor: config.sensor,
      seed: task.seed,
      emit: (record) => this.#outbox.add(record),
      onAlert: ({ rule }) => this.#alerts[rule.severity]++,
    };
    // `cap` is on the main thread and goes with its interface.
    if (config.capture.driver === 'libpcap') {
      const addon = loadAddon();
      this.#links = new LinkWatch(
        () => addon.listInterfaces(),
        (event) => this.#tell({ kind: 'interface', event }),
      );
    }
    tuneCompiler();
    warmUp(options);
    this.#analysis = makeAnalysis(options, config);
    collectGarbage();
  }

  /** Loads rules and opens the interfaces. Rejects with what is wrong with them; then nothing stays open. */
  static async open(port: MessagePort, task: AnalysisTask): Promise<AnalysisThread> {
    const thread = new AnalysisThread(port, task);
    try {
      for (const one of task.config.interfaces) thread.#captures.push(await thread.#open(one));
      return thread;
    } catch (error) {
      await thread.#close();
      throw error;
    }
  }

  /** Captures until told to stop. Rejects when something breaks. */
  async run(): Promise<void> {
    this.#port.on('message', (order: Order) => this.#obey(order));
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    const reading = this.#captures.map((capture) =>
      capture.read((batch, from, to) => this.#take(batch, from, to)),
    );
    this.#tell({ kind: 'ready', state: this.#state() });
    try {
      await Promise.all(reading);
      this.#analysis.finish();
      this.#outbox.liftLimit();
      await this.#outbox.empty();
      this.#tell({ kind: 'stopped', state: this.#state() });
    } finally {
      clearInterval(this.#ticker);
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    await Promise.all(this.#captures.map((capture) => capture.close()));
  }

  #open(config: AnalysisConfig['interfaces'][number]): Promise<LabelledCapture> {
    const { label } = config;
    const events: LiveEvents = {
      onLost: ({ reason }) => this.#tell({ kind: 'interface', event: { event: 'lost', label, reason } }),
      onStillLost: ({ message }) =>
        this.#tell({ kind: 'interface', event: { event: 'still-lost', label, reason: message } }),
      onReturned: () => this.#tell({ kind: 'interface', event: { event: 'returned', label, reason: '' } }),
    };
    const openCap = (options: LiveOptions): Promise<LiveSource> =>
      RelayedCapture.open(options, (asked, its) =>
        this.#port.postMessage({ kind: 'open-cap', port: asked, options: its } satisfies News, [asked]),
      );
    const surroundings = { ...this.#task.config, loadedRules: this.#rules };
    return LabelledCapture.open(config, surroundings, this.#interfaces, events, openCap);
  }

  #take(batch: PacketBatch, from: number, to: number): void {
    this.#packetsAt = performance.now();
    this.#analysis.process(batch, from, to, this.#interfaces);
    this.#lag.note(batch, to);
    this.#outbox.flush();
  }

  #tick(): void {
    if (++this.#ticks % LINK_TICKS === 0) this.#links?.look(this.#captures);
    if (this.#isStopping || performance.now() - this.#packetsAt < SILENCE_MS) return;
    this.#analysis.idleUntil(Math.floor((Date.now() - SILENCE_MS) / 1000));
    this.#outbox.flush();
  }

  #obey(order: Order): void {
    switch (order.kind) {
      case 'ping':
        this.#tell({ kind: 'sign', id: order.id, state: this.#state() });
        return;
      case 'ack':
        this.#outbox.acknowledged();
        return;
      case 'reload':
        void this.#reload(order.config).then((fault) =>
          this.#tell({ kind: 'reloaded', id: order.id, fault }),
        );
        return;
      case 'stop':
        this.#isStopping = true;
        for (const capture of this.#captures) void capture.close();
    }
  }

  /* Everything is read and compiled before anything is used. Never rejects. */
  async #reload(config: AnalysisConfig): Promise<Fault | undefined> {
    try {
      const { rules, endpoints } = sourcesOf(config);
      const filters: (readonly [LabelledCapture, KernelFilter])[] = [];
      for (const capture of this.#captures) {
        const one = config.interfaces.find(({ label }) => label === capture.label);
        if (one !== undefined)
          filters.push([capture, await capture.prepare(one, { ...config, loadedRules: rules })]);
      }
      for (const [capture, filter] of filters) await capture.use(filter);
      this.#analysis.useRules(rules, endpoints);
      this.#rules = rules;
      return undefined;
    } catch (error) {
      return faultOf(error);
    }
  }

  #state(): AnalysisState {
    const snapshot = analysisSnapshot(this.#analysis);
    const { length, capacity, dropped } = this.#outbox;
    return {
      interfaces: this.#captures.map((capture) => capture.state()),
      rules: this.#rules.length,
      analysis: {
        ...snapshot,
        alerts: { ...this.#alerts },
        lagSeconds: this.#lag.seconds,
        queue: { records: length, capacity, dropped: sum(Object.values(dropped)) },
      },
      mostLagSeconds: this.#lag.takeMost(),
      recordsDropped: { ...dropped },
    };
  }

  #tell(news: News): void {
    this.#port.postMessage(news);
  }
}

function sourcesOf({ rules, lists }: AnalysisConfig) {
  return {
    rules: loadRules(rules.folders, rules.default).rules,
    endpoints: loadEndpoints(lists.folders, lists.default),
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** The form in which an error crosses the threads. */
export function faultOf(error: unknown): Fault {
  if (error instanceof SourceError || error instanceof FilterError || error instanceof FolderError)
    return { sort: 'source', message: error.message };
  if (error instanceof CaptureError)
    return { sort: error.code === 'bad-filter' ? 'source' : 'capture', message: error.message };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { sort: 'bug', message: text };
}
