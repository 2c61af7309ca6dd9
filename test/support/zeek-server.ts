import type { IncomingMessage } from 'node:http';
import { createServer as createPlain } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { ZeekValue } from '../../src/zeek/bridge/index.js';
import { readJson } from './strict-json.js';
import { strictValue } from './strict-zeek-values.js';
import type { ScriptDeclarations } from './zeek-script.js';
import { assertFits } from './zeek-script.js';

/** An event that the server took. */
export interface TakenEvent {
  readonly topic: string;
  readonly name: string;
  readonly args: readonly ZeekValue[];
}

/** One connected client, as the tests may treat it. */
export interface ServerClient {
  readonly applicationName: string | undefined;
  readonly subscriptions: readonly string[];
  readonly socket: WebSocket;
  /** Publishes an event to the client, when it subscribed to the topic; `args` are encoded values. */
  publish(topic: string, name: string, args: readonly string[]): void;
  sendError(code: string, context: string): void;
}

export interface ZeekServerOptions {
  readonly script: ScriptDeclarations;
  /** The handlers of the script. */
  readonly onEvent?: (event: TakenEvent, client: ServerClient) => void;
  /** What happens instead of an ack. */
  readonly onSubscribed?: (client: ServerClient) => void;
  readonly tls?: {
    readonly cert: Buffer;
    readonly key: Buffer;
    readonly ca?: Buffer;
    readonly requestCert?: boolean;
    readonly rejectUnauthorized?: boolean;
  };
  /** The path that is the API's; another one stands for a server of another version. */
  readonly path?: string;
  /** Whether pings are answered. */
  readonly autoPong?: boolean;
}

const APPLICATION_NAME = /^[-/_.=:*@a-zA-Z0-9]+$/;

/**
 * A strict server of the WebSocket API v1, written from Zeek's documentation. As in Zeek, pings are answered by the
 * socket layer at once, and messages wait in a queue for the main loop: a pong overtakes the errors of the frames that
 * were before its ping.
 */
export class ZeekServer {
  readonly taken: TakenEvent[] = [];
  readonly clients: ServerClient[] = [];
  errors = 0;
  readonly #options: ZeekServerOptions;
  readonly #server: ReturnType<typeof createPlain>;
  readonly #sockets: WebSocketServer;

  constructor(options: ZeekServerOptions) {
    this.#options = options;
    this.#server = options.tls === undefined ? createPlain() : createSecure({ ...options.tls });
    this.#sockets = new WebSocketServer({ server: this.#server, autoPong: options.autoPong ?? true });
    this.#sockets.on('connection', (socket, request) => this.#accept(socket, request));
  }

  /** Listens on loopback, on a free port unless told which. */
  async start(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this.port;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    socket.on('error', () => undefined); // a client that is cut off
    const error = (code: string, context: string): void => {
      this.errors++;
      socket.send(JSON.stringify({ type: 'error', code, context }));
    };
    if (request.url !== (this.#options.path ?? '/v1/messages/json')) {
      error('invalid_uri', 'Invalid URI - use /v1/messages/json');
      socket.close(1008, 'Invalid URI - use /v1/messages/json');
      return;
    }
    const applicationName = request.headers['x-application-name'];
    if (typeof applicationName === 'string' && !APPLICATION_NAME.test(applicationName)) {
      error('invalid_application_name', 'Invalid X-Application-Name');
      socket.close(1008, 'Invalid X-Application-Name');
      return;
    }
    let subscriptions: readonly string[] | undefined;
    let isAcked = false;
    const beforeAck: string[] = [];
    const client: ServerClient = {
      applicationName: applicationName as string | undefined,
      get subscriptions() {
        return subscriptions ?? [];
      },
      socket,
      publish: (topic, name, args) => {
        if (!(subscriptions ?? []).some((prefix) => topic.startsWith(prefix))) return;
        socket.send(eventText(topic, name, args));
      },
      sendError: error,
    };
    this.clients.push(client);
    const process = (message: string): void => {
      if (socket.readyState !== socket.OPEN) return;
      if (subscriptions === undefined) {
        subscriptions = this.#subscriptions(message, error);
        if (subscriptions === undefined) return;
        if (this.#options.onSubscribed !== undefined) {
          this.#options.onSubscribed(client);
          return;
        }
        // Subscribing takes Zeek a while; what comes meanwhile is kept.
        setImmediate(() => {
          socket.send(JSON.stringify({ type: 'ack', endpoint: 'a-websocket-1', version: '8.0.0' }));
          isAcked = true;
          for (const kept of beforeAck) this.#take(kept, client, error);
        });
      } else if (!isAcked) beforeAck.push(message);
      else this.#take(message, client, error);
    };
    socket.on('message', (data: Buffer, isBinary) => {
      const message = isBinary ? '\u0000' : data.toString();
      setImmediate(() => setImmediate(process, message));
    });
  }

  #subscriptions(message: string, error: ServerClient['sendError']): readonly string[] | undefined {
    let json: unknown;
    try {
      json = JSON.parse(message);
    } catch {
      json = undefined;
    }
    if (!Array.isArray(json)) error('deserialization_failed', 'subscriptions not an array');
    else if (!json.every((topic) => typeof topic === 'string'))
      error('deserialization_failed', 'individual subscription not a string');
    else return json;
    return undefined;
  }

  #take(message: string, client: ServerClient, error: ServerClient['sendError']): void {
    let event: TakenEvent;
    try {
      event = strictEvent(message);
    } catch {
      error('deserialization_failed', 'failed to decode JSON object');
      return;
    }
    const types = this.#options.script.events.get(event.name);
    try {
      if (types?.length !== event.args.length) throw new Error('unknown event or wrong arity');
      types.forEach((type, i) => assertFits(event.args[i], type, this.#options.script));
    } catch {
      error('deserialization_failed', 'failed to create Zeek event');
      return;
    }
    this.taken.push(event);
    this.#options.onEvent?.(event, client);
  }
}

/** Reads a data-message that is an event. Throws for anything else. */
export function strictEvent(message: string): TakenEvent {
  const json = readJson(message);
  if (!(json instanceof Map) || json.get('type') !== 'data-message') throw new Error('no data-message');
  const topic = json.get('topic');
  if (typeof topic !== 'string' || topic === '') throw new Error('no topic');
  const data = strictValue(json);
  if (data.type !== 'vector' || data.items.length !== 3) throw new Error('no event');
  const [format, type, body] = data.items;
  if (format?.type !== 'count' || format.value !== 1n) throw new Error('format is not 1');
  if (type?.type !== 'count' || type.value !== 1n) throw new Error('type is not 1');
  if (body?.type !== 'vector' || body.items.length < 2 || body.items.length > 3) throw new Error('no body');
  const [name, args] = body.items;
  if (name?.type !== 'string' || args?.type !== 'vector') throw new Error('no name and arguments');
  return { topic, name: name.value, args: args.items };
}

/** An event as Zeek sends it, with the network time as metadata. */
export function eventText(topic: string, name: string, args: readonly string[]): string {
  const list = `{"@data-type":"vector","data":[${args.join(',')}]}`;
  const metadata =
    '{"@data-type":"vector","data":[{"@data-type":"vector","data":[{"@data-type":"count","data":1},' +
    '{"@data-type":"timestamp","data":"2026-01-01T00:00:00.000"}]}]}';
  const body = `{"@data-type":"string","data":${JSON.stringify(name)}},${list},${metadata}`;
  return (
    `{"type":"data-message","topic":${JSON.stringify(topic)},"@data-type":"vector","data":[` +
    `{"@data-type":"count","data":1},{"@data-type":"count","data":1},{"@data-type":"vector","data":[${body}]}]}`
  );
}
