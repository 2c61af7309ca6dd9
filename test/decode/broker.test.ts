import assert from 'node:assert/strict';
import { verdictName } from '../../src/decode/verdicts.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { analyse } from '../support/analysing.js';
import { decodeBytes, decodeLayers } from '../support/decoding.js';

const V4: LayerSpec = { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' };
const BACK: LayerSpec = { layer: 'ipv4', src: '198.51.100.2', dst: '192.0.2.1' };
const udp = (src: number, dst: number): LayerSpec => ({ layer: 'udp', src, dst });
const tcp = (src: number, dst: number): LayerSpec => ({ layer: 'tcp', src, dst, flags: 'PA' });
const text = (words: string): LayerSpec => ({
  layer: 'payload',
  bytes: Uint8Array.from(Buffer.from(words, 'latin1')),
});
const TSP_HEADER = '\xf0\0\0\x01\0\0\0\0';

const TALK: readonly (readonly [layers: LayerSpec[], name: string])[] = [
  [[V4, udp(40_000, 3653), text(`${TSP_HEADER}VERSION=2.0.0\r\n`)], 'tunnel_broker_TSP'],
  [[BACK, udp(3653, 40_000), text(`${TSP_HEADER}CAPABILITY TUNNEL=V6UDPV4\r\n`)], 'tunnel_broker_TSP'],
  [[V4, tcp(40_000, 3653), text('VERSION=2.0.0\r\n')], 'tunnel_broker_TSP'],
  [[BACK, tcp(3653, 40_000), text('Content-length: 123\r\n')], 'tunnel_broker_TSP'],
  [[V4, udp(40_000, 3740), text('HEARTBEAT TUNNEL 2001:db8::2 sender 1')], 'tunnel_broker_heartbeat'],
  [[V4, tcp(40_000, 3874), text('client TIC/draft-00 AICCU/2007')], 'tunnel_broker_TIC'],
  [[BACK, tcp(3874, 40_000), text('200 SixXS TIC Service ready')], 'tunnel_broker_TIC'],
];

describe('talk with tunnel brokers', () => {
  for (const [layers, name] of TALK) {
    it(`is told as weird: ${JSON.stringify(layers.slice(1))}`, () => {
      const { lines, alerts } = analyse([{ layers }]);
      assert.deepEqual(
        lines('weird').map((line) => [line['name'], line['source'], line['id.orig_h']]),
        [[name, 'BROKER', (layers[0] as { src: string }).src]],
      );
      assert.deepEqual([lines('tunnel'), alerts], [[], []]);
    });
  }

  it('needs its words on its ports', () => {
    for (const layers of [
      [V4, udp(40_000, 3654), text(`${TSP_HEADER}VERSION=2.0.0\r\n`)],
      [V4, udp(40_000, 3653), text('VERSION=2.0.0\r\n')],
      [V4, udp(40_000, 3653), text(`${TSP_HEADER}VERSIO`)],
      [V4, udp(40_000, 3740), text('heartbeat')],
      [V4, tcp(40_000, 80), text('VERSION=2.0.0\r\n')],
      [V4, tcp(40_000, 3653)],
    ]) {
      const stack = decodeLayers(...layers);
      assert.deepEqual([stack.isBrokerTalk, stack.notes], [false, 0], JSON.stringify(layers));
    }
  });

  it('is no complaint about the tunnel on the same ports', () => {
    const data = [V4, udp(40_000, 3653), V6, { layer: 'tcp', src: 1, dst: 2 } as const];
    const { lines } = analyse([{ layers: data }, { at: 1, layers: TALK[0]![0] }]);
    assert.deepEqual(
      lines('weird').map((line) => line['name']),
      ['tunnel_broker_TSP'],
    );
    assert.equal(lines('tunnel')[0]!['tunnel_kind'], 'tsp');
  });

  it('cut anywhere is read no further', () => {
    for (const [layers, name] of TALK) {
      const frame = buildFrame(layers);
      for (let length = 0; length <= frame.length; length++) {
        const stack = decodeBytes(frame.subarray(0, length), { wireLength: frame.length });
        if (stack.isBrokerTalk) assert.equal(verdictName(stack.note[0]!), name);
      }
    }
  });
});
