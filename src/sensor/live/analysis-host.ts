import type { Worker } from 'node:worker_threads';
import { relayCap } from '../../capture/cap-relay.js';
import type { LogRecord } from '../../model/records.js';
import { startWorker } from './start-worker.js';
import type {
  AnalysisConfig,
  AnalysisState,
  AnalysisTask,
  Fault,
  InterfaceEvent,
  News,
  Order,
} from './worker-messages.js';

/** The analysis thread could not start or broke, in a sentence. */
export class AnalysisError extends Error {
  override readonly name = 'AnalysisError';
  readonly sort: Fault['sort'];

  constructor({ message, sort }: Fault) {
    super(message);
    this.sort = sort;
  }
}

export interface HostOptions {
  /** Without a sign of life for so many milliseconds the thread is ended and started anew. */
  readonly watchdogMs: number;
  /** How often it is asked for a sign. */
  readonly pingMs: number;
  /** Milliseconds before the thread is started again: first, and at most. */
  readonly restart: { readonly initialMs: number; readonly maxMs: number };
  /** After so many milliseconds of work the next wait is the first one again. */
  readonly provenMs: number;
  /** Starts the thread; tests start others. */
  readonly launch: (task: AnalysisTask) => Worker;
}

export const HOST_OPTIONS: Omit<HostOptions, 'watchdogMs'> = {
  pingMs: 1000,
  restart: { initialMs: 250, maxMs: 30_000 },
  provenMs: 60_000,
  launch: startWorker,
};

export interface HostEvents {
  /** Takes records; the thread may send more when it has returned, or its promise has settled. Must not throw. */
  readonly onRecords: (records: readonly LogRecord[]) => Promise<void> | undefined;
  readonly onInterface: (event: InterfaceEvent) => void;
  /** A sign of life, with the state. `wasEnded` for the last state of a thread that is no more. */
  readonly onState: (state: AnalysisState, wasEnded: boolean) => void;
  readonly onDown: (reason: string, restartInMs: number) => void;
  readonly onUp: (state: AnalysisState) => void;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Keeps one analysis thread alive: starts it, asks it for signs of life, and starts it anew when it breaks or is stuck. What
 * it knew of tunnels and flows is lost then; what it had handed over is not.
 */
export class AnalysisHost {
  #task: AnalysisTask;
  readonly #options: HostOptions;
  readonly #events: HostEvents;
  #worker: Worker | undefined;
  #state: AnalysisState | undefined;
  #starting: Waiting<AnalysisState> | undefined;
  #reloading: (Waiting<void> & { readonly id: number }) | undefined;
  #stopped: (() => void) | undefined;
  #isStopping = false;
  #startedAt = 0;
  #signAt = 0;
  #pingedAt = 0;
  #nextId = 1;
  #failures = 0;
  #pinger: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** Times that the thread was started again. */
  restarts = 0;
  /** Times that the watchdog ended it. */
  stuck = 0;

  constructor(task: AnalysisTask, options: HostOptions, events: HostEvents) {
    this.#task = task;
    this.#options = options;
    this.#events = events;
  }

  get isUp(): boolean {
    return this.#worker !== undefined && this.#starting === undefined && this.#startedAt > 0;
  }

  /** Milliseconds since the thread last showed that it lives. */
  get silenceMs(): number {
    return performance.now() - this.#signAt;
  }

  /** Starts the thread. Rejects with an AnalysisError when it cannot start; it is not tried again then. */
  start(): Promise<AnalysisState> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#launch();
      this.#pinger = setInterval(() => this.#ping(), this.#options.pingMs);
    });
  }

  /** Rejects with an AnalysisError when the new rules, lists or filters are not good; then the old ones stay in force. */
  reload(config: AnalysisConfig): Promise<void> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      if (this.#reloading !== undefined || !this.isUp) {
        const message = 'The analysis thread is busy or being started anew; send SIGHUP again later.';
        reject(new AnalysisError({ sort: 'capture', message }));
        return;
      }
      this.#reloading = {
        id,
        resolve: () => {
          this.#task = { ...this.#task, config };
          resolve();
        },
        reject,
      };
      this.#order({ kind: 'reload', id, config });
    });
  }

  /** Lets the thread finish, for so long at most. Whether it did. */
  async stop(timeoutMs: number): Promise<boolean> {
    this.#isStopping = true;
    clearInterval(this.#pinger);
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return true;
    let timer: NodeJS.Timeout | undefined;
    const isDone = await new Promise<boolean>((resolve) => {
      this.#stopped = () => resolve(true);
      timer = setTimeout(() => resolve(false), timeoutMs);
      this.#order({ kind: 'stop' });
    });
    clearTimeout(timer);
    await worker.terminate();
    return isDone;
  }

  #launch(): void {
    const worker = this.#options.launch(this.#task);
    this.#worker = worker;
    this.#startedAt = 0;
    this.#signAt = performance.now();
    const isCurrent = (): boolean => worker === this.#worker;
    worker.on('message', (news: News) => {
      if (isCurrent()) this.#hear(news);
    });
    worker.on('error', (error) => {
      if (isCurrent()) this.#down({ sort: 'bug', message: `The analysis thread broke: ${error.message}` });
    });
    worker.on('exit', (code) => {
      if (isCurrent()) this.#down({ sort: 'bug', message: `The analysis thread ended with code ${code}.` });
    });
  }

  #hear(news: News): void {
    this.#signAt = performance.now();
    switch (news.kind) {
      case 'ready':
        this.#ready(news.state);
        return;
      case 'records':
        this.#take(news.records);
        return;
      case 'sign':
        this.#keep(news.state);
        return;
      case 'reloaded':
        this.#reloaded(news.id, news.fault);
        return;
      case 'interface':
        this.#events.onInterface(news.event);
        return;
      case 'open-cap':
        relayCap(news.port, news.options);
        return;
      case 'stopped':
        this.#keep(news.state);
        this.#stopped?.();
        return;
      case 'failed':
        this.#down(news.fault);
    }
  }

  #ready(state: AnalysisState): void {
    this.#startedAt = performance.now();
    this.#keep(state);
    const starting = this.#starting;
    this.#starting = undefined;
    if (starting === undefined) this.#events.onUp(state);
    else starting.resolve(state);
  }

  #take(records: readonly LogRecord[]): void {
    const worker = this.#worker;
    const acknowledge = (): void => {
      if (worker === this.#worker) this.#order({ kind: 'ack' });
    };
    const pending = this.#events.onRecords(records);
    if (pending === undefined) acknowledge();
    else void pending.finally(acknowledge);
  }

  #keep(state: AnalysisState): void {
    this.#state = state;
    this.#events.onState(state, false);
  }

  #reloaded(id: number, fault: Fault | undefined): void {
    const reloading = this.#reloading;
    if (reloading?.id !== id) return;
    this.#reloading = undefined;
    if (fault === undefined) reloading.resolve();
    else reloading.reject(new AnalysisError(fault));
  }

  #ping(): void {
    const sinceLastMs = performance.now() - this.#pingedAt;
    this.#pingedAt = performance.now();
    if (this.#worker === undefined) return;
    // This thread was busy itself, or the machine slept: signs may lie in the queue unread.
    if (sinceLastMs > 2 * this.#options.pingMs) this.#signAt = performance.now();
    if (this.silenceMs > this.#options.watchdogMs) {
      this.stuck++;
      const seconds = Math.round(this.silenceMs / 1000);
      this.#down({
        sort: 'bug',
        message: `The analysis thread gave no sign of life for ${seconds} seconds.`,
      });
      return;
    }
    this.#order({ kind: 'ping', id: this.#nextId++ });
  }

  #order(order: Order): void {
    this.#worker?.postMessage(order);
  }

  #down(fault: Fault): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    if (this.#state !== undefined) this.#events.onState(this.#state, true);
    this.#state = undefined;
    this.#reloading?.reject(new AnalysisError(fault));
    this.#reloading = undefined;
    const starting = this.#starting;
    if (starting !== undefined) {
      this.#starting = undefined;
      clearInterval(this.#pinger);
      starting.reject(new AnalysisError(fault));
      return;
    }
    if (this.#isStopping) {
      this.#stopped?.();
      return;
    }
    this.#restartLater(fault);
  }

  #restartLater(fault: Fault): void {
    const { restart, provenMs } = this.#options;
    const hasProven = this.#startedAt > 0 && performance.now() - this.#startedAt > provenMs;
    this.#failures = hasProven ? 0 : this.#failures;
    const waitMs = Math.min(restart.maxMs, restart.initialMs * 2 ** Math.min(this.#failures, 20));
    this.#failures++;
    this.#events.onDown(fault.message, waitMs);
    this.#restart = setTimeout(() => {
      this.restarts++;
      this.#launch();
    }, waitMs);
  }
}
