import assert from 'node:assert/strict';
import { GENEVE, GTP, L2TP, MPLS } from '../../src/decode/layers.js';
import { VERDICT, verdictName } from '../../src/decode/verdicts.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { analyse } from '../support/analysing.js';
import { decodeBytes, decodeLayers, layerNames } from '../support/decoding.js';

const V4: LayerSpec = { layer: 'ipv4', src: '192.0.2.1', dst: '198.51.100.2' };
const V6: LayerSpec = { layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' };
const TCP: LayerSpec = { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' };
const hex = (text: string): LayerSpec => ({
  layer: 'payload',
  bytes: Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex')),
});
const udp = (src: number, dst: number): LayerSpec => ({ layer: 'udp', src, dst });
const MACS = '020000000001 020000000002';

/** What carries the inner packet, and the path that comes of it. */
const CARRIERS: readonly (readonly [title: string, layers: readonly LayerSpec[], path: string])[] = [
  [
    'an MPLS stack of two labels, protocol 41 inside',
    [{ layer: 'eth', type: 0x8847 }, hex('00064040 00010140'), V4, V6],
    'eth/mpls/ipv4/ipv6/tcp',
  ],
  [
    'MPLS with the control word of an Ethernet pseudowire',
    [{ layer: 'eth', type: 0x8847 }, hex(`00010140 00000000 ${MACS} 0800`), V4, V6],
    'eth/mpls/eth/ipv4/ipv6/tcp',
  ],
  ['MPLS in GRE', [{ ...V4, protocol: 47 }, hex('0000 8847 00010140'), V6], 'eth/ipv4/gre/mpls/ipv6/tcp'],
  [
    'NVGRE',
    [{ ...V4, protocol: 47 }, hex(`2000 6558 00123400 ${MACS} 86dd`), V6],
    'eth/ipv4/gre/eth/ipv6/tcp',
  ],
  [
    'PPTP with address, control and a long protocol field',
    [{ ...V4, protocol: 47 }, hex('3001 880b 00400001 00000007 ff03 0057'), V6],
    'eth/ipv4/gre/ppp/ipv6/tcp',
  ],
  [
    'PPTP with a short protocol field and an acknowledgement',
    [{ ...V4, protocol: 47 }, hex('3081 880b 00400001 00000007 00000003 57'), V6],
    'eth/ipv4/gre/ppp/ipv6/tcp',
  ],
  [
    'GENEVE with Ethernet',
    [V4, udp(50_000, 6081), hex(`0000 6558 00000a00 ${MACS} 86dd`), V6],
    'eth/ipv4/udp/geneve/eth/ipv6/tcp',
  ],
  [
    'GENEVE with options and bare IPv6',
    [V4, udp(50_000, 6081), hex('0240 86dd 00000a00 0102030400000000'), V6],
    'eth/ipv4/udp/geneve/ipv6/tcp',
  ],
  [
    'AYIYA as SixXS sent it',
    [V4, udp(50_000, 5072), hex(`41521129 5d000000 ${'11'.repeat(16)} ${'22'.repeat(20)}`), V6],
    'eth/ipv4/udp/ayiya/ipv6/tcp',
  ],
  [
    'L2TP with length and sequence numbers',
    [V4, udp(1701, 1701), hex('4802 0040 0007 0009 0001 0000 ff03 0057'), V6],
    'eth/ipv4/udp/l2tp/ppp/ipv6/tcp',
  ],
  [
    'GTP-U with an extension header',
    [V4, udp(2152, 2152), hex('34ff 0044 00000777 00000085 01000000'), V6],
    'eth/ipv4/udp/gtp/ipv6/tcp',
  ],
  ['MPLS in IP', [{ ...V4, protocol: 137 }, hex('00010140'), V6], 'eth/ipv4/mpls/ipv6/tcp'],
  ['EtherIP', [{ ...V4, protocol: 97 }, hex(`3000 ${MACS} 86dd`), V6], 'eth/ipv4/etherip/eth/ipv6/tcp'],
  [
    'EtherIP in IPv6 with a VLAN tag inside',
    [{ ...V6, nextHeader: 97 }, hex(`3000 ${MACS} 8100 0007 86dd`), V6],
    'eth/ipv6/etherip/eth/vlan/ipv6/tcp',
  ],
  ['Ethernet in IP', [{ ...V4, protocol: 143 }, hex(`${MACS} 86dd`), V6], 'eth/ipv4/eth/ipv6/tcp'],
  ['GUE', [V4, udp(50_000, 6080), hex('0029 0000'), V6], 'eth/ipv4/udp/gue/ipv6/tcp'],
  [
    'GUE with fields',
    [V4, udp(50_000, 6080), hex('0229 0000 0102030405060708'), V6],
    'eth/ipv4/udp/gue/ipv6/tcp',
  ],
  [
    'IEEE 802.3 with LLC and SNAP',
    [{ layer: 'eth', type: 0x0064 }, hex('aaaa03 000000 0800'), V4, V6],
    'eth/llc/ipv4/ipv6/tcp',
  ],
];

describe('a carrier', () => {
  for (const [title, layers, path] of CARRIERS) {
    it(`is opened: ${title}`, () => {
      const stack = decodeLayers(...layers, TCP);
      assert.equal(layerNames(stack), path, verdictName(stack.verdict));
      assert.equal(stack.verdict, VERDICT.ok);
      assert.equal(stack.encapsulations, 1);
    });

    it(`raises the alert of what it hides: ${title}`, () => {
      const { lines } = analyse([{ layers: [...layers, TCP] }]);
      const irc = lines('notice').filter(({ rule_id }) => rule_id === 'inner-irc-port');
      assert.equal(irc.length, 1);
      assert.equal(irc[0]!['id.resp_h'], '2001:db8::2');
    });

    it(`cut anywhere is read no further: ${title}`, () => {
      const frame = buildFrame([...layers, TCP]);
      for (let length = 0; length < frame.length; length++) decodeBytes(frame.subarray(0, length));
    });
  }

  it('that answers from its port is opened too', () => {
    const [, ayiya] = CARRIERS.find(([title]) => title.startsWith('AYIYA'))!;
    const back = ayiya.map((layer) => (layer.layer === 'udp' ? udp(5072, 50_000) : layer));
    assert.equal(layerNames(decodeLayers(...back, TCP)), 'eth/ipv4/udp/ayiya/ipv6/tcp');
  });

  it('that carries nothing (keep-alive, echo, control) is no tunnel', () => {
    for (const layers of [
      [V4, udp(5072, 5072), hex(`4152103b 5d000000 ${'11'.repeat(16)} ${'22'.repeat(20)}`)],
      [V4, udp(2152, 2152), hex('3201 0004 00000000 00000000')],
      [V4, udp(1701, 1701), hex('c802 000c 0000 0000 0000 0000')],
      [{ ...V4, protocol: 47 } as LayerSpec, hex('2081 880b 00000001 00000003')],
    ]) {
      const stack = decodeLayers(...layers);
      assert.deepEqual([stack.verdict, stack.encapsulations], [VERDICT.ok, 0], layerNames(stack));
    }
  });

  it('keeps its identifiers', () => {
    const word = (title: string, layer: number, offset: number): number =>
      decodeLayers(...CARRIERS.find(([name]) => name.startsWith(title))![1], TCP).word(layer, offset);
    assert.equal(word('an MPLS', 1, MPLS.LABELS), 2);
    assert.equal(word('an MPLS', 1, MPLS.LABEL), 16);
    assert.equal(word('GENEVE with Ethernet', 3, GENEVE.VNI), 10);
    assert.equal(word('GTP-U', 3, GTP.ENDPOINT), 0x777);
    assert.equal(word('L2TP', 3, L2TP.TUNNEL), 7);
  });

  it('has the type that Zeek knows, and its own kind', () => {
    const kinds = CARRIERS.map(([, layers]) => {
      const { lines } = analyse([{ layers: [...layers, TCP] }]);
      return lines('tunnel').map(
        (line) => `${String(line['tunnel_type'])} ${String(line['tunnel_kind'])}`,
      )[0];
    });
    assert.deepEqual(kinds, [
      'Tunnel::IP 6in4',
      'Tunnel::IP 6in4',
      'Tunnel::GRE gre',
      'Tunnel::GRE gre',
      'Tunnel::GRE gre',
      'Tunnel::GRE gre',
      'Tunnel::GENEVE geneve',
      'Tunnel::GENEVE geneve',
      'Tunnel::AYIYA ayiya',
      'Tunnel::IP l2tp',
      'Tunnel::GTPv1 gtp-u',
      'Tunnel::IP mpls-in-ip',
      'Tunnel::IP etherip',
      'Tunnel::IP etherip',
      'Tunnel::IP ethernet-in-ip',
      'Tunnel::IP gue',
      'Tunnel::IP gue',
      'Tunnel::IP 6in4',
    ]);
  });

  it('without a header is known by its port: IPv4 and IPv6 directly in GUE', () => {
    const kinds = [[V4, V6], [{ layer: 'ipv6', src: '2001:db8::1', dst: '2001:db8::2' } as const]].map(
      (inside) => {
        const { lines } = analyse([{ layers: [V4, udp(50_000, 6080), ...inside, TCP] }]);
        return lines('tunnel')
          .filter(({ action }) => action === 'Tunnel::DISCOVER')
          .map((line) => line['tunnel_kind']);
      },
    );
    assert.deepEqual(kinds, [['gue', '6in4'], ['gue']]);
  });

  it('in another is a tunnel of its own: two kinds between the same hosts', () => {
    const inIp = (protocol: number, header: string): LayerSpec[] => [
      { ...V4, protocol },
      hex(header),
      V6,
      TCP,
    ];
    const { lines } = analyse([
      { layers: inIp(97, `3000 ${MACS} 86dd`) },
      { layers: inIp(143, `${MACS} 86dd`) },
      { layers: inIp(137, '00010140') },
      { layers: [V4, V6, TCP] },
    ]);
    assert.deepEqual(
      lines('tunnel').map((line) => line['tunnel_kind']),
      ['etherip', 'ethernet-in-ip', 'mpls-in-ip', '6in4'],
    );
  });

  it('on PPP links is reached', () => {
    const packet = buildFrame([V4, V6, TCP]).subarray(14);
    const framed = Uint8Array.from([0xff, 0x03, 0x00, 0x21, ...packet]);
    assert.equal(layerNames(decodeBytes(framed, { linkType: LINK_TYPE.PPP })), 'ppp/ipv4/ipv6/tcp');
  });
});
