import { sixrdDomain, prefix } from '../address-kinds.js';
import { withDefault } from '../kind.js';
import { listOf } from '../list.js';
import { folder } from '../paths.js';
import { GIB, MIB, size } from '../quantities.js';
import { PROFILES } from '../../model/profile.js';
import { boolean, integer, milliseconds, oneOf } from '../scalars.js';
import { section } from '../section.js';

/* What packets are judged by. */

export const RULES = section({
  name: 'rules',
  doc: 'Rules that can raise alerts. Read again on SIGHUP.',
  keys: {
    default: withDefault(boolean, true, 'Use the shipped rules.'),
    folders: withDefault(
      listOf(folder),
      [],
      'Folders with rules of your own (*.yaml), beside the shipped ones.',
      {
        example: ['/etc/copperhull/rules'],
      },
    ),
  },
});

export const LISTS = section({
  name: 'lists',
  doc: 'Lists of known servers, relays and brokers. Read again on SIGHUP.',
  keys: {
    default: withDefault(boolean, true, 'Use the shipped lists.'),
    folders: withDefault(
      listOf(folder),
      [],
      'Folders with lists of your own (*.yaml), beside the shipped ones.',
      {
        example: ['/etc/copperhull/lists'],
      },
    ),
  },
});

export const SITE = section({
  name: 'site',
  doc: 'The network that is watched.',
  keys: {
    localNetworks: withDefault(
      listOf(prefix, { most: 1000 }),
      [],
      'Networks inside the site, beside private space.',
      {
        example: ['203.0.113.0/24', '2001:db8::/32'],
      },
    ),
    vantage: withDefault(
      oneOf(['auto', 'inside', 'outside']),
      'auto',
      'Side of the NAT that the mirror port shows; `auto` learns it from the traffic.',
    ),
    sixrd: withDefault(
      listOf(sixrdDomain),
      [],
      'Domains of 6rd providers, PREFIX/LENGTH[,MASKLENGTH[,RELAY]], where MASKLENGTH is the length of the IPv4 prefix that all customers share and RELAY the IPv4 address of the border relay.',
      { example: ['2001:db8::/32', '2001:db8:4000::/40,8', '2001:db8:8000::/36,8,192.0.2.1'] },
    ),
    sixtofourRelays: withDefault(
      listOf(prefix, { most: 1000 }),
      [],
      'Relays of 6to4 that may be used, beside 192.88.99.1. While none is named, no relay is wrong.',
      { example: ['192.0.2.9'] },
    ),
  },
});

const MOST = 16_777_216;

export const LIMITS = section({
  name: 'limits',
  doc: 'Upper sizes of everything that grows with the traffic. What is over makes the oldest go, which is counted.',
  keys: {
    tunnels: withDefault(integer(1000, MOST, 'tunnels'), 100_000, 'Tunnels that are known at once.'),
    flows: withDefault(
      integer(1000, MOST, 'flows'),
      1_000_000,
      'Inner connections that are known at once; as many UDP flows in the strict profile.',
    ),
    clientMappings: withDefault(
      integer(1000, MOST, 'mappings'),
      100_000,
      'Teredo clients whose public address and port are remembered. So many entries has each of the five tables of what Teredo endpoints did, too.',
    ),
    suppressionKeys: withDefault(
      integer(1000, MOST, 'keys'),
      200_000,
      'Keys for which further alerts are merged into one.',
    ),
    weirdKeys: withDefault(
      integer(1000, MOST, 'keys'),
      20_000,
      'Names and pairs for which weirds are sampled.',
    ),
    fragmentedDatagrams: withDefault(
      integer(16, 1_048_576, 'datagrams'),
      8192,
      'Fragmented datagrams that wait for the rest.',
    ),
    fragmentBytes: withDefault(size(MIB, 4 * GIB), '32MiB', 'Octets that they may take together.'),
    censusEntries: withDefault(
      integer(16, 1_048_576, 'entries'),
      4096,
      'Servers that a census counts at once, and as many relays and prefixes of each sort.',
    ),
  },
});

export const CENSUS = section({
  name: 'census',
  doc: 'Counts Teredo and 6to4 addresses wherever they are seen, by server, relay and client prefix, into teredo.log.',
  keys: {
    enabled: withDefault(
      boolean,
      false,
      'Whether to count. The automatic filter then also passes name lookups, ICMP, and native IPv6 packets with such addresses; and each packet is looked at once more.',
      { example: true },
    ),
    intervalMs: withDefault(
      milliseconds(1000, 604_800_000),
      3_600_000,
      'How often what was seen is written, in packet time.',
    ),
  },
});

export const MAX_DEPTH = withDefault(
  integer(1, 16, 'encapsulations'),
  8,
  'Nested tunnels that are opened. Zeek opens 4.',
);

export const VXLAN_PORTS = withDefault(
  listOf(integer(1, 65_535), { most: 32, isSet: true }),
  [4789],
  'UDP ports of VXLAN.',
);

export const CHECKSUMS = withDefault(
  oneOf(['auto', 'verify', 'ignore']),
  'auto',
  'Whether checksums of tunnel packets are verified; `auto` leaves out those that a network card fills in behind the mirror.',
);

export const PROFILE = withDefault(
  oneOf([...PROFILES]),
  'extended',
  "`extended` decodes what Zeek misses, and adds keys to Zeek's records; `strict` sees and writes what Zeek 8 does, with at most 4 nested tunnels.",
);
