import { withDefault } from '../kind.js';
import { folder } from '../paths.js';
import { DAY, durationOrNever, GIB, KIB, size } from '../quantities.js';
import { boolean, integer, milliseconds, oneOf } from '../scalars.js';
import { section } from '../section.js';
import { ITS_FOLDER, SINK_KEYS } from './sink-keys.js';

const MINUTE = 60_000;

export const FILES_SINK = section({
  name: 'files-sink',
  tag: 'files',
  doc: 'Writes a file for each log, and begins new ones by size and by time.',
  keys: {
    ...SINK_KEYS,
    folder: withDefault(folder, '/var/log/copperhull', 'Folder of the files.', ITS_FOLDER),
    rotateBytes: withDefault(size(64 * KIB, 1024 * GIB), '100MiB', 'Size after which a new file begins.'),
    rotateEvery: withDefault(
      durationOrNever(MINUTE, 366 * DAY),
      '1h',
      'Time after which a new file begins.',
      { example: '1d' },
    ),
    gzip: withDefault(boolean, true, 'Compress files that are complete.'),
    keep: withDefault(
      integer(1, 1_000_000, 'files'),
      168,
      'Complete files to keep of each log; the oldest go.',
    ),
    fsync: withDefault(
      oneOf(['never', 'interval', 'always']),
      'interval',
      'When records are forced to disk. What was not may be lost when the power fails.',
    ),
    fsyncIntervalMs: withDefault(milliseconds(10, 3_600_000), 1000, 'How often, when `fsync` is interval.'),
    minFreeBytes: withDefault(
      size(0, 1024 * GIB),
      '256MiB',
      'What must stay free on the file system; below it nothing is written. More than that of a spool, so that alerts stop last.',
    ),
  },
  example: { type: 'files', folder: '/var/log/copperhull', rotateEvery: '1d', keep: 30 },
});

export const STDOUT_SINK = section({
  name: 'stdout-sink',
  tag: 'stdout',
  doc: 'Prints records to standard output, one a line.',
  keys: SINK_KEYS,
  example: { type: 'stdout', logs: ['notice'] },
});
