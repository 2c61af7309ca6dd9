import assert from 'node:assert/strict';
import fc from 'fast-check';
import { OctetEntropy } from '../../src/wire/entropy.js';
import { frameOf } from '../../src/wire/frame.js';

const entropy = new OctetEntropy();
const of = (bytes: Uint8Array, at = 0, end = bytes.length): number => entropy.of(frameOf(bytes), at, end);

describe('entropy', () => {
  it('is 0 for octets that are all the same, and for none', () => {
    assert.equal(of(new Uint8Array(100)), 0);
    assert.equal(of(new Uint8Array(0)), 0);
    assert.equal(of(Uint8Array.of(1, 2, 3), 2, 1), 0);
  });

  it('is 1 bit for two that are equally frequent, and 8 bits for all', () => {
    assert.equal(of(Uint8Array.of(0, 7, 0, 7)), 100);
    assert.equal(of(Uint8Array.from({ length: 512 }, (_, i) => i & 255)), 800);
  });

  it('looks at nothing outside its bounds, and remembers nothing', () => {
    const bytes = Uint8Array.of(1, 9, 9, 9, 2);
    assert.equal(of(bytes, 1, 4), 0);
    assert.equal(of(bytes, 1, 4), 0);
  });

  it('looks at the first 2048 octets', () => {
    const bytes = new Uint8Array(60_000).fill(1, 2048);
    assert.equal(of(bytes), 0);
  });

  it('is at most 8 bits and at most what so few octets can have', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const value = of(bytes);
        assert.ok(value >= 0 && value <= Math.round(100 * Math.min(8, Math.log2(bytes.length))));
      }),
    );
  });
});
