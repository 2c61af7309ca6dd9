import assert from 'node:assert/strict';
import { communityId } from '../../src/flow/community-id.js';
import { parseAddress } from '../../src/wire/address.js';

describe('Community ID', () => {
  // Values from the Python package communityid, the specification's reference implementation.
  const cases: [string, string, number, number, number, string][] = [
    ['128.232.110.120', '66.35.250.204', 6, 34855, 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
    ['192.168.1.52', '8.8.8.8', 17, 54585, 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
    ['192.168.0.89', '192.168.0.1', 1, 8, 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
    ['fe80::200:86ff:fe05:80da', 'fe80::260:97ff:fe07:69ea', 58, 135, 136, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
    [
      '3ffe:507:0:1:260:97ff:fe07:69ea',
      '3ffe:507:0:1:200:86ff:fe05:80da',
      58,
      3,
      0,
      '1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=',
    ],
    ['2001:470:aaaa::2', '2001:470:aaaa::1', 6, 6667, 40000, '1:VU2dV+KBkLBekt9wGDGuvlPj5vs='],
  ];
  for (const [source, destination, protocol, sourcePort, destinationPort, expected] of cases) {
    it(`of ${source} -> ${destination} protocol ${protocol} is the reference's`, () => {
      const forward = {
        source: parseAddress(source)!,
        destination: parseAddress(destination)!,
        protocol,
        sourcePort,
        destinationPort,
      };
      assert.equal(communityId(forward), expected);
    });
  }

  it('was wrong for all that followed a flow between an IPv4-mapped address and an IPv6 one', () => {
    const mapped = { source: parseAddress('::ffff:1.2.3.4')!, destination: parseAddress('ff02::2')! };
    communityId({ ...mapped, protocol: 58, sourcePort: 133, destinationPort: 134 });
    const [source, destination, protocol, sourcePort, destinationPort, expected] = cases[0]!;
    const addresses = { source: parseAddress(source)!, destination: parseAddress(destination)! };
    assert.equal(communityId({ ...addresses, protocol, sourcePort, destinationPort }), expected);
  });

  it('is the same for both directions of a connection', () => {
    const a = parseAddress('10.0.0.1')!;
    const b = parseAddress('10.0.0.2')!;
    const there = communityId({ source: a, destination: b, protocol: 6, sourcePort: 1, destinationPort: 2 });
    const back = communityId({ source: b, destination: a, protocol: 6, sourcePort: 2, destinationPort: 1 });
    assert.equal(there, back);
  });
});
