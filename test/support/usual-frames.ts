import fc from 'fast-check';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';

/** A frame, perhaps cut by the capture. */
export interface DrawnFrame {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

/* Few hosts and ports, so that drawn packets are of few flows. */
const HOSTS = ['81.1.1.1', '192.168.1.5', '65.54.227.120'];
const PORTS = [3544, 51_000];
const host = fc.constantFrom(...HOSTS);
const port = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...PORTS) },
  { weight: 1, arbitrary: fc.constantFrom(4789, 6081) },
);
const inner6 = fc.oneof(
  fc.tuple(host, fc.constantFrom(...PORTS)).map((client) => teredoAddress('65.54.227.120', ...client)),
  fc.constantFrom('2001:470::1', '2a00:5101:101::7', '2002:5101:101::1', 'fe80::5efe:5101:101', 'ff02::2'),
);
const seldom = <T>(weight: number, usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const specs = (...list: LayerSpec[]): LayerSpec[] => list;

const tags = seldom(
  6,
  specs(),
  fc.constantFrom(
    specs({ layer: 'vlan', id: 10 }),
    specs({ layer: 'vlan', id: 10 }, { layer: 'vlan', id: 7 }),
  ),
);
const outer = fc
  .tuple(
    host,
    host,
    seldom(3, 64, fc.constantFrom(62, 63)),
    seldom(
      20,
      undefined,
      fc.constantFrom<object>(
        { options: new Uint8Array(4) },
        { fragment: 0x2000 },
        { totalLength: 0 },
        { totalLength: 90 },
      ),
    ),
  )
  .map(([src, dst, ttl, odd]): LayerSpec => ({ layer: 'ipv4', src, dst, ttl, id: 1, ...odd }));
const carrier = fc.oneof(
  fc.constant(specs()),
  fc
    .tuple(
      port,
      port,
      seldom(20, undefined, fc.constantFrom<object>({ length: 0 }, { length: 70 })),
      seldom(
        10,
        specs(),
        fc.constantFrom(
          specs({ layer: 'teredo', auth: {} }),
          specs({ layer: 'teredo', origin: { address: '81.1.1.1', port: 51_000 } }),
          specs({ layer: 'teredo', trailer: Uint8Array.of(4, 2, 1, 1) }),
        ),
      ),
    )
    .map(([src, dst, odd, teredo]): LayerSpec[] => [{ layer: 'udp', src, dst, ...odd }, ...teredo]),
);
const leaf = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(port, port).map(([src, dst]) => specs({ layer: 'tcp', src, dst })) },
  { weight: 3, arbitrary: fc.tuple(port, port).map(([src, dst]) => specs({ layer: 'udp', src, dst })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      specs({ layer: 'icmpv6', type: 128 }),
      specs({ layer: 'dstopts' }, { layer: 'tcp', src: 3544, dst: 51_000 }),
      specs(),
    ),
  },
);
const payload = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ maxLength: 60 }),
  // Begins like IPv6: a tunnel in the tunnel, perhaps.
  fc.uint8Array({ minLength: 44, maxLength: 60 }).map((bytes) => Uint8Array.of(0x60, ...bytes)),
);
const frame = fc
  .tuple(tags, outer, carrier, inner6, inner6, leaf, payload)
  .map(([vlan, ipv4, udp, src, dst, last, bytes]) =>
    buildFrame([...vlan, ipv4, ...udp, { layer: 'ipv6', src, dst }, ...last, { layer: 'payload', bytes }]),
  );
/** Octets that are other than they were built, a cut, and padding behind. */
const damage = fc.record({
  octets: seldom(12, [], fc.array(fc.tuple(fc.nat(110), fc.nat(255)), { maxLength: 2 })),
  cut: seldom(12, 0, fc.nat(120)),
  padding: seldom(12, 0, fc.nat(9)),
});

/** Packets most of which are usual ones of tunnels, and some just not. */
export const usualFrame: fc.Arbitrary<DrawnFrame> = fc
  .tuple(frame, damage)
  .map(([built, { octets, cut, padding }]) => {
    const whole = new Uint8Array(built.length + padding);
    whole.set(built);
    for (const [at, value] of octets) if (at < whole.length) whole[at] = value;
    return { bytes: whole.subarray(0, Math.max(whole.length - cut, 14)), wireLength: whole.length };
  });
