import assert from 'node:assert/strict';
import { sum16, transportChecksumHolds } from '../../src/wire/checksum.js';
import { frameOf } from '../../src/wire/frame.js';
import { murmur128 } from '../../src/wire/hash.js';
import { parseIpv6 } from '../../src/wire/address.js';
import { buildPacket } from '../../src/wire/packet-builder.js';

describe('the identifier hash', () => {
  it('is MurmurHash3 x86 128 (values from the Python package mmh3)', () => {
    const cases: [number[], number, number[]][] = [
      [[], 0, [0, 0, 0, 0]],
      [[1], 0, [0xcf0f20ca, 0x519c70b1, 0x519c70b1, 0x519c70b1]],
      [[1, 2, 3], 7, [0x817fcac4, 0xd0c61f9e, 0x7f55a4f5, 0xd6c105a2]],
      [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], 1, [0x9208a798, 0xad8e263e, 0x1a353d5, 0xf6fbdf0f]],
      [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0x636f7070, [0x52f2a7d8, 0x89c7c860, 0x752f0d27, 0x19d07b89]],
    ];
    for (const [words, seed, expected] of cases) {
      const out = new Uint32Array(4);
      murmur128(Uint32Array.from(words), words.length, seed, out);
      assert.deepEqual([...out], expected);
    }
  });
});

describe('checksums', () => {
  it('sum as the example of RFC 1071 3 does: ddf2', () => {
    const bytes = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
    assert.equal(sum16(frameOf(bytes), 0, bytes.length, 0), 0xddf2);
  });

  it('take an odd last octet as the high half of a word', () => {
    assert.equal(sum16(frameOf(Uint8Array.of(0x12, 0x34, 0x56)), 0, 3, 0), 0x1234 + 0x5600);
  });

  it('are the same as word by word, of any length up to the largest record, wherever they begin', () => {
    const bytes = new Uint8Array(300_000).fill(0xff);
    const wordByWord = (at: number, end: number, initial: number): number => {
      let sum = initial;
      for (let i = at; i < end; i += 2) sum += (bytes[i]! << 8) | (i + 1 < end ? bytes[i + 1]! : 0);
      while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
      return sum;
    };
    for (let n = 0; n < 40; n++) bytes[(n * 7919) % bytes.length] = n;
    for (const [at, end] of [
      [0, 0],
      [1, 2],
      [3, 10],
      [5, 16],
      [0, 65_535],
      [1, 65_537],
      [0, 65_537],
      [7, 65_544],
      [2, 131_075],
      [0, 300_000],
      [1, 300_000],
    ] as const) {
      for (const initial of [0, 1, 0x12345678]) {
        assert.equal(sum16(frameOf(bytes), at, end, initial), wordByWord(at, end, initial), `${at}-${end}`);
      }
    }
  });

  it('hold for a built packet, and for no packet with a bit flipped', () => {
    const packet = buildPacket([
      { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' },
      { layer: 'tcp', src: 1, dst: 2 },
      { layer: 'payload', bytes: Uint8Array.of(1, 2, 3) },
    ]);
    const words = Uint32Array.from([...parseIpv6('2001:db8::1')!, ...parseIpv6('2001:db8::2')!]);
    const frame = frameOf(packet);
    assert.ok(transportChecksumHolds(frame, 40, packet.length, 6, words, 0, 8));
    packet[60]! ^= 1;
    assert.ok(!transportChecksumHolds(frame, 40, packet.length, 6, words, 0, 8));
  });
});
