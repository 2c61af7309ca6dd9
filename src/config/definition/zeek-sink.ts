import { withDefault } from '../kind.js';
import { isLoopback, url } from '../network.js';
import { integer, milliseconds } from '../scalars.js';
import { section } from '../section.js';
import { DELIVERY_KEYS, SINK_KEYS, TLS_KEY } from './sink-keys.js';

/** The only path that Zeek serves. */
const ZEEK_PATH = '/v1/messages/json';

export const ZEEK_SINK = section({
  name: 'zeek-sink',
  tag: 'zeek',
  doc: 'Publishes records as events to a running Zeek, over its WebSocket.',
  keys: {
    ...SINK_KEYS,
    url: withDefault(url('ws', 'wss'), 'ws://127.0.0.1:27759/v1/messages/json', 'The WebSocket of Zeek.', {
      example: 'wss://zeek.example.org:27759/v1/messages/json',
    }),
    tls: TLS_KEY,
    handshakeTimeoutMs: withDefault(milliseconds(100, 600_000), 5000, 'How long connecting may take.'),
    ackTimeoutMs: withDefault(milliseconds(100, 600_000), 10_000, 'How long an answer of Zeek may take.'),
    batchRecords: withDefault(integer(1, 100_000, 'records'), 100, 'Records of a batch at most.'),
    ...DELIVERY_KEYS,
  },
  example: { type: 'zeek', url: 'ws://127.0.0.1:27759/v1/messages/json', logs: ['notice'] },
  check({ url: address, tls }, at) {
    if (address === undefined) return;
    if (new URL(address).pathname !== ZEEK_PATH) at.child('url').report(`the path of Zeek is ${ZEEK_PATH}`);
    const isPlain = address.startsWith('ws:');
    if (tls !== undefined && isPlain) at.reportKey('tls', '"tls" needs a URL with wss://');
    if (isPlain && !isLoopback(new URL(address).hostname))
      at.child('url').warn('records go over the network without encryption; use wss://');
  },
});
