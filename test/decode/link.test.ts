import assert from 'node:assert/strict';
import { ETH, VLAN } from '../../src/decode/layers.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import { buildFrame, buildPacket } from '../../src/wire/packet-builder.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { decodeBytes, decodeLayers, layerNames } from '../support/decoding.js';

const INSIDE: readonly LayerSpec[] = [
  { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' },
  { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' },
  { layer: 'tcp', src: 40000, dst: 6667 },
];
const PACKET = buildPacket(INSIDE);
const V6_PACKET = buildPacket([{ layer: 'ipv6', src: '2a02::1', dst: '2a02::2' }, ...INSIDE.slice(1)]);

const before = (hex: string, packet = PACKET): Uint8Array =>
  Uint8Array.from([...Buffer.from(hex, 'hex'), ...packet]);

describe('link layers', () => {
  it('Ethernet keeps both addresses', () => {
    const stack = decodeLayers(
      { layer: 'eth', src: 'aa:bb:cc:dd:ee:ff', dst: '01:02:03:04:05:06' },
      ...INSIDE,
    );
    assert.deepEqual([stack.word(0, ETH.SRC_HIGH), stack.word(0, ETH.SRC_LOW)], [0xaabb, 0xccddeeff]);
    assert.deepEqual([stack.word(0, ETH.DST_HIGH), stack.word(0, ETH.DST_LOW)], [0x0102, 0x03040506]);
  });

  it('802.1Q and 802.1ad tags stack, in all their EtherTypes', () => {
    for (const tpid of [0x8100, 0x88a8, 0x9100, 0x9200]) {
      const stack = decodeLayers(
        { layer: 'eth' },
        { layer: 'vlan', id: 200, tpid },
        { layer: 'vlan', id: 100 },
        ...INSIDE,
      );
      assert.equal(layerNames(stack), 'eth/vlan/vlan/ipv4/ipv6/tcp');
      assert.deepEqual([stack.word(1, VLAN.ID), stack.word(2, VLAN.ID)], [200, 100]);
    }
  });

  it('PPPoE sessions carry IPv4 and IPv6; discovery is no IP', () => {
    assert.equal(
      layerNames(decodeLayers({ layer: 'eth' }, { layer: 'pppoe' }, ...INSIDE)),
      'eth/pppoe/ipv4/ipv6/tcp',
    );
    const v6 = decodeLayers(
      { layer: 'eth' },
      { layer: 'pppoe' },
      { layer: 'ipv6', src: '2a02::1', dst: '2a02::2' },
      ...INSIDE.slice(1),
    );
    assert.equal(layerNames(v6), 'eth/pppoe/ipv6/ipv6/tcp');
  });

  it('PPPoE may have a protocol field of one octet, as tshark reads it too', () => {
    const link = '020000000002 020000000001 8864 11 00 0007'.replaceAll(' ', '');
    const length = (PACKET.length + 1).toString(16).padStart(4, '0');
    assert.equal(
      layerNames(decodeBytes(before(`${link}${length}21`), { linkType: LINK_TYPE.ETHERNET })),
      'eth/pppoe/ipv4/ipv6/tcp',
    );
    const short = Uint8Array.from(Buffer.from(`${link}0001`, 'hex'));
    assert.equal(decodeBytes(short, { linkType: LINK_TYPE.ETHERNET }).count, 1);
  });

  it('raw IP is told by its version', () => {
    for (const linkType of [LINK_TYPE.RAW, LINK_TYPE.RAW_12, LINK_TYPE.RAW_14]) {
      assert.equal(layerNames(decodeBytes(PACKET, { linkType })), 'ipv4/ipv6/tcp');
      assert.equal(layerNames(decodeBytes(V6_PACKET, { linkType })), 'ipv6/ipv6/tcp');
    }
    assert.equal(layerNames(decodeBytes(PACKET, { linkType: LINK_TYPE.IPV4 })), 'ipv4/ipv6/tcp');
    assert.equal(layerNames(decodeBytes(V6_PACKET, { linkType: LINK_TYPE.IPV6 })), 'ipv6/ipv6/tcp');
  });

  it('Linux cooked captures, version 1 and 2, keep the sender', () => {
    const sll = decodeBytes(before('00040001000602030405060700000800'), { linkType: LINK_TYPE.LINUX_SLL });
    assert.equal(layerNames(sll), 'sll/ipv4/ipv6/tcp');
    assert.deepEqual([sll.word(0, ETH.SRC_HIGH), sll.word(0, ETH.SRC_LOW)], [0x0203, 0x04050607]);
    const sll2 = decodeBytes(before('0800000000000003000104060203040506070000'), {
      linkType: LINK_TYPE.LINUX_SLL2,
    });
    assert.equal(layerNames(sll2), 'sll2/ipv4/ipv6/tcp');
    assert.deepEqual([sll2.word(0, ETH.SRC_HIGH), sll2.word(0, ETH.SRC_LOW)], [0x0203, 0x04050607]);
  });

  it('BSD loopback is read in both byte orders, for the family numbers of all systems', () => {
    assert.equal(
      layerNames(decodeBytes(before('00000002'), { linkType: LINK_TYPE.LOOP })),
      'loopback/ipv4/ipv6/tcp',
    );
    assert.equal(
      layerNames(decodeBytes(before('02000000'), { linkType: LINK_TYPE.NULL })),
      'loopback/ipv4/ipv6/tcp',
    );
    for (const family of ['18000000', '1c000000', '1e000000', '0000001e']) {
      assert.equal(
        layerNames(decodeBytes(before(family, V6_PACKET), { linkType: LINK_TYPE.NULL })),
        'loopback/ipv6/ipv6/tcp',
      );
    }
  });

  it('Ethernet padding behind a short packet is not part of it', () => {
    const frame = buildFrame(INSIDE);
    const padded = new Uint8Array(frame.length + 20).fill(0xee);
    padded.set(frame);
    const stack = decodeBytes(padded);
    assert.equal(layerNames(stack), 'eth/ipv4/ipv6/tcp');
    assert.equal(stack.notes, 0);
    assert.equal(stack.end[3], frame.length);
  });

  it('a total length of 0, as segmentation offload leaves it, means to the end of the frame', () => {
    const frame = buildFrame([
      { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2', totalLength: 0 },
      ...INSIDE.slice(1),
    ]);
    assert.equal(layerNames(decodeBytes(frame)), 'eth/ipv4/ipv6/tcp');
  });

  it('IPv4 options are stepped over', () => {
    const options = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 0);
    const frame = buildFrame([
      { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2', options },
      ...INSIDE.slice(1),
    ]);
    assert.equal(layerNames(decodeBytes(frame)), 'eth/ipv4/ipv6/tcp');
  });
});
