import { MIRROR_TRANSPORTS } from '../../wire/mirror-transport.js';
import { optional, withDefault, withDerived, required } from '../kind.js';
import { listOf } from '../list.js';
import { GIB, MIB, size } from '../quantities.js';
import { boolean, integer, milliseconds, oneOf, text } from '../scalars.js';
import { section } from '../section.js';

/* What is captured, and how. */

const LONGEST_FILTER = 4096;

const snaplen = integer(96, 262_144, 'octets');

/** A filter that the sensor makes by itself, and one that passes everything. */
export const FILTER_WORDS = { automatic: 'auto', none: 'none' } as const;

export const INTERFACE = section({
  name: 'interface',
  doc: 'An interface to capture on: a mirror port, or `any` for all of them.',
  keys: {
    name: required(
      text({ pattern: /^[^\s/]{1,15}$/, words: 'the name of an interface, at most 15 characters' }),
      'Name of the interface, as `ip link` shows it.',
      { example: 'eth1' },
    ),
    label: withDerived(
      text({ pattern: /^[A-Za-z0-9._:@-]{1,64}$/, words: 'letters, digits and ._:@- , at most 64' }),
      '<name>',
      'What stands in the records as `capture_file`, and in logs and metrics.',
      { unique: 'interface label', example: 'core-span' },
    ),
    filter: withDefault(
      text({ maxLength: LONGEST_FILTER }),
      FILTER_WORDS.automatic,
      'Which packets the kernel lets pass: `auto` for what the decoders and rules need, `none` for all, or a text of pcap-filter(7).',
      { example: 'ip proto 41 or udp port 3544' },
    ),
    userFilter: optional(
      text({ maxLength: LONGEST_FILTER }),
      'Narrows `filter: auto`, in the language of pcap-filter(7). It sees the outer packet only.',
      { example: 'not host 192.0.2.1' },
    ),
    snaplen: optional(snaplen, 'Octets kept of each packet, when other than `capture.snaplen`.', {
      example: 1600,
    }),
  },
  example: { name: 'eth1', label: 'core-span' },
  check({ filter, userFilter }, at) {
    if (userFilter !== undefined && filter !== undefined && filter !== FILTER_WORDS.automatic)
      at.reportKey('userFilter', '"userFilter" narrows "filter: auto"; write all of it into "filter"');
  },
});

export const INTERFACES = listOf(INTERFACE, { most: 16 });

const CARRIERS = section({
  name: 'carriers',
  doc: 'What may stand between Ethernet and IP on the mirror port. The automatic filter looks behind it.',
  keys: {
    vlan: withDefault(boolean, true, 'One VLAN tag.'),
    qinq: withDefault(boolean, true, 'Two VLAN tags.'),
    mpls: withDefault(boolean, false, 'MPLS labels; all of MPLS passes.'),
    pppoe: withDefault(boolean, false, 'PPPoE sessions.'),
  },
});

export const CAPTURE = section({
  name: 'capture',
  doc: 'How packets are taken from the interfaces.',
  keys: {
    driver: withDefault(
      oneOf(['libpcap', 'cap']),
      'libpcap',
      'What captures: the addon of copperhull with libpcap, or the npm package `cap`, which tells neither drops nor exact times and aborts the process when an interface is set down.',
    ),
    bufferBytes: withDefault(
      size(MIB, 2 * GIB),
      '32MiB',
      "The kernel's ring for each interface: what may wait while the capture thread gets no processor time.",
    ),
    queueBytes: withDefault(
      size(4 * MIB, GIB),
      '128MiB',
      'What may wait for the analysis, for each interface. Memory is taken as far as it was ever needed.',
    ),
    snaplen: withDefault(
      snaplen,
      65_535,
      'Octets kept of each packet. Offloads make packets longer than the MTU.',
    ),
    promiscuous: withDefault(
      boolean,
      true,
      'Take packets that are for other machines; a mirror port needs it.',
    ),
    timeoutMs: withDefault(
      milliseconds(1, 1000),
      20,
      'How long packets may wait in the kernel for others, so that they are handed over together.',
    ),
    direction: withDefault(
      oneOf(['both', 'in', 'out']),
      'both',
      'Which packets: `in` leaves out copies of what this machine sends.',
    ),
    carriers: withDefault(CARRIERS, {}, 'What stands around IP.'),
    mirrorTransports: withDefault(
      listOf(oneOf(MIRROR_TRANSPORTS), { isSet: true }),
      [],
      'What brings the frames of a mirror port to the sensor beside ERSPAN. Outermost and with Ethernet inside it is unwrapped and is no tunnel: name only what nothing else uses on this wire.',
      { example: ['tzsp'] },
    ),
  },
  check({ driver, promiscuous, direction }, at) {
    if (driver !== 'cap') return;
    if (promiscuous === false)
      at.reportKey('promiscuous', 'the driver "cap" always takes packets that are for other machines');
    if (direction !== undefined && direction !== 'both')
      at.reportKey('direction', 'the driver "cap" always takes packets of both directions');
  },
});
