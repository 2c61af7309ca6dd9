import assert from 'node:assert/strict';
import type { TestPacket } from '../support/analysing.js';
import { valueOf, violatedBy } from '../support/checking.js';
import type { CheckingOptions } from '../support/checking.js';
import {
  advertisement,
  bubbleFromServer,
  CLIENT,
  CONE_SOURCE,
  MTU_OPTION,
  PEER,
  PORT,
  PREFIX_OPTION,
  RELAY,
  SECOND_SERVER,
  solicitation,
} from '../support/teredo-packets.js';
import type { CheckName } from '../../src/model/checks.js';

const FOREIGN_PREFIX = PREFIX_OPTION.replace('20010000', '20010bad');
const RDNSS_EVEN = '1904000000000e1020010470000000000000000000000001' + '0'.repeat(16);
const RDNSS = '1903000000000e1020010470000000000000000000000001';

function answered(answer: TestPacket, asked: TestPacket = solicitation()): TestPacket[] {
  return [asked, answer];
}

function isViolated(name: CheckName, packets: TestPacket[], options: CheckingOptions = {}): void {
  assert.equal(valueOf(name, packets, options), 'violated');
}

function holds(name: CheckName, packets: TestPacket[], options: CheckingOptions = {}): void {
  assert.equal(valueOf(name, packets, options), 'holds');
}

describe('checks of Teredo qualification', () => {
  const NAT = '192.168.77.10';

  it('violate nothing in what RFC 4380 5.2.1 describes, on both sides of a NAT', () => {
    const cone = [
      solicitation({}, CONE_SOURCE),
      advertisement({ outer: { src: SECOND_SERVER } }, { to: CONE_SOURCE }),
      solicitation({ at: 1, teredo: { auth: { nonce: 2n } } }),
      advertisement({ at: 1.1, teredo: { auth: { nonce: 2n } } }),
      solicitation({ at: 2, outer: { dst: SECOND_SERVER } }),
      advertisement({ at: 2.1, outer: { src: SECOND_SERVER } }),
    ];
    assert.deepEqual(violatedBy(cone), []);
    const inside = cone.map(({ at = 0, layers: [ip, ...rest] }): TestPacket => {
      assert.ok(ip?.layer === 'ipv4');
      const swap = (address: string): string => (address === CLIENT ? NAT : address);
      return { at, layers: [{ ...ip, src: swap(ip.src), dst: swap(ip.dst) }, ...rest] };
    });
    assert.deepEqual(violatedBy(inside), []);
  });

  it('T13: servers send from their port, and forward for their own clients', () => {
    holds('T13', answered(advertisement()));
    isViolated('T13', answered(advertisement({ src: 4000 })));
    holds('T13', [bubbleFromServer()]);
    isViolated('T13', [bubbleFromServer({ outer: { src: '65.55.158.80' } })]);
    // Without an origin it may be the bubble of a client whose port is 3544.
    assert.equal(
      valueOf('T13', [
        {
          layers: bubbleFromServer({ outer: { src: PEER } }).layers.filter(({ layer }) => layer !== 'teredo'),
        },
      ]),
      'undetermined',
    );
  });

  it('T14: the server names itself', () => {
    holds('T14', answered(advertisement()));
    holds('T14', answered(advertisement({ outer: { src: SECOND_SERVER } })));
    // Before RFC 4380 the port was not inverted.
    holds('T14', answered(advertisement({}, { source: 'fe80::8000:dd8:bec9:1c87' })));
    isViolated('T14', answered(advertisement({ outer: { src: RELAY } }, { source: 'fe80::8000:f227:1:2' })));
    isViolated('T14', answered(advertisement({}, { source: 'fe80::8000:f226:bec9:1c87' })));
  });

  it('T14: any second address will do when the first was asked', () => {
    holds('T14', [
      solicitation({}, CONE_SOURCE),
      advertisement({ outer: { src: '65.54.227.200' } }, { to: CONE_SOURCE }),
    ]);
  });

  it('T15: there is one prefix, which is Teredo’s with the server', () => {
    holds('T15', answered(advertisement()));
    isViolated('T15', answered(advertisement({}, { options: FOREIGN_PREFIX })));
    isViolated('T15', answered(advertisement({}, { options: PREFIX_OPTION + PREFIX_OPTION })));
    isViolated('T15', answered(advertisement({}, { options: '' })));
    isViolated(
      'T15',
      answered(advertisement({}, { options: PREFIX_OPTION.replace('4136e378', '01020304') })),
    );
  });

  it('T16: an advertisement answers a solicitation of this client', () => {
    holds('T16', answered(advertisement()));
    isViolated('T16', answered(advertisement({}, { to: 'fe80::ffff:ffff:1' })));
    isViolated('T16', answered(advertisement({ at: 30 })));
    // Whose solicitations are not seen may well have sent one.
    assert.equal(valueOf('T16', [advertisement()]), 'undetermined');
  });

  it('T17: it has the nonce of the solicitation', () => {
    holds('T17', answered(advertisement()));
    isViolated('T17', answered(advertisement({ teredo: { auth: { nonce: 99n } } })));
    assert.equal(valueOf('T17', [advertisement()]), 'undetermined');
    // The answer to the try before is an answer.
    const again = solicitation({ at: 4, teredo: { auth: { nonce: 2n } } });
    holds('T17', [solicitation(), again, advertisement({ at: 4.1 })]);
  });

  it('T18: the cone bit is answered from another address, and nothing else is', () => {
    const toCone = { to: CONE_SOURCE };
    holds('T18', answered(advertisement()));
    holds(
      'T18',
      answered(advertisement({ outer: { src: SECOND_SERVER } }, toCone), solicitation({}, CONE_SOURCE)),
    );
    isViolated('T18', answered(advertisement({}, toCone), solicitation({}, CONE_SOURCE)));
    isViolated('T18', answered(advertisement({ outer: { src: SECOND_SERVER } })));
  });

  it('T19: the origin is where the advertisement goes, or what the client was told before', () => {
    const natted = { outer: { dst: NAT } };
    const fromNat = { outer: { src: NAT } };
    const told = (port: number): { origin: { address: string; port: number } } => ({
      origin: { address: CLIENT, port },
    });
    holds('T19', answered(advertisement()));
    isViolated('T19', answered(advertisement({ teredo: told(9) })));
    assert.equal(valueOf('T19', answered(advertisement(natted), solicitation(fromNat))), 'undetermined');
    isViolated('T19', answered(advertisement(natted), solicitation(fromNat)), { vantage: 'outside' });
    const twice = (at: number, port: number): TestPacket[] => [
      solicitation(fromNat),
      advertisement(natted),
      solicitation({ ...fromNat, at }),
      advertisement({ ...natted, at: at + 0.1, teredo: told(port) }),
    ];
    holds('T19', twice(1, PORT));
    // A symmetric NAT gives the second server another port; much later it may be a new mapping.
    isViolated('T19', twice(1, 9));
    assert.equal(valueOf('T19', twice(40, 9)), 'undetermined');
  });

  it('T20: hop limit 255, code 0 and a valid checksum', () => {
    holds('T20', [solicitation()]);
    holds('T20', answered(advertisement()));
    isViolated('T20', [solicitation({ inner: { hopLimit: 64 } })]);
    isViolated('T20', [solicitation({}, undefined, { code: 1 })]);
    isViolated('T20', answered(advertisement({}, {}, { checksum: 0x1234 })));
  });

  it('T21: options are a prefix and an MTU that can be', () => {
    holds('T21', answered(advertisement()));
    holds('T21', answered(advertisement({}, { options: PREFIX_OPTION })));
    for (const extra of [
      RDNSS,
      RDNSS_EVEN,
      '1801400000000e10',
      '0501000000000400',
      '0500000000000500',
      '05020000000005dc',
      '01',
    ]) {
      isViolated('T21', answered(advertisement({}, { options: PREFIX_OPTION + extra })));
    }
    // Preferred for longer than valid.
    isViolated(
      'T21',
      answered(advertisement({}, { options: PREFIX_OPTION.replace('ffffffff', '00000010') })),
    );
    holds('T21', answered(advertisement({}, { options: MTU_OPTION + PREFIX_OPTION })));
  });

  it('a forged answer teaches nothing', () => {
    const forged = advertisement({ teredo: { auth: { nonce: 99n }, origin: { address: PEER, port: 9 } } });
    assert.deepEqual(violatedBy([solicitation(), forged, advertisement({ at: 0.2 })]), ['T17', 'T19']);
    holds('T19', [solicitation(), forged, advertisement({ at: 0.2 })]);
  });
});
