import { skip } from '../../support/skip.js';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { CaptureError } from '../../../src/capture/capture-error.js';
import { parseConfig } from '../../../src/config/load.js';
import { becomeUser } from '../../../src/sensor/live/sensor-user.js';
import { temporaryFolder } from '../../support/temporary.js';

describe('becoming the user of the sensor', () => {
  const temporary = temporaryFolder();

  it('is refused where the addon is not built, also for the driver cap, before anything is changed', function () {
    if (process.geteuid?.() !== 0) skip(this, 'it needs root');
    const folder = temporary.path('logs');
    const text = `run: { user: nobody }\ncapture: { driver: cap }\nsinks: [{ type: files, folder: ${folder} }]\n`;
    const load = (): never => {
      throw new CaptureError('no-driver', 'It is not built.');
    };
    assert.throws(() => becomeUser(parseConfig('c.yaml', text, {}, '/').config, load), {
      code: 'no-driver',
      message: /setpriv --reuid \d+ --regid \d+ .*or build the addon\. It is not built\.$/,
    });
    assert.equal(process.geteuid(), 0);
    assert.equal(existsSync(folder), false);
  });
});
