import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CaptureFile } from '../../src/capture/capture-file.js';
import type { LayerStack } from '../../src/decode/layers.js';
import { IP, LAYER, MAX_LAYERS, PORTS, ROW } from '../../src/decode/layers.js';
import { VERDICT, VERDICTS } from '../../src/decode/verdicts.js';
import { formatAddress, formatIpv4 } from '../../src/wire/address.js';
import { frameOf } from '../../src/wire/frame.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { allCaptures } from '../support/captures.js';
import { decodeBytes, guardedFrame, layerNames, newDecoder } from '../support/decoding.js';

const decoder = newDecoder();

/** Decodes inside guards: any read outside the octets throws. */
function decodeGuarded(bytes: Uint8Array, linkType: number, wireLength = bytes.length): void {
  const { frame, at, end } = guardedFrame(bytes);
  const verdict = decoder.decode(frame, at, end, wireLength, linkType);
  assert.ok(VERDICTS[verdict] !== undefined);
  assert.ok(decoder.stack.count <= MAX_LAYERS);
}

const linkType = fc.constantFrom(...Object.values(LINK_TYPE));
const v4 = fc.integer({ min: 1, max: 0xdfffffff }).map(formatIpv4);
const v6 = fc
  .tuple(
    fc.constantFrom(0x20010470, 0x2a001450, 0x20024cbb),
    fc.nat(0x7fffffff),
    fc.nat(0x7fffffff),
    fc.nat(0x7fffffff),
  )
  .map(([a, b, c, d]) => formatAddress(a, b, c, d));
const port = fc
  .integer({ min: 1, max: 65535 })
  .filter((value) => ![4789, 6081, 5072, 1701, 2152].includes(value));

const ipv4Layer = fc.record({
  layer: fc.constant('ipv4' as const),
  src: v4,
  dst: v4,
  ttl: fc.nat(255),
  id: fc.nat(65535),
});
const ipv6Layer = fc.record({
  layer: fc.constant('ipv6' as const),
  src: v6,
  dst: v6,
  hopLimit: fc.nat(255),
  flowLabel: fc.nat(0xfffff),
});
const extension: fc.Arbitrary<LayerSpec> = fc.constantFrom<LayerSpec>(
  { layer: 'dstopts' },
  { layer: 'dstopts', length: 24 },
  { layer: 'routing', type: 0, segmentsLeft: 0 },
  { layer: 'fragment', offset: 0, more: false },
);
const tcpLayer = fc.record({ layer: fc.constant('tcp' as const), src: port, dst: port });
const carrier: fc.Arbitrary<LayerSpec[]> = fc.oneof(
  fc.tuple(ipv4Layer),
  fc.tuple(ipv6Layer),
  fc.tuple(ipv4Layer, fc.constant<LayerSpec>({ layer: 'gre' })),
  fc.tuple(ipv4Layer, fc.constant<LayerSpec>({ layer: 'gre', key: 7 })),
);
const link: fc.Arbitrary<LayerSpec[]> = fc.constantFrom<LayerSpec[]>(
  [{ layer: 'eth' }],
  [{ layer: 'eth' }, { layer: 'vlan', id: 100 }],
  [{ layer: 'eth' }, { layer: 'vlan', id: 200, tpid: 0x88a8 }, { layer: 'vlan', id: 100 }],
  [{ layer: 'eth' }, { layer: 'vlan', id: 7 }, { layer: 'pppoe' }],
);
const stackOfLayers = fc
  .tuple(
    link,
    fc.array(carrier, { minLength: 1, maxLength: 4 }),
    fc.array(extension, { maxLength: 3 }),
    ipv6Layer,
    tcpLayer,
  )
  .map(([first, carriers, extensions, inner, leaf]): LayerSpec[] => [
    ...first,
    ...carriers.flat(),
    inner,
    ...extensions,
    leaf,
  ]);

/* Compares what two decoders made of the same octets. */
function assertSame(a: LayerStack, b: LayerStack, what: string): void {
  let isSame = a.verdict === b.verdict && a.count === b.count && a.encapsulations === b.encapsulations;
  isSame &&= a.carrierComplaint === b.carrierComplaint && a.notes === b.notes && a.unopened === b.unopened;
  for (let layer = 0; isSame && layer < a.count; layer++) {
    isSame = a.kind[layer] === b.kind[layer] && a.end[layer] === b.end[layer] && a.end[layer]! <= a.end[0]!;
    for (let word = 0; isSame && word < ROW; word++) {
      if (a.kind[layer] !== LAYER.teredo) isSame = a.word(layer, word) === b.word(layer, word);
    }
  }
  assert.ok(isSame, what);
}

describe('decoders', () => {
  it('neither throw nor read past the end on arbitrary octets, on any link type', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), linkType, fc.nat(100), (bytes, type, missing) => {
        decodeGuarded(bytes, type, bytes.length + missing);
      }),
      { numRuns: 3000 },
    );
  });

  it('neither throw nor read past the end on damaged packets', () => {
    const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(stackOfLayers, damage, (layers, changes) => {
        const bytes = buildFrame(layers);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        decodeGuarded(bytes, LINK_TYPE.ETHERNET);
      }),
      { numRuns: 2000 },
    );
  });

  it('neither throw nor read past the end on every truncation of every capture packet', async function () {
    this.timeout(300_000);
    let packets = 0;
    let truncations = 0;
    // Two copies that differ only behind the end: what is decoded must not. A DataView read past a copy throws.
    const MARGIN = 64;
    const copies = [0x00, 0xff].map((fill) => ({
      fill,
      bytes: new Uint8Array(262_144 + MARGIN),
      decoder: newDecoder(),
    }));
    for (const path of allCaptures()) {
      const file = await CaptureFile.open(path);
      await file.read((batch, from, to) => {
        for (let i = from; i < to; i++) {
          packets++;
          const at = batch.at[i]!;
          const whole = batch.frame.bytes.subarray(at, at + batch.capturedLength[i]!);
          const type = file.interfaces[batch.interface[i]!]!.linkType;
          for (const { bytes, fill } of copies) {
            bytes.set(whole);
            bytes.fill(fill, whole.length, whole.length + MARGIN);
          }
          for (let length = whole.length; length >= 0; length--) {
            truncations++;
            const wire = length % 2 === 0 ? length : whole.length;
            const [a, b] = copies.map(({ bytes, fill, decoder: one }) => {
              bytes[length] = fill;
              one.decode(frameOf(bytes.subarray(0, length + MARGIN)), 0, length, wire, type);
              return one.stack;
            }) as [LayerStack, LayerStack];
            assertSame(a, b, `${path} packet ${batch.firstNumber + i} cut to ${length}`);
          }
        }
        return undefined;
      });
      await file.close();
    }
    assert.ok(packets > 1000 && truncations > 100_000);
  });

  it('find again what was built: layers, addresses, ports', () => {
    fc.assert(
      fc.property(stackOfLayers, (layers) => {
        const stack = decodeBytes(buildFrame(layers));
        assert.equal(stack.verdict, VERDICT.ok);
        assert.equal(layerNames(stack), layers.map(({ layer }) => layer).join('/'));
        layers.forEach((spec, i) => {
          if (spec.layer === 'ipv4' || spec.layer === 'ipv6') {
            const address = (at: number): string =>
              formatAddress(
                stack.word(i, at),
                stack.word(i, at + 1),
                stack.word(i, at + 2),
                stack.word(i, at + 3),
              );
            assert.equal(address(IP.SRC), spec.src);
            assert.equal(address(IP.DST), spec.dst);
          } else if (spec.layer === 'tcp') {
            assert.deepEqual([stack.word(i, PORTS.SRC), stack.word(i, PORTS.DST)], [spec.src, spec.dst]);
          }
        });
        assert.equal(stack.kind[stack.count - 1], LAYER.tcp);
      }),
      { numRuns: 1000 },
    );
  });
});
