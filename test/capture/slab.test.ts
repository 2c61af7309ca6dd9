import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { CaptureError } from '../../src/capture/capture-error.js';
import { loadAddon } from '../../src/capture/native-addon.js';
import { PacketBatch } from '../../src/capture/packet-batch.js';
import { listRecords, RECORD_HEADER, Slab, writeRecord } from '../../src/capture/slab.js';
import { temporaryFolder } from '../support/temporary.js';

describe('slabs', () => {
  const batch = new PacketBatch();

  it('list what was written, whatever the packets', () => {
    const packet = fc.record({
      bytes: fc.uint8Array({ maxLength: 300 }),
      seconds: fc.integer({ min: 0, max: 0xffffffff }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    });
    const slab = new Slab(new ArrayBuffer(16_384));
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 30 }), (packets) => {
        let end = 0;
        for (const { bytes, seconds, nanoseconds } of packets) {
          end = writeRecord(slab, end, bytes, bytes.length, seconds, nanoseconds);
          assert.ok(end > 0 && end % 4 === 0);
        }
        slab.list(end, batch);
        assert.equal(batch.frame, slab.frame);
        const listed = Array.from({ length: batch.count }, (_, i) => ({
          bytes: batch.frame.bytes.slice(batch.at[i], batch.at[i]! + batch.capturedLength[i]!),
          seconds: batch.seconds[i],
          nanoseconds: batch.nanoseconds[i],
        }));
        assert.deepEqual(
          listed,
          packets.map((each) => ({ ...each })),
        );
      }),
    );
  });

  it('never list a packet outside the octets that hold records, whatever is in them', () => {
    const words = fc.uint8Array({ maxLength: 400 }).map((bytes) => {
      const small = bytes.map((octet, i) => (i % 4 === 0 ? octet : octet > 250 ? octet : 0));
      return new Uint32Array(small.buffer, 0, Math.floor(small.length / 4));
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 500 }), (slab, octets) => {
        try {
          const count = listRecords(slab, octets, batch);
          for (let i = 0; i < count; i++) {
            assert.ok(batch.at[i]! >= RECORD_HEADER);
            assert.ok(batch.at[i]! + batch.capturedLength[i]! <= Math.min(octets, slab.byteLength));
          }
        } catch (error) {
          assert.ok(error instanceof CaptureError && error.code === 'corrupt', String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse more packets than a batch can list', () => {
    const words = new Uint32Array(4 * 32_769);
    assert.equal(listRecords(words, 16 * 32_768, batch), 32_768);
    assert.throws(() => listRecords(words, 16 * 32_769, batch), { code: 'corrupt' });
  });

  it('take no record that does not fit', () => {
    const slab = new Slab(new ArrayBuffer(64));
    assert.equal(writeRecord(slab, 0, new Uint8Array(49), 49, 0, 0), -1);
    assert.equal(writeRecord(slab, 0, new Uint8Array(48), 48, 0, 0), 64);
    assert.equal(writeRecord(slab, 64, new Uint8Array(0), 0, 0, 0), -1);
  });
});

describe('the capture addon', () => {
  const folder = temporaryFolder();

  it('says what to do when it is not built', () => {
    assert.throws(() => loadAddon('/nowhere/copperhull-capture.node'), {
      code: 'no-driver',
      message: /^Live capture is not built here; run "scripts\/build-native", which needs a C compiler/,
    });
  });

  it('says what to do when the file is not for this machine', () => {
    const path = folder.path('other.node');
    writeFileSync(path, 'not a library');
    assert.throws(() => loadAddon(path), {
      code: 'no-driver',
      message:
        /^Live capture cannot be loaded \(.*\); build it for this machine with "scripts\/build-native"\.$/,
    });
  });
});
