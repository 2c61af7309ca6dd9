import type { Alert, LogRecord } from '../../src/model/records.js';
import { noticeRecord } from '../../src/zeek/notice-record.js';
import { tunnelRecord } from '../../src/zeek/tunnel-record.js';
import { weirdRecord } from '../../src/zeek/weird-record.js';

const TIME = { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
const OUTER = { origHost: '192.0.2.10', origPort: 0, respHost: '203.0.113.9', respPort: 0 };

/** An alert about IRC inside a 6in4 tunnel. */
export const SAMPLE_ALERT: Alert = {
  id: 'A1b2C3',
  time: TIME,
  rule: {
    id: 'inner-irc-port',
    rev: 1,
    title: 'IRC port inside an IPv6 tunnel',
    note: 'TunnelAbuse::Inner_IRC_Port',
    severity: 'high',
    attack: ['T1572'],
    suppressFor: 3600,
  },
  uid: 'CpHeL22IfAnio0BVG3',
  connection: { origHost: '2001:db8::5', origPort: 40000, respHost: '2001:db8::9', respPort: 6667 },
  transport: 'tcp',
  communityId: undefined,
  message: 'IRC "port"\n6667',
  sub: undefined,
  suppressed: 0,
  tunnel: {
    uid: 'CY6MZM3lad2fDA83F1',
    kind: '6in4',
    path: 'eth/ipv4/ipv6/tcp:6667',
    depth: 1,
    outer: OUTER,
    outerCommunityId: undefined,
    outermost: undefined,
  },
  teredo: undefined,
  packet: undefined,
  sensor: 'dc1-span',
};

/** One record of three logs; the notice's message needs escaping. */
export const SAMPLE_NOTICE: LogRecord = noticeRecord(SAMPLE_ALERT);

export const SAMPLE_TUNNEL: LogRecord = tunnelRecord({
  time: { seconds: 1_500_557_630, nanoseconds: 0 },
  uid: 'CY6MZM3lad2fDA83F1',
  connection: OUTER,
  zeekType: 'IP',
  action: 'DISCOVER',
  kind: '6in4',
  depth: 1,
  parentUid: undefined,
  direction: 'outbound',
  totals: undefined,
  communityId: undefined,
  vlan: [],
  sensor: 'dc1-span',
});

export const SAMPLE_WEIRD: LogRecord = weirdRecord({
  time: TIME,
  uid: undefined,
  connection: undefined,
  name: 'truncated_Teredo',
  detail: undefined,
  source: 'TEREDO',
  captureFile: 'a.pcap',
  packetNumber: 7,
  sensor: 'dc1-span',
});
