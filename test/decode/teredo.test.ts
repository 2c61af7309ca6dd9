import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CARRIER, LAYER, TEREDO, TEREDO_BIT, TRAILER_FAULT } from '../../src/decode/layers.js';
import { EVIDENCE } from '../../src/decode/teredo-evidence.js';
import { PacketDecoder } from '../../src/decode/packet.js';
import { frameOf } from '../../src/wire/frame.js';
import { formatIpv4 } from '../../src/wire/address.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { decodeBytes, decodeLayers, layerNames } from '../support/decoding.js';

const CLIENT = '81.187.10.2';
const RELAY = '83.150.30.2';
const SERVER = '65.55.158.80';
const CLIENT_V6 = teredoAddress(SERVER, CLIENT, 51631);
const NATIVE = '2001:470:1f0b:1::10';
const OUT = { layer: 'ipv4', src: CLIENT, dst: RELAY } as const;
const TCP = { layer: 'tcp', src: 40000, dst: 80 } as const;
const DATA = { layer: 'ipv6', src: CLIENT_V6, dst: NATIVE } as const;

const udp = (src: number, dst: number): LayerSpec => ({ layer: 'udp', src, dst });
const payload = (hex: string): LayerSpec => ({
  layer: 'payload',
  bytes: Uint8Array.from(Buffer.from(hex, 'hex')),
});

describe('Teredo', () => {
  it('is found on any port', () => {
    const port = fc.integer({ min: 1, max: 65535 }).filter((value) => ![4789, 6081].includes(value));
    fc.assert(
      fc.property(port, port, (src, dst) => {
        const client = teredoAddress(SERVER, CLIENT, src);
        const stack = decodeLayers(OUT, udp(src, dst), { ...DATA, src: client }, TCP);
        assert.equal(layerNames(stack), 'eth/ipv4/udp/teredo/ipv6/tcp');
      }),
    );
  });

  it('reads the origin indication of RFC 4380 5.1.1: 0000 feae fefdfcfb is 1.2.3.4 port 337', () => {
    const inner = buildFrame([{ layer: 'eth' }, DATA, TCP]).subarray(14);
    const bytes = Uint8Array.from([...Buffer.from('0000feaefefdfcfb', 'hex'), ...inner]);
    const stack = decodeLayers(OUT, udp(51631, 3544), { layer: 'payload', bytes });
    const teredo = 3;
    assert.equal(stack.kind[teredo], LAYER.teredo);
    assert.equal(stack.word(teredo, TEREDO.ORIGIN_PORT), 337);
    assert.equal(formatIpv4(stack.word(teredo, TEREDO.ORIGIN_V4)), '1.2.3.4');
  });

  it('reads authentication headers with identifiers, nonce and confirmation', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 255 }),
        fc.uint8Array({ maxLength: 255 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.nat(255),
        fc.boolean(),
        (id, value, nonce, confirmation, hasOrigin) => {
          const stack = decodeLayers(
            OUT,
            udp(51631, 3544),
            {
              layer: 'teredo',
              auth: { id, value, nonce, confirmation },
              ...(hasOrigin ? { origin: { address: '9.8.7.6', port: 1234 } } : {}),
            },
            DATA,
            TCP,
          );
          const row = 3;
          assert.equal(stack.kind[row], LAYER.teredo);
          assert.equal(stack.word(row, TEREDO.ID_LENGTH), id.length);
          assert.equal(stack.word(row, TEREDO.AUTH_LENGTH), value.length);
          assert.equal(
            (BigInt(stack.word(row, TEREDO.NONCE_HIGH)) << 32n) | BigInt(stack.word(row, TEREDO.NONCE_LOW)),
            nonce,
          );
          assert.equal(stack.word(row, TEREDO.CONFIRMATION), confirmation);
          assert.equal((stack.word(row, TEREDO.BITS) & TEREDO_BIT.origin) !== 0, hasOrigin);
          if (hasOrigin) assert.equal(stack.word(row, TEREDO.ORIGIN_PORT), 1234);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('takes bubbles with hop limit 0 for what they are', () => {
    const stack = decodeLayers(OUT, udp(3545, 51631), {
      layer: 'ipv6',
      src: 'fe80::1',
      dst: CLIENT_V6,
      hopLimit: 0,
    });
    assert.equal(layerNames(stack), 'eth/ipv4/udp/teredo/ipv6/nonext');
    assert.equal(stack.word(3, TEREDO.BITS) & TEREDO_BIT.bubble, TEREDO_BIT.bubble);
    assert.equal(stack.notes, 0);
  });

  it('decodes packets with RFC 6081 trailers, and says which', () => {
    const nonce = '0104aabbccdd';
    const alternate = '030800000a0000050bb8';
    const randomPort = '05021f90';
    const trailer = Uint8Array.from(Buffer.from(nonce + alternate + randomPort, 'hex'));
    const stack = decodeLayers(
      OUT,
      udp(51631, 51246),
      { layer: 'teredo', trailer },
      { layer: 'ipv6', src: CLIENT_V6, dst: CLIENT_V6 },
    );
    assert.equal(stack.word(3, TEREDO.TRAILER_LENGTH), trailer.length);
    assert.equal(stack.word(3, TEREDO.TRAILER_TYPES), (1 << 1) | (1 << 3) | (1 << 5));
    assert.equal(stack.notes, 0);
  });

  it('knows a relay’s data by its checksum where no address gives it away, and calls it raw', () => {
    const stack = decodeLayers(
      OUT,
      udp(5555, 5555),
      { layer: 'ipv6', src: '2a02:1234::1', dst: NATIVE },
      TCP,
    );
    assert.equal(stack.carrier[0], CARRIER.teredo);
    const evidence = stack.word(3, TEREDO.EVIDENCE);
    assert.ok((evidence & EVIDENCE.innerChecksum) !== 0);
    assert.ok((evidence & EVIDENCE.teredoAddress) === 0);
  });

  it('does not take UDP with a wrong inner checksum and plain addresses for a tunnel', () => {
    const stack = decodeLayers(
      OUT,
      udp(5555, 5555),
      { layer: 'ipv6', src: '2a02:1234::1', dst: NATIVE },
      { ...TCP, checksum: 1 },
    );
    assert.equal(stack.encapsulations, 0);
    assert.equal(layerNames(stack), 'eth/ipv4/udp');
  });

  it('takes such a packet when its tunnel is known already', () => {
    const bytes = buildFrame([
      OUT,
      udp(5555, 5555),
      { layer: 'ipv6', src: '2a02:1234::1', dst: NATIVE },
      { ...TCP, checksum: 1 },
    ]);
    const decoder = new PacketDecoder({ maxDepth: 8, vxlanPorts: [], isKnownTunnel: () => true });
    decoder.decode(frameOf(bytes), 0, bytes.length, bytes.length, 1);
    assert.equal(decoder.stack.encapsulations, 1);
  });

  it('is not seen in the DNS query whose id is 6ee6 (Suricata bug 990)', () => {
    const query = '6ee60100000100000000000003777777067375726963617461036f72670000010001';
    assert.equal(decodeLayers(OUT, udp(50000, 53), payload(query.padEnd(84, '0'))).encapsulations, 0);
  });

  it('is not seen in GENEVE, whose header begins like an origin indication', () => {
    const inner = buildFrame([
      { layer: 'eth' },
      { layer: 'ipv6', src: '2a02::1', dst: '2a02::2' },
      TCP,
    ]).subarray(14);
    const bytes = Uint8Array.from([...Buffer.from('000086dd00000100', 'hex'), ...inner]);
    const stack = decodeLayers(OUT, udp(50000, 6081), { layer: 'payload', bytes });
    assert.equal(layerNames(stack), 'eth/ipv4/udp/geneve/ipv6/tcp');
  });

  it('gives back the plain datagram when a candidate is refused', () => {
    const stack = decodeLayers(
      OUT,
      udp(50000, 4000),
      payload(`6000000000081140${'11'.repeat(32)}0035003500080000`),
    );
    assert.equal(layerNames(stack), 'eth/ipv4/udp');
    assert.equal(stack.notes, 0);
  });

  it('over IPv6 UDP, nested in 6in4, is opened too', () => {
    const stack = decodeLayers(
      { layer: 'ipv4', src: CLIENT, dst: RELAY },
      { layer: 'ipv6', src: '2001:470:aaaa::1', dst: '2001:470:aaaa::2' },
      udp(40000, 3544),
      DATA,
      TCP,
    );
    assert.equal(layerNames(stack), 'eth/ipv4/ipv6/udp/teredo/ipv6/tcp');
    assert.equal(stack.encapsulations, 2);
  });

  it('in captures cut by the snap length is still known by its address', () => {
    const bytes = buildFrame([OUT, udp(51631, 51246), DATA, TCP, payload('00'.repeat(400))]);
    const stack = decodeBytes(bytes.subarray(0, 14 + 20 + 8 + 40 + 20), { wireLength: bytes.length });
    assert.equal(layerNames(stack), 'eth/ipv4/udp/teredo/ipv6/tcp');
    assert.equal(stack.carried[0], 40 + 20 + 400);
  });

  it('is read with headers in the wrong order or repeated, and says so', () => {
    const auth: LayerSpec = { layer: 'teredo', auth: {} };
    const origin: LayerSpec = { layer: 'teredo', origin: { address: CLIENT, port: 51631 } };
    const bitsOf = (...headers: LayerSpec[]): number => {
      const stack = decodeLayers(OUT, udp(51631, 3544), ...headers, DATA, TCP);
      return stack.kind[3] === LAYER.teredo ? stack.word(3, TEREDO.BITS) & TEREDO_BIT.illegalOrder : -1;
    };
    assert.equal(bitsOf(auth, origin), 0);
    for (const headers of [
      [origin, auth],
      [auth, auth],
      [origin, origin],
    ]) {
      assert.equal(bitsOf(...headers), TEREDO_BIT.illegalOrder);
    }
    assert.equal(bitsOf(auth, origin, auth, origin, auth), -1);
  });

  it('tells what is wrong with single trailers', () => {
    const faultsOf = (hex: string): number => {
      const trailer = Uint8Array.from(Buffer.from(hex, 'hex'));
      const bubble: LayerSpec = { layer: 'ipv6', src: 'fe80::1', dst: CLIENT_V6 };
      return decodeLayers(OUT, udp(3545, 51631), { layer: 'teredo', trailer }, bubble).word(
        3,
        TEREDO.TRAILER_FAULTS,
      );
    };
    assert.equal(faultsOf('010411223344'), 0);
    assert.equal(faultsOf('0103112233'), TRAILER_FAULT.length);
    assert.equal(faultsOf('01041122334401041122334' + '4'), TRAILER_FAULT.repeated);
    assert.equal(faultsOf('03080000c0a80105' + '1234'), 0);
    assert.equal(faultsOf('03080000c0a80105' + '0000'), TRAILER_FAULT.alternate);
    assert.equal(faultsOf('03080000e0000001' + '1234'), TRAILER_FAULT.alternate);
    assert.equal(faultsOf('0307000000000000' + '12'), TRAILER_FAULT.length);
    assert.equal(faultsOf('040401000000'), 0);
    assert.equal(faultsOf('040405000000'), TRAILER_FAULT.content);
    assert.equal(faultsOf('05021234'), 0);
  });
});
