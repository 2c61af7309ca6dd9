import type { Endpoint } from '../network.js';
import { endpoint, isLoopback } from '../network.js';
import type { Kind } from '../kind.js';
import { withDefault } from '../kind.js';
import { milliseconds, number, text } from '../scalars.js';
import { section } from '../section.js';

/* How `copperhull run` lives. */

export const RUN = section({
  name: 'run',
  doc: 'How `copperhull run` lives.',
  keys: {
    user: withDefault(
      text({
        pattern: /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/,
        words: 'the name of a user, at most 32 characters',
      }),
      'nobody',
      'Whom the sensor becomes when it is started as root; it keeps CAP_NET_RAW. A user of its own is better.',
      { example: 'copperhull' },
    ),
    shutdownTimeoutMs: withDefault(
      milliseconds(100, 600_000),
      10_000,
      'How long SIGTERM may take to write what was captured.',
    ),
    statsIntervalMs: withDefault(
      milliseconds(1000, 86_400_000),
      300_000,
      'How often stats.log and capture_loss.log get a record.',
    ),
    lossThreshold: withDefault(
      number(0, 100, 'percent'),
      1,
      'Share of the packets of an interface, in percent, that may be lost in such an interval before it is a notice.',
    ),
    lagWarnMs: withDefault(
      milliseconds(10, 3_600_000),
      5000,
      'How far the analysis may be behind the wire before it is told.',
    ),
    watchdogMs: withDefault(
      milliseconds(1000, 600_000),
      15_000,
      'How long the analysis thread may give no sign before it is started anew.',
    ),
  },
});

const OFF = 'off';

/** `host:port` of this machine, or `off`, which is undefined. */
const listenAddress: Kind<Endpoint | undefined> = {
  words: `${endpoint.words} of this machine, or ${OFF}`,
  sections: [],
  read(at) {
    // YAML 1.1 readers take `off` for false.
    if (at.value === OFF || at.value === false) return undefined;
    const value = at.read(endpoint);
    if (value !== undefined && !isLoopback(value.host))
      at.warn('everybody who reaches this address can read health and metrics; 127.0.0.1 keeps them here');
    return value;
  },
  write: (value) => (value === undefined ? OFF : endpoint.write(value)),
  schema: (definitions) => ({ anyOf: [{ enum: [OFF, false] }, endpoint.schema(definitions)] }),
};

export const HTTP = section({
  name: 'http',
  doc: 'Health and metrics over HTTP: /healthz, /readyz and /metrics.',
  keys: {
    listen: withDefault(listenAddress, '127.0.0.1:9479', 'Where to listen.', { example: OFF }),
  },
});
