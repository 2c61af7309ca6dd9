import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlockList, isIP } from 'node:net';
import type { HttpSnapshot } from './sensor-snapshot.js';

export interface HttpAnswer {
  readonly status: number;
  /** Media type. */
  readonly type: string;
  readonly body: string;
}

/** What is answered, by path. */
export type HttpRoutes = ReadonlyMap<string, () => HttpAnswer | Promise<HttpAnswer>>;

export interface HttpOptions {
  /** An address, not a name. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Whether `host` may be something else than a loopback address. */
  readonly allowRemote: boolean;
  /** Milliseconds in which a request must have come completely. */
  readonly requestTimeoutMs: number;
  /** Milliseconds without a sign of life after which a connection is closed. */
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
  /** Octets of a request's head. */
  readonly maxHeaderBytes: number;
  /** Milliseconds that `close` waits for answers under way. */
  readonly closeMs: number;
  /** Told of a route that failed; its caller gets a 500 without words. */
  readonly onError: (error: Error) => void;
}

export const DEFAULT_HTTP: Omit<HttpOptions, 'onError'> = {
  host: '127.0.0.1',
  port: 9479,
  allowRemote: false,
  requestTimeoutMs: 5_000,
  idleTimeoutMs: 15_000,
  maxConnections: 32,
  maxHeaderBytes: 8 * 1024,
  closeMs: 1_000,
};

/** The HTTP server cannot be opened, in one sentence that says what to do. */
export class HttpServerError extends Error {
  override readonly name = 'HttpServerError';
}

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
} as const;

/* Fixed words: nothing of a request is ever sent back. */
const WORDS: Readonly<Record<number, string>> = {
  400: 'A request here has no body.\n',
  404: 'There is nothing here.\n',
  405: 'Only GET and HEAD are answered.\n',
  421: 'Ask for this server by its address.\n',
  500: 'The sensor could not answer; its log says why.\n',
};

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** A small server for local eyes: GET and HEAD of fixed paths, everything bounded. */
export class HttpServer {
  readonly #options: HttpOptions;
  readonly #routes: HttpRoutes;
  readonly #server: Server;
  #requests = 0;
  #failures = 0;
  #refused = 0;

  /** Throws an HttpServerError for an address that is not allowed. */
  constructor(routes: HttpRoutes, options: HttpOptions) {
    const { host, allowRemote, requestTimeoutMs, idleTimeoutMs } = options;
    const family = isIP(host);
    if (family === 0) throw new HttpServerError(`"${host}" is no address; write one, for example 127.0.0.1.`);
    if (!allowRemote && !LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')) {
      throw new HttpServerError(
        `${host} is not a loopback address, and metrics are not protected by a password; use 127.0.0.1, or allow remote access in the configuration.`,
      );
    }
    this.#routes = routes;
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: options.maxHeaderBytes,
        headersTimeout: requestTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: idleTimeoutMs,
        // How often Node looks for requests over their time.
        connectionsCheckingInterval: Math.max(10, Math.ceil(requestTimeoutMs / 4)),
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = options.maxConnections;
    this.#server.timeout = idleTimeoutMs;
    this.#server.on('drop', () => this.#refused++);
  }

  /** Resolves with the address in use. Rejects with an HttpServerError. */
  open(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(unopened(host, port, error));
      this.#server.once('error', onError);
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', this.#options.onError);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Takes no more requests; resolves when answers under way are sent, or their time is over. */
  close(): Promise<void> {
    if (!this.#server.listening) return Promise.resolve();
    return new Promise((resolve) => {
      const force = setTimeout(() => this.#server.closeAllConnections(), this.#options.closeMs);
      this.#server.close(() => {
        clearTimeout(force);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }

  snapshot(): HttpSnapshot {
    return { requests: this.#requests, failures: this.#failures, refusedConnections: this.#refused };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requests++;
    const { method, headers } = request;
    const route = this.#routes.get(request.url?.split('?', 1)[0] ?? '');
    const hasBody = (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
    // What follows the head is not read.
    if (hasBody) response.shouldKeepAlive = false;
    if (!this.#isForUs(headers.host)) send(response, failure(421));
    else if (route === undefined) send(response, failure(404));
    else if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      send(response, failure(405));
    } else if (hasBody) send(response, failure(400));
    else {
      try {
        send(response, await route());
      } catch (error) {
        this.#failures++;
        this.#options.onError(error as Error);
        send(response, failure(500));
      }
    }
  }

  /*
   * A page of somebody else can give its own name this machine's address, and then read what is here (DNS rebinding). It
   * cannot do so with an address.
   */
  #isForUs(host: string | undefined): boolean {
    if (this.#options.allowRemote) return true;
    const name = host?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') ?? '';
    return name === 'localhost' || isIP(name) !== 0;
  }
}

function failure(status: number): HttpAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: WORDS[status]! };
}

function send(response: ServerResponse, { status, type, body }: HttpAnswer): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...HEADERS, 'Content-Type': type, 'Content-Length': length });
  // Node leaves the body of an answer to HEAD out.
  response.end(body);
}

function unopened(host: string, port: number, error: NodeJS.ErrnoException): HttpServerError {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const why =
    error.code === 'EADDRINUSE'
      ? `another program has it; choose another port`
      : error.code === 'EADDRNOTAVAIL'
        ? 'this machine does not have the address; choose another'
        : error.code === 'EACCES'
          ? 'ports below 1024 need privileges; choose a higher port'
          : error.message;
  return new HttpServerError(`The HTTP server cannot listen on ${where}: ${why}.`, { cause: error });
}
