import { randomBytes } from 'node:crypto';
import { CAP_IS_WORSE } from '../../capture/cap-package.js';
import { FILTERED_IN_PROCESS } from '../../capture/live-options.js';
import type { Config } from '../../config/definition/configuration.js';
import type { LogRecord } from '../../model/records.js';
import type { Logger } from '../../observe/log.js';
import { ProcessWatch } from '../../observe/process-watch.js';
import type { HttpServer } from '../../observe/http-server.js';
import type { LifeState, SensorSnapshot } from '../../observe/sensor-snapshot.js';
import { SinkError } from '../../sink/alert-sink.js';
import { SinkHub } from '../../sink/sink-hub.js';
import { OWN_NOTE, ownNotice } from '../../zeek/own-notice.js';
import { IntervalRecords } from '../interval-records.js';
import { makeSinks } from '../make-sinks.js';
import { OwnRecords, wallClock } from '../own-records.js';
import { packageVersion } from '../package-files.js';
import { AnalysisHost, HOST_OPTIONS } from './analysis-host.js';
import { makeServer, openServer } from './live-server.js';
import { collectGarbage } from './collect-garbage.js';
import { LiveTotals } from './live-totals.js';
import { reloadedConfig } from './reloaded-config.js';
import type { AnalysisConfig, AnalysisState, InterfaceEvent } from './worker-messages.js';

export interface LiveSensorParts {
  readonly config: Config;
  /** Reads the configuration again; throws what is wrong with it. Undefined when there is no file. */
  readonly readConfig: (() => Config) | undefined;
  readonly log: Logger;
}

/**
 * A live sensor, seen from the main thread: analysis in its own thread, sinks here. Records are offered to the sinks and
 * never waited for, so that no sink holds up capturing.
 */
export class LiveSensor {
  readonly #parts: LiveSensorParts;
  readonly #log: Logger;
  readonly #hub: SinkHub;
  readonly #own: OwnRecords;
  readonly #host: AnalysisHost;
  readonly #server: HttpServer | undefined;
  readonly #intervals: IntervalRecords;
  readonly #process = new ProcessWatch();
  readonly #totals = new LiveTotals();
  #config: Config;
  readonly #version = packageVersion();
  #life: LifeState = 'starting';
  #interval: NodeJS.Timeout | undefined;
  /* Why the analysis thread is not there. */
  #downReason: string | undefined;
  /* Why an interface is not captured, by label. */
  readonly #lost = new Map<string, string>();
  #loadedAtMs = 0;
  #isBehind = false;
  #recordsDropped = 0;
  #reloads = 0;
  #reloadsFailed = 0;

  constructor(parts: LiveSensorParts) {
    this.#parts = parts;
    this.#log = parts.log;
    this.#config = parts.config;
    const { config } = parts;
    const emit = (record: LogRecord): void => this.#hub.offer([record]);
    const { sensor, tenant } = config;
    const sinks = makeSinks(config.sinks, {
      sensor,
      profile: config.profile,
      tenant,
      log: parts.log,
      emit,
      patienceMs: undefined,
    });
    this.#hub = new SinkHub(sinks);
    this.#own = new OwnRecords(sensor, emit, config.profile);
    this.#intervals = new IntervalRecords({
      tooMuchLossPercent: config.run.lossThreshold,
      profile: config.profile,
      emit,
    });
    this.#server = makeServer(config, () => this.snapshot(), parts.log);
    const task = { config: analysisConfig(config), seed: randomBytes(4).readUInt32LE() };
    this.#host = new AnalysisHost(
      task,
      { ...HOST_OPTIONS, watchdogMs: config.run.watchdogMs },
      {
        onRecords: (records) => this.#take(records),
        onInterface: (event) => this.#interfaceChanged(event),
        onState: (state, wasEnded) => this.#keep(state, wasEnded),
        onDown: (reason, restartInMs) => this.#down(reason, restartInMs),
        onUp: (state) => this.#up(state),
      },
    );
  }

  /** Opens sinks, then interfaces. Rejects with a SinkError or an AnalysisError; nothing stays open then. */
  async start(): Promise<void> {
    if (this.#config.capture.driver === 'cap')
      this.#log.warn(`The driver "cap" captures, which is worse than libpcap: ${CAP_IS_WORSE}`);
    await this.#hub.open();
    try {
      this.#started(await this.#host.start());
      collectGarbage();
      await openServer(this.#server);
    } catch (error) {
      await this.#host.stop(0);
      await this.#hub.close();
      throw error;
    }
    this.#life = 'running';
    this.#interval = setInterval(
      () => this.#intervals.take(this.snapshot()),
      this.#config.run.statsIntervalMs,
    );
  }

  /** The sensor now; what the analysis counts is as old as its last sign of life. Only after `start`. */
  snapshot(): SensorSnapshot {
    const { interfaces, rules, analysis } = this.#totals.state!;
    const { sensor } = this.#config;
    return {
      time: wallClock(),
      sensor,
      version: this.#version,
      state: this.#life,
      captures: interfaces.map(({ label, isCapturing, stats }) => ({
        interface: label,
        isOpen: isCapturing && this.#downReason === undefined && !this.#lost.has(label),
        reason: this.#downReason ?? this.#lost.get(label),
        bytes: undefined,
        ...stats,
      })),
      analysis: { ...analysis, answerAgeSeconds: this.#host.silenceMs / 1000 },
      rules: {
        loaded: rules,
        reloads: this.#reloads,
        failedReloads: this.#reloadsFailed,
        loadedAtSeconds: this.#loadedAtMs / 1000,
      },
      sinks: this.#hub.healths(),
      process: this.#process.snapshot(),
      http: this.#server?.snapshot(),
    };
  }

  /** Reads configuration, rules and lists again, and opens log files anew. Never rejects: what is wrong is logged. */
  async reload(): Promise<void> {
    await this.#reopenFiles();
    try {
      const read = this.#parts.readConfig?.() ?? this.#config;
      const { config, waiting } = reloadedConfig(this.#config, read);
      await this.#host.reload(analysisConfig(config));
      this.#config = config;
      this.#loadedAtMs = Date.now();
      this.#reloads++;
      this.#log.info('Rules, lists and filters were read again and are in force.');
      if (waiting.length > 0)
        this.#log.warn(`Changes of ${waiting.join(', ')} in the configuration need a restart.`);
    } catch (error) {
      this.#reloadsFailed++;
      const { message } = error as Error;
      for (const line of message.split('\n')) this.#log.error(line);
      this.#log.error('The old rules, lists and filters stay in force; mend this and send SIGHUP again.');
      this.#own.report('reload', 'ERROR', 'reload', `Rules were not read again: ${message.split('\n')[0]!}`);
    }
  }

  /** Stops capturing and writes what was captured. Whether that was done within `run.shutdownTimeoutMs`. */
  async stop(): Promise<boolean> {
    this.#life = 'stopping';
    clearInterval(this.#interval);
    const deadline = performance.now() + this.#config.run.shutdownTimeoutMs;
    const left = (): number => Math.max(0, deadline - performance.now());
    const isFinished = await this.#host.stop(left());
    if (!isFinished)
      this.#log.error('The analysis did not finish in run.shutdownTimeoutMs; what it still held is lost.');
    this.#intervals.take(this.snapshot());
    const isClosed = await within(left(), this.#closeSinks());
    await this.#server?.close();
    this.#process.close();
    if (!isClosed)
      this.#log.error('Sinks did not finish in run.shutdownTimeoutMs; spools keep what they hold.');
    return isFinished && isClosed;
  }

  async #closeSinks(): Promise<void> {
    try {
      await this.#hub.close();
    } catch (error) {
      if (!(error instanceof SinkError)) throw error;
      for (const sentence of error.sentences) this.#log.error(sentence);
    }
  }

  async #reopenFiles(): Promise<void> {
    try {
      await this.#hub.reopen();
    } catch (error) {
      this.#log.error((error as Error).message);
    }
  }

  /* At the end the analysis waits for the sinks, so that nothing it held overflows their queues. */
  #take(records: readonly LogRecord[]): Promise<void> | undefined {
    if (this.#life !== 'stopping') {
      this.#hub.offer(records);
      return undefined;
    }
    return this.#hub.publish(records).catch((error: unknown) => {
      this.#log.error(`Records of the end were not taken: ${(error as Error).message}`);
    });
  }

  #interfaceChanged({ event, label, reason }: InterfaceEvent): void {
    if (event === 'still-lost') {
      this.#lost.set(label, `Interface ${label} is gone: ${reason}`);
      this.#log.debug(`Interface ${label} cannot be opened yet: ${reason}`);
    } else if (event === 'lost') {
      const message = `Interface ${label} is gone: ${reason}. It is waited for.`;
      this.#lost.set(label, message);
      this.#log.error(message);
      this.#outage('began', message);
    } else if (event === 'link-unknown') {
      this.#log.warn(`Whether interfaces have a link cannot be told now: ${reason}.`);
    } else if (event === 'link-down') {
      const message = `Interface ${label} is ${reason}: nothing comes in. It is waited for.`;
      this.#lost.set(label, message);
      this.#log.error(message);
      this.#outage('began', message);
    } else if (event === 'link-up') {
      const message = `Interface ${label} is up again.`;
      this.#lost.delete(label);
      this.#log.warn(message);
      this.#outage('ended', message);
    } else {
      const message = `Interface ${label} is there again and is captured from.`;
      this.#lost.delete(label);
      this.#log.warn(message);
      this.#outage('ended', message);
    }
  }

  #outage(event: 'began' | 'ended', message: string): void {
    const { sensor } = this.#config;
    const notice = { note: OWN_NOTE.captureOutage, time: wallClock(), event, message, sensor };
    this.#hub.offer([ownNotice(notice, this.#config.profile)]);
  }

  #keep(state: AnalysisState, wasEnded: boolean): void {
    this.#totals.take(state, wasEnded);
    this.#tellLag(state.mostLagSeconds * 1000);
    const dropped = this.#totals.state!.analysis.queue.dropped;
    if (dropped > this.#recordsDropped) {
      const message = `${dropped - this.#recordsDropped} records did not fit into the queue between analysis and sinks and are lost.`;
      this.#log.error(message);
      this.#own.report('records dropped', 'ERROR', 'analysis', message);
    }
    this.#recordsDropped = dropped;
  }

  #tellLag(lagMs: number): void {
    const { lagWarnMs } = this.#config.run;
    const isBehind = lagMs > lagWarnMs;
    if (isBehind === this.#isBehind) return;
    this.#isBehind = isBehind;
    if (!isBehind) {
      this.#log.warn('The analysis keeps up with the wire again.');
      return;
    }
    const message = `The analysis is ${Math.round(lagMs)} ms behind the wire, more than run.lagWarnMs; narrow the filter or give it more processor.`;
    this.#log.warn(message);
    this.#own.report('lag', 'WARNING', 'analysis', message);
  }

  #down(reason: string, restartInMs: number): void {
    const isNew = this.#downReason === undefined;
    this.#downReason = reason.split('\n')[0]!;
    const message = `${this.#downReason} It is started again in ${restartInMs} ms.`;
    this.#log.error(message, { detail: reason });
    if (isNew) this.#outage('began', message);
  }

  #up(state: AnalysisState): void {
    this.#outage('ended', 'The analysis thread was started again; what it knew of tunnels is lost.');
    this.#started(state);
  }

  #started(state: AnalysisState): void {
    this.#downReason = undefined;
    this.#lost.clear();
    this.#loadedAtMs = Date.now();
    for (const { label, name, instructions, stats } of state.interfaces) {
      const named = label === name ? name : `${name} (${label})`;
      const filter = instructions === undefined ? '' : `, kernel filter of ${instructions} instructions`;
      this.#log.info(`Capturing on ${named}${filter}, ${state.rules} rules.`);
      if (stats.filteredBy === 'process') this.#log.warn(`Interface ${label}: ${FILTERED_IN_PROCESS}`);
    }
  }
}

function analysisConfig(config: Config): AnalysisConfig {
  const {
    sensor,
    interfaces,
    capture,
    rules,
    lists,
    site,
    profile,
    maxDepth,
    vxlanPorts,
    census,
    checksums,
    limits,
  } = config;
  return {
    sensor,
    interfaces,
    capture,
    rules,
    lists,
    site,
    profile,
    maxDepth,
    vxlanPorts,
    census,
    checksums,
    limits,
  };
}

/* Whether the work was done in time. */
async function within(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
