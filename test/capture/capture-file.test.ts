import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { CaptureError } from '../../src/capture/capture-error.js';
import { CaptureFile } from '../../src/capture/capture-file.js';
import { MergedFiles } from '../../src/capture/merged-files.js';
import type { CaptureInterface } from '../../src/capture/packet-batch.js';
import type { WrittenPacket } from '../support/pcap-writer.js';
import {
  block,
  enhancedPacket,
  interfaceBlock,
  obsoletePacket,
  pcap,
  section,
  simplePacket,
} from '../support/pcap-writer.js';
import { temporaryFolder } from '../support/temporary.js';

interface ReadPacket {
  readonly number: number;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly bytes: string;
  readonly wireLength: number;
  readonly interface: number;
}

async function collect(file: CaptureFile): Promise<ReadPacket[]> {
  const packets: ReadPacket[] = [];
  await file.read((batch, from, to) => {
    for (let i = from; i < to; i++) {
      const at = batch.at[i]!;
      packets.push({
        number: batch.firstNumber + i,
        seconds: batch.seconds[i]!,
        nanoseconds: batch.nanoseconds[i]!,
        bytes: Buffer.from(batch.frame.bytes.subarray(at, at + batch.capturedLength[i]!)).toString('hex'),
        wireLength: batch.wireLength[i]!,
        interface: batch.interface[i]!,
      });
    }
    return undefined;
  });
  return packets;
}

const PACKETS: readonly WrittenPacket[] = [
  { seconds: 1_700_000_000, nanoseconds: 123_456_789, bytes: Uint8Array.of(1, 2, 3) },
  { seconds: 1_700_000_001, nanoseconds: 0, bytes: Uint8Array.of(4, 5, 6, 7), wireLength: 1500 },
  { seconds: 1_700_000_001, nanoseconds: 999_999_999, bytes: new Uint8Array(0) },
];

describe('capture files', () => {
  const folder = temporaryFolder();
  let written = 0;
  const store = (content: Buffer): string => {
    const path = folder.path(`capture-${written++}.pcap`);
    writeFileSync(path, content);
    return path;
  };
  const readAll = async (content: Buffer): Promise<{ packets: ReadPacket[]; file: CaptureFile }> => {
    const file = await CaptureFile.open(store(content));
    try {
      return { packets: await collect(file), file };
    } finally {
      await file.close();
    }
  };
  const failure = async (content: Buffer): Promise<{ error: CaptureError; before: number }> => {
    let before = 0;
    try {
      const file = await CaptureFile.open(store(content));
      try {
        await file.read((_batch, from, to) => {
          before += to - from;
          return undefined;
        });
      } finally {
        await file.close();
      }
    } catch (error) {
      assert.ok(error instanceof CaptureError, String(error));
      return { error, before };
    }
    throw new assert.AssertionError({ message: 'nothing was refused' });
  };

  for (const isLittle of [true, false]) {
    for (const isNano of [true, false]) {
      it(`pcap is read, ${isLittle ? 'little' : 'big'} endian, ${isNano ? 'nano' : 'micro'}seconds`, async () => {
        const { packets } = await readAll(pcap(PACKETS, { isLittle, isNano }));
        assert.deepEqual(packets, [
          {
            number: 1,
            seconds: 1_700_000_000,
            nanoseconds: isNano ? 123_456_789 : 123_456_000,
            bytes: '010203',
            wireLength: 3,
            interface: 0,
          },
          {
            number: 2,
            seconds: 1_700_000_001,
            nanoseconds: 0,
            bytes: '04050607',
            wireLength: 1500,
            interface: 0,
          },
          {
            number: 3,
            seconds: 1_700_000_001,
            nanoseconds: isNano ? 999_999_999 : 999_999_000,
            bytes: '',
            wireLength: 0,
            interface: 0,
          },
        ]);
      });
    }
  }

  it('pcap link types with high bits set are masked', async () => {
    const { file } = await readAll(pcap(PACKETS, { linkType: 0x300000e5 }));
    assert.equal(file.interfaces[0]!.linkType, 229);
  });

  for (const [magic, name] of [
    [0xa1b2cd34, 'Kuznetzov'],
    [0xa1e2cb12, 'Navtel'],
  ] as const) {
    it(`modified pcap of ${name} is refused by name`, async () => {
      for (const isLittle of [true, false]) {
        const { error } = await failure(pcap(PACKETS, { magic, isLittle }));
        assert.equal(error.code, 'unsupported-format');
        assert.match(error.message, new RegExp(`${name}.*editcap`));
      }
    });
  }

  for (const isLittle of [true, false]) {
    it(`pcapng is read with all its packet blocks, ${isLittle ? 'little' : 'big'} endian`, async () => {
      const micros = 1_700_000_000_123_456n;
      const { packets, file } = await readAll(
        Buffer.concat([
          section(isLittle),
          interfaceBlock(isLittle, { name: 'eth0', snapLength: 2 }),
          interfaceBlock(isLittle, { linkType: 101, resolution: 9 }),
          block(isLittle, 0x0bad, Buffer.from('a block of a type that nobody knows')),
          enhancedPacket(isLittle, 0, micros, Uint8Array.of(1, 2, 3), 60),
          enhancedPacket(isLittle, 1, 1_700_000_000_123_456_789n, Uint8Array.of(4)),
          simplePacket(isLittle, Uint8Array.of(5, 6), 99),
          obsoletePacket(isLittle, 0, micros + 1n, Uint8Array.of(7)),
        ]),
      );
      assert.deepEqual(
        packets.map(({ number, seconds, nanoseconds, bytes, wireLength }) => [
          number,
          seconds,
          nanoseconds,
          bytes,
          wireLength,
        ]),
        [
          [1, 1_700_000_000, 123_456_000, '010203', 60],
          [2, 1_700_000_000, 123_456_789, '04', 1],
          [3, 0, 0, '0506', 99],
          [4, 1_700_000_000, 123_457_000, '07', 1],
        ],
      );
      assert.deepEqual(
        packets.map((packet) => file.interfaces[packet.interface]!.linkType),
        [1, 101, 1, 1],
      );
      assert.equal(file.interfaces[0]!.name, 'eth0');
    });
  }

  it('pcapng sections have interfaces and byte orders of their own', async () => {
    const { packets, file } = await readAll(
      Buffer.concat([
        section(true),
        interfaceBlock(true, { linkType: 1 }),
        enhancedPacket(true, 0, 1n, Uint8Array.of(1)),
        section(false),
        interfaceBlock(false, { linkType: 113 }),
        enhancedPacket(false, 0, 2n, Uint8Array.of(2)),
      ]),
    );
    assert.deepEqual(
      packets.map((packet) => file.interfaces[packet.interface]!.linkType),
      [1, 113],
    );
  });

  it('pcapng time stamps of every resolution come out exact', async () => {
    const instant = 1_700_000_000_987_654_321n; // nanoseconds
    const cases: [number, bigint, number][] = [
      [0, instant / 1_000_000_000n, 0],
      [3, instant / 1_000_000n, 987_000_000],
      [6, instant / 1000n, 987_654_000],
      [9, instant, 987_654_321],
      [10, instant * 10n, 987_654_321],
      [0x80 | 20, (instant * 2n ** 20n) / 1_000_000_000n, 987_653_732],
    ];
    for (const [resolution, units, nanoseconds] of cases) {
      const { packets } = await readAll(
        Buffer.concat([
          section(true),
          interfaceBlock(true, { resolution }),
          enhancedPacket(true, 0, units, Uint8Array.of(1)),
        ]),
      );
      assert.equal(packets[0]!.seconds, 1_700_000_000, `resolution ${resolution}`);
      assert.ok(
        Math.abs(packets[0]!.nanoseconds - nanoseconds) < 1000,
        `resolution ${resolution}: ${packets[0]!.nanoseconds}`,
      );
      if (resolution < 0x80) assert.equal(packets[0]!.nanoseconds, nanoseconds);
    }
  });

  it('pcapng time offsets are added, negative ones too', async () => {
    for (const offsetSeconds of [3600, -3600]) {
      const { packets } = await readAll(
        Buffer.concat([
          section(true),
          interfaceBlock(true, { offsetSeconds }),
          enhancedPacket(true, 0, 1_700_000_000_000_000n, Uint8Array.of(1)),
        ]),
      );
      assert.equal(packets[0]!.seconds, 1_700_000_000 + offsetSeconds);
    }
  });

  it('pcapng packets of an interface that was not described are refused', async () => {
    const { error } = await failure(
      Buffer.concat([section(true), enhancedPacket(true, 3, 1n, Uint8Array.of(1))]),
    );
    assert.match(error.message, /at byte 28 names interface 3, which was not described/);
  });

  it('pcapng blocks whose two lengths differ are refused with the byte offset', async () => {
    const broken = Buffer.concat([
      section(true),
      interfaceBlock(true),
      enhancedPacket(true, 0, 1n, Uint8Array.of(1)),
    ]);
    broken.writeUInt32LE(77, broken.length - 4);
    const { error } = await failure(broken);
    assert.match(error.message, /at byte 48 has two block lengths that differ/);
  });

  it('gzip is unpacked, several members too', async () => {
    const content = pcap(PACKETS);
    const whole = await readAll(gzipSync(content));
    assert.equal(whole.packets.length, 3);
    const members = await readAll(
      Buffer.concat([gzipSync(content.subarray(0, 30)), gzipSync(content.subarray(30))]),
    );
    assert.deepEqual(members.packets, whole.packets);
  });

  it('gzip that is cut short gives what stands before, and says so', async () => {
    const many = Array.from({ length: 2000 }, (_, i) => ({
      seconds: i,
      nanoseconds: i * 7919,
      bytes: Uint8Array.of(i & 0xff, (i * 31) & 0xff),
    }));
    const packed = gzipSync(pcap(many));
    const { packets, file } = await readAll(packed.subarray(0, packed.length - 200));
    assert.ok(packets.length > 100 && packets.length < 2000, String(packets.length));
    assert.ok(file.cutShort !== undefined);
  });

  it('gzip that is damaged is refused', async () => {
    const packed = gzipSync(pcap(PACKETS));
    packed[12]! ^= 0xff;
    packed[13]! ^= 0xff;
    const { error } = await failure(packed);
    assert.equal(error.code, 'corrupt');
  });

  it('a file cut in the middle of a packet gives everything before it and the byte offset', async () => {
    const content = pcap(PACKETS);
    for (let cut = 24; cut < content.length; cut++) {
      const { packets, file } = await readAll(content.subarray(0, cut));
      const whole = cut < 43 ? 0 : cut < 63 ? 1 : cut < 79 ? 2 : 3;
      assert.equal(packets.length, whole, `cut at ${cut}`);
      const atBoundary = [24, 43, 63].includes(cut);
      assert.equal(file.cutShort?.byteOffset, atBoundary ? undefined : [24, 43, 63][whole], `cut at ${cut}`);
    }
  });

  it('a length that lies is refused with its byte offset, after the packets before it', async () => {
    const content = pcap(PACKETS);
    content.writeUInt32LE(0xfffffff0, 43 + 8);
    const { error, before } = await failure(content);
    assert.equal(before, 1);
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /at byte 43 claims 4294967280 captured octets/);
  });

  it('what is no capture is refused in one sentence', async () => {
    for (const content of [
      Buffer.alloc(0),
      Buffer.from('#!/bin/sh\necho this is no capture\n'),
      Buffer.alloc(3),
    ]) {
      const { error } = await failure(content);
      assert.equal(error.code, 'not-a-capture');
      assert.match(error.message, /^[^\n]+[.;][^\n]*$/);
    }
  });

  it('a missing file and a folder are told apart', async () => {
    await assert.rejects(CaptureFile.open(folder.path('nothing')), { code: 'missing' });
    await assert.rejects(CaptureFile.open(folder.path('.')), { code: 'unreadable' });
  });

  it('any octets end in packets or in a CaptureError, never in a crash', async () => {
    const starts = [pcap([]), Buffer.concat([section(true), interfaceBlock(true)]), Buffer.alloc(0)];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 400 }), async (start, rest) => {
        try {
          const file = await CaptureFile.open(store(Buffer.concat([start, rest])));
          await collect(file).finally(() => file.close());
        } catch (error) {
          assert.ok(error instanceof CaptureError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('what is written is read, whatever the packets', async () => {
    const packet = fc.record({
      seconds: fc.integer({ min: 0, max: 0xffffffff }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
      bytes: fc.uint8Array({ maxLength: 200 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 30 }), fc.boolean(), async (written, isLittle) => {
        const { packets } = await readAll(pcap(written, { isLittle }));
        assert.deepEqual(
          packets.map(({ seconds, nanoseconds, bytes }) => ({ seconds, nanoseconds, bytes })),
          written.map(({ seconds, nanoseconds, bytes }) => ({
            seconds,
            nanoseconds,
            bytes: Buffer.from(bytes).toString('hex'),
          })),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('packets that straddle the slab come out whole', async () => {
    const written = Array.from({ length: 200 }, (_, i) => ({
      seconds: i,
      nanoseconds: 0,
      bytes: new Uint8Array(60_000).fill(i & 0xff),
    }));
    const { packets } = await readAll(pcap(written));
    assert.equal(packets.length, 200);
    packets.forEach((packet, i) => {
      assert.equal(packet.number, i + 1);
      assert.equal(packet.bytes.length, 120_000);
      assert.equal(packet.bytes.slice(0, 2), (i & 0xff).toString(16).padStart(2, '0'));
      assert.equal(packet.bytes.slice(-2), (i & 0xff).toString(16).padStart(2, '0'));
    });
  });

  it('a skipped pcapng block may be longer than the slab', async () => {
    const { packets } = await readAll(
      Buffer.concat([
        section(true),
        interfaceBlock(true),
        block(true, 0x0bad, Buffer.alloc(9 * 1024 * 1024, 7)),
        enhancedPacket(true, 0, 5n, Uint8Array.of(9)),
      ]),
    );
    assert.deepEqual(
      packets.map((packet) => packet.bytes),
      ['09'],
    );
  });

  it('a long file needs no more memory than a short one', async function () {
    this.timeout(60_000);
    const frame = { seconds: 1, nanoseconds: 0, bytes: new Uint8Array(1484).fill(7) };
    const block = pcap(Array.from({ length: 700 }, () => frame)).subarray(24);
    const peak = async (blocks: number): Promise<number> => {
      const path = folder.path(`long-${blocks}.pcap`);
      writeFileSync(path, pcap([]));
      for (let i = 0; i < blocks; i++) appendFileSync(path, block);
      const file = await CaptureFile.open(path);
      let most = 0;
      let packets = 0;
      await file.read((_batch, from, to) => {
        packets += to - from;
        const { arrayBuffers, heapUsed } = process.memoryUsage();
        most = Math.max(most, arrayBuffers + heapUsed);
        return undefined;
      });
      await file.close();
      assert.equal(packets, blocks * 700);
      return most;
    };
    const short = await peak(10);
    const long = await peak(300);
    assert.ok(long - short < 24 * 1024 * 1024, `10 MB needed ${short}, 300 MB needed ${long}`);
  });

  it('merged by time, files keep their order where times are equal', async () => {
    const make = (times: readonly number[], mark: number): string =>
      store(pcap(times.map((seconds, i) => ({ seconds, nanoseconds: 0, bytes: Uint8Array.of(mark, i) }))));
    const interfaces: CaptureInterface[] = [];
    const files = [
      await CaptureFile.open(make([1, 3, 3, 9], 0xa), interfaces),
      await CaptureFile.open(make([2, 3, 4], 0xb), interfaces),
      await CaptureFile.open(make([], 0xc), interfaces),
    ];
    const seen: string[] = [];
    await new MergedFiles(files, interfaces, assert.ifError).read((batch, from, to) => {
      for (let i = from; i < to; i++) {
        const at = batch.at[i]!;
        seen.push(
          `${batch.seconds[i]!}${batch.frame.bytes[at] === 0xa ? 'a' : 'b'}${batch.frame.bytes[at + 1]!}`,
        );
      }
      return undefined;
    });
    for (const file of files) await file.close();
    assert.deepEqual(seen, ['1a0', '2b0', '3a1', '3a2', '3b1', '4b2', '9a3']);
  });

  it('merging gives the same as sorting, whatever the times', async () => {
    const times = fc
      .array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 })
      .map((list) => list.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(times, times, times, async (...lists) => {
        const interfaces: CaptureInterface[] = [];
        const files = [];
        for (const list of lists) {
          files.push(
            await CaptureFile.open(
              store(pcap(list.map((seconds) => ({ seconds, nanoseconds: 0, bytes: Uint8Array.of(1) })))),
              interfaces,
            ),
          );
        }
        const seen: number[] = [];
        await new MergedFiles(files, interfaces, assert.ifError).read((batch, from, to) => {
          for (let i = from; i < to; i++) seen.push(batch.seconds[i]!);
          return undefined;
        });
        for (const file of files) await file.close();
        assert.deepEqual(
          seen,
          lists.flat().sort((a, b) => a - b),
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('capture files, seen and mended', () => {
  const folder = temporaryFolder();

  it('a pcapng block length that lies swallowed the rest of the file without a word', async () => {
    const lie = block(true, 0x0bad, Buffer.alloc(8));
    lie.writeUInt32LE(0x00fffff0, 4);
    const path = folder.path('swallow.pcapng');
    writeFileSync(
      path,
      Buffer.concat([
        section(true),
        interfaceBlock(true),
        lie,
        enhancedPacket(true, 0, 1n, Uint8Array.of(1)),
      ]),
    );
    const file = await CaptureFile.open(path);
    assert.equal((await collect(file)).length, 0);
    await file.close();
    assert.equal(file.cutShort?.byteOffset, 48);
    lie.writeUInt32LE(0xfffffff0, 4);
    writeFileSync(path, Buffer.concat([section(true), interfaceBlock(true), lie, Buffer.alloc(100)]));
    const second = await CaptureFile.open(path);
    await assert.rejects(collect(second), {
      code: 'corrupt',
      message: /at byte 48 claims 4294967280 octets/,
    });
    await second.close();
  });

  it('a fraction of more than a second printed a time in the past', async () => {
    const path = folder.path('fraction.pcap');
    const content = pcap([{ seconds: 10, nanoseconds: 0, bytes: Uint8Array.of(1) }], { isNano: false });
    content.writeUInt32LE(1_500_000, 24 + 4);
    writeFileSync(path, content);
    const file = await CaptureFile.open(path);
    const [packet] = await collect(file);
    await file.close();
    assert.deepEqual([packet!.seconds, packet!.nanoseconds], [11, 500_000_000]);
  });
});
