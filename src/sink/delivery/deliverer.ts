import type { SinkState } from '../../model/sink-state.js';
import type { SpooledRecord } from '../spool/record-codec.js';
import type { Spool } from '../spool/spool.js';
import { spoolError } from '../spool/spool-error.js';
import type { RetryOptions } from './back-off.js';
import { backOffMs } from './back-off.js';
import type { DeadLetters } from './dead-letters.js';
import { watchFiles } from './file-watch.js';
import type { BatchLimits, Item } from './lane.js';
import { Lane } from './lane.js';
import { Waiting } from './waiting.js';
import type { Transport } from './transport.js';
import { DeliveryError } from './transport.js';

export interface DeliveryOptions extends BatchLimits {
  readonly retry: RetryOptions;
  /** Records, and octets of their JSON, that are held in memory between the spool and the other side. */
  readonly windowRecords: number;
  readonly windowBytes: number;
}

export interface DelivererEvents {
  /** Called when `state` may have changed. */
  readonly onState: () => void;
  /** Called when records were settled. */
  readonly onSettled: () => void;
  /** Called when a record went to the dead letters. */
  readonly onDeadLetter: (record: SpooledRecord, reason: string) => void;
}

/** Records that one read of the spool gives. */
const READ_RECORDS = 2000;

/**
 * Carries records from a spool to the other side, for ever: in batches, one on its way per lane, each settled in the
 * spool when the other side has it. Nothing is given up: what may come back is tried again with growing pauses, what is
 * refused is split until the one bad record is found, which goes to the dead letters.
 */
export class Deliverer<Message> {
  readonly #spool: Spool;
  readonly #transport: Transport<Message>;
  readonly #deadLetters: DeadLetters;
  readonly #options: DeliveryOptions;
  readonly #events: DelivererEvents;
  readonly #lanes = new Map<string, Lane<Message>>();
  /** Records that were read and wait for a connection. */
  #waiting: SpooledRecord[] = [];
  #heldRecords = 0;
  #heldBytes = 0;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #burials = new Set<Promise<void>>();
  #isConnected = false;
  #isStopping = false;
  /** Why there is no connection, or why the last one was lost and nothing has been delivered since. */
  #fault: DeliveryError | undefined;
  #failures = 0;
  /** Why a record cannot be read from the spool or put to the dead letters. */
  #localFault: DeliveryError | undefined;
  /** Sequences of unsettled records that were sent before: sent again, they may arrive twice. */
  readonly #sent = new Set<number>();
  #hasChangedFiles = false;
  readonly #waits = new Waiting();
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    spool: Spool,
    transport: Transport<Message>,
    deadLetters: DeadLetters,
    options: DeliveryOptions,
    events: DelivererEvents,
  ) {
    this.#spool = spool;
    this.#transport = transport;
    this.#deadLetters = deadLetters;
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    this.#running = Promise.all([this.#readSpool(), this.#keepConnected()]);
  }

  /** Ends after what is on its way came back; after `timeoutMs` it is cut off. The spool must be closed after that. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    this.#waits.end();
    const limit = setTimeout(() => void this.#transport.disconnect(), timeoutMs);
    while (this.#inFlight.size + this.#burials.size > 0)
      await Promise.allSettled([...this.#inFlight, ...this.#burials]);
    clearTimeout(limit);
    await this.#transport.disconnect();
    for (const lane of this.#lanes.values()) lane.empty();
    this.#events.onState();
  }

  /** Resolves when reading has ended, after the spool was closed. */
  async ended(): Promise<void> {
    await this.#running;
  }

  get state(): { readonly state: SinkState; readonly reason: string | undefined } {
    if (this.#isStopping) return { state: 'closed', reason: undefined };
    const faults = [this.#localFault, this.#fault, ...[...this.#lanes.values()].map((lane) => lane.fault)];
    const worst =
      faults.find((fault) => fault?.fault === 'stopped') ?? faults.find((fault) => fault !== undefined);
    if (worst !== undefined)
      return { state: worst.fault === 'stopped' ? 'stopped' : 'retrying', reason: worst.message };
    return { state: this.#isConnected ? 'healthy' : 'starting', reason: undefined };
  }

  /* ---- from the spool ---- */

  async #readSpool(): Promise<void> {
    for (;;) {
      while (
        !this.#isStopping &&
        (this.#heldRecords >= this.#options.windowRecords || this.#heldBytes >= this.#options.windowBytes)
      ) {
        await this.#waits.change();
      }
      if (this.#isStopping) return;
      const records = await this.#readSome();
      if (records.length === 0) return;
      this.#heldRecords += records.length;
      for (const record of records) this.#heldBytes += record.json.length;
      if (this.#isConnected) this.#place(records);
      else this.#waiting = [...this.#waiting, ...records];
    }
  }

  /* A spool that cannot be read is told, and tried again. */
  async #readSome(): Promise<SpooledRecord[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const records = await this.#spool.read(READ_RECORDS);
        if (attempt > 1) this.#setLocalFault(undefined);
        return records;
      } catch (error) {
        this.#setLocalFault(spoolError(error, this.#spool.folder).message);
        await this.#waits.pause(backOffMs(attempt, this.#options.retry, Math.random()));
        if (this.#isEnding()) return [];
      }
    }
  }

  #setLocalFault(message: string | undefined): void {
    this.#localFault = message === undefined ? undefined : new DeliveryError('stopped', message);
    this.#events.onState();
  }

  #place(records: readonly SpooledRecord[]): void {
    const now = performance.now();
    const touched = new Set<Lane<Message>>();
    for (const record of records) {
      try {
        const outgoing = this.#transport.encode(record);
        const lane = this.#lane(outgoing.lane);
        lane.push({ record, outgoing }, now);
        touched.add(lane);
      } catch (error) {
        // Whatever is wrong with it, one record must not hold up the others at every start.
        this.#bury(record, (error as Error).message);
      }
    }
    for (const lane of touched) this.#pump(lane);
  }

  #lane(key: string): Lane<Message> {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(key);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  /* ---- to the other side ---- */

  #pump(lane: Lane<Message>): void {
    if (lane.isBusy || lane.length === 0 || !this.#isConnected || this.#isStopping) return;
    // A lane that failed waits until its timer runs out.
    if (lane.failures > 0 && lane.timer !== undefined) return;
    const wait = lane.failures > 0 ? 0 : lane.dueIn(this.#options, performance.now());
    if (wait > 0) {
      lane.timer ??= setTimeout(() => {
        lane.timer = undefined;
        this.#pump(lane);
      }, wait);
      return;
    }
    clearTimeout(lane.timer);
    lane.timer = undefined;
    track(this.#inFlight, this.#send(lane));
  }

  async #send(lane: Lane<Message>): Promise<void> {
    const batch = lane.take(this.#options, performance.now());
    lane.isBusy = true;
    this.#noteResent(batch);
    try {
      await this.#transport.send(
        lane.key,
        batch.map(({ outgoing }) => outgoing.message),
      );
      for (const { record } of batch) this.#settle(record, 'acknowledged');
      this.#succeeded(lane);
      this.#waits.wake();
      this.#events.onSettled();
    } catch (error) {
      this.#failed(lane, batch, deliveryError(error));
    } finally {
      lane.isBusy = false;
    }
    this.#pump(lane);
  }

  #noteResent(batch: readonly Item<Message>[]): void {
    let again = 0;
    for (const { record } of batch) {
      if (this.#sent.has(record.sequence)) again++;
      else this.#sent.add(record.sequence);
    }
    if (again > 0) this.#spool.noteResent(again);
  }

  #succeeded(lane: Lane<Message>): void {
    const wasFailing = lane.fault !== undefined || this.#fault !== undefined;
    lane.succeeded();
    this.#fault = undefined;
    this.#failures = 0;
    if (wasFailing) this.#events.onState();
  }

  #failed(lane: Lane<Message>, batch: readonly Item<Message>[], error: DeliveryError): void {
    if (error.fault === 'refused') {
      for (const { record } of batch) this.#sent.delete(record.sequence);
      if (batch.length === 1) {
        this.#bury(batch[0]!.record, error.message);
        this.#succeeded(lane);
      } else {
        lane.putBack(batch);
        lane.narrow(batch.length);
      }
      return;
    }
    lane.putBack(batch);
    if (error.scope === 'connection') {
      this.#lose(error);
      return;
    }
    lane.failed(error);
    const { retry } = this.#options;
    const wait = error.fault === 'stopped' ? retry.stoppedMs : backOffMs(lane.failures, retry, Math.random());
    lane.timer = setTimeout(() => {
      lane.timer = undefined;
      this.#pump(lane);
    }, wait);
    this.#events.onState();
  }

  /* A record that nobody will take goes to the dead letters. It holds nothing up behind it. */
  #bury(record: SpooledRecord, reason: string): void {
    track(this.#burials, this.#writeDeadLetter(record, reason));
  }

  /* While the letter cannot be written the record stays unsettled. */
  async #writeDeadLetter(record: SpooledRecord, reason: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#deadLetters.add(record, reason);
        if (attempt > 1) this.#setLocalFault(undefined);
        this.#settle(record, 'dead-lettered');
        this.#waits.wake();
        this.#events.onDeadLetter(record, reason);
        this.#events.onSettled();
        return;
      } catch (error) {
        this.#setLocalFault(`${this.#deadLetters.path} cannot be written: ${(error as Error).message}.`);
        await this.#waits.pause(backOffMs(attempt, this.#options.retry, Math.random()));
        if (this.#isStopping) return;
      }
    }
  }

  #settle(record: SpooledRecord, outcome: 'acknowledged' | 'dead-lettered'): void {
    this.#spool.settle(record.sequence, outcome);
    this.#sent.delete(record.sequence);
    this.#heldRecords--;
    this.#heldBytes -= record.json.length;
  }

  /* ---- the connection ---- */

  async #keepConnected(): Promise<void> {
    const { watchedFiles } = this.#transport;
    const unwatch = watchFiles(watchedFiles, (file) => {
      this.#hasChangedFiles = true;
      this.#waits.interrupt();
      this.#lose(new DeliveryError('temporary', `${file} was changed; connecting anew.`));
    });
    try {
      while (!this.#isEnding()) {
        await this.#pauseBeforeConnecting();
        if (this.#isEnding()) return;
        try {
          await this.#connect();
        } catch (error) {
          this.#fault = deliveryError(error);
          this.#failures++;
          this.#events.onState();
          continue;
        }
        if (this.#isEnding()) return;
        if (this.#hasChangedFiles) {
          // They were changed while it connected, perhaps with the old ones.
          await this.#transport.disconnect();
          continue;
        }
        this.#isConnected = true;
        // With nothing to send there is nothing to prove it by.
        if (this.#heldRecords === 0) this.#fault = undefined;
        this.#events.onState();
        this.#place(this.#waiting.splice(0));
        while (this.#isUp()) await this.#waits.change();
        await Promise.allSettled([...this.#inFlight]);
        this.#gather();
        await this.#transport.disconnect();
      }
    } finally {
      unwatch();
    }
  }

  /* The end is not held up by a connection that is being made; that one is closed when it stands. */
  async #connect(): Promise<void> {
    const connecting = this.#transport.connect((error) => this.#lose(error));
    await this.#waits.untilEnd(connecting);
    if (this.#isEnding()) {
      connecting.then(
        () => this.#transport.disconnect(),
        () => undefined, // it was not wanted any more
      );
    }
  }

  async #pauseBeforeConnecting(): Promise<void> {
    const fault = this.#fault;
    const { retry } = this.#options;
    if (fault !== undefined && !this.#hasChangedFiles) {
      const failures = Math.max(1, this.#failures);
      const wait = fault.fault === 'stopped' ? retry.stoppedMs : backOffMs(failures, retry, Math.random());
      await this.#waits.pause(wait);
    }
    this.#hasChangedFiles = false;
  }

  #lose(error: DeliveryError): void {
    this.#fault = error;
    if (this.#isConnected) {
      this.#isConnected = false;
      this.#failures++;
    }
    this.#events.onState();
    this.#waits.wake();
  }

  /* Takes what waits in the lanes back; another connection may have other lanes. How far a lane is split stays. */
  #gather(): void {
    const items = [...this.#lanes.values()].flatMap((lane) => lane.empty());
    this.#waiting = [...items.map(({ record }) => record), ...this.#waiting].sort(
      (a, b) => a.sequence - b.sequence,
    );
  }

  /* Methods, because what they tell changes while somebody waits. */
  #isUp(): boolean {
    return this.#isConnected && !this.#isStopping;
  }

  #isEnding(): boolean {
    return this.#isStopping;
  }
}

/* Keeps work in view until it ends. */
function track(set: Set<Promise<void>>, work: Promise<void>): void {
  const tracked = work.finally(() => set.delete(tracked));
  set.add(tracked);
}

/* Whatever else a transport throws may pass by itself, and is told until it does. */
function deliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  return new DeliveryError('temporary', `Delivery failed: ${(error as Error).message}.`, { cause: error });
}
