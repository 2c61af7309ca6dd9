import assert from 'node:assert/strict';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import type { CheckName } from '../../src/model/checks.js';
import type { TestPacket } from '../support/analysing.js';
import { valueOf, valuesOf, violatedBy, violationsBesideKnownFlows } from '../support/checking.js';
import {
  bubbleFromServer,
  bubbleToServer,
  CLIENT,
  directBubble,
  HOST,
  PORT,
  RELAY,
  RELAY_PORT,
  SERVER,
  solicitation,
  TCP,
  teredo,
  toHost,
} from '../support/teredo-packets.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const trailer = (text: string): { trailer: Uint8Array } => ({ trailer: hex(text) });
const NONCE = '010411223344';
const ALTERNATE = '0308000051bb0a03c9a0';

function holds(name: CheckName, ...packets: TestPacket[]): void {
  assert.equal(valueOf(name, packets), 'holds');
}

function isViolated(name: CheckName, ...packets: TestPacket[]): void {
  assert.equal(valueOf(name, packets), 'violated');
}

describe('checks of the form of a Teredo packet', () => {
  it('violate nothing in ordinary packets', () => {
    for (const packet of [
      toHost(),
      directBubble(),
      bubbleToServer(),
      bubbleFromServer(),
      directBubble({ teredo: trailer(NONCE) }),
      toHost({ outer: { tos: 1 }, inner: { flowLabel: 2 << 20 } }),
    ]) {
      assert.deepEqual(violatedBy([packet]), []);
    }
  });

  it('T01: nothing but trailers follows the IPv6 packet', () => {
    holds('T01', toHost());
    holds('T01', directBubble({ teredo: trailer(NONCE) }));
    isViolated('T01', toHost({ teredo: trailer('ff') }));
    isViolated('T01', directBubble({ teredo: trailer('deadbeef') }));
  });

  it('T03: authentication comes first, and each header once', () => {
    const auth: LayerSpec = { layer: 'teredo', auth: {} };
    const origin: LayerSpec = { layer: 'teredo', origin: { address: RELAY, port: RELAY_PORT } };
    const withHeaders = (...headers: LayerSpec[]): TestPacket => {
      const [ip, udp, ...rest] = toHost().layers;
      return { layers: [ip!, udp!, ...headers, ...rest] };
    };
    holds('T03', withHeaders(auth, origin));
    isViolated('T03', withHeaders(origin, auth));
    isViolated('T03', withHeaders(origin, origin));
  });

  it('T04: inner lengths agree with the datagram, and nothing is a jumbogram', () => {
    holds('T04', toHost());
    isViolated('T04', toHost({}, [{ layer: 'udp', src: 1, dst: 2, length: 900 }]));
    isViolated('T04', toHost({ inner: { nextHeader: 6 } }, []));
  });

  it('T24: ports of services are nobody’s mapped port', () => {
    const client = (port: number): TestPacket =>
      teredo([CLIENT, port], [RELAY, RELAY_PORT], [teredoAddress(SERVER, CLIENT, port), HOST], [TCP]);
    holds('T24', client(1024));
    for (const port of [0, 53, 1023, 1900, 11_211]) {
      assert.equal(valueOf('T24', [client(port)]), 'violated', String(port));
    }
  });

  it('T25: flags are those of RFC 4380 or RFC 5991', () => {
    const client = (flags: number): TestPacket =>
      teredo([CLIENT, PORT], [RELAY, RELAY_PORT], [teredoAddress(SERVER, CLIENT, PORT, flags), HOST], [TCP]);
    for (const flags of [0, 0x8000, 0x3cff, 0x38d2]) holds('T25', client(flags));
    for (const flags of [0x4000, 0x0200, 0x0100]) isViolated('T25', client(flags));
  });

  it('T29: what has no next header is empty and comes from a node', () => {
    holds('T29', directBubble());
    isViolated('T29', toHost({ inner: { nextHeader: 59 } }, [{ layer: 'payload', bytes: hex('c0ffee') }]));
    isViolated('T29', directBubble({ inner: { src: '::' } }));
  });

  it('T36: multicast is for solicitation and discovery', () => {
    holds('T36', solicitation());
    isViolated('T36', toHost({ inner: { dst: 'ff02::fb' } }));
    assert.equal(valueOf('T36', [toHost()]), 'not-applicable');
  });

  it('T37: trailers are known, well-formed, and on bubbles of their kind', () => {
    holds('T37', directBubble({ teredo: trailer(NONCE) }));
    holds('T37', directBubble({ teredo: trailer('040400000000') }));
    holds('T37', bubbleToServer({ teredo: trailer(NONCE + ALTERNATE) }));
    isViolated('T37', directBubble({ teredo: trailer(NONCE + ALTERNATE) }));
    isViolated('T37', bubbleToServer({ teredo: trailer(ALTERNATE) }));
    isViolated('T37', bubbleToServer({ teredo: trailer(NONCE + '03080000e0000001c9a0') }));
    isViolated('T37', directBubble({ teredo: trailer('0106112233445566') }));
    isViolated('T37', directBubble({ teredo: trailer('800411223344') }));
    isViolated('T37', toHost({ teredo: trailer(NONCE) }));
    assert.equal(valueOf('T37', [directBubble()]), 'not-applicable');
  });

  it('T39: no source route, router alert, jumbo option or hop limit 0', () => {
    const withOption = (option: string): LayerSpec[] => [
      { layer: 'payload', bytes: hex(`3a00${option}`) },
      { layer: 'payload', bytes: hex('80000000') },
    ];
    holds('T39', toHost());
    holds('T39', directBubble());
    holds('T39', toHost({}, [{ layer: 'routing', type: 2 }, TCP]));
    holds('T39', toHost({ inner: { nextHeader: 0 } }, withOption('010400000000')));
    isViolated('T39', toHost({}, [{ layer: 'routing', type: 0, segmentsLeft: 1 }, TCP]));
    isViolated('T39', toHost({ inner: { nextHeader: 0 } }, withOption('050200000100')));
    isViolated('T39', toHost({ inner: { nextHeader: 0 } }, withOption('c20400010000')));
    isViolated('T39', toHost({ inner: { hopLimit: 0 } }));
  });

  it('T40: packets are no longer than Teredo’s, and may be fragmented', () => {
    const long = (bytes: number): TestPacket =>
      toHost({}, [TCP, { layer: 'payload', bytes: new Uint8Array(bytes) }]);
    holds('T40', long(1220));
    isViolated('T40', long(1300));
    isViolated('T40', toHost({ outer: { fragment: 0x4000 } }));
  });

  it('T41: congestion notification is not claimed outside alone', () => {
    for (const [outside, inside] of [
      [0, 0],
      [0, 3],
      [2, 2],
      [2, 3],
      [3, 1],
    ] as const) {
      holds('T41', toHost({ outer: { tos: outside }, inner: { flowLabel: inside << 20 } }));
    }
    isViolated('T41', toHost({ outer: { tos: 1 } }));
    isViolated('T41', toHost({ outer: { tos: 3 }, inner: { flowLabel: 0x4 << 20 } }));
  });

  it('are made of later packets of a known flow too', () => {
    const odd: readonly [CheckName, TestPacket][] = [
      ['T01', toHost({ at: 2, teredo: trailer('ff') })],
      ['T39', toHost({ at: 2, inner: { hopLimit: 0 } })],
      ['T39', toHost({ at: 2 }, [{ layer: 'routing', type: 0 }, TCP])],
      ['T40', toHost({ at: 2, outer: { fragment: 0x4000 } })],
      ['T40', toHost({ at: 2 }, [TCP, { layer: 'payload', bytes: new Uint8Array(1300) }])],
      ['T41', toHost({ at: 2, outer: { tos: 1 } })],
    ];
    for (const [name, packet] of odd) {
      assert.deepEqual(valuesOf(name, [toHost(), toHost({ at: 1 }), packet]), ['holds', 'holds', 'violated']);
      const found = violationsBesideKnownFlows(name, [toHost(), toHost({ at: 1 }), packet]);
      assert.deepEqual(found, { violations: 1, undecoded: 1 }, name);
    }
  });

  it('say nothing of raw IPv6 in UDP but that it is raw (T05)', () => {
    const raw = teredo([CLIENT, PORT], [RELAY, 3544], ['2001:470::1', '2001:470::2'], [TCP], {
      outer: { fragment: 0x4000 },
    });
    assert.deepEqual(violatedBy([raw]), ['T05']);
  });
});
