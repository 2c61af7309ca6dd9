import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { findField } from '../../src/model/fields.js';
import type { AnalysisOptions } from '../../src/sensor/analysis.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import type { TestPacket } from '../support/analysing.js';
import { analyse, analyseCapture, analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import { LAB_CAPTURES } from '../support/captures.js';
import { looking } from '../support/reading-checks.js';

const V4: LayerSpec = { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' };
const TEREDO_V6: LayerSpec = { ...V6, src: teredoAddress('65.54.227.120', '81.187.10.2', 5000) };
const WRONG = 0x1234;
const PAYLOAD: LayerSpec = { layer: 'payload', bytes: Uint8Array.of(1, 2, 3) };
const LEAVES: readonly LayerSpec[] = [
  { layer: 'tcp', src: 40000, dst: 80 },
  { layer: 'udp', src: 40000, dst: 53 },
  { layer: 'icmpv6', type: 128 },
];

type Mode = NonNullable<AnalysisOptions['checksums']>;

/* Values of outer and inner checksum in each packet, for a rule that reads them. */
function factsOf(
  frames: readonly { bytes: Uint8Array; wireLength?: number }[],
  mode: Mode = 'verify',
): string[] {
  const values: string[] = [];
  const rule = {
    ...looking((facts) => {
      const read = (name: string): string => facts.text(findField(name)!);
      values.push(`${read('outer.checksum')} ${read('inner.checksum')}`);
    }),
    reads: 256,
  };
  analyseFrames(
    frames.map((frame) => ({ ...frame, seconds: FIRST_SECOND, nanoseconds: 0 })),
    { rules: [rule], checksums: mode },
  );
  return values;
}

const one = (...layers: LayerSpec[]): { bytes: Uint8Array }[] => [{ bytes: buildFrame(layers) }];

function weirdsOf(packets: readonly TestPacket[], mode: Mode): string[] {
  return analyse(packets, { rules: [], checksums: mode })
    .lines('weird')
    .map((line) => String(line['name']));
}

describe('checksums of tunnel packets', () => {
  for (const leaf of LEAVES) {
    it(`of ${leaf.layer} inside are verified`, () => {
      assert.deepEqual(factsOf(one(V4, V6, leaf, PAYLOAD)), ['ok ok']);
      assert.deepEqual(factsOf(one(V4, V6, { ...leaf, checksum: WRONG } as LayerSpec, PAYLOAD)), ['ok bad']);
    });
  }

  it('of the outer UDP and IPv4 headers are verified', () => {
    const udp: LayerSpec = { layer: 'udp', src: 5000, dst: 3545 };
    const layers = [V4, udp, TEREDO_V6, LEAVES[0]!];
    assert.deepEqual(factsOf(one(...layers)), ['ok ok']);
    assert.deepEqual(factsOf(one(V4, { ...udp, checksum: WRONG }, TEREDO_V6, LEAVES[0]!)), ['bad ok']);
    // A UDP datagram over IPv4 may go without.
    assert.deepEqual(factsOf(one(V4, { ...udp, checksum: 0 }, TEREDO_V6, LEAVES[0]!)), ['ok ok']);
    const bytes = buildFrame(layers);
    bytes[14 + 10]! ^= 0xff;
    assert.deepEqual(factsOf([{ bytes }]), ['bad ok']);
  });

  it('are unknown where the capture does not hold all that they cover', () => {
    const bytes = buildFrame([V4, V6, { ...LEAVES[0]!, checksum: WRONG } as LayerSpec, PAYLOAD]);
    const cut = bytes.subarray(0, bytes.length - 2);
    assert.deepEqual(factsOf([{ bytes: cut, wireLength: bytes.length }]), ['ok unknown']);
  });

  it('are unknown of a packet that is on its way along a source route', () => {
    const route: LayerSpec = { layer: 'routing', type: 4, segmentsLeft: 1 };
    assert.deepEqual(factsOf(one(V4, V6, route, LEAVES[0]!)), ['ok unknown']);
    assert.deepEqual(factsOf(one(V4, V6, { ...route, segmentsLeft: 0 }, LEAVES[0]!)), ['ok ok']);
  });

  it('of whatever was sent are read without a fault', () => {
    const teredo: LayerSpec[] = [V4, { layer: 'udp', src: 5000, dst: 3545 }, TEREDO_V6];
    const leaf = fc.constantFrom(...LEAVES);
    const outer = fc.constantFrom<LayerSpec[]>([V4, V6], teredo, [V4, V4, V6]);
    const edits = fc.array(fc.tuple(fc.nat(140), fc.nat(255)), { maxLength: 3 });
    const frame = fc
      .tuple(outer, leaf, edits, fc.nat(150), fc.boolean())
      .map(([layers, last, changes, keep, isShort]) => {
        const bytes = buildFrame([...layers, last, PAYLOAD]);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const kept = bytes.subarray(0, Math.max(1, Math.min(keep + 30, bytes.length)));
        return { bytes: kept, ...(isShort ? {} : { wireLength: bytes.length }) };
      });
    factsOf(fc.sample(frame, 2000));
  });

  it('are not looked at when they are to be ignored', () => {
    const wrong: LayerSpec = { layer: 'tcp', src: 1, dst: 2, checksum: WRONG };
    assert.deepEqual(factsOf(one(V4, V6, wrong), 'ignore'), ['unknown unknown']);
    assert.deepEqual(weirdsOf([{ layers: [V4, V6, wrong] }], 'ignore'), []);
  });

  it('that are wrong are weirds with the names of Zeek, once for a flow', () => {
    const names = LEAVES.map((leaf) => {
      const packet = { layers: [V4, V6, { ...leaf, checksum: WRONG } as LayerSpec, PAYLOAD] };
      return weirdsOf(leaf.layer === 'icmpv6' ? [packet] : [packet, packet], 'auto');
    });
    assert.deepEqual(names, [['bad_TCP_checksum'], ['bad_UDP_checksum'], ['bad_ICMP_checksum']]);
  });

  it('that are wrong in an outer or inner IPv4 header are bad_IP_checksum', () => {
    const bytes = buildFrame([V4, { layer: 'ipv4', src: '10.0.0.1', dst: '10.0.0.2' }, LEAVES[0]!]);
    bytes[14 + 10]! ^= 0xff;
    bytes[14 + 30]! ^= 0xff;
    const { lines, analysis } = analyseFrames([{ bytes, seconds: FIRST_SECOND, nanoseconds: 0 }], {
      rules: [],
    });
    assert.deepEqual(
      lines('weird').map((line) => line['name']),
      ['bad_IP_checksum', 'bad_IP_checksum'],
    );
    assert.equal(analysis.counters.badChecksums, 2);
  });
});

describe('checksum offload', () => {
  const flow = (port: number): TestPacket => ({
    layers: [V4, V6, { layer: 'tcp', src: port, dst: 80, checksum: WRONG }],
  });
  const flows = (count: number): TestPacket[] => Array.from({ length: count }, (_, i) => flow(1000 + i));

  it('is recognised by what a sender leaves to its card, in a real capture', async () => {
    const path = join(LAB_CAPTURES, 'p41-6in4-bulk-offloads-ON.pcap');
    const auto = await analyseCapture(path, { rules: [] });
    assert.deepEqual(
      auto.lines('weird').map((line) => line['name']),
      ['checksum_offload'],
    );
    assert.equal(auto.analysis.counters.badChecksums, 0);
    const verify = await analyseCapture(path, { rules: [], checksums: 'verify' });
    assert.ok(verify.analysis.counters.badChecksums > 0);
  });

  it('is recognised when one sender has none right, and said once', () => {
    const names = weirdsOf(flows(60), 'auto');
    assert.equal(names.filter((name) => name === 'checksum_offload').length, 1);
    assert.equal(names.filter((name) => name === 'bad_TCP_checksum').length, 19);
  });

  it('is no excuse for a sender that has right ones too', () => {
    const right: TestPacket = { layers: [V4, V6, { layer: 'tcp', src: 999, dst: 80 }] };
    const { analysis, lines } = analyse([right, ...flows(60)], { rules: [] });
    assert.equal(analysis.counters.badChecksums, 60);
    assert.ok(!lines('weird').some((line) => line['name'] === 'checksum_offload'));
  });
});
