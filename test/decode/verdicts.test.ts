import assert from 'node:assert/strict';
import type { LayerStack } from '../../src/decode/layers.js';
import { LIMITED_BY } from '../../src/decode/layers.js';
import type { VerdictName } from '../../src/decode/verdicts.js';
import { decodeTeredo } from '../../src/decode/teredo.js';
import { VERDICT, VERDICTS, verdictName } from '../../src/decode/verdicts.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, buildPacket } from '../../src/wire/packet-builder.js';
import { decodeBytes, decodeLayers, newDecoder } from '../support/decoding.js';

const V4 = { layer: 'ipv4', src: '81.187.10.2', dst: '84.20.40.2' } as const;
const V6 = { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' } as const;
const TEREDO_V6 = {
  layer: 'ipv6',
  src: '2001:0:4137:9e50:0:3650:ae44:f5fd',
  dst: '2001:470:1f0b:1::10',
} as const;
const TEREDO_UDP = { layer: 'udp', src: 51631, dst: 3544 } as const;
const TCP = { layer: 'tcp', src: 1, dst: 2 } as const;

const payload = (hex: string): LayerSpec => ({
  layer: 'payload',
  bytes: Uint8Array.from(Buffer.from(hex, 'hex')),
});
const text = (words: string): string => Buffer.from(words).toString('hex');
const teredoOf = (hex: string): LayerStack => decodeLayers(V4, TEREDO_UDP, payload(hex.padEnd(96, '0')));

/** A frame whose octets behind the first `keep` are gone, on the wire too. */
function shortened(layers: readonly LayerSpec[], drop: number): LayerStack {
  const bytes = buildFrame(layers);
  return decodeBytes(bytes.subarray(0, bytes.length - drop));
}

function overTzsp(hex: string): LayerStack {
  const decoder = newDecoder(8, ['tzsp']);
  const bytes = buildFrame([V4, { layer: 'udp', src: 40_000, dst: 37_008 }, payload(hex)]);
  return decodeBytes(bytes, { decoder });
}

/** One packet per verdict: how the stack ends, or what it notes. */
const CASES: Readonly<Record<VerdictName, () => LayerStack>> = {
  ok: () => decodeLayers(V4, V6, TCP),
  fragment: () => decodeLayers({ ...V4, fragment: 0x2000 }, TEREDO_UDP, payload('00'.repeat(16))),
  not_ip: () => decodeLayers({ layer: 'eth', type: 0x0806 }, payload('0001')),
  unsupported_carrier: () => decodeLayers(V4, { layer: 'gre', protocol: 0x1234 }, payload('00000101')),
  unsupported_link_type: () => decodeBytes(new Uint8Array(64), { linkType: 147 }),
  too_many_layers: () =>
    decodeLayers(...Array.from({ length: 40 }, () => ({ layer: 'vlan', id: 1 }) as const), V4, V6, TCP),
  exceeded_tunnel_max_depth: () => decodeLayers(...Array.from({ length: 10 }, () => V4), V6, TCP),
  truncated_link_header: () => decodeBytes(new Uint8Array(13)),
  unknown_ip_version: () => decodeLayers({ layer: 'eth', type: 0x0800 }, V6, TCP),
  truncated_IP: () => decodeLayers({ ...V4, totalLength: 2000 }, TCP),
  invalid_IP_header_size: () => withOctet([V4, TCP], 14, 0x44),
  bogus_IP_header_lengths: () => decodeLayers({ ...V4, totalLength: 19 }, TCP),
  invalid_inner_IP_version: () => decodeLayers({ ...V4, protocol: 41 }, V4, TCP),
  truncated_inner_IP: () => decodeLayers(V4, { ...V6, payloadLength: 1000 }, TCP),
  inner_IP_payload_length_mismatch: () => padded(),
  truncated_extension_header: () => decodeLayers(V4, { ...V6, nextHeader: 60 }, payload('3b')),
  too_many_extension_headers: () =>
    decodeLayers(V4, V6, ...Array.from({ length: 9 }, () => ({ layer: 'dstopts' }) as const), TCP),
  extension_chain_too_long: () =>
    decodeLayers(V4, V6, { layer: 'dstopts', length: 600 }, { layer: 'dstopts', length: 600 }, TCP),
  hopopts_not_first: () => decodeLayers(V4, V6, { layer: 'dstopts' }, { layer: 'hopopts' }, TCP),
  nested_fragment_header: () => decodeLayers(V4, V6, { layer: 'fragment' }, { layer: 'fragment' }, TCP),
  ipv6_no_next: () => decodeLayers(V4, V6),
  truncated_fragment: () =>
    decodeLayers(V4, V6, { layer: 'fragment', more: true, nextHeader: 17 }, payload('010203')),
  fragment_overlap: () => remarked(VERDICT.fragment_overlap),
  // The analysis verifies what it judges first (test/sensor/checksums.test.ts).
  bad_IP_checksum: () => remarked(VERDICT.bad_IP_checksum),
  bad_TCP_checksum: () => remarked(VERDICT.bad_TCP_checksum),
  bad_UDP_checksum: () => remarked(VERDICT.bad_UDP_checksum),
  bad_ICMP_checksum: () => remarked(VERDICT.bad_ICMP_checksum),
  unknown_protocol: () => decodeLayers(V4, { ...V6, nextHeader: 200 }, payload('0102')),
  truncated_UDP: () => decodeLayers(V4, { layer: 'udp', src: 1, dst: 2, length: 500 }, payload('00')),
  bad_UDP_length: () => decodeLayers(V4, { layer: 'udp', src: 1, dst: 2, length: 7 }),
  truncated_TCP: () => decodeLayers(V4, { ...V6, nextHeader: 6 }, payload('0102')),
  bad_TCP_header_len: () => withOctet([V4, V6, TCP], 14 + 20 + 40 + 12, 0x10),
  truncated_ICMP: () => decodeLayers(V4, { ...V6, nextHeader: 58 }, payload('80')),
  truncated_GRE: () => decodeLayers({ ...V4, protocol: 47 }, payload('00')),
  truncated_ERSPAN: () => decodeLayers(V4, { layer: 'gre', protocol: 0x22eb }, payload('00')),
  unknown_gre_version: () => decodeLayers(V4, { layer: 'gre', flags: 2 }, V4, TCP),
  gre_routing: () => decodeLayers(V4, { layer: 'gre', flags: 0x4000 }, V4, TCP),
  truncated_MPLS: () => decodeLayers({ layer: 'eth', type: 0x8847 }, payload('00010000')),
  truncated_GENEVE: () => overUdp(6081, '0100655800000a00'),
  not_geneve: () => overUdp(6081, '4000655800000a00'),
  truncated_AYIYA: () => overUdp(5072, '4152112900000000'),
  not_ayiya: () => overUdp(5072, '415211110000000000'),
  truncated_EtherIP: () => decodeLayers({ ...V4, protocol: 97 }, payload('30')),
  not_etherip: () => decodeLayers({ ...V4, protocol: 97 }, payload('2000')),
  truncated_GUE: () => overUdp(6080, '01290000'),
  not_gue: () => overUdp(6080, '0029000045'),
  truncated_TZSP: () => overTzsp('01000001'),
  not_tzsp: () => overTzsp('0104000101'),
  truncated_GTP: () => overUdp(2152, '32ff000400000001'),
  not_gtp: () => overUdp(2152, '12ff000400000001'),
  truncated_L2TP: () => overUdp(1701, '4002000800'),
  not_l2tp: () => overUdp(1701, '0003000800010001'),
  truncated_VXLAN: () => decodeLayers(V4, { layer: 'udp', src: 1, dst: 4789 }, payload('08')),
  not_vxlan: () => decodeLayers(V4, { layer: 'udp', src: 1, dst: 4789 }, payload('00'.repeat(20))),
  not_teredo: () => teredoOf(`0000${'11'.repeat(6)}50`),
  truncated_Teredo: () => oneOctetOfTeredo(),
  tunnel_broker_TSP: () => overUdp(3653, 'f000000100000000' + text('VERSION=2.0.0\r\n')),
  tunnel_broker_heartbeat: () => overUdp(3740, text('HEARTBEAT TUNNEL 2001:db8::2 sender 1 00')),
  tunnel_broker_TIC: () =>
    decodeLayers(V4, { layer: 'tcp', src: 40_000, dst: 3874 }, payload(text('client TIC/draft-00'))),
  truncated_Teredo_authentication: () => teredoOf('0001ffff'),
  truncated_Teredo_origin_indication: () =>
    decodeLayers(V4, TEREDO_UDP, payload(`00011a00${'00'.repeat(35)}0000`)),
  truncated_IPv6_in_Teredo: () => teredoOf('6000000001003b40'),
  teredo_illegal_order: () =>
    decodeLayers(
      V4,
      TEREDO_UDP,
      { layer: 'teredo', origin: { address: '81.187.10.2', port: 51631 } },
      { layer: 'teredo', auth: {} },
      TEREDO_V6,
      TCP,
    ),
  Teredo_bubble_with_payload: () =>
    decodeLayers(V4, TEREDO_UDP, { layer: 'teredo', trailer: Uint8Array.of(9, 9, 9) }, TEREDO_V6),
  teredo_malformed_trailer: () =>
    decodeLayers(V4, TEREDO_UDP, { layer: 'teredo', trailer: Uint8Array.of(9, 9, 9) }, TEREDO_V6, TCP),
};

/* By evidence such a datagram is never asked; the strict profile asks it on port 3544. */
function oneOctetOfTeredo(): LayerStack {
  const stack = decodeLayers(V4, TEREDO_UDP, payload('60'));
  stack.verdict = decodeTeredo(stack.frame, stack.nextAt, stack.nextEnd, stack);
  return stack;
}

function overUdp(port: number, hex: string): LayerStack {
  return decodeLayers(V4, { layer: 'udp', src: port, dst: port }, payload(hex));
}

function withOctet(layers: readonly LayerSpec[], at: number, value: number): LayerStack {
  const bytes = buildFrame(layers);
  bytes[at] = value;
  return decodeBytes(bytes);
}

/* Octets behind the inner packet, inside the outer total length. */
function padded(): LayerStack {
  const inner = buildPacket([V6, TCP]);
  return decodeLayers(
    { ...V4, protocol: 41 },
    { layer: 'payload', bytes: Uint8Array.from([...inner, 1, 2, 3, 4]) },
  );
}

/* The analysis makes this note when the reassembler says so (test/sensor/symptoms.test.ts sees it happen). */
function remarked(verdict: number): LayerStack {
  const stack = decodeLayers(V4, V6, TCP);
  stack.remark(verdict);
  return stack;
}

function verdictsOf(stack: LayerStack): VerdictName[] {
  const all = [stack.verdict, ...stack.note.subarray(0, stack.notes), stack.carrierComplaint];
  return all.map(verdictName);
}

describe('the verdict table', () => {
  it('has a test for every verdict', () => {
    assert.deepEqual(Object.keys(CASES).sort(), VERDICTS.map(({ name }) => name).sort());
  });

  it('explains every verdict in one sentence', () => {
    for (const { doc, name } of VERDICTS) assert.match(doc, /^[A-Z].*\.$/, name);
  });

  for (const { name } of VERDICTS) {
    it(`${name} is what its packet gets`, () => {
      assert.ok(verdictsOf(CASES[name]()).includes(name), `got ${verdictsOf(CASES[name]()).join(', ')}`);
    });
  }
});

describe('a truncated packet', () => {
  it('says what was needed, what was there, and which length field said so', () => {
    const stack = decodeLayers(V4, { ...V6, payloadLength: 1000 }, TCP);
    assert.equal(stack.verdict, VERDICT.truncated_inner_IP);
    assert.deepEqual([stack.needed, stack.had, stack.failedLimit], [1040, 60, LIMITED_BY.ipv4TotalLength]);
  });

  it('keeps the layers before the lie', () => {
    const stack = decodeLayers(V4, V6, { ...TCP }, payload('00'));
    const cut = shortened([V4, V6, TCP], 10);
    assert.ok(stack.count > cut.count && cut.count >= 1);
  });

  it('is told apart from one that only the capture cut short', () => {
    const bytes = buildFrame([V4, V6, TCP, payload('00'.repeat(100))]);
    const stack = decodeBytes(bytes.subarray(0, 14 + 20 + 30), { wireLength: bytes.length });
    assert.equal(stack.verdict, VERDICT.truncated_inner_IP);
    assert.ok(stack.cutBySnapLength);
    const lie = decodeLayers({ ...V4, totalLength: 2000 }, TCP);
    assert.ok(!lie.cutBySnapLength);
  });

  it('stops at the configured depth and keeps what it opened', () => {
    const stack = decodeBytes(buildFrame([V4, V4, V4, V6, TCP]), { decoder: newDecoder(2) });
    assert.equal(stack.verdict, VERDICT.exceeded_tunnel_max_depth);
    assert.equal(stack.encapsulations, 2);
  });
});
