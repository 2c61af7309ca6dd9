import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** How the proxy treats the octets of its connections. */
export type ProxyMode =
  | 'pass'
  /** Nothing goes on in either direction; connections stay. */
  | 'stall'
  /** A few octets at a time, with pauses. */
  | 'slow'
  /** New connections are taken and never answered, old ones go silent: the other end is gone without a word. */
  | 'half-open';

const SLOW_OCTETS = 256;
const SLOW_PAUSE_MS = 10;

/** A TCP proxy on loopback that can reset, stall, slow down and swallow: faults between a client and its server. */
export class FaultProxy {
  readonly port: number;
  mode: ProxyMode = 'pass';
  connections = 0;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];

  private constructor(server: Server, port: number, target: () => number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on('connection', (client) => this.#serve(client));
  }

  /** `target` gives the port to connect to. */
  static async start(target: () => number, port = 0): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new FaultProxy(server, (server.address() as { port: number }).port, target);
  }

  /** Cuts every connection with a TCP reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  set(mode: ProxyMode): void {
    this.mode = mode;
    if (mode === 'pass' || mode === 'slow') for (const resume of this.#waiting.splice(0)) resume();
  }

  async stop(): Promise<void> {
    this.set('pass');
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket): void {
    this.connections++;
    const server = connect(this.#target(), '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => from.destroy()); // the other end sees it as a close
      void this.#carry(from, to);
    }
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        let at = 0;
        while (at < chunk.length) {
          if (this.mode === 'half-open' || this.mode === 'stall')
            await new Promise<void>((resolve) => this.#waiting.push(resolve));
          const end = this.mode === 'slow' ? Math.min(at + SLOW_OCTETS, chunk.length) : chunk.length;
          to.write(chunk.subarray(at, end));
          if (this.mode === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_PAUSE_MS));
          at = end;
        }
      }
      to.end();
    } catch {
      to.destroy(); // a reset on one side is passed on as the end of the other
    }
  }
}
