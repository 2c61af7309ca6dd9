import assert from 'node:assert/strict';
import type { CheckName } from '../../src/model/checks.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildPacket } from '../../src/wire/packet-builder.js';
import type { TestPacket } from '../support/analysing.js';
import { analyse } from '../support/analysing.js';
import { checksOf, WAITING_VIOLATIONS } from '../support/reading-checks.js';

const V4: LayerSpec = { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' };
const TCP: LayerSpec = { layer: 'tcp', src: 40000, dst: 80 };
const DATA: LayerSpec = { layer: 'payload', bytes: new Uint8Array(1600) };
const SEGMENT = buildPacket([TCP, DATA]);

/* An inner fragment of a TCP segment, or of other octets. */
function fragment(from: number, to: number, bytes = SEGMENT): TestPacket {
  const layers: LayerSpec[] = [
    V4,
    V6,
    { layer: 'fragment', offset: from, more: to < bytes.length, id: 7, nextHeader: 6 },
    { layer: 'payload', bytes: bytes.subarray(from, to) },
  ];
  return { layers };
}

const END = SEGMENT.length;

/* The last value that says something: a fragment that waits says nothing. */
function last(packets: readonly TestPacket[], name: CheckName): string {
  const values = checksOf(packets, name);
  return values.filter((value) => value !== 'not-applicable').at(-1) ?? 'not-applicable';
}

describe('checks of fragments', () => {
  it('hold for what an ordinary sender makes, and do not apply without fragments', () => {
    const ordinary = [fragment(0, 800), fragment(800, END)];
    for (const name of ['X02', 'X03', 'X04', 'X05', 'X06'] as const) {
      assert.equal(last(ordinary, name), 'holds', name);
      assert.equal(last([{ layers: [V4, V6, TCP] }], name), 'not-applicable', name);
    }
  });

  it('X02: overlap with other octets is violated, an exact duplicate is not', () => {
    const other = SEGMENT.map((octet) => octet ^ 0xff);
    assert.equal(last([fragment(0, 800), fragment(400, 1200, other), fragment(800, END)], 'X02'), 'violated');
    assert.equal(last([fragment(0, 800), fragment(0, 800), fragment(800, END)], 'X02'), 'holds');
    assert.equal(last([fragment(0, 800)], 'X02'), 'undetermined');
  });

  it('X03: headers behind the first fragment are violated, also when the rest never comes', () => {
    assert.equal(last([fragment(0, 8), fragment(8, END)], 'X03'), 'violated');
    assert.equal(last([fragment(0, 8)], 'X03'), 'violated');
    assert.equal(last([fragment(0, 800)], 'X03'), 'holds');
  });

  it('X04: a second Fragment header is violated, wherever it stands', () => {
    const whole: LayerSpec = { layer: 'fragment' };
    assert.equal(last([{ layers: [V4, V6, whole, whole, TCP] }], 'X04'), 'violated');
    assert.equal(last([{ layers: [V4, V6, whole, { layer: 'dstopts' }, whole, TCP] }], 'X04'), 'violated');
  });

  it('X05: an atomic fragment is violated', () => {
    assert.equal(last([{ layers: [V4, V6, { layer: 'fragment' }, TCP] }], 'X05'), 'violated');
  });

  it('X06: fragments smaller than any network makes them are violated, but the last', () => {
    assert.equal(last([fragment(0, 64), fragment(64, END)], 'X06'), 'violated');
    assert.equal(last([fragment(0, 1600), fragment(1600, END)], 'X06'), 'holds');
  });

  it('are violated in a flow that was judged before, too', () => {
    const plain: TestPacket = { layers: [V4, V6, TCP] };
    const packets = [plain, plain, plain, fragment(0, 8), fragment(8, END)];
    assert.deepEqual(analyse(packets, { rules: WAITING_VIOLATIONS }).rules(), ['X03', 'X06']);
  });
});
