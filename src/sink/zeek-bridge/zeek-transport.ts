import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { BridgeMessage, BridgeTls } from '../../zeek/bridge/index.js';
import { BridgeError, encodeEvent, printable, ZeekBridge, ZeekValueError } from '../../zeek/bridge/index.js';
import type { Outgoing, Transport } from '../delivery/transport.js';
import { DeliveryError } from '../delivery/transport.js';
import type { SpooledRecord } from '../spool/record-codec.js';
import { UnfitNotice } from './alert-value.js';
import type { BridgeEvent, Reply } from './bridge-events.js';
import {
  bridgeEvent,
  hello,
  inSession,
  INTERFACE_VERSION,
  readReply,
  replyTopic,
  sync,
  TOPIC,
} from './bridge-events.js';

/** Paths of PEM files; read anew for every connection. */
export interface ZeekTlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly passphrase?: string;
  /** Name in Zeek's certificate, where it differs from the host. */
  readonly servername?: string;
}

export interface ZeekTransportOptions {
  readonly host: string;
  readonly port: number;
  /** Without it the connection is plain, which is right on loopback only. */
  readonly tls?: ZeekTlsFiles;
  /** Connection, subscription and the script's answer, each. */
  readonly handshakeTimeoutMs?: number;
  /** How long Zeek may take to handle a batch. */
  readonly syncTimeoutMs?: number;
  readonly pingIntervalMs?: number;
  readonly pingTimeoutMs?: number;
  /** A larger event is refused. */
  readonly maxEventBytes?: number;
}

const LANE = 'zeek';
const APPLICATION_NAME = 'copperhull';
const SESSION_BYTES = 12;
const DEFAULTS = { handshakeTimeoutMs: 10_000, syncTimeoutMs: 30_000, maxEventBytes: 2 * 1024 * 1024 };
const REFUSED = 'deserialization_failed';

/** What is waited for, and what came meanwhile. */
interface Window {
  readonly isAnswer: (reply: Reply) => boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: DeliveryError) => void;
  /** Events that Zeek could not take. */
  refused: number;
  /** What Zeek said of the first of them. */
  why: string;
  /** An error that ends the waiting at once. */
  readonly endsAtRefusal: boolean;
}

/**
 * The way from a spool to a running Zeek with deploy/zeek/copperhull.zeek. A batch is acknowledged by the script itself:
 * behind the batch goes a `sync` event, which Zeek handles after all of them, and the script answers how many it has
 * handled. Zeek's error messages do not name the event; those that arrive before that answer are of this batch.
 */
export class ZeekTransport implements Transport<BridgeEvent> {
  readonly #options: ZeekTransportOptions & typeof DEFAULTS;
  readonly #where: string;
  #bridge: ZeekBridge | undefined;
  #session = '';
  #window: Window | undefined;
  #syncs = 0;

  constructor(options: ZeekTransportOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#where = `Zeek at ${options.host}:${options.port}`;
  }

  get watchedFiles(): readonly string[] {
    const { caFile, certFile, keyFile } = this.#options.tls ?? {};
    return [caFile, certFile, keyFile].filter((path) => path !== undefined);
  }

  async connect(onLost: (error: DeliveryError) => void): Promise<void> {
    await this.disconnect();
    const session = randomBytes(SESSION_BYTES).toString('hex');
    const { host, port, tls, handshakeTimeoutMs, pingIntervalMs, pingTimeoutMs } = this.#options;
    const bridge = new ZeekBridge({
      host,
      port,
      ...(tls === undefined ? {} : { tls: await this.#readTls(tls) }),
      ...(pingIntervalMs === undefined ? {} : { pingIntervalMs }),
      ...(pingTimeoutMs === undefined ? {} : { pingTimeoutMs }),
      subscriptions: [replyTopic(session)],
      applicationName: APPLICATION_NAME,
      handshakeTimeoutMs,
      onMessage: (message) => {
        if (this.#bridge === bridge) this.#receive(message);
      },
      onClose: (error) => {
        if (this.#bridge !== bridge) return;
        this.#bridge = undefined;
        const failure = lost(error, this.#where);
        if (this.#window === undefined) onLost(failure);
        else this.#window.reject(failure);
      },
    });
    this.#session = session;
    this.#bridge = bridge;
    try {
      await bridge.connect();
      await this.#greet(bridge);
    } catch (error) {
      this.#bridge = undefined;
      await bridge.close();
      throw error instanceof BridgeError ? unconnected(error) : error;
    }
  }

  encode(record: SpooledRecord): Outgoing<BridgeEvent> {
    let message: BridgeEvent;
    try {
      message = bridgeEvent(record);
    } catch (error) {
      if (!(error instanceof UnfitNotice || error instanceof ZeekValueError)) throw error;
      throw new DeliveryError(
        'refused',
        `Record ${record.sequence} cannot become an event of Zeek: ${error.message}`,
        { cause: error },
      );
    }
    const bytes = Buffer.byteLength(this.#text(message));
    const { maxEventBytes } = this.#options;
    if (bytes > maxEventBytes) {
      throw new DeliveryError(
        'refused',
        `Record ${record.sequence} makes an event of ${bytes} octets, more than the ${maxEventBytes} that are sent to Zeek.`,
      );
    }
    return { lane: LANE, bytes, message };
  }

  async send(_lane: string, messages: readonly BridgeEvent[]): Promise<void> {
    const bridge = this.#bridge;
    if (bridge === undefined)
      throw new DeliveryError('temporary', `There is no connection to ${this.#where}.`);
    if (this.#window !== undefined)
      throw new Error('ZeekTransport.send was called while a batch was under way.');
    const number = ++this.#syncs;
    const { syncTimeoutMs } = this.#options;
    const answer = this.#await(
      (reply) => reply.kind === 'synced' && reply.number === BigInt(number),
      syncTimeoutMs,
      `${this.#where} did not handle ${messages.length} events within ${syncTimeoutMs} ms; they are sent again.`,
    );
    const window = this.#window as Window | undefined;
    void this.#publishAll(bridge, [...messages, sync(number)]);
    this.#judge(await answer, messages.length, window);
  }

  async disconnect(): Promise<void> {
    const bridge = this.#bridge;
    this.#bridge = undefined;
    this.#window?.reject(new DeliveryError('temporary', `The connection to ${this.#where} was closed.`));
    await bridge?.close();
  }

  #judge(reply: Reply, sent: number, window: Window | undefined): void {
    const { refused = 0, why = '' } = window ?? {};
    if (refused > 0) {
      throw new DeliveryError(
        'refused',
        `${this.#where} could not take ${refused} of ${sent} events (${why}); look at reporter.log there.`,
      );
    }
    if (reply.kind === 'synced' && reply.handled < BigInt(sent)) {
      throw new DeliveryError(
        'temporary',
        `${this.#where} handled ${reply.handled} of ${sent} events; they are sent again.`,
      );
    }
  }

  /* Makes sure that the script is there and of this release, before any record may be taken for refused. */
  async #greet(bridge: ZeekBridge): Promise<void> {
    const { handshakeTimeoutMs } = this.#options;
    const answer = this.#await(
      (reply) => reply.kind === 'ready',
      handshakeTimeoutMs,
      `${this.#where} knows copperhull's events, but nothing answered within ${handshakeTimeoutMs} ms; ` +
        'load copperhull.zeek on the manager too, or wait until Zeek is less busy.',
      true,
    );
    void this.#publishAll(bridge, [hello()]);
    const reply = await answer;
    if (reply.kind === 'ready' && reply.interfaceVersion !== BigInt(INTERFACE_VERSION)) {
      throw new DeliveryError(
        'stopped',
        `${this.#where} has a copperhull.zeek of interface ${reply.interfaceVersion}, but this copperhull needs ` +
          `interface ${INTERFACE_VERSION}; load the script of this release.`,
      );
    }
  }

  /* Never rejects: what goes wrong ends the window. */
  async #publishAll(bridge: ZeekBridge, events: readonly BridgeEvent[]): Promise<void> {
    try {
      for (const event of events) await bridge.publishText(this.#text(event));
    } catch (error) {
      this.#window?.reject(lost(error as BridgeError, this.#where));
    }
  }

  #text(event: BridgeEvent): string {
    return encodeEvent(TOPIC, inSession(this.#session, event));
  }

  /* Opens the window. Rejects with a DeliveryError. */
  async #await(
    isAnswer: Window['isAnswer'],
    timeoutMs: number,
    late: string,
    endsAtRefusal = false,
  ): Promise<Reply> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Reply>((resolve, reject) => {
        timer = setTimeout(() => this.#giveUp(late), timeoutMs);
        this.#window = { isAnswer, resolve, reject, refused: 0, why: '', endsAtRefusal };
      });
    } finally {
      clearTimeout(timer);
      this.#window = undefined;
    }
  }

  /* The connection goes too: an error message that comes late would be taken for one about the next batch. */
  #giveUp(why: string): void {
    const bridge = this.#bridge;
    this.#bridge = undefined;
    this.#window?.reject(new DeliveryError('temporary', why));
    void bridge?.close();
  }

  #receive(message: BridgeMessage): void {
    const window = this.#window;
    if (window === undefined) return;
    if (message.type === 'error') this.#receiveError(window, message.code, message.context);
    if (message.type !== 'data-message') return;
    const reply = readReply(message.event, this.#session);
    if (reply !== undefined && window.isAnswer(reply)) window.resolve(reply);
  }

  #receiveError(window: Window, code: string, context: string): void {
    const why = printable(`${code}: ${context}`);
    if (code !== REFUSED) {
      this.#giveUp(`${this.#where} reports an error (${why}); look at reporter.log there.`);
    } else if (window.endsAtRefusal) {
      window.reject(
        new DeliveryError(
          'stopped',
          `Zeek does not know copperhull's events; load copperhull.zeek of this release (${this.#where}, ${why}).`,
        ),
      );
    } else {
      if (window.refused === 0) window.why = why;
      window.refused++;
    }
  }

  async #readTls(files: ZeekTlsFiles): Promise<BridgeTls> {
    const { caFile, certFile, keyFile, passphrase, servername } = files;
    const read = async (path: string | undefined): Promise<Buffer | undefined> => {
      if (path === undefined) return undefined;
      try {
        return await readFile(path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw new DeliveryError(
          'stopped',
          `${path} cannot be read (${code}); name a PEM file that this user may read.`,
          {
            cause: error,
          },
        );
      }
    };
    const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(servername === undefined ? {} : { servername }),
    };
  }
}

/* What a connection that was never made calls for. */
function unconnected(error: BridgeError): DeliveryError {
  const isOurs = error.code === 'tls' || error.code === 'rejected' || error.code === 'protocol';
  return new DeliveryError(isOurs ? 'stopped' : 'temporary', error.message, { cause: error });
}

/* What the end of a good connection calls for. Garbage in the middle is damage, not configuration. */
function lost(error: BridgeError | undefined, where: string): DeliveryError {
  const message = error?.message ?? `The connection to ${where} was closed.`;
  const fault = error?.code === 'too-big' ? 'refused' : error?.code === 'rejected' ? 'stopped' : 'temporary';
  return new DeliveryError(fault, message, { cause: error });
}
