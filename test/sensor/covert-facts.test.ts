import assert from 'node:assert/strict';
import fc from 'fast-check';
import { watchedPorts } from '../../src/decode/plain-frame.js';
import { UsualTunnel } from '../../src/decode/usual-tunnel.js';
import type { FactSheet } from '../../src/model/fact-sheet.js';
import type { FieldName } from '../../src/model/fields.js';
import { FIELD, FIELDS } from '../../src/model/fields.js';
import type { Rule } from '../../src/rules/rule.js';
import { loadRules } from '../../src/sensor/load.js';
import { frameOf } from '../../src/wire/frame.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { analyse, analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import { usualFrame } from '../support/usual-frames.js';

/** A rule that fires for every packet, to look at its facts. */
const everyPacket: Rule = {
  ...loadRules([]).rules[0]!,
  index: 0,
  on: 'packet',
  matches: () => true,
  gate: { violated: undefined, kinds: 0xffffffff, value: undefined, unusual: false },
  dedupKey: [],
  dedupSeconds: 0,
  exceptions: [],
};

const V4: LayerSpec = { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' };
const TCP: LayerSpec = { layer: 'tcp', src: 40_000, dst: 80 };
const TEREDO: LayerSpec[] = [V4, { layer: 'udp', src: 51_631, dst: 3544 }];
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
const payload = (hex: string): LayerSpec => ({ layer: 'payload', bytes: bytes(hex) });

/* Facts of the last tunnel packet, by field; `-` for those that are absent. */
function factsOf(packets: readonly (readonly LayerSpec[])[], ...names: FieldName[]): string[] {
  let values: string[] = [];
  analyse(
    packets.map((layers) => ({ layers })),
    {
      rules: [everyPacket],
      onAlert: (_alert, facts) => (values = names.map((name) => facts.text(FIELDS[FIELD[name]]!))),
    },
  );
  return values;
}

describe('facts about octets that hide', () => {
  it('tell length and entropy of the authentication, and its nonce', () => {
    const auth = {
      id: bytes('01010101'),
      value: bytes('000102030405060708090a0b0c0d0e0f'),
      nonce: 0x4142434480818283n,
    };
    const layers: LayerSpec[] = [
      ...TEREDO,
      { layer: 'teredo', auth },
      { layer: 'ipv6', src: 'fe80::ffff:ffff:fffe', dst: 'ff02::2', hopLimit: 255 },
      { layer: 'icmpv6', type: 133 },
    ];
    assert.deepEqual(
      factsOf(
        [layers],
        'teredo.auth_id_length',
        'teredo.auth_id_entropy',
        'teredo.auth_value_length',
        'teredo.auth_value_entropy',
        'teredo.nonce',
        'teredo.nonce_printable',
      ),
      ['4', '0', '16', '400', '4142434480818283', '4'],
    );
  });

  const bubbleWith = (trailer: string): LayerSpec[] => [
    ...TEREDO,
    { layer: 'teredo', trailer: bytes(trailer) },
    { layer: 'ipv6', src: 'fe80::1', dst: '2001:0:4137:9e50:0:3650:abeb:d7fd' },
  ];
  const trailers = (hex: string): string[] =>
    factsOf(
      [bubbleWith(hex)],
      'teredo.trailer_types',
      'teredo.trailers',
      'teredo.unknown_trailers',
      'teredo.trailer_rest',
      'teredo.trailer_entropy',
    );

  it('take a bubble’s tail apart into trailers and a rest', () => {
    assert.deepEqual(trailers('0104 00000000'), ['1', '1', '0', '0', '125']);
    assert.deepEqual(trailers('0104 00000000 0502 1f40'), ['1,5', '2', '0', '0', '252']);
    assert.deepEqual(trailers('0104 00000000 ff'), ['1', '1', '0', '1', '166']);
    assert.deepEqual(trailers('4142434445464748'), ['', '0', '0', '8', '300']);
    assert.deepEqual(trailers('0901 07 01'), ['9', '1', '1', '1', '150']);
  });

  it('say nothing of trailers where there are none', () => {
    assert.deepEqual(
      factsOf([bubbleWith('')], 'teredo.trailers', 'teredo.trailer_rest', 'teredo.trailer_length'),
      ['-', '-', '0'],
    );
  });

  it('split the flags of a Teredo address', () => {
    const src = '2001:0:4137:9e50:c1ff:3650:ae44:f5fd';
    assert.deepEqual(
      factsOf(
        [[...TEREDO, { ...V6, src }, TCP]],
        'teredo.src_cone',
        'teredo.src_reserved_flags',
        'teredo.src_random_flags',
        'teredo.dst_cone',
      ),
      ['true', String(0x4100), String(0xff), '-'],
    );
  });

  it('count padding that is not zero, unknown options and what runs past the header', () => {
    const names = [
      'inner.padding_data',
      'inner.longest_padding',
      'inner.unknown_options',
      'inner.unknown_option_data',
      'inner.malformed_options',
    ] as const;
    const options = (...list: string[]): string[] =>
      factsOf(
        [[V4, V6, ...list.map((hex): LayerSpec => ({ layer: 'dstopts', options: bytes(hex) })), TCP]],
        ...names,
      );
    assert.deepEqual(options('0104 00000000'), ['0', '6', '0', '0', 'false']);
    assert.deepEqual(options('0104 00410042'), ['2', '6', '0', '0', 'false']);
    assert.deepEqual(options('0401 04 0101 00'), ['0', '3', '0', '0', 'false']);
    assert.deepEqual(options('1e04 01020304', '3e02 0102 0100'), ['0', '2', '2', '6', 'false']);
    assert.deepEqual(options('0120 00000000'), ['0', '0', '0', '0', 'true']);
    assert.deepEqual(factsOf([[V4, V6, TCP]], ...names), ['-', '-', '-', '-', '-']);
  });

  it('see reserved bits, and where a routing header leads', () => {
    const after = (nextHeader: number, hex: string): string[] =>
      factsOf(
        [[V4, { ...V6, nextHeader }, payload(hex)]],
        'inner.reserved_set',
        'inner.routing_type',
        'inner.segments_left',
      );
    assert.deepEqual(after(44, '3b00 0000 00000001'), ['false', '-', '-']);
    assert.deepEqual(after(44, '3b01 0000 00000001'), ['true', '-', '-']);
    assert.deepEqual(after(44, '3b00 0004 00000001'), ['true', '-', '-']);
    assert.deepEqual(after(43, '3b02 0001 00000000 20010db8000000000000000000000001'), ['false', '0', '1']);
    assert.deepEqual(after(43, '3b02 0001 00000001 20010db8000000000000000000000001'), ['true', '0', '1']);
    assert.deepEqual(after(51, '3b01 0000 00000001 00000001'), ['false', '-', '-']);
    assert.deepEqual(after(51, '3b01 0100 00000001 00000001'), ['true', '-', '-']);
  });

  it('measure what follows "no next header", and what follows the packet', () => {
    const names = [
      'inner.no_next_length',
      'inner.no_next_entropy',
      'inner.tail_length',
      'inner.tail_entropy',
    ] as const;
    assert.deepEqual(factsOf([[V4, V6, payload('00010203')]], ...names), ['4', '200', '-', '-']);
    assert.deepEqual(factsOf([[V4, V6]], ...names), ['0', '-', '-', '-']);
    assert.deepEqual(factsOf([[V4, { ...V6, payloadLength: 20 }, TCP, payload('0000 0101')]], ...names), [
      '-',
      '-',
      '4',
      '100',
    ]);
  });

  it('give traffic class and flow label', () => {
    const v6: LayerSpec = { ...V6, flowLabel: (0x2e << 20) | 0x12345 };
    assert.deepEqual(factsOf([[V4, v6, TCP]], 'inner.traffic_class', 'inner.flow_label'), [
      String(0x2e),
      String(0x12345),
    ]);
  });

  it('are those of the fragment that completes the packet, not of earlier ones', () => {
    const options: LayerSpec = { layer: 'dstopts', options: bytes('0104 41414141') };
    const whole = bytes('9c400050 00000000 00000000 50022000 00000000 0000000000000000');
    const piece = (from: number, hasOptions: boolean): LayerSpec[] => [
      V4,
      V6,
      ...(hasOptions ? [options] : []),
      { layer: 'fragment', offset: from, more: from === 0, id: 7, nextHeader: 6 },
      { layer: 'payload', bytes: from === 0 ? whole.subarray(0, 24) : whole.subarray(24) },
    ];
    const names = ['packet.reassembled', 'inner.dst_port', 'inner.padding_data'] as const;
    assert.deepEqual(factsOf([piece(0, true), piece(24, false)], ...names), ['true', '80', '-']);
    assert.deepEqual(factsOf([piece(0, false), piece(24, true)], ...names), ['true', '80', '4']);
  });
});

describe('a packet of the usual shape', () => {
  it('has in every field no value but those that the dictionary calls usual', () => {
    const usual = new UsualTunnel(watchedPorts([4789]));
    let seen = 0;
    const look = (_alert: unknown, facts: FactSheet): void => {
      seen++;
      for (const field of FIELDS) {
        if (field.usual === undefined || !facts.has(field.id)) continue;
        assert.ok(field.usual.includes(facts.number(field)), `${field.name} is ${facts.text(field)}`);
      }
    };
    fc.assert(
      fc.property(usualFrame, ({ bytes: octets, wireLength }) => {
        if (!usual.read(frameOf(octets), 0, octets.length, wireLength)) return;
        const frame = { bytes: octets, wireLength, seconds: FIRST_SECOND, nanoseconds: 0 };
        analyseFrames([frame], { rules: [everyPacket], onAlert: look });
      }),
      { numRuns: 200 },
    );
    assert.ok(seen > 20, `only ${seen} packets were usual`);
  });
});
