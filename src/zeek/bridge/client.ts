import { randomBytes } from 'node:crypto';
import type { RawData } from 'ws';
import { WebSocket } from 'ws';
import { BridgeError, closeFailure, printable, socketFailure } from './bridge-error.js';
import type { ServerMessage } from './messages.js';
import { encodeEvent, parseServerMessage } from './messages.js';
import type { ZeekValue } from './values.js';

/** PEM texts. The server's certificate is always verified. */
export interface BridgeTls {
  /** CAs to trust instead of the system's. */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly passphrase?: string;
  /** Name in the server's certificate, where it differs from the host. */
  readonly servername?: string;
}

export interface BridgeOptions {
  /** Name or address of the host. */
  readonly host: string;
  readonly port: number;
  /** Makes it `wss`. */
  readonly tls?: BridgeTls;
  /** Topic prefixes; none to only publish. */
  readonly subscriptions?: readonly string[];
  /** Value of the header X-Application-Name; Zeek labels its metrics with it. */
  readonly applicationName?: string;
  /** From the start of `connect` to the ack. */
  readonly handshakeTimeoutMs?: number;
  readonly pingIntervalMs?: number;
  /** A server that does not answer a ping for so long is given up. A busy Zeek answers late. */
  readonly pingTimeoutMs?: number;
  /** A longer message of the server ends the connection. */
  readonly maxMessageBytes?: number;
  /** Octets that may wait in this process to be written; `publish` resolves when fewer do. */
  readonly maxBufferedBytes?: number;
  /** Called for data-messages, errors and what cannot be read, in the order of their arrival. */
  readonly onMessage?: (message: BridgeMessage) => void;
  /** Called once when a connection that was made has ended, also by `close` (then without an error). */
  readonly onClose?: (error: BridgeError | undefined) => void;
}

export type BridgeMessage = Exclude<ServerMessage, { readonly type: 'ack' }>;

export interface BridgeAck {
  readonly endpoint: string;
  /** Zeek's version. */
  readonly version: string;
}

/** Port of Zeek's WebSocket server since 8.0. */
export const DEFAULT_PORT = 27759;
const PATH = '/v1/messages/json';
const APPLICATION_NAME = /^[-/_.=:*@a-zA-Z0-9]+$/;
const PING_BYTES = 8;
/** How long a closing handshake may take. */
const CLOSE_TIMEOUT_MS = 1000;

const DEFAULTS = {
  subscriptions: [] as readonly string[],
  handshakeTimeoutMs: 10_000,
  pingIntervalMs: 15_000,
  pingTimeoutMs: 30_000,
  maxMessageBytes: 1024 * 1024,
  maxBufferedBytes: 4 * 1024 * 1024,
};

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: BridgeError) => void;
}

/**
 * One connection to the WebSocket API v1 of a Zeek (8.0 or newer). It is made once and does not reconnect: make a new
 * bridge for that. The server has no authentication of its own: let it listen on loopback, or behind TLS with client
 * certificates.
 */
export class ZeekBridge {
  readonly #options: BridgeOptions & typeof DEFAULTS;
  readonly #where: string;
  #state: 'new' | 'connecting' | 'ready' | 'closed' = 'new';
  #socket: WebSocket | undefined;
  #handshake: { resolve: (ack: BridgeAck) => void; reject: (error: BridgeError) => void } | undefined;
  #handshakeTimer: NodeJS.Timeout | undefined;
  #pingTimer: NodeJS.Timeout | undefined;
  readonly #pings = new Map<string, () => void>();
  /** Calls that wait for something; rejected when the connection ends. */
  readonly #waiters = new Set<Waiter>();

  constructor(options: BridgeOptions) {
    const { applicationName, host, port } = options;
    if (applicationName !== undefined && !APPLICATION_NAME.test(applicationName))
      throw new BridgeError('misuse', 'The application name has characters that Zeek refuses.');
    this.#options = { ...DEFAULTS, ...options };
    this.#where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Connects, subscribes and waits for Zeek's ack. Rejects with a BridgeError. */
  connect(): Promise<BridgeAck> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'new') {
        reject(new BridgeError('misuse', 'A bridge connects once; make a new one.'));
        return;
      }
      const { applicationName, tls, maxMessageBytes, handshakeTimeoutMs } = this.#options;
      this.#state = 'connecting';
      this.#handshake = { resolve, reject };
      this.#handshakeTimer = setTimeout(
        () =>
          this.#end(
            new BridgeError('timeout', `${this.#where} did not answer within ${handshakeTimeoutMs} ms.`),
          ),
        handshakeTimeoutMs,
      );
      try {
        this.#socket = new WebSocket(`${tls === undefined ? 'ws' : 'wss'}://${this.#where}${PATH}`, {
          ...tls,
          rejectUnauthorized: true,
          minVersion: 'TLSv1.2',
          maxPayload: maxMessageBytes,
          perMessageDeflate: false,
          ...(applicationName === undefined ? {} : { headers: { 'X-Application-Name': applicationName } }),
        });
      } catch (error) {
        this.#end(
          error instanceof SyntaxError
            ? new BridgeError('rejected', `${this.#where} is no host and port; check both.`, { cause: error })
            : socketFailure(error as Error, this.#where),
        );
        return;
      }
      this.#listen(this.#socket);
    });
  }

  /**
   * Publishes an event. Resolves when it is written or fewer than `maxBufferedBytes` wait, which says nothing about
   * Zeek: an event that Zeek does not take comes back as an error message, without a word about which one it was.
   */
  publish(topic: string, name: string, args: readonly ZeekValue[]): Promise<void> {
    return this.publishText(encodeEvent(topic, { name, args, metadata: undefined }));
  }

  /** As {@link publish}, with what `encodeEvent` made. */
  publishText(text: string): Promise<void> {
    return this.#wait((waiter, socket) => {
      const { maxBufferedBytes } = this.#options;
      if (socket.bufferedAmount > maxBufferedBytes) {
        waiter.reject(
          new BridgeError(
            'overflow',
            `${maxBufferedBytes} octets wait for ${this.#where}; publish less at once.`,
          ),
        );
        return undefined;
      }
      // A failed write is followed by the end of the connection, which rejects.
      socket.send(text, (error) => {
        if (!(error instanceof Error)) waiter.resolve();
      });
      if (socket.bufferedAmount <= maxBufferedBytes) waiter.resolve();
      return undefined;
    });
  }

  /**
   * Sends a WebSocket ping and resolves at its pong. That shows that the server's socket layer is alive and has read
   * all frames before. It does not show that Zeek has looked at them: the pong overtakes Zeek's queue, and error
   * messages for these frames may come after it.
   */
  ping(timeoutMs: number): Promise<void> {
    const payload = randomBytes(PING_BYTES).toString('hex');
    return this.#wait((waiter, socket) => {
      const timer = setTimeout(() => {
        waiter.reject(
          new BridgeError('timeout', `${this.#where} did not answer a ping within ${timeoutMs} ms.`),
        );
      }, timeoutMs);
      this.#pings.set(payload, waiter.resolve);
      socket.ping(payload);
      return () => {
        clearTimeout(timer);
        this.#pings.delete(payload);
      };
    });
  }

  /** Ends the connection. Never rejects; a server that does not answer is cut off. */
  close(): Promise<void> {
    const socket = this.#socket;
    this.#end(undefined);
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.close(1000);
    });
  }

  #listen(socket: WebSocket): void {
    socket.on('open', () => socket.send(JSON.stringify(this.#options.subscriptions)));
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('pong', (data) => this.#pings.get(data.toString('latin1'))?.());
    socket.on('error', (error) => {
      this.#end(socketFailure(error, this.#where));
    });
    socket.on('close', (code, reason) => {
      this.#end(closeFailure(code, reason.toString(), this.#where));
    });
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#state === 'closed') return;
    const message: ServerMessage = isBinary
      ? { type: 'unreadable', reason: 'It is a binary frame.' }
      : // ws hands over one Buffer unless told otherwise.
        parseServerMessage((data as Buffer).toString());
    if (this.#state === 'ready') {
      // A second ack would be an answer to a second array of subscriptions, which is never sent.
      const { onMessage } = this.#options;
      onMessage?.(message.type === 'ack' ? { type: 'unreadable', reason: 'It is a second ack.' } : message);
    } else if (message.type === 'ack') {
      this.#ready({ endpoint: message.endpoint, version: message.version });
    } else if (message.type === 'error') {
      const { code, context } = message;
      this.#end(
        new BridgeError(
          'rejected',
          `${this.#where} turned the client away: ${printable(code)}, ${printable(context)}.`,
        ),
      );
    } else {
      this.#end(
        new BridgeError(
          'protocol',
          `${this.#where} does not speak Zeek's WebSocket API v1; check host and port.`,
        ),
      );
    }
  }

  #ready(ack: BridgeAck): void {
    const { pingIntervalMs, pingTimeoutMs } = this.#options;
    clearTimeout(this.#handshakeTimer);
    this.#state = 'ready';
    this.#pingTimer = setInterval(() => {
      if (this.#pings.size > 0) return;
      this.ping(pingTimeoutMs).catch((error: unknown) => {
        this.#end(error as BridgeError);
      });
    }, pingIntervalMs);
    this.#handshake?.resolve(ack);
    this.#handshake = undefined;
  }

  /* Runs `start` on a connection that is ready; what it returns cleans up behind it. */
  #wait(start: (waiter: Waiter, socket: WebSocket) => (() => void) | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (this.#state !== 'ready' || socket === undefined) {
        reject(new BridgeError('closed', `There is no connection to ${this.#where}.`));
        return;
      }
      let cleanUp: (() => void) | undefined = undefined;
      const settle = (finish: () => void): void => {
        if (!this.#waiters.delete(waiter)) return;
        cleanUp?.();
        finish();
      };
      const waiter: Waiter = {
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      this.#waiters.add(waiter);
      cleanUp = start(waiter, socket);
    });
  }

  /* The one way into `closed`; without an error when the caller closes. */
  #end(error: BridgeError | undefined): void {
    const before = this.#state;
    if (before === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#handshakeTimer);
    clearInterval(this.#pingTimer);
    const failure = error ?? new BridgeError('closed', `The connection to ${this.#where} was closed.`);
    for (const waiter of [...this.#waiters]) waiter.reject(failure);
    this.#handshake?.reject(failure);
    this.#handshake = undefined;
    if (error !== undefined) this.#socket?.terminate();
    if (before === 'ready') this.#options.onClose?.(error);
  }
}
