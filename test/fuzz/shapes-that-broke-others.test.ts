import assert from 'node:assert/strict';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { VERDICT } from '../../src/decode/verdicts.js';
import { ETHERTYPE, IP_PROTOCOL, LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, buildPacket, teredoAddress } from '../../src/wire/packet-builder.js';
import type { Analysed } from '../support/analysing.js';
import { analyseFrames, FIRST_SECOND } from '../support/analysing.js';
import { guardedFrame, layerNames, newDecoder } from '../support/decoding.js';
import { validateRecords } from '../support/record-schemas.js';

/*
 * Packets of the shapes that broke other sensors and hosts. Ours must read no octet outside them, keep their bounds, say
 * what they are, and find the tunnel behind them.
 */
const OUTER: Extract<LayerSpec, { layer: 'ipv4' }> = {
  layer: 'ipv4',
  src: '81.187.10.2',
  dst: '83.150.30.2',
};
const INNER: Extract<LayerSpec, { layer: 'ipv6' }> = {
  layer: 'ipv6',
  src: '2001:470::1',
  dst: '2001:470::2',
};
const IRC: LayerSpec = { layer: 'tcp', src: 40_000, dst: 6667, flags: 'S' };
const CLIENT: LayerSpec = {
  layer: 'ipv6',
  src: teredoAddress('65.54.227.120', '81.187.10.2', 51_631),
  dst: '2001:470::2',
};
const toServer: LayerSpec = { layer: 'udp', src: 51_631, dst: 3544 };
const payload = (...octets: readonly number[]): LayerSpec => ({
  layer: 'payload',
  bytes: Uint8Array.from(octets),
});
const decoder = newDecoder();

/** Decodes inside guards. */
function decodeGuarded(bytes: Uint8Array): typeof decoder.stack {
  const { frame, at, end } = guardedFrame(bytes);
  decoder.decode(frame, at, end, bytes.length, LINK_TYPE.ETHERNET);
  return decoder.stack;
}

/** Analyses frames, then an honest packet of a tunnel, which must be judged as always. */
function survives(...frames: readonly Uint8Array[]): Analysed {
  const honest = buildFrame([{ ...OUTER, src: '81.187.10.9' }, INNER, IRC]);
  const traffic = [...frames, honest].map((bytes, i): MemoryFrame => ({ bytes, seconds: FIRST_SECOND + i }));
  const result = analyseFrames(traffic);
  validateRecords(result.records);
  assert.ok(result.rules().includes('inner-irc-port'), 'the packet behind was not judged');
  return result;
}

describe('shapes that broke others', () => {
  it('a Teredo authentication header whose lengths lie (CVE-2026-20197, Snort) is told and ends nothing', () => {
    const lengths = [0, 1, 4, 0x7f, 0x80, 0xff];
    for (const idLength of lengths) {
      for (const valueLength of lengths) {
        const whole = buildFrame([OUTER, toServer, payload(0, 1, idLength, valueLength), CLIENT, IRC]);
        const { carrierComplaint, encapsulations } = decodeGuarded(whole);
        assert.equal(encapsulations, 0);
        if (idLength + valueLength > 100) {
          assert.equal(carrierComplaint, VERDICT.truncated_Teredo_authentication);
        }
        survives(whole);
      }
    }
  });

  it('Teredo headers that end anywhere (CVE-2026-20197, Snort) are never read past their end', () => {
    const headers: LayerSpec = {
      layer: 'teredo',
      auth: { id: Uint8Array.of(1, 2, 3), value: Uint8Array.of(4, 5) },
      origin: { address: '81.187.10.2', port: 51_631 },
      trailer: Uint8Array.of(4, 255, 1),
    };
    const datagram = buildPacket([headers, CLIENT, IRC]);
    const cuts = Array.from(datagram, (_, length) =>
      buildFrame([OUTER, toServer, payload(...datagram.subarray(0, length))]),
    );
    for (const frame of cuts) decodeGuarded(frame);
    survives(...cuts);
  });

  it('GRE in GRE forty times (CVE-2026-20221, Snort) stops at the depth and is told', () => {
    const levels = Array.from({ length: 40 }, (): LayerSpec[] => [OUTER, { layer: 'gre' }]).flat();
    const frame = buildFrame([...levels, OUTER, INNER, IRC]);
    assert.equal(decodeGuarded(frame).verdict, VERDICT.exceeded_tunnel_max_depth);
    assert.equal(decoder.stack.encapsulations, 8);
    const { rules } = survives(frame);
    assert.ok(rules().includes('tunnel-depth-exceeded'), rules().join());
  });

  it('frames in GRE in frames (CVE-2026-20221, Snort) stop at the depth, whatever is between', () => {
    const between: readonly LayerSpec[][] = [
      [{ layer: 'gre' }, { layer: 'eth' }],
      [{ layer: 'gre' }, { layer: 'eth' }, { layer: 'vlan', id: 7 }],
      [{ layer: 'erspan' }, { layer: 'eth' }],
      [{ layer: 'gre', key: 1 }, { layer: 'ipv6', src: '2001:470::1', dst: '2001:470::2' }, { layer: 'gre' }],
    ];
    for (const layers of between) {
      const frame = buildFrame([...Array.from({ length: 30 }, () => [OUTER, ...layers]).flat(), OUTER, IRC]);
      const { verdict } = decodeGuarded(frame);
      const limits: number[] = [
        VERDICT.exceeded_tunnel_max_depth,
        VERDICT.too_many_layers,
        VERDICT.unsupported_carrier,
      ];
      assert.ok(limits.includes(verdict), `${layerNames(decoder.stack)} ${verdict}`);
      survives(frame);
    }
  });

  it('GTP-U extension headers over a fragment border (CVE-2026-76445, Snort) are put together and opened', () => {
    const inner = [...buildPacket([INNER, IRC])];
    const extensions = [1, 0, 0, 0xc0, 2, 0, 0, 0, 0, 0, 0, 0x85, 1, 1, 2, 0];
    const header = [0x34, 0xff, 0, inner.length + extensions.length + 4, 0, 0, 0, 1, 0, 0, 0, 0x85];
    const datagram = buildPacket([
      OUTER,
      { layer: 'udp', src: 2152, dst: 2152 },
      payload(...header, ...extensions, ...inner),
    ]).subarray(20);
    const piece = (from: number, to: number): Uint8Array =>
      buildFrame([
        {
          ...OUTER,
          protocol: IP_PROTOCOL.UDP,
          id: 7,
          fragment: (to < datagram.length ? 0x2000 : 0) | (from >> 3),
        },
        payload(...datagram.subarray(from, to)),
      ]);
    for (let cut = 8; cut < datagram.length; cut += 8) {
      const { lines } = survives(piece(0, cut), piece(cut, datagram.length));
      const kinds = lines('tunnel').map((line) => line['tunnel_kind']);
      assert.ok(kinds.includes('gtp-u'), `cut at ${cut}: ${kinds.join()}`);
      // The rest never comes.
      survives(piece(0, cut));
      decodeGuarded(piece(0, cut));
    }
  });

  it('GTP-U extension headers of length 0 and without end (CVE-2026-76445, Snort) are not GTP-U', () => {
    const endless = Array.from({ length: 60 }, () => [1, 0, 0, 0x85]).flat();
    for (const extensions of [[0, 0, 0, 0x85, ...endless], endless, [0xff, 0, 0, 0x85]]) {
      const frame = buildFrame([
        OUTER,
        { layer: 'udp', src: 2152, dst: 2152 },
        payload(0x34, 0xff, 0, extensions.length + 4, 0, 0, 0, 1, 0, 0, 0, 0x85, ...extensions),
      ]);
      const { carrierComplaint } = decodeGuarded(frame);
      assert.ok(carrierComplaint === VERDICT.not_gtp || carrierComplaint === VERDICT.truncated_GTP);
      survives(frame);
    }
  });

  it('a router advertisement with a DNS option of even length (CVE-2020-16898, Windows) is read as any other', () => {
    for (const length of [0, 1, 2, 4, 254, 255]) {
      const advertisement: readonly LayerSpec[] = [
        { layer: 'ipv6', src: 'fe80::1', dst: 'ff02::1', hopLimit: 255 },
        { layer: 'icmpv6', type: 134 },
        payload(64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 25, length, 0, 0, 0, 0, 0, 60, ...new Uint8Array(24)),
      ];
      for (const carrier of [[OUTER], [OUTER, toServer]]) {
        const frame = buildFrame([...carrier, ...advertisement]);
        assert.match(layerNames(decodeGuarded(frame)), /ipv6\/icmpv6$/);
        survives(frame);
      }
    }
  });

  it('a fragment that holds a fragment (CVE-2021-24086, Windows) ends, and keeps no octets', () => {
    const nested = buildPacket([
      { layer: 'dstopts', length: 1_400 },
      { layer: 'fragment', id: 2, more: true },
      { layer: 'dstopts', length: 64 },
      IRC,
    ]);
    const piece = (id: number, offset: number, bytes: Uint8Array, more: boolean): Uint8Array =>
      buildFrame([
        OUTER,
        INNER,
        { layer: 'fragment', id, offset, more, nextHeader: IP_PROTOCOL.DSTOPTS },
        { layer: 'payload', bytes },
      ]);
    const cut = 704;
    const { analysis } = survives(
      piece(1, 0, nested.subarray(0, cut), true),
      piece(1, cut, nested.subarray(cut), false),
    );
    assert.equal(analysis.reassembler.heldBytes, 0);
    assert.equal(analysis.reassembler.counters.completed, 1);
  });

  it('header chains that fill 64 kB over many fragments (CVE-2021-24086, Windows) are bounded', () => {
    const step = 1_360;
    const chain = new Uint8Array(48 * step);
    // Each Destination Options header of 8 octets says that another one follows.
    for (let at = 0; at < chain.length; at += 8) chain.set([IP_PROTOCOL.DSTOPTS, 0, 1, 4], at);
    const frames = Array.from({ length: 48 }, (_, i) =>
      buildFrame([
        OUTER,
        INNER,
        { layer: 'fragment', id: 3, offset: i * step, more: i < 47, nextHeader: IP_PROTOCOL.DSTOPTS },
        { layer: 'payload', bytes: chain.subarray(i * step, (i + 1) * step) },
      ]),
    );
    const { analysis } = survives(...frames);
    assert.equal(analysis.reassembler.counters.completed, 1);
    assert.equal(analysis.counters.verdicts[VERDICT.too_many_extension_headers], 1);
  });

  it('a bad destination option before a fragment header (CVE-2024-38063, Windows) underflows nothing', () => {
    for (const optionLength of [0, 3, 4, 5, 0x80, 0xff]) {
      const frame = buildFrame([
        OUTER,
        { ...INNER, nextHeader: IP_PROTOCOL.DSTOPTS },
        payload(IP_PROTOCOL.FRAGMENT, 0, 0xc2, optionLength, 0, 0, 0, 0),
        payload(IP_PROTOCOL.TCP, 0, 0, 1, 0, 0, 0, 9),
        payload(...new Uint8Array(8)),
      ]);
      assert.match(layerNames(decodeGuarded(frame)), /ipv6\/dstopts\/fragment/);
      survives(frame);
    }
  });

  it('an EtherType that repeats itself inside a VLAN tag for ever stops at the layers', () => {
    const frame = buildFrame([
      { layer: 'eth', type: ETHERTYPE.VLAN },
      payload(...Array.from({ length: 100 }, () => [0, 7, 0x81, 0]).flat()),
    ]);
    assert.equal(decodeGuarded(frame).verdict, VERDICT.too_many_layers);
    survives(frame);
  });
});
