import { onFirstNodeOnly } from '../support/first-node.js';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import { analyse } from '../support/analysing.js';
import type { TestPacket } from '../support/analysing.js';
import { EVERY_PACKET, FORGETFUL } from '../support/asking-rules.js';

/*
 * Few hosts, ports and addresses, so that flows go on for long while what is known of their tunnel changes: a mapping is
 * learned, its kind is refined, it ends and comes back from the other side.
 *
 * A packet of a flow that violated nothing before is only counted. A rule that asks about every packet switches that off:
 * with one that never matches, the same records must come out.
 */
const V4 = ['81.1.1.1', '192.168.1.5', '65.54.227.120'];
const PORTS = [3544, 51_000];
const host = fc.constantFrom(...V4);
const port = fc.constantFrom(...PORTS);
const v6 = fc.oneof(
  fc.tuple(host, port).map(([client, mapped]) => teredoAddress('65.54.227.120', client, mapped)),
  fc.constantFrom('2002:5101:101::1', 'fe80::5efe:5101:101', 'fe80::ffff:ffff:ffff'),
  fc.constantFrom('2001:470::1', '2a00:5101:101::7'),
);
const leaf = fc.oneof(
  { weight: 6, arbitrary: fc.record({ layer: fc.constant('tcp' as const), src: port, dst: port }) },
  { weight: 2, arbitrary: fc.record({ layer: fc.constant('udp' as const), src: port, dst: port }) },
  {
    weight: 2,
    arbitrary: fc.record({ layer: fc.constant('icmpv6' as const), type: fc.constantFrom(128, 133, 134) }),
  },
);
const inner = fc
  .tuple(v6, v6, fc.constantFrom(64, 255), leaf, fc.integer({ min: 0, max: 9 }))
  .map(([src, dst, hopLimit, last, bubble]): LayerSpec[] => [
    { layer: 'ipv6', src, dst, hopLimit },
    ...(bubble === 0 ? [] : [last]),
  ]);
const headers = fc.oneof(
  { weight: 8, arbitrary: fc.constant<LayerSpec[]>([]) },
  { weight: 1, arbitrary: fc.constant<LayerSpec[]>([{ layer: 'teredo', auth: {} }]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(host, port, fc.boolean())
      .map(([address, mapped, auth]): LayerSpec[] => [
        { layer: 'teredo', origin: { address, port: mapped }, ...(auth && { auth: {} }) },
      ]),
  },
);
const carrier = fc.oneof(
  fc
    .tuple(port, port, headers)
    .map(([src, dst, teredo]): LayerSpec[] => [{ layer: 'udp', src, dst }, ...teredo]),
  fc.constant<LayerSpec[]>([]),
);
const gap = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0.01) },
  { weight: 1, arbitrary: fc.constantFrom(5, 61, 400, 4000) },
);

describe('a flow that was judged', () => {
  onFirstNodeOnly();

  it('gives the same records as if every packet of it were judged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(gap, host, host, carrier, inner), { minLength: 40, maxLength: 120 }),
        (draws) => {
          let at = 0;
          const packets = draws.map(([wait, src, dst, outer, inside]): TestPacket => {
            at += wait;
            return { at, layers: [{ layer: 'ipv4', src, dst }, ...outer, ...inside] };
          });
          // Twice, because what is known by then makes the second time another.
          const twice = [...packets, ...packets.map((packet) => ({ ...packet, at: packet.at! + at }))];
          const short = analyse(twice, { rules: FORGETFUL });
          const full = analyse(twice, { rules: [...FORGETFUL, ...EVERY_PACKET] });
          assert.deepEqual(
            short.records.map(({ json }) => json),
            full.records.map(({ json }) => json),
          );
        },
      ),
      { numRuns: 150 },
    );
  });
});
