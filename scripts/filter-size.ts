import { spawnSync } from 'node:child_process';
import { autoFilter } from '../src/capture/filter/automatic-filter.js';
import type { FilterNeeds } from '../src/capture/filter/filter-needs.js';
import { defaultNeeds, tunnelNeeds } from '../src/capture/filter/filter-needs.js';
import { LINK_TYPE } from '../src/wire/numbers.js';

/*
 * How many instructions libpcap makes of the automatic filter in its common forms: for a capture file and, where a network
 * namespace can be made, for a live interface.
 */
const ETHERNET = tunnelNeeds(LINK_TYPE.ETHERNET);
const NONE = { vlan: false, qinq: false, mpls: false, pppoe: false };
const USER = 'not net 10.0.0.0/8';

const FORMS: readonly (readonly [name: string, link: string, needs: FilterNeeds])[] = [
  ['Ethernet, untagged only', 'EN10MB', { ...ETHERNET, carriers: NONE }],
  ['Ethernet, VLAN', 'EN10MB', { ...ETHERNET, carriers: { ...NONE, vlan: true } }],
  ['Ethernet, VLAN and QinQ', 'EN10MB', ETHERNET],
  [`Ethernet, VLAN and QinQ, and ${USER}`, 'EN10MB', { ...ETHERNET, userBpf: USER }],
  [
    'Ethernet, VLAN, QinQ, MPLS, PPPoE',
    'EN10MB',
    { ...ETHERNET, carriers: { vlan: true, qinq: true, mpls: true, pppoe: true } },
  ],
  ['Ethernet, VLAN and QinQ, beyond tunnels', 'EN10MB', defaultNeeds(LINK_TYPE.ETHERNET)],
  ['Linux cooked', 'LINUX_SLL2', tunnelNeeds(LINK_TYPE.LINUX_SLL2)],
  ['raw IP', 'RAW', tunnelNeeds(LINK_TYPE.RAW)],
];
const NAMESPACE = 'ip link add cf0 type veth peer name cf1 && ip link set cf0 up && exec "$@"';

function count(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n', 1)[0]! : '-';
}

if (spawnSync('tcpdump', ['--version']).error !== undefined) {
  console.error('filter-size: tcpdump is not installed; install it (apt-get install tcpdump).');
  process.exit(1);
}
console.log('| form | characters | in files | live |\n| --- | --- | --- | --- |');
for (const [name, link, needs] of FORMS) {
  const { text } = autoFilter(needs);
  const offline = count('tcpdump', ['-y', link, '-ddd', text]);
  const device = { EN10MB: 'cf0', LINUX_SLL2: 'any' }[link];
  const live =
    device === undefined
      ? '-'
      : count('unshare', [
          '-n',
          'bash',
          '-c',
          NAMESPACE,
          'bash',
          'tcpdump',
          '-i',
          device,
          '-y',
          link,
          '-ddd',
          text,
        ]);
  console.log(`| ${name} | ${text.length} | ${offline} | ${live} |`);
}
