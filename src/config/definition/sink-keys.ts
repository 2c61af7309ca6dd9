import { LOG_NAMES } from '../../model/records.js';
import { SEVERITIES } from '../../model/severity.js';
import { optional, withDefault, withDerived } from '../kind.js';
import { listOf } from '../list.js';
import { file, folder, privateFile } from '../paths.js';
import { GIB, KIB, MIB, size } from '../quantities.js';
import { integer, milliseconds, oneOf, text } from '../scalars.js';
import { section, switchable } from '../section.js';

/** What every sink has. */
export const SINK_KEYS = {
  name: withDerived(
    text({ pattern: /^[a-z0-9-]{1,64}$/, words: 'a name of small letters, digits and "-", at most 64' }),
    '<type>',
    'Name of the sink in health, counters and logs.',
    { unique: 'sink name', example: 'kafka-dc1' },
  ),
  logs: withDefault(
    listOf(oneOf(LOG_NAMES), { least: 1, isSet: true }),
    LOG_NAMES,
    'Logs that go to this sink.',
    {
      example: ['notice', 'tunnel'],
    },
  ),
  minSeverity: withDefault(
    oneOf(SEVERITIES),
    'informational',
    'Notices below this severity do not go to this sink. Other logs are not asked.',
    { example: 'medium' },
  ),
};

/** Two sinks must not write to one folder, whatever they write. */
export const ITS_FOLDER = { unique: 'folder' };

const SPOOL = section({
  name: 'spool',
  doc: 'Records wait on disk until the other side has acknowledged them.',
  keys: {
    folder: withDerived(
      folder,
      '/var/spool/copperhull/<name>',
      'Folder of the spool, for one sink alone.',
      ITS_FOLDER,
    ),
    maxBytes: withDefault(size(MIB, 1024 * GIB), '1GiB', 'How large the spool may become.', {
      example: '20GiB',
    }),
    policy: withDefault(
      oneOf(['drop-lowest-severity', 'drop-oldest']),
      'drop-lowest-severity',
      'What goes first when the spool is full. What goes is counted and announced.',
    ),
    commitRecords: withDefault(
      integer(1, 100_000, 'records'),
      512,
      'Records after which a group is written and synced at once.',
    ),
    commitMs: withDefault(
      milliseconds(0, 10_000),
      20,
      'Time after which a smaller group is written and synced.',
    ),
    segmentBytes: withDefault(
      size(64 * KIB, GIB),
      '16MiB',
      'Size of a file of the spool; at most a quarter of maxBytes is used.',
    ),
    minFreeBytes: withDefault(
      size(0, 1024 * GIB),
      '64MiB',
      'What must stay free on the file system; below it the spool does not grow.',
    ),
  },
});

const RETRY = section({
  name: 'retry',
  doc: 'How long a sink waits before it tries again. It never gives up.',
  keys: {
    initialMs: withDefault(
      milliseconds(1, 600_000),
      100,
      'Wait after the first failure; it doubles with each further one.',
    ),
    maxMs: withDefault(milliseconds(1, 3_600_000), 30_000, 'Longest wait.'),
    stoppedMs: withDefault(
      milliseconds(1, 86_400_000),
      60_000,
      'Wait when somebody has to mend credentials or settings first.',
    ),
  },
  check({ initialMs, maxMs }, at) {
    if (initialMs !== undefined && maxMs !== undefined && initialMs > maxMs)
      at.reportKey(
        at.has('initialMs') ? 'initialMs' : 'maxMs',
        `initialMs (${initialMs}) is larger than maxMs (${maxMs})`,
      );
  },
});

/** What every sink has that sends to another machine. */
export const DELIVERY_KEYS = {
  spool: withDefault(SPOOL, {}, 'Where records wait.'),
  retry: withDefault(RETRY, {}, 'When to try again.'),
  deadLetterBytes: withDefault(
    size(64 * KIB, 1024 * GIB),
    '64MiB',
    'How large the file of records that the other side refuses for good may become.',
  ),
  outageAfterMs: withDefault(
    milliseconds(0, 86_400_000),
    10_000,
    'How long the other side must be away before a Delivery_Outage notice.',
  ),
};

const TLS = section({
  name: 'tls',
  doc: 'Encryption. `true` takes the authorities that Node.js trusts, and no certificate of our own.',
  keys: {
    ca: optional(file, 'Certificates of the authorities to trust, PEM.', {
      example: '/etc/copperhull/ca.pem',
    }),
    cert: optional(file, 'Our certificate, PEM; needs `key`.', { example: '/etc/copperhull/sensor.pem' }),
    key: optional(privateFile, 'Private key of our certificate, PEM.', {
      example: '/etc/copperhull/sensor.key',
    }),
    serverName: optional(
      text({ maxLength: 253 }),
      'Name that the certificate of the other side must have, when it is not its host name.',
      { example: 'kafka.example.org' },
    ),
  },
  example: { ca: '/etc/copperhull/ca.pem' },
  check(_, at) {
    if (at.has('cert') && !at.has('key'))
      at.reportKey('cert', 'a certificate needs its private key: add the key "key"');
    if (at.has('key') && !at.has('cert'))
      at.reportKey('key', 'a private key needs its certificate: add the key "cert"');
  },
});

export const TLS_KEY = withDefault(switchable(TLS), false, 'Encryption of the connection.');
