import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CensusTable, NO_CLIENT } from '../../src/census/census-table.js';
import type { ClientSketch } from '../../src/census/client-sketch.js';
import { ESTIMATE, HOSTS_OF_PREFIX } from '../../src/census/client-sketch.js';

const packet = (number: number, seconds = number, nanoseconds = 0) => ({ number, seconds, nanoseconds });

describe('a table of the census', () => {
  it('counts sightings by place, and a packet once', () => {
    const table = new CensusTable('server', 10);
    table.see(7, 0, 1, packet(1, 100, 5));
    table.see(7, 0, 2, packet(1, 100, 5));
    table.see(7, 4, NO_CLIENT, packet(2, 101, 6));
    table.see(9, 1, 1, packet(2, 101, 6));
    assert.deepEqual(table.entries(), [
      {
        what: 'server',
        v4: 7,
        packets: 2,
        seen: [2, 0, 0, 0, 1],
        clients: 2,
        firstSeen: { seconds: 100, nanoseconds: 5 },
        lastSeen: { seconds: 101, nanoseconds: 6 },
      },
      {
        what: 'server',
        v4: 9,
        packets: 1,
        seen: [0, 1, 0, 0, 0],
        clients: 1,
        firstSeen: { seconds: 101, nanoseconds: 6 },
        lastSeen: { seconds: 101, nanoseconds: 6 },
      },
    ]);
    assert.equal(table.packets, 2);
  });

  it('holds so many entries at most; the one not seen for longest makes room and is counted', () => {
    const table = new CensusTable('server', 16);
    for (let i = 0; i < 16; i++) table.see(i, 0, i, packet(i + 1));
    table.see(0, 0, 0, packet(17));
    for (let i = 16; i < 26; i++) table.see(i, 0, i, packet(i + 2));
    assert.deepEqual([table.size, table.capacity, table.evictions], [16, 16, 10]);
    const left = table.entries().map(({ v4 }) => v4);
    assert.deepEqual(
      [...left].sort((a, b) => a - b),
      [0, ...Array.from({ length: 15 }, (_, i) => i + 11)],
    );
    // What comes back begins anew.
    table.see(1, 0, 1, packet(40));
    assert.equal(table.entries().find(({ v4 }) => v4 === 1)!.packets, 1);
  });

  it('never grows beyond its cap, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 400 }), (addresses) => {
        const table = new CensusTable('client_prefix', 20);
        addresses.forEach((one, i) => table.see(one * 256, 0, one * 256, packet(i + 1)));
        const distinct = new Set(addresses).size;
        assert.equal(table.size, Math.min(distinct, 20));
        assert.ok(table.evictions >= distinct - table.size);
      }),
    );
  });

  it('counts anew after an interval and knows when an entry was seen first', () => {
    const table = new CensusTable('sixtofour_prefix', 10);
    table.see(0xc0000201, 0, 0xc0000201, packet(1, 50));
    table.clearCounts();
    assert.deepEqual([table.entries(), table.packets, table.size], [[], 0, 1]);
    table.see(0xc0000202, 2, 0xc0000202, packet(2, 90));
    const [entry] = table.entries();
    assert.deepEqual(
      [
        entry!.v4,
        entry!.packets,
        entry!.clients,
        entry!.seen,
        entry!.firstSeen.seconds,
        entry!.lastSeen.seconds,
      ],
      [0xc0000200, 1, 1, [0, 0, 1, 0, 0], 50, 90],
    );
  });

  it('keeps the earliest and the latest time when packets come out of order', () => {
    const table = new CensusTable('relay', 10);
    [50, 40, 45].forEach((seconds, i) => table.see(1, 0, 1, packet(i + 1, seconds)));
    const [entry] = table.entries();
    assert.deepEqual([entry!.firstSeen.seconds, entry!.lastSeen.seconds], [40, 50]);
  });
});

describe('the number of distinct clients', () => {
  const countOf = (sketch: ClientSketch, addresses: readonly number[]): number => {
    const words = new Uint32Array(sketch.words + 6);
    for (const address of addresses) sketch.add(words, 3, address);
    assert.deepEqual([...words.subarray(0, 3), ...words.subarray(-3)], [0, 0, 0, 0, 0, 0]);
    return sketch.count(words, 3);
  };

  it('of a prefix is exact', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255)), (hosts) => {
        const addresses = hosts.map((host) => 0xc6336400 + host);
        assert.equal(countOf(HOSTS_OF_PREFIX, addresses), new Set(hosts).size);
      }),
    );
  });

  it('of a server is an estimate within 20 %, the same whatever the order and the repeats', () => {
    for (const many of [1, 10, 100, 1000, 10_000, 300_000]) {
      const addresses = Array.from({ length: many }, (_, i) => (0x0a000000 + i * 7919) >>> 0);
      const count = countOf(ESTIMATE, addresses);
      assert.ok(Math.abs(count - many) <= Math.max(1, 0.2 * many), `${count} for ${many}`);
      assert.equal(countOf(ESTIMATE, [...addresses].reverse().concat(addresses.slice(0, 50))), count);
    }
    assert.equal(countOf(ESTIMATE, []), 0);
  });
});
