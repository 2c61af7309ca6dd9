import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LOG_NAMES } from '../../../src/model/records.js';
import { parseRotatedName, rotatedName } from '../../../src/sink/files/rotated-name.js';
import { isRotationDue } from '../../../src/sink/files/rotation-due.js';

const HOUR = 3_600_000;
const BEGUN = Date.UTC(2026, 10, 21, 7, 13, 5);

describe('the name of a rotated file', () => {
  it('is that of Zeek’s ASCII writer, which Malcolm takes apart', () => {
    const name = rotatedName('notice', BEGUN);
    assert.equal(name, 'notice.2026-11-21-07-13-05.log');
    // The pattern by which Malcolm finds the log's name.
    const malcolm =
      /^(.*?)(?:\((.*)\))?(?:\.\d{4}[_:-]?\d{2}[_:-]?\d{2}[_:-]?\d{2}[_:-]?\d{2}[_:-]?\d{2})?\.log/i;
    assert.equal(malcolm.exec(`${name}.gz`)![1], 'notice');
  });

  it('comes back as it was written, and sorts by time', () => {
    const second = fc.nat(4_000_000_000).map((value) => value * 1000);
    fc.assert(
      fc.property(fc.constantFrom(...LOG_NAMES), second, second, (log, a, b) => {
        assert.deepEqual(parseRotatedName(rotatedName(log, a)), { log, begunMs: a, form: 'plain' });
        assert.deepEqual(parseRotatedName(`${rotatedName(log, a)}.gz`), { log, begunMs: a, form: 'gzip' });
        assert.equal(rotatedName(log, a) < rotatedName(log, b), a < b);
      }),
    );
  });

  it('is not seen in names of others', () => {
    for (const name of [
      'notice.log',
      'conn.2026-11-21-07-13-05.log',
      'notice.2026-11-21.log',
      'notice.2026-13-41-07-13-05.log',
      'notice.2026-11-21-07-13-05.log.bz2',
      'xnotice.2026-11-21-07-13-05.log',
    ]) {
      assert.equal(parseRotatedName(name), undefined, name);
    }
  });
});

describe('rotation', () => {
  const hourly = { rotateBytes: 1000, rotateIntervalMs: HOUR };

  it('is due on the hour of the wall clock, whenever the file was begun', () => {
    const file = { bytes: 10, datedMs: BEGUN };
    assert.equal(isRotationDue(file, 0, hourly, Date.UTC(2026, 10, 21, 7, 59, 59, 999)), false);
    assert.equal(isRotationDue(file, 0, hourly, Date.UTC(2026, 10, 21, 8)), true);
    assert.equal(
      isRotationDue(file, 0, { ...hourly, rotateIntervalMs: 24 * HOUR }, Date.UTC(2026, 10, 21, 23)),
      false,
    );
    assert.equal(
      isRotationDue(file, 0, { ...hourly, rotateIntervalMs: 24 * HOUR }, Date.UTC(2026, 10, 22)),
      true,
    );
  });

  it('is due before a write that would make the file too large', () => {
    assert.equal(isRotationDue({ bytes: 900, datedMs: BEGUN }, 100, hourly, BEGUN), false);
    assert.equal(isRotationDue({ bytes: 900, datedMs: BEGUN }, 101, hourly, BEGUN), true);
  });

  it('is never due for an empty file, nor where no limit is set', () => {
    assert.equal(isRotationDue({ bytes: 0, datedMs: 0 }, 5000, hourly, BEGUN), false);
    const never = { rotateBytes: undefined, rotateIntervalMs: undefined };
    assert.equal(isRotationDue({ bytes: 1e12, datedMs: 0 }, 5000, never, BEGUN), false);
  });
});
