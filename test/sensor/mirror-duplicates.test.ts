import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { analyse, analyseCapture } from '../support/analysing.js';
import { LAB_CAPTURES } from '../support/captures.js';

const CLIENT = '81.187.10.2';
const RELAY = '83.150.30.2';

function teredo(more: { ttl?: number; id?: number; seq?: number } = {}): LayerSpec[] {
  return [
    { layer: 'ipv4', src: CLIENT, dst: RELAY, ttl: more.ttl ?? 64, id: more.id ?? 7 },
    { layer: 'udp', src: 51631, dst: 51246 },
    { layer: 'ipv6', src: '2001:0:4137:9e50:0:3650:ae44:f5fd', dst: '2001:470:1f0b:1::10' },
    { layer: 'tcp', src: 40000, dst: 443, seq: more.seq ?? 1 },
  ];
}

function counted(packets: Parameters<typeof analyse>[0]): { duplicates: number; sent: unknown } {
  const { analysis, lines } = analyse(packets);
  const sent = lines('tunnel').find((line) => line['action'] === 'Tunnel::CLOSE')!['orig_pkts'];
  return { duplicates: analysis.counters.duplicates, sent };
}

describe('a mirror of several ports', () => {
  it('shows a packet again with a TTL one less, which is counted once', () => {
    assert.deepEqual(counted([{ layers: teredo() }, { at: 0.0001, layers: teredo({ ttl: 63 }) }]), {
      duplicates: 1,
      sent: 1,
    });
  });

  it('shows it once more at each router', () => {
    const packets = [64, 63, 62, 61].map((ttl, i) => ({ at: i * 0.001, layers: teredo({ ttl }) }));
    assert.deepEqual(counted(packets), { duplicates: 3, sent: 1 });
  });

  it('may show it under another VLAN tag', () => {
    const tagged = [{ layer: 'vlan', id: 10 } as const, ...teredo({ ttl: 63 })];
    assert.deepEqual(counted([{ layers: teredo() }, { at: 0.0001, layers: tagged }]), {
      duplicates: 1,
      sent: 1,
    });
  });

  it('shows it with the same TTL under another VLAN tag or with other addresses of Ethernet', () => {
    const forms: LayerSpec[][] = [
      teredo(),
      [{ layer: 'vlan', id: 10 }, ...teredo()],
      [{ layer: 'eth', src: '02:00:00:00:00:07', dst: '02:00:00:00:00:08' }, ...teredo()],
    ];
    for (const layers of forms) {
      const packets = [{ layers: teredo() }, { at: 0.0001, layers }];
      assert.deepEqual(counted(packets), { duplicates: 1, sent: 1 });
    }
  });

  it('shows it before and behind a router, each twice, in any order of the ports', () => {
    for (const ttls of [
      [64, 64, 63, 63],
      [64, 63, 64, 63],
    ]) {
      const packets = ttls.map((ttl, i) => ({ at: i * 0.001, layers: teredo({ ttl }) }));
      assert.deepEqual(counted(packets), { duplicates: 3, sent: 1 });
    }
  });

  it('does not make copies of what a sender may repeat: identification 0, and IPv6', () => {
    const packets = [0, 0.001, 0.002].map((at) => ({ at, layers: teredo({ id: 0 }) }));
    assert.deepEqual(counted(packets), { duplicates: 0, sent: 3 });
    const outer: LayerSpec = { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' };
    const layers: LayerSpec[] = [outer, ...teredo({ id: 0 })];
    const { analysis } = analyse([0, 0.001].map((at) => ({ at, layers })));
    assert.equal(analysis.counters.duplicates, 0);
  });

  it('takes the same octets more than 50 ms after the first for a packet of its own, however many come between', () => {
    const packets = Array.from({ length: 11 }, (_, i) => ({ at: i * 0.03, layers: teredo() }));
    assert.deepEqual(counted(packets), { duplicates: 5, sent: 6 });
  });

  it('counts each round of a packet that goes in a circle', () => {
    const everyHop = Array.from({ length: 40 }, (_, i) => ({
      at: i * 0.001,
      layers: teredo({ ttl: 64 - i }),
    }));
    assert.deepEqual(counted(everyHop), { duplicates: 4, sent: 36 });
    const everyOther = Array.from({ length: 20 }, (_, i) => ({
      at: i * 0.001,
      layers: teredo({ ttl: 64 - 2 * i }),
    }));
    assert.deepEqual(counted(everyOther), { duplicates: 0, sent: 20 });
  });

  it('does not make copies of what differs in any octet', () => {
    const others: LayerSpec[][] = [
      teredo({ ttl: 65 }),
      teredo({ ttl: 62 }),
      teredo({ ttl: 63, id: 8 }),
      teredo({ ttl: 63, seq: 2 }),
    ];
    for (const layers of others) {
      assert.deepEqual(counted([{ layers: teredo() }, { at: 0.0001, layers }]), { duplicates: 0, sent: 2 });
    }
  });

  it('shows the copy at once, not after a tenth of a second', () => {
    assert.deepEqual(counted([{ layers: teredo() }, { at: 0.1, layers: teredo({ ttl: 63 }) }]), {
      duplicates: 0,
      sent: 2,
    });
  });

  it('cannot be used to hide a packet behind another with the same beginning', () => {
    const withByte = (ttl: number, bytes: Uint8Array): LayerSpec[] => [
      ...teredo({ ttl }),
      { layer: 'payload', bytes },
    ];
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 1200 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, place, change) => {
          const other = Uint8Array.from(bytes);
          other[place % bytes.length]! ^= change;
          const packets = [{ layers: withByte(64, bytes) }, { at: 0.0001, layers: withByte(63, other) }];
          assert.equal(counted(packets).duplicates, 0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('does not hide a packet whose words stand in another order, so that its checksum is the same', () => {
    const bytes = Uint8Array.from({ length: 800 }, (_, i) => (i * 7) & 0xff);
    const turned = new Uint8Array(800);
    for (let i = 0; i < 800; i += 2) turned.set(bytes.subarray(798 - i, 800 - i), i);
    const withBytes = (ttl: number, octets: Uint8Array): LayerSpec[] => [
      ...teredo({ ttl }),
      { layer: 'payload', bytes: octets },
    ];
    const packets = [{ layers: withBytes(64, bytes) }, { at: 0.0001, layers: withBytes(63, turned) }];
    assert.deepEqual(counted(packets), { duplicates: 0, sent: 2 });
  });

  it('counts as much as a mirror of one port does, in the capture that was made of both at once', async () => {
    const totals = async (name: string): Promise<Map<unknown, unknown[]>> => {
      const { lines } = await analyseCapture(join(LAB_CAPTURES, name));
      return new Map(
        lines('tunnel')
          .filter((line) => line['action'] === 'Tunnel::CLOSE')
          .map((line) => [
            `${String(line['id.orig_h'])} ${String(line['id.resp_h'])}`,
            ['orig_pkts', 'orig_bytes', 'resp_pkts', 'resp_bytes'].map((key) => line[key]),
          ]),
      );
    };
    const once = await totals('teredo-qualify-irc-http-natoutside.pcap');
    const twice = await totals('teredo-allports-duplicates.pcap');
    assert.equal(once.size, 2);
    for (const [tunnel, counts] of once) assert.deepEqual(twice.get(tunnel), counts, String(tunnel));
  });
});
