import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  captureNames,
  FOREIGN_CAPTURES,
  hasForeignCaptures,
  LAB_CAPTURES,
  needsForeignCaptures,
} from '../support/captures.js';
import { violatedInCapture } from '../support/checking.js';

/** What is wrong in captures of real Miredo, and is: packets that violate each check. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // The NAT answers from another port than it mapped: hole punching fails.
  'teredo-client2client-FAIL-linuxnat-portclash-natoutside.pcap': { T08: 4 },
};

/** The same in captures of others, which Windows made. */
const EXPECTED_OF_OTHERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'teredo-auth-rs-ra-in-ftp-session.pcap': {},
  // Made by hand from a sound capture: octets behind three packets.
  'zeek-teredo_bubble_with_payload.pcap': { T01: 3, T37: 3 },
  // Made by hand: an origin indication and addresses of nobody.
  'zeek-teredo-udp-in-udp.pcap': { T05: 1 },
};

describe('no check but those expected is violated', () => {
  const names = captureNames(LAB_CAPTURES).filter((name) => name.startsWith('teredo-'));

  it('in captures of real Miredo, of which there are some', () => {
    assert.ok(names.length >= 12);
  });

  for (const name of names) {
    it(`in ${name}, whatever is known of the vantage point`, async () => {
      const path = join(LAB_CAPTURES, name);
      const expected = EXPECTED[name] ?? {};
      assert.deepEqual(await violatedInCapture(path), expected);
      assert.deepEqual(await violatedInCapture(path, { vantage: 'inside' }), expected);
      if (name.includes('natinside')) return;
      assert.deepEqual(await violatedInCapture(path, { vantage: 'outside' }), expected);
    });
  }

  for (const [name, expected] of Object.entries(EXPECTED_OF_OTHERS)) {
    it(`in ${name}`, async function () {
      if (!hasForeignCaptures) needsForeignCaptures(this);
      assert.deepEqual(await violatedInCapture(join(FOREIGN_CAPTURES, name)), expected);
    });
  }

  it('in captures of other tunnels and of no tunnel: no Teredo check says anything against them', async function () {
    this.timeout(60_000);
    if (!hasForeignCaptures) needsForeignCaptures(this);
    for (const name of captureNames(FOREIGN_CAPTURES)) {
      if (name in EXPECTED_OF_OTHERS) continue;
      const violated = Object.keys(await violatedInCapture(join(FOREIGN_CAPTURES, name)));
      // T06 is about the outer addresses of any tunnel.
      const ofTeredo = violated.filter((check) => check.startsWith('T') && check !== 'T06');
      assert.deepEqual(ofTeredo, [], name);
    }
  });
});
