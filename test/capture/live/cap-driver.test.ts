import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CapCapture } from '../../../src/capture/cap-capture.js';
import { CaptureError } from '../../../src/capture/capture-error.js';
import { needsCap } from '../../support/cap-package.js';
import { collecting, liveNetwork, send, TEST_FILTER, until } from '../../support/live-network.js';

describe('the driver "cap"', () => {
  const { wire } = liveNetwork();

  it('hands packets over in batches, with drops unknown', async function () {
    needsCap(this);
    const capture = CapCapture.open({ interface: 'lo', filter: TEST_FILTER, slabs: 2, snaplen: 200 });
    const { packets, done } = collecting(capture);
    const before = Math.floor(Date.now() / 1000);
    await until('frames come', () => {
      void send('lo', 1, { length: 300 });
      return packets.length > 2;
    });
    capture.setFilter('arp');
    assert.throws(() => capture.setFilter('no such thing'), { code: 'bad-filter' });
    await capture.close();
    await done;
    assert.ok(packets.every(({ bytes, seconds }) => bytes.length === 200 && seconds >= before));
    const { kernelDrops, interfaceDrops, ringFull, delivered, received } = capture.stats();
    assert.deepEqual([kernelDrops, interfaceDrops, ringFull], ['unknown', 'unknown', 0]);
    assert.deepEqual([delivered, received], [packets.length, packets.length]);
  });

  it('a wrong filter crashed the process at the next garbage collection', function () {
    needsCap(this);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let i = 0; i < 10; i++) {
      assert.throws(() => CapCapture.open({ interface: 'lo', filter: 'no such thing' }), {
        code: 'bad-filter',
      });
      collect();
    }
  });

  it('refuses an interface whose removal would abort the process', function () {
    needsCap(this);
    assert.throws(() => CapCapture.open({ interface: wire }), {
      code: 'interface-refused',
      message: /would abort the process when "wire0" is removed/,
    });
  });

  it('aborts the process when its interface goes down, which is why', function () {
    needsCap(this);
    const path = createRequire(import.meta.url).resolve('cap');
    const script = `const { Cap } = require(${JSON.stringify(path)});
      const cap = new Cap();
      const buffer = (globalThis.kept = Buffer.alloc(65535));
      cap.open('tap0', '', 1 << 20, buffer);
      setTimeout(() => require('node:child_process').execSync('ip link set tap0 down'), 50);
      setTimeout(() => process.exit(0), 20000);`;
    const { signal } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    assert.equal(signal, 'SIGABRT');
  });

  it('says what to do when it is not installed', () => {
    const load = (): never => {
      throw new CaptureError('no-driver', 'not there');
    };
    assert.throws(() => CapCapture.open({ interface: 'lo' }, load), { code: 'no-driver' });
  });
});
