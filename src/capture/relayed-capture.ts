import type { MessagePort } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { statsOf } from './cap-feed.js';
import type { RelayFault, RelayNews, RelayOrder } from './cap-relay.js';
import { CaptureError } from './capture-error.js';
import type { LiveOptions } from './live-options.js';
import type { CaptureStats, LiveSource } from './live-source.js';
import type { CaptureInterface, OnPackets } from './packet-batch.js';
import { SlabReader } from './slab-reader.js';

interface Answer {
  readonly resolve: () => void;
  readonly reject: (error: CaptureError) => void;
}

/** A capture of the driver `cap`, which can be on the main thread only, read in another thread. */
export class RelayedCapture implements LiveSource {
  readonly interfaces: readonly CaptureInterface[];
  readonly #port: MessagePort;
  readonly #counts: Float64Array;
  readonly #slabs = new SlabReader((buffer) => this.#order({ kind: 'give-back', buffer }, [buffer]));
  readonly #answers = new Map<number, Answer>();
  #nextId = 1;
  #isClosing = false;
  #reading: Promise<void> | undefined;
  readonly #whenGone: Promise<void>;

  private constructor(name: string, port: MessagePort, linkType: number, counts: Float64Array) {
    this.interfaces = [{ name, linkType, origin: name }];
    this.#port = port;
    this.#counts = counts;
    port.on('message', (news: RelayNews) => this.#hear(news));
    this.#whenGone = new Promise((resolve) => {
      port.on('close', () => {
        this.#gone();
        resolve();
      });
    });
  }

  /**
   * Opens an interface; packets before `read` are not kept. `ask` hands a port and the options to `relayCap` on the main
   * thread. Rejects with a CaptureError.
   */
  static async open(
    options: LiveOptions,
    ask: (port: MessagePort, options: LiveOptions) => void,
  ): Promise<RelayedCapture> {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise<RelayNews | undefined>((resolve) => {
      port1.once('message', resolve).once('close', () => resolve(undefined));
    });
    ask(port2, options);
    const news = await answer;
    if (news?.kind === 'opened')
      return new RelayedCapture(options.interface, port1, news.linkType, news.counts);
    port1.close();
    throw news?.kind === 'refused' ? errorOf(news.fault) : gone();
  }

  get isCapturing(): boolean {
    return !this.#isClosing && !this.#slabs.hasEnded;
  }

  read(onPackets: OnPackets): Promise<void> {
    if (this.#reading !== undefined) return this.#slabs.read(onPackets);
    this.#reading = this.#slabs.read(onPackets).finally(() => this.#port.close());
    this.#order({ kind: 'start' });
    return this.#reading;
  }

  stats(): CaptureStats {
    return statsOf(this.#counts);
  }

  countInstructions(text: string): Promise<undefined> {
    return this.#filter(text, false);
  }

  setFilter(text: string): Promise<undefined> {
    return this.#filter(text, true);
  }

  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#order({ kind: 'close' });
    }
    await this.#whenGone;
    // Who reads gets the error.
    await this.#reading?.catch(() => undefined);
  }

  #order(order: RelayOrder, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(order, transfer);
  }

  async #filter(text: string, isForUse: boolean): Promise<undefined> {
    if (!this.isCapturing) throw gone();
    const id = this.#nextId++;
    await new Promise<void>((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      this.#order({ kind: 'filter', id, text, isForUse });
    });
  }

  #hear(news: RelayNews): void {
    switch (news.kind) {
      case 'slab':
        this.#slabs.add(news.slab);
        return;
      case 'filtered':
        this.#answered(news.id, news.fault);
        return;
      case 'over':
        this.#isClosing = true;
        this.#port.close();
        return;
      case 'opened':
      case 'refused':
    }
  }

  #answered(id: number, fault: RelayFault | undefined): void {
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (fault === undefined) answer?.resolve();
    else answer?.reject(errorOf(fault));
  }

  #gone(): void {
    for (const { reject } of this.#answers.values()) reject(gone());
    this.#answers.clear();
    if (this.#isClosing) this.#slabs.finish();
    else this.#slabs.fail(gone());
  }
}

function errorOf({ code, message }: RelayFault): CaptureError {
  return new CaptureError(code, message);
}

function gone(): CaptureError {
  return new CaptureError('closed', 'The capture has ended; open it anew.');
}
