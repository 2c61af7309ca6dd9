import assert from 'node:assert/strict';
import fc from 'fast-check';
import { autoFilter } from '../../../src/capture/filter/automatic-filter.js';
import type { FilterNeeds } from '../../../src/capture/filter/filter-needs.js';
import { tunnelNeeds } from '../../../src/capture/filter/filter-needs.js';
import type { LayerStack } from '../../../src/decode/layers.js';
import { PacketDecoder } from '../../../src/decode/packet.js';
import { ETHERTYPE, LINK_TYPE } from '../../../src/wire/numbers.js';
import { onFirstNodeOnly } from '../../support/first-node.js';
import { decodeBytes, layerNames } from '../../support/decoding.js';
import { ethernetFrame, linkFrame } from './generated-frames.js';
import type { FilterFrame } from './libpcap.js';
import { needsTcpdump, placesPassing } from './libpcap.js';

const FRAMES = 1500;
const RUNS = 6;

/* The widest decoder: whatever has the shape belongs to a tunnel that it knows. */
const decoder = new PacketDecoder({ maxDepth: 8, vxlanPorts: [4789], isKnownTunnel: () => true });

function decoded({ bytes, wireLength = bytes.length }: FilterFrame, linkType: number): LayerStack {
  return decodeBytes(bytes, { decoder, linkType, wireLength });
}

/* A tunnel, a fragment that may be part of one, or what a broker is told. */
function isWanted(frame: FilterFrame, linkType: number): boolean {
  const stack = decoded(frame, linkType);
  return stack.encapsulations > 0 || stack.fragmentLayer >= 0 || stack.isBrokerTalk;
}

function holdsFor(needs: FilterNeeds, frame: fc.Arbitrary<FilterFrame>): void {
  const { text } = autoFilter(needs);
  let wanted = 0;
  fc.assert(
    fc.property(fc.array(frame, { minLength: FRAMES, maxLength: FRAMES, size: 'max' }), (frames) => {
      const passed = placesPassing(frames, text, needs.linkType);
      frames.forEach((one, place) => {
        if (!isWanted(one, needs.linkType)) return;
        wanted++;
        const what = `${layerNames(decoded(one, needs.linkType))} ${Buffer.from(one.bytes).toString('hex')}`;
        assert.ok(passed.has(place), `the decoder takes what the filter drops: ${what}`);
      });
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  assert.ok(wanted > FRAMES, 'the generator makes tunnels');
}

function u16(value: number): number[] {
  return [value >>> 8, value & 0xff];
}

describe('whatever the decoder takes for a tunnel, the automatic filter passes', () => {
  onFirstNodeOnly();
  needsTcpdump();
  const ethernet = tunnelNeeds(LINK_TYPE.ETHERNET);

  it('on Ethernet, behind any number of VLAN tags', () => holdsFor(ethernet, ethernetFrame(false)));

  it('on Ethernet with PPPoE behind VLAN tags', function () {
    const carriers = { vlan: true, qinq: true, mpls: true, pppoe: true };
    const upToTwo = ethernetFrame(true);
    holdsFor({ ...ethernet, carriers }, upToTwo);
  });

  it('with no more than the Teredo shape: no ports are named', () =>
    holdsFor({ ...tunnelNeeds(LINK_TYPE.ETHERNET), teredoPorts: [] }, ethernetFrame(false)));

  it('on links without Ethernet header', () => {
    const ethertype = (isV6: boolean): number[] => u16(isV6 ? ETHERTYPE.IPV6 : ETHERTYPE.IPV4);
    const links: readonly (readonly [number, (isV6: boolean) => Uint8Array])[] = [
      [LINK_TYPE.RAW, () => new Uint8Array(0)],
      [LINK_TYPE.LINUX_SLL, (isV6) => Uint8Array.of(...new Uint8Array(14), ...ethertype(isV6))],
      [LINK_TYPE.LINUX_SLL2, (isV6) => Uint8Array.of(...ethertype(isV6), ...new Uint8Array(18))],
      [LINK_TYPE.LOOP, (isV6) => Uint8Array.of(0, 0, 0, isV6 ? 24 : 2)],
      [LINK_TYPE.NULL, (isV6) => Uint8Array.of(isV6 ? 30 : 2, 0, 0, 0)],
    ];
    for (const [linkType, header] of links) holdsFor(tunnelNeeds(linkType), linkFrame(header));
  });
});
