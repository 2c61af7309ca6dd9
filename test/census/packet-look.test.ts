import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Census } from '../../src/census/census.js';
import { PacketLook } from '../../src/census/packet-look.js';
import type { CensusEntry, CensusSubject } from '../../src/model/census.js';
import { SEEN_IN } from '../../src/model/census.js';
import { formatIpv4 } from '../../src/wire/address.js';
import { frameOf } from '../../src/wire/frame.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, buildPacket, teredoAddress } from '../../src/wire/packet-builder.js';
import { guardedFrame } from '../support/decoding.js';
import { addressBytes, dnsMessage, reverseName, TYPE } from '../support/dns-messages.js';

const SERVER = '65.54.227.120';
const CLIENT = '198.51.100.7';
const RELAY = '203.0.113.9';
const TEREDO = teredoAddress(SERVER, CLIENT, 40_000);
const NATIVE = '2001:db8::1';
const SIXTOFOUR = '2002:c633:6407::1';
const SIXTOFOUR_HOST = '198.51.100.7';
const UNREACHABLE = { layer: 'icmp', type: 3, code: 4 } as const;
const TOO_BIG = { layer: 'icmpv6', type: 2 } as const;

const newLook = (): PacketLook =>
  new PacketLook({ maxDepth: 8, vxlanPorts: [4789], mirrorTransports: [], dnsPorts: [53, 5355] });

const entries = (census: Census): CensusEntry[] => census.entries();

/** What the frame counts for, as lines `subject address places`. */
function counted(
  bytes: Uint8Array,
  linkType: number = LINK_TYPE.ETHERNET,
  wireLength = bytes.length,
): string[] {
  const look = newLook();
  const { frame, at, end } = guardedFrame(bytes);
  look.look(frame, at, end, wireLength, linkType);
  const census = new Census(100);
  census.count(look.sightings, 1000, 0);
  return entries(census).map(({ what, v4, seen }) => {
    const places = SEEN_IN.flatMap((name, i) => (seen[i]! > 0 ? [`${name} ${seen[i]!}`] : []));
    return `${what} ${formatIpv4(v4)} ${places.join(' ')}`;
  });
}

const ofFrame = (...layers: LayerSpec[]): string[] => counted(buildFrame(layers));

const inTeredo = (
  from: readonly [string, number],
  to: readonly [string, number],
  ...inner: LayerSpec[]
): LayerSpec[] => [
  { layer: 'ipv4', src: from[0], dst: to[0] },
  { layer: 'udp', src: from[1], dst: to[1] },
  { layer: 'teredo' },
  ...inner,
];

const about = (what: CensusSubject, address: string, places: string): string =>
  `${what} ${address} ${places}`;
const ofClient = (places: string): string[] => [
  about('server', SERVER, places),
  about('client_prefix', '198.51.100.0', places),
];
const quoting = (layers: readonly LayerSpec[], length = 1000): LayerSpec[] => [
  { layer: 'payload', bytes: Uint8Array.of(0, 0, 0, 0) },
  { layer: 'payload', bytes: buildPacket(layers).subarray(0, length) },
];

const TCP: LayerSpec = { layer: 'tcp', src: 1024, dst: 80 };
const OUTWARD: readonly LayerSpec[] = inTeredo(
  [CLIENT, 40_000],
  [RELAY, 3545],
  { layer: 'ipv6', src: TEREDO, dst: NATIVE },
  TCP,
);

describe('where Teredo and 6to4 addresses are seen', () => {
  it('inside tunnels of any kind', () => {
    const inner: LayerSpec[] = [
      { layer: 'ipv6', src: TEREDO, dst: teredoAddress(SERVER, '192.0.2.3', 1) },
      TCP,
    ];
    const both = [
      about('server', SERVER, 'inner 2'),
      about('client_prefix', '192.0.2.0', 'inner 1'),
      about('client_prefix', '198.51.100.0', 'inner 1'),
    ];
    const outer: LayerSpec = { layer: 'ipv4', src: CLIENT, dst: '192.0.2.3' };
    assert.deepEqual(ofFrame(...inTeredo([CLIENT, 40_000], ['192.0.2.3', 1], ...inner)), both);
    assert.deepEqual(ofFrame(outer, ...inner), both);
    assert.deepEqual(ofFrame(outer, { layer: 'gre' }, ...inner), both);
    assert.deepEqual(
      ofFrame(outer, { layer: 'udp', src: 1, dst: 4789 }, { layer: 'vxlan', vni: 1 }, ...inner),
      both,
    );
    assert.deepEqual(ofFrame({ layer: 'vlan', id: 5 }, outer, ...inner), both);
  });

  it('in native packets, also behind tags, without a link layer, and around a tunnel', () => {
    const native: LayerSpec[] = [{ layer: 'ipv6', src: NATIVE, dst: TEREDO }, TCP];
    assert.deepEqual(ofFrame(...native), ofClient('native 1'));
    assert.deepEqual(
      ofFrame({ layer: 'vlan', id: 5 }, { layer: 'vlan', id: 6 }, ...native),
      ofClient('native 1'),
    );
    assert.deepEqual(counted(buildPacket(native), LINK_TYPE.RAW), ofClient('native 1'));
    assert.deepEqual(
      ofFrame(
        { layer: 'ipv6', src: SIXTOFOUR, dst: NATIVE },
        { layer: 'ipv4', src: CLIENT, dst: RELAY },
        TCP,
      ),
      [about('sixtofour_prefix', '198.51.100.0', 'native 1')],
    );
    assert.deepEqual(ofFrame({ layer: 'ipv6', src: NATIVE, dst: '2001:db8::2' }, TCP), []);
  });

  it('in name lookups, native and inside tunnels', () => {
    const query = dnsMessage({ questions: [{ name: reverseName(TEREDO), type: TYPE.PTR }] });
    const answer = dnsMessage({
      isResponse: true,
      answers: [{ owner: 'a.example', type: TYPE.AAAA, data: addressBytes(TEREDO) }],
    });
    const lookup = (bytes: Uint8Array, src: number, dst: number): LayerSpec[] => [
      { layer: 'udp', src, dst },
      { layer: 'payload', bytes },
    ];
    const v4: LayerSpec = { layer: 'ipv4', src: '192.0.2.1', dst: '192.0.2.53' };
    const v6: LayerSpec = { layer: 'ipv6', src: NATIVE, dst: '2001:db8::53' };
    assert.deepEqual(ofFrame(v4, ...lookup(query, 4000, 53)), ofClient('dns_query 1'));
    assert.deepEqual(ofFrame(v6, ...lookup(answer, 53, 4000)), ofClient('dns_answer 1'));
    assert.deepEqual(ofFrame(v6, ...lookup(answer, 5355, 4000)), ofClient('dns_answer 1'));
    assert.deepEqual(ofFrame(v4, v6, ...lookup(answer, 53, 4000)), ofClient('dns_answer 1'));
    assert.deepEqual(ofFrame(v4, ...lookup(query, 4000, 54)), []);
    // A transaction number with the first nibble of IPv6 is not taken for a tunnel.
    const six = query.slice();
    six[0] = 0x60;
    assert.deepEqual(ofFrame(v4, ...lookup(six, 4000, 53)), ofClient('dns_query 1'));
  });

  it('in packets that ICMP errors quote, cut as routers cut them', () => {
    const error: LayerSpec[] = [{ layer: 'ipv4', src: '192.0.2.1', dst: CLIENT }, UNREACHABLE];
    const quoted = [...ofClient('icmp_quote 1'), about('relay', RELAY, 'icmp_quote 1')];
    assert.deepEqual(ofFrame(...error, ...quoting(OUTWARD)).sort(), [...quoted].sort());
    assert.deepEqual(ofFrame(...error, ...quoting(OUTWARD, 20 + 8 + 40)).sort(), [...quoted].sort());
    // RFC 792 asks for 8 octets behind the header: no inner address is there.
    assert.deepEqual(ofFrame(...error, ...quoting(OUTWARD, 28)), []);
    const error6: LayerSpec[] = [{ layer: 'ipv6', src: NATIVE, dst: '2001:db8::9' }, TOO_BIG];
    const native: LayerSpec[] = [{ layer: 'ipv6', src: '2001:db8::9', dst: TEREDO }, TCP];
    assert.deepEqual(ofFrame(...error6, ...quoting(native)), ofClient('icmp_quote 1'));
    const inTunnel: LayerSpec[] = [{ layer: 'ipv4', src: '192.0.2.1', dst: '192.0.2.2' }, ...error6];
    assert.deepEqual(ofFrame(...inTunnel, ...quoting(native)), ofClient('icmp_quote 1'));
    const echo: LayerSpec = { layer: 'icmpv6', type: 128 };
    assert.deepEqual(
      ofFrame({ layer: 'ipv6', src: NATIVE, dst: '2001:db8::9' }, echo, ...quoting(native)),
      [],
    );
  });

  it('in first fragments, outer and inner', () => {
    const first: LayerSpec[] = [
      { layer: 'ipv4', src: CLIENT, dst: RELAY, fragment: 0x2000 },
      ...OUTWARD.slice(1),
    ];
    assert.deepEqual(
      ofFrame(...first).sort(),
      [...ofClient('inner 1'), about('relay', RELAY, 'inner 1')].sort(),
    );
    const later: LayerSpec[] = [
      { layer: 'ipv4', src: CLIENT, dst: RELAY, fragment: 0x2010 },
      ...OUTWARD.slice(1),
    ];
    assert.deepEqual(ofFrame(...later), []);
    const nested: LayerSpec[] = [
      { layer: 'ipv4', src: CLIENT, dst: RELAY, fragment: 0x2000, protocol: 41 },
      { layer: 'ipv6', src: TEREDO, dst: '2001:db8::9' },
      { layer: 'fragment', more: true, nextHeader: 6 },
      { layer: 'payload', bytes: new Uint8Array(16) },
    ];
    assert.deepEqual(ofFrame(...nested), ofClient('inner 1'));
  });

  it('never outside of the captured octets, whatever they are', () => {
    const frames = [
      buildFrame(OUTWARD),
      buildFrame([{ layer: 'ipv4', src: '192.0.2.1', dst: CLIENT }, UNREACHABLE, ...quoting(OUTWARD)]),
      buildFrame([{ layer: 'ipv6', src: NATIVE, dst: SIXTOFOUR }, TOO_BIG, ...quoting(OUTWARD)]),
    ];
    const change = fc.tuple(fc.nat(150), fc.nat(255));
    fc.assert(
      fc.property(
        fc.constantFrom(...frames),
        fc.array(change, { maxLength: 6 }),
        fc.nat(200),
        (seed, changes, length) => {
          const bytes = seed.slice(0, Math.min(seed.length, length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          counted(bytes, LINK_TYPE.ETHERNET, seed.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('relays', () => {
  const relays = (...layers: LayerSpec[]): string[] =>
    ofFrame(...layers).filter((line) => line.includes('relay'));

  it('of Teredo are the outer ends that carry data to and from native addresses', () => {
    const inward = inTeredo(
      [RELAY, 3545],
      [CLIENT, 40_000],
      { layer: 'ipv6', src: NATIVE, dst: TEREDO },
      TCP,
    );
    assert.deepEqual(relays(...OUTWARD), [about('relay', RELAY, 'inner 1')]);
    assert.deepEqual(relays(...inward), [about('relay', RELAY, 'inner 1')]);
  });

  it('of Teredo are neither servers that test the other side, nor peers, nor senders of bubbles', () => {
    const inner: LayerSpec = { layer: 'ipv6', src: TEREDO, dst: NATIVE };
    const echo: LayerSpec = { layer: 'icmpv6', type: 128 };
    assert.deepEqual(relays(...inTeredo([CLIENT, 40_000], [SERVER, 3544], inner, echo)), []);
    // The same host as a relay, on a port of its own.
    assert.deepEqual(relays(...inTeredo([CLIENT, 40_000], [SERVER, 3545], inner, TCP)).length, 1);
    const peer = teredoAddress(SERVER, RELAY, 3545);
    assert.deepEqual(
      relays(...inTeredo([CLIENT, 40_000], [RELAY, 3545], { layer: 'ipv6', src: TEREDO, dst: peer }, TCP)),
      [],
    );
    assert.deepEqual(
      relays(...inTeredo([RELAY, 3545], [CLIENT, 40_000], { layer: 'ipv6', src: NATIVE, dst: TEREDO })),
      [],
    );
    const local: LayerSpec = { layer: 'ipv6', src: TEREDO, dst: 'fe80::1' };
    assert.deepEqual(relays(...inTeredo([CLIENT, 40_000], [RELAY, 3545], local, TCP)), []);
  });

  it('of 6to4 are across from the address that the prefix embeds', () => {
    const packet = (src: string, dst: string, from: string, to: string): LayerSpec[] => [
      { layer: 'ipv4', src, dst },
      { layer: 'ipv6', src: from, dst: to },
      TCP,
    ];
    const anycast = [about('sixtofour_relay', '192.88.99.1', 'inner 1')];
    assert.deepEqual(relays(...packet(SIXTOFOUR_HOST, '192.88.99.1', SIXTOFOUR, NATIVE)), anycast);
    assert.deepEqual(relays(...packet('192.88.99.1', SIXTOFOUR_HOST, NATIVE, SIXTOFOUR)), anycast);
    // Two sites, and a configured tunnel that a 6to4 address goes through.
    assert.deepEqual(relays(...packet(SIXTOFOUR_HOST, '192.0.2.9', SIXTOFOUR, '2002:c000:209::1')), []);
    assert.deepEqual(relays(...packet('192.0.2.50', '192.0.2.51', NATIVE, SIXTOFOUR)), []);
  });
});

describe('a look at a packet that shows nothing', () => {
  it('leaves nothing of the packet before', () => {
    const look = newLook();
    const see = (bytes: Uint8Array): boolean => {
      look.look(frameOf(bytes), 0, bytes.length, bytes.length, LINK_TYPE.ETHERNET);
      return !look.sightings.isEmpty;
    };
    assert.deepEqual(
      [
        buildFrame(OUTWARD),
        buildFrame([{ layer: 'ipv4', src: CLIENT, dst: RELAY }, TCP]),
        new Uint8Array(3),
      ].map(see),
      [true, false, false],
    );
  });
});
