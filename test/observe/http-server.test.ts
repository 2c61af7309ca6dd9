import { skip } from '../support/skip.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import type { HttpAnswer, HttpOptions } from '../../src/observe/http-server.js';
import { DEFAULT_HTTP, HttpServer, HttpServerError } from '../../src/observe/http-server.js';
import { Metrics } from '../../src/observe/metrics.js';
import { observationRoutes } from '../../src/observe/routes.js';
import { parseExposition } from '../support/prometheus-text.js';
import { CAPTURE, SINK, SNAPSHOT } from '../support/snapshots.js';

describe('the HTTP server', () => {
  const errors: Error[] = [];
  let snapshot = SNAPSHOT;
  let server: HttpServer;
  let port: number;

  async function start(options: Partial<HttpOptions> = {}, more?: () => Promise<HttpAnswer>): Promise<void> {
    const routes = new Map(observationRoutes(() => snapshot, new Metrics()));
    routes.set('/broken', () => {
      throw new Error('It broke.');
    });
    if (more !== undefined) routes.set('/more', more);
    server = new HttpServer(routes, {
      ...DEFAULT_HTTP,
      port: 0,
      onError: (error) => errors.push(error),
      ...options,
    });
    ({ port } = await server.open());
  }

  beforeEach(() => {
    snapshot = SNAPSHOT;
    errors.length = 0;
  });
  afterEach(() => server.close());

  const get = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });

  /** What comes back for these octets, until the server ends the connection. */
  async function raw(text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    return untilClosed(socket);
  }

  async function untilClosed(socket: Socket): Promise<string> {
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    await once(socket, 'close');
    return answer;
  }

  it('answers /healthz, /readyz and /metrics', async () => {
    await start();
    for (const path of ['/healthz', '/readyz']) {
      const answer = await get(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.deepEqual(await answer.json(), { status: 'ok', reasons: [] });
    }
    const metrics = await get('/metrics?format=prometheus');
    assert.match(metrics.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
    const parsed = parseExposition(await metrics.text());
    assert.equal(parsed.get('copperhull_capture_packets_total')!.series.get('interface="eth1"'), 1000);
  });

  it('answers 503 with reasons when the sensor is not ready, and 200 when it is only degraded', async () => {
    await start();
    snapshot = { ...SNAPSHOT, captures: [{ ...CAPTURE, isOpen: false }] };
    const failing = await get('/readyz');
    assert.equal(failing.status, 503);
    const report = (await failing.json()) as { readonly reasons: readonly { readonly message: string }[] };
    assert.equal(report.reasons[0]!.message, 'Interface eth1 is not captured.');
    assert.equal((await get('/healthz')).status, 200);
    snapshot = { ...SNAPSHOT, sinks: [{ ...SINK, state: 'retrying' }] };
    const degraded = await get('/readyz');
    assert.equal(degraded.status, 200);
    assert.equal(((await degraded.json()) as { readonly status: string }).status, 'degraded');
  });

  it('answers HEAD with the head alone', async () => {
    await start();
    const answer = await get('/healthz', 'HEAD');
    assert.equal(answer.status, 200);
    assert.ok(Number(answer.headers.get('content-length')) > 0);
    assert.equal(await answer.text(), '');
  });

  it('sends security headers with every answer', async () => {
    await start();
    for (const path of ['/metrics', '/nowhere', '/broken']) {
      const { headers } = await get(path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.match(headers.get('content-security-policy')!, /default-src 'none'/);
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('access-control-allow-origin'), null);
    }
  });

  it('refuses other methods with 405 and unknown paths with 404', async () => {
    await start();
    for (const method of ['DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await get('/metrics', method);
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get('allow'), 'GET, HEAD');
    }
    for (const path of ['/', '/metrics/', '/metrics/../etc', '/__proto__', '/constructor'])
      assert.equal((await get(path)).status, 404, path);
  });

  it('never sends text of a request back', async () => {
    await start();
    const evil = 'xyzzy<script>';
    const answers = [
      await raw(`GET /${evil} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Evil: ${evil}\r\nConnection: close\r\n\r\n`),
      await raw(`${evil} /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`),
      await raw(`GET /metrics HTTP/1.1\r\nHost: ${evil}\r\nConnection: close\r\n\r\n`),
      await raw(`GET /healthz HTTP/9.9\r\nHost: 127.0.0.1\r\n${evil}\r\n\r\n`),
    ];
    for (const answer of answers) {
      assert.match(answer, /^HTTP\/1\.1 4\d\d /);
      assert.ok(!answer.includes('xyzzy'));
    }
  });

  it('answers to an address or localhost, not to a name that points here', async () => {
    await start();
    const ask = (host: string) => raw(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    for (const host of ['127.0.0.1', `127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
      assert.match(await ask(host), /^HTTP\/1\.1 200 /, host);
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example'])
      assert.match(await ask(host), /^HTTP\/1\.1 421 /, host);
  });

  it('refuses a request with a body and closes the connection without reading it', async () => {
    await start();
    const answer = await raw(
      'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nabc',
    );
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /Connection: close/);
  });

  it('bounds the head of a request', async () => {
    await start({ maxHeaderBytes: 1024 });
    const answer = await raw(`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(4096)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 431 /);
  });

  it('closes a connection that sends its request drop by drop', async () => {
    await start({ requestTimeoutMs: 150 });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const drops = setInterval(() => socket.write('X-A: b\r\n'), 20);
    socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    const answer = await untilClosed(socket);
    clearInterval(drops);
    assert.match(answer, /^(HTTP\/1\.1 408 |$)/);
    assert.equal((await get('/healthz')).status, 200);
  });

  it('closes a connection that is silent', async () => {
    await start({ idleTimeoutMs: 100, requestTimeoutMs: 60_000 });
    assert.equal(await raw(''), '');
  });

  it('serves two connections at once', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await start({}, async () => {
      await released;
      return { status: 200, type: 'text/plain', body: 'slow' };
    });
    const slow = get('/more');
    assert.equal((await get('/healthz')).status, 200);
    release();
    assert.equal(await (await slow).text(), 'slow');
  });

  it('bounds the number of connections and counts those that it refuses', async () => {
    await start({ maxConnections: 1 });
    const held = connect(port, '127.0.0.1');
    await once(held, 'connect');
    assert.equal(await raw('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'), '');
    assert.equal(server.snapshot().refusedConnections, 1);
    held.destroy();
  });

  it('answers a route that fails with 500 and no details, and tells its owner', async () => {
    await start();
    const answer = await get('/broken');
    assert.equal(answer.status, 500);
    assert.ok(!(await answer.text()).includes('It broke'));
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['It broke.'],
    );
    assert.equal(server.snapshot().failures, 1);
  });

  it('closes at once when nobody waits, and after a while when somebody does', async () => {
    await start({ closeMs: 50 }, () => new Promise(() => undefined));
    const hanging = assert.rejects(get('/more'));
    while (server.snapshot().requests < 1) await new Promise((resolve) => setImmediate(resolve));
    const half = connect(port, '127.0.0.1');
    half.on('error', () => undefined);
    half.write('GET /heal');
    await server.close();
    await hanging;
    await assert.rejects(get('/healthz'));
    await server.close();
  });

  it('listens on loopback only, unless it is told otherwise', async () => {
    await start();
    const make = (options: Partial<HttpOptions>) =>
      new HttpServer(new Map(), { ...DEFAULT_HTTP, port: 0, onError: () => undefined, ...options });
    for (const host of ['0.0.0.0', '::', '192.0.2.1', '2001:db8::1'])
      assert.throws(() => make({ host }), HttpServerError, host);
    assert.throws(() => make({ host: 'localhost' }), /is no address; write one/);
    const remote = make({ host: '0.0.0.0', allowRemote: true });
    const { address } = await remote.open();
    assert.equal(address, '0.0.0.0');
    await remote.close();
  });

  it('says in one sentence when its port is taken', async () => {
    await start();
    const second = new HttpServer(new Map(), { ...DEFAULT_HTTP, port, onError: () => undefined });
    await assert.rejects(second.open(), {
      name: 'HttpServerError',
      message: `The HTTP server cannot listen on 127.0.0.1:${port}: another program has it; choose another port.`,
    });
    await second.close();
  });

  it('takes the address in brackets for IPv6', async function () {
    const six = new HttpServer(
      observationRoutes(() => snapshot, new Metrics()),
      {
        ...DEFAULT_HTTP,
        host: '::1',
        port: 0,
        onError: () => undefined,
      },
    );
    let bound: AddressInfo;
    try {
      bound = await six.open();
    } catch (error) {
      assert.ok(error instanceof HttpServerError);
      skip(this, 'this machine has no IPv6 loopback');
    }
    await start();
    assert.equal((await fetch(`http://[::1]:${bound.port}/healthz`)).status, 200);
    await six.close();
  });
});
