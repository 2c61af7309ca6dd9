import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import type { BridgeErrorCode, BridgeMessage, BridgeOptions } from '../../../src/zeek/bridge/index.js';
import { BridgeError, count, encodeEvent, string, ZeekBridge } from '../../../src/zeek/bridge/index.js';
import type { ZeekServerOptions } from '../../support/zeek-server.js';
import { ZeekServer } from '../../support/zeek-server.js';
import type { ScriptDeclarations } from '../../support/zeek-script.js';

const SCRIPT: ScriptDeclarations = {
  records: new Map(),
  events: new Map([['Test::ping', ['string', 'count']]]),
  noticeTypes: [],
  noticeNames: new Map(),
  guardedNames: [],
  constants: new Map(),
};

function failsWith(code: BridgeErrorCode, text?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof BridgeError, String(error));
    assert.equal(error.code, code, error.message);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  };
}

describe('the bridge to Zeek', () => {
  const servers: ZeekServer[] = [];
  const bridges: ZeekBridge[] = [];

  async function startServer(options: Partial<ZeekServerOptions> = {}): Promise<ZeekServer> {
    const server = new ZeekServer({ script: SCRIPT, ...options });
    servers.push(server);
    await server.start();
    return server;
  }

  function newBridge(port: number, options: Partial<BridgeOptions> = {}): ZeekBridge {
    const bridge = new ZeekBridge({ host: '127.0.0.1', port, ...options });
    bridges.push(bridge);
    return bridge;
  }

  afterEach(async () => {
    await Promise.all(bridges.splice(0).map((bridge) => bridge.close()));
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('subscribes, says who it is, and hands over the version of Zeek', async () => {
    const server = await startServer();
    const bridge = newBridge(server.port, { subscriptions: ['/a', '/b'], applicationName: 'copperhull' });
    assert.deepEqual(await bridge.connect(), { endpoint: 'a-websocket-1', version: '8.0.0' });
    assert.deepEqual(server.clients[0]!.subscriptions, ['/a', '/b']);
    assert.equal(server.clients[0]!.applicationName, 'copperhull');
  });

  it('publishes events and receives those that it subscribed to', async () => {
    const messages: BridgeMessage[] = [];
    const arrived = new Promise<void>((resolve) => {
      void startServer({
        onEvent: ({ args }, client) => {
          assert.deepEqual(args, [string('hello "Zeek"'), count(2n ** 60n)]);
          client.publish('/not/asked', 'Test::pong', []);
          client.publish('/reply/x', 'Test::pong', ['{"@data-type":"count","data":18446744073709551615}']);
        },
      }).then(async (server) => {
        const bridge = newBridge(server.port, {
          subscriptions: ['/reply/'],
          onMessage: (message) => {
            messages.push(message);
            resolve();
          },
        });
        await bridge.connect();
        await bridge.publish('/t', 'Test::ping', [string('hello "Zeek"'), count(2n ** 60n)]);
      });
    });
    await arrived;
    const [message] = messages;
    assert.ok(message?.type === 'data-message');
    assert.equal(message.topic, '/reply/x');
    assert.equal(message.event?.name, 'Test::pong');
    assert.deepEqual(message.event.args, [count(2n ** 64n - 1n)]);
  });

  it('hands over what Zeek says about events that it cannot take', async () => {
    const server = await startServer();
    const errors: BridgeMessage[] = [];
    let enough = (): void => undefined;
    const all = new Promise<void>((resolve) => (enough = resolve));
    const bridge = newBridge(server.port, {
      onMessage: (message) => {
        if (errors.push(message) === 4) enough();
      },
    });
    await bridge.connect();
    await bridge.publish('/t', 'Test::unknown', []);
    await bridge.publish('/t', 'Test::ping', [string('one')]);
    await bridge.publish('/t', 'Test::ping', [count(1), string('two')]);
    await bridge.publishText('{"type":"data-message"');
    await all;
    assert.deepEqual(
      errors.map((error) => error.type === 'error' && `${error.code}: ${error.context}`),
      [
        ...Array<string>(3).fill('deserialization_failed: failed to create Zeek event'),
        'deserialization_failed: failed to decode JSON object',
      ],
    );
    assert.deepEqual(server.taken, []);
  });

  it('is answered to a ping before the errors of what was published before it', async () => {
    const server = await startServer();
    const order: string[] = [];
    let errorCame = (): void => undefined;
    const error = new Promise<void>((resolve) => (errorCame = resolve));
    const bridge = newBridge(server.port, {
      onMessage: ({ type }) => {
        order.push(type);
        errorCame();
      },
    });
    await bridge.connect();
    const ping = bridge.ping(5000).then(() => order.push('pong'));
    void bridge.publish('/t', 'Test::unknown', []);
    await Promise.all([ping, error]);
    assert.deepEqual(order, ['pong', 'error']);
  });

  it('says why it could not connect', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await assert.rejects(newBridge(port).connect(), failsWith('unreachable', /ECONNREFUSED.*Zeek runs/));

    const other = await startServer({ path: '/v2/messages/json' });
    await assert.rejects(newBridge(other.port).connect(), failsWith('rejected', /invalid_uri/));

    const silent = await startServer({ onSubscribed: () => undefined });
    await assert.rejects(
      newBridge(silent.port, { handshakeTimeoutMs: 50 }).connect(),
      failsWith('timeout', /50 ms/),
    );

    for (const text of ['{"hello":1}', 'what?', '{"type":"ack"}']) {
      const garbage = await startServer({ onSubscribed: ({ socket }) => socket.send(text) });
      await assert.rejects(newBridge(garbage.port).connect(), failsWith('protocol', /check host and port/));
    }

    const full = await startServer({
      onSubscribed: ({ socket }) => socket.close(1011, 'Could not subscribe'),
    });
    await assert.rejects(newBridge(full.port).connect(), failsWith('closed', /1011.*Could not subscribe/));

    await assert.rejects(newBridge(1, { host: 'no host' }).connect(), failsWith('rejected', /check both/));
  });

  it('tells a server that is no WebSocket server', async () => {
    for (const [answer, code] of [
      ['HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'rejected'],
      ['HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n', 'unreachable'],
      ['220 mail.example ESMTP\r\n', 'protocol'],
    ] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.resume().end(answer);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      await assert.rejects(newBridge((server.address() as AddressInfo).port).connect(), failsWith(code));
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('refuses an application name that Zeek would refuse', () => {
    assert.throws(() => newBridge(1, { applicationName: 'two words' }), failsWith('misuse'));
  });

  it('notices when Zeek ends the connection, and fails what waits', async () => {
    const server = await startServer({ autoPong: false });
    const ended: unknown[] = [];
    const bridge = newBridge(server.port, { onClose: (error) => ended.push(error) });
    await bridge.connect();
    const waiting = bridge.ping(30_000);
    server.clients[0]!.socket.close(1001, 'Terminating');
    await assert.rejects(waiting, failsWith('closed', /1001.*Terminating/));
    await assert.rejects(bridge.publish('/t', 'Test::ping', []), failsWith('closed'));
    assert.equal(ended.length, 1);
    await assert.rejects(bridge.connect(), failsWith('misuse'));
  });

  it('gives up a server that does not answer its pings', async () => {
    const server = await startServer({ autoPong: false });
    const ended = new Promise((resolve) => {
      const bridge = newBridge(server.port, { pingIntervalMs: 10, pingTimeoutMs: 50, onClose: resolve });
      void bridge.connect();
    });
    assert.ok(failsWith('timeout', /ping within 50 ms/)(await ended));
  });

  it('goes on after garbage, and tells of it', async () => {
    const server = await startServer();
    const types: string[] = [];
    let enough = (): void => undefined;
    const all = new Promise<void>((resolve) => (enough = resolve));
    const bridge = newBridge(server.port, {
      onMessage: ({ type }) => {
        if (types.push(type) === 4) enough();
      },
    });
    await bridge.connect();
    const { socket } = server.clients[0]!;
    socket.send('garbage');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send('{"type":"ack","endpoint":"again","version":"8"}');
    socket.send('{"type":"error","code":"c","context":"d"}');
    await all;
    assert.deepEqual(types, ['unreadable', 'unreadable', 'unreadable', 'error']);
    await bridge.ping(5000);
  });

  it('ends the connection at a message over the limit', async () => {
    const server = await startServer();
    const ended = new Promise((resolve) => {
      const bridge = newBridge(server.port, { maxMessageBytes: 1000, onClose: resolve });
      void bridge.connect().then(() => server.clients[0]!.socket.send('x'.repeat(1001)));
    });
    assert.ok(failsWith('closed', /size limit/)(await ended));
  });

  it('holds back a caller when the server does not read, and keeps a bound', async () => {
    const server = await startServer();
    const bridge = newBridge(server.port, { maxBufferedBytes: 100_000 });
    await bridge.connect();
    server.clients[0]!.socket.pause();
    // More than the kernel keeps for a connection.
    const held = bridge.publishText('x'.repeat(48 * 1024 * 1024));
    await assert.rejects(bridge.publishText('y'), failsWith('overflow', /publish less/));
    const rest = assert.rejects(held, failsWith('closed'));
    await bridge.close();
    await rest;
  });

  it('closes also when the server does not answer', async () => {
    const server = await startServer();
    const ended: unknown[] = [];
    const bridge = newBridge(server.port, { onClose: (error) => ended.push(error) });
    await bridge.connect();
    server.clients[0]!.socket.pause();
    await bridge.close();
    await bridge.close();
    assert.deepEqual(ended, [undefined]);
  });
});

describe('the server of the tests', () => {
  it('keeps messages that come before its ack, and refuses subscriptions that are none', async () => {
    const server = new ZeekServer({ script: SCRIPT });
    await server.start();
    const url = `ws://127.0.0.1:${server.port}/v1/messages/json`;
    const good = new WebSocket(url);
    await once(good, 'open');
    const event = { name: 'Test::ping', args: [string('early'), count(1)], metadata: undefined };
    good.send('[]');
    good.send(encodeEvent('/t', event));
    await once(good, 'message');
    assert.equal(server.taken.length, 1);
    for (const subscriptions of ['{}', '"a"', 'x', '[1]']) {
      const bad = new WebSocket(url);
      await once(bad, 'open');
      bad.send(subscriptions);
      const [data] = (await once(bad, 'message')) as [Buffer];
      assert.match(data.toString(), /deserialization_failed.*(not an array|not a string)/);
    }
    await server.stop();
  });

  it('refuses a real without a fraction and a count with one', async () => {
    const server = new ZeekServer({
      script: { ...SCRIPT, events: new Map([['Test::numbers', ['double', 'count']]]) },
    });
    await server.start();
    const errors: BridgeMessage[] = [];
    const bridge = new ZeekBridge({
      host: '127.0.0.1',
      port: server.port,
      onMessage: (message) => errors.push(message),
    });
    await bridge.connect();
    const text = encodeEvent('/t', {
      name: 'Test::numbers',
      args: [{ type: 'real', value: 7 }, count(9)],
      metadata: undefined,
    });
    await bridge.publishText(text.replace('7.0', '7'));
    await bridge.publishText(text.replace('"data":9', '"data":9.0'));
    await bridge.publishText(text);
    while (server.taken.length === 0) await bridge.ping(5000);
    assert.equal(server.errors, 2);
    await bridge.close();
    await server.stop();
  });
});
