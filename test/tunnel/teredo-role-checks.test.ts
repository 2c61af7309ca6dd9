import assert from 'node:assert/strict';
import { DEFAULT_LIMITS } from '../../src/sensor/analysis.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import type { CheckName } from '../../src/model/checks.js';
import type { TestPacket } from '../support/analysing.js';
import { valueOf, valuesOf, violatedBy } from '../support/checking.js';
import {
  advertisement,
  bubbleFromServer,
  bubbleToServer,
  CLIENT,
  CLIENT_V6,
  directBubble,
  echo,
  fromHost,
  HOST,
  PEER,
  PEER_PORT,
  PEER_V6,
  PORT,
  RELAY,
  RELAY_PORT,
  SECOND_SERVER,
  SERVER,
  solicitation,
  TCP,
  teredo,
  toHost,
} from '../support/teredo-packets.js';

const GROUP = '224.0.0.253';
const AUTH = { teredo: { auth: {} } };
const ORIGIN = { teredo: { origin: { address: PEER, port: 9 } } };

function holds(name: CheckName, ...packets: TestPacket[]): void {
  assert.equal(valueOf(name, packets), 'holds');
}

function isViolated(name: CheckName, ...packets: TestPacket[]): void {
  assert.equal(valueOf(name, packets), 'violated');
}

function isUndetermined(name: CheckName, ...packets: TestPacket[]): void {
  assert.equal(valueOf(name, packets), 'undetermined');
}

/** The client's echo request to an IPv6 host by way of a server. */
function pingTest(server: string, at = 0): TestPacket {
  return teredo([CLIENT, PORT], [server, 3544], [CLIENT_V6, HOST], echo(128), { at });
}

describe('checks of roles in Teredo', () => {
  it('T02: authentication and origin are for those who need them', () => {
    holds('T02', solicitation());
    holds('T02', bubbleFromServer());
    isViolated('T02', toHost(AUTH));
    isViolated('T02', directBubble(ORIGIN));
    assert.equal(valueOf('T02', [toHost()]), 'not-applicable');
  });

  it('T11: bubbles to the port of servers go to the server of their destination', () => {
    holds('T11', bubbleToServer());
    holds('T11', bubbleToServer({ outer: { dst: SECOND_SERVER } }));
    isViolated('T11', bubbleToServer({ outer: { dst: PEER } }));
    // Behind a NAT the port may have been another before.
    isUndetermined('T11', bubbleToServer({ outer: { dst: '192.168.1.5' } }));
    const onServerPort = teredoAddress(SERVER, PEER, 3544);
    assert.equal(
      valueOf('T11', [bubbleToServer({ outer: { dst: PEER }, inner: { dst: onServerPort } })]),
      'not-applicable',
    );
  });

  it('T12: the ping test goes to the client’s own server', () => {
    holds('T12', pingTest(SERVER));
    const stranger = directBubble({ outer: { dst: '9.9.9.9' } });
    isViolated('T12', stranger, solicitation({ at: 90 }), advertisement({ at: 90.1 }), pingTest(PEER, 91));
    isUndetermined('T12', solicitation(), advertisement(), pingTest(PEER, 1));
    isUndetermined('T12', pingTest(PEER));
    // A relay may have the port of servers.
    const answer = teredo([PEER, 3544], [CLIENT, PORT], [HOST, CLIENT_V6], echo(129), { at: 0.5 });
    const packets = [solicitation(), advertisement(), answer, pingTest(PEER, 1)];
    assert.equal(valueOf('T12', packets), 'not-applicable');
  });

  it('T27: servers forward bubbles and ICMPv6 only, unless they are relays as well', () => {
    const tcpToServer = (at = 0): TestPacket => toHost({ at, outer: { dst: SERVER }, dst: 3544 });
    holds('T27', pingTest(SERVER));
    holds('T27', bubbleToServer());
    isViolated('T27', tcpToServer());
    const asRelay = teredo([SERVER, 3544], [CLIENT, PORT], [HOST, CLIENT_V6], echo(129));
    isUndetermined('T27', asRelay, tcpToServer(1));
  });

  it('T28: nobody is made to send to themselves', () => {
    holds('T28', toHost());
    isViolated('T28', toHost({ outer: { dst: CLIENT }, dst: PORT }));
    isViolated('T28', toHost({ inner: { dst: CLIENT_V6 } }));
    isViolated('T28', bubbleToServer({ inner: { dst: teredoAddress(SERVER, SERVER, 3544) } }));
    isViolated('T28', bubbleToServer({ outer: { src: SERVER }, src: 3544 }));
    isViolated('T28', directBubble({ inner: { dst: teredoAddress(SERVER, RELAY, RELAY_PORT) } }));
  });

  it('T31: local discovery stays on the link and names its sender', () => {
    const discovery = (ttl: number, dst = GROUP, client = CLIENT_V6): TestPacket =>
      teredo([CLIENT, PORT], [dst, 3544], [client, 'ff02::1'], [], { outer: { ttl } });
    holds('T31', discovery(1));
    isViolated('T31', discovery(64));
    isViolated('T31', discovery(1, PEER));
    isViolated('T31', discovery(1, GROUP, PEER_V6));
    const inside = teredo(['192.168.1.5', PORT], [GROUP, 3544], [CLIENT_V6, 'ff02::1'], [], {
      outer: { ttl: 1 },
    });
    isUndetermined('T31', inside);
  });

  it('T35: relays send for hosts of the Internet', () => {
    holds('T35', fromHost());
    holds('T35', fromHost({ inner: { src: '2002:5414:2802::1' } }));
    for (const src of [
      'fe80::1',
      'fd00::1',
      'fec0::1',
      '2001:db8::1',
      '::ffff:1.2.3.4',
      '::1',
      '2002:a00:1::1',
    ]) {
      assert.equal(valueOf('T35', [fromHost({ inner: { src } })]), 'violated', src);
    }
    const local = ['2001:470:1f0b::/48'];
    assert.equal(valueOf('T35', [fromHost()], { local }), 'violated');
    assert.equal(valueOf('T35', [fromHost()], { local: [...local, '83.150.30.0/24'] }), 'holds');
  });

  it('T42: the port is no other service’s, unless a client qualified there', () => {
    holds('T42', solicitation());
    isUndetermined('T42', toHost());
    const quic = teredo([CLIENT, PORT], [PEER, 443], [CLIENT_V6, HOST], [TCP]);
    isViolated('T42', quic);
    const on443 = teredoAddress(SERVER, CLIENT, 443);
    const client = teredo([CLIENT, 443], [RELAY, RELAY_PORT], [on443, HOST], [TCP], { at: 1 });
    isViolated('T42', client);
    holds('T42', solicitation({ src: 443 }), advertisement({ dst: 443 }), client);
  });
});

describe('checks of what Teredo endpoints did before', () => {
  /** Packets of others, so that the sensor has been running for some time. */
  const WARM = [directBubble({ outer: { dst: '9.9.9.9' } })];

  it('T30: bubbles come slowly and stop', () => {
    const many = (count: number, apart: number): TestPacket[] =>
      Array.from({ length: count }, (_, i) => directBubble({ at: i * apart }));
    assert.deepEqual(violatedBy(many(4, 2)), []);
    // A direct and an indirect bubble at once are what the standard asks for.
    holds('T30', directBubble(), bubbleToServer({ at: 0.01 }));
    isViolated('T30', ...many(4, 0.1));
    holds('T30', ...many(20, 5));
    isViolated('T30', ...many(21, 5));
    holds('T30', ...many(20, 30));
  });

  it('T32: echo replies answer echo requests', () => {
    const request = toHost({}, echo(128));
    holds('T32', request, fromHost({ at: 0.2 }, echo(129)));
    isViolated('T32', request, fromHost({ at: 0.2 }, echo(129, 2)));
    isViolated('T32', request, fromHost({ at: 0.2 }, echo(129, 1, 'ffffffffffffffff')));
    isViolated('T32', request, fromHost({ at: 60 }, echo(129)));
    isViolated('T32', request, fromHost({ at: 0.2, inner: { src: '2001:470::66' } }, echo(129)));
    // The test by way of the server is a request as well; and whose requests are not seen may have sent one.
    holds('T32', pingTest(SERVER), fromHost({ at: 0.2 }, echo(129)));
    isUndetermined('T32', fromHost({}, echo(129)));
  });

  it('T33: one relay sends for one host', () => {
    const other = { outer: { src: PEER } };
    holds('T33', fromHost(), fromHost({ at: 1 }));
    isViolated('T33', fromHost(), fromHost({ ...other, at: 1 }));
    holds('T33', fromHost(), fromHost({ ...other, at: 40 }));
    holds('T33', fromHost(), fromHost({ ...other, at: 1, inner: { src: '2001:470::77' } }));
  });

  it('T34: relay and client meet before there is data', () => {
    const qualified = [...WARM, solicitation({ at: 100 }), advertisement({ at: 100.1 })];
    const data = fromHost({ at: 103 });
    isViolated('T34', ...qualified, data);
    holds('T34', ...qualified, bubbleFromServer({ at: 102 }), data);
    holds('T34', ...qualified, directBubble({ at: 102 }), data);
    holds('T34', ...qualified, toHost({ at: 102 }), data);
    // A client that may have been there before the sensor was.
    isUndetermined('T34', solicitation(), advertisement(), fromHost({ at: 1 }));
    isUndetermined('T34', data);
  });

  it('T38: data is between addresses that are right', () => {
    const stray = toHost({ at: 1, outer: { src: PEER } });
    holds('T38', toHost());
    holds('T38', fromHost());
    isViolated('T38', stray);
    isUndetermined('T38', toHost({ src: 9 }));
    isUndetermined('T38', toHost({ outer: { src: '192.168.1.5' } }));
    const qualified = [solicitation({ outer: { src: PEER } }), advertisement({ outer: { dst: PEER } })];
    holds('T38', ...qualified, stray);
    const toPeer = teredo([CLIENT, PORT], [PEER, PEER_PORT], [CLIENT_V6, PEER_V6], [TCP]);
    holds('T38', toPeer);
  });

  it('stay within their tables, and claim nothing of what they had to forget', () => {
    const limits = { ...DEFAULT_LIMITS, clientMappings: 8 };
    const others = Array.from({ length: 40 }, (_, i) =>
      directBubble({ at: 101, outer: { src: `84.20.41.${i}`, dst: `81.187.11.${i}` } }),
    );
    const packets = [
      ...WARM,
      ...others,
      solicitation({ at: 102 }),
      advertisement({ at: 102.1 }),
      fromHost({ at: 103 }),
    ];
    assert.equal(valueOf('T34', packets, { limits }), 'undetermined');
    assert.equal(valuesOf('T34', packets).at(-1), 'violated');
  });
});
