import type { FilterNeeds } from './filter-needs.js';
import type { LinkForm } from './link-form.js';

/** What the filter hides from the analysis, in sentences: always, by its needs, and by the user's part. */
export function blindSpots(needs: FilterNeeds, form: LinkForm, user: string | undefined): string[] {
  const { vlan, qinq, mpls, pppoe } = form.carriers(needs.carriers);
  const hidden: string[] = [];
  if (form.tags !== 'none') {
    if (!vlan)
      hidden.push(
        'Frames with VLAN tags, for vlan is no carrier here; live they pass where the kernel strips the tag.',
      );
    else if (!qinq && form.tags === 'keyword')
      hidden.push(
        'Frames with two VLAN tags, for qinq is no carrier here; live they pass where only one is left.',
      );
    if (!mpls) hidden.push('MPLS frames, for mpls is no carrier here.');
    if (form.tags === 'keyword') hidden.push('IP in IEEE 802.2 frames (LLC and SNAP).');
    if (!pppoe) hidden.push('PPPoE frames, for pppoe is no carrier here.');
  }
  if (!form.hasIpv4 || !form.hasIpv6)
    hidden.push(`IPv${form.hasIpv4 ? 6 : 4}, which this link does not carry.`);
  hidden.push(
    `UDP on ports other than ${list(needs.teredoPorts)} that is no whole Teredo packet: it does not show as weird.`,
    `VXLAN to ports other than ${list(needs.vxlanPorts)}, and tunnels in it.`,
    'AYIYA, L2TP, GTP-U, GENEVE and GUE on ports that are not theirs.',
    'FOU that holds no bare IPv6, WireGuard and ESP: the decoder does not open them, so they are not even counted.',
    needs.brokerPorts.some(({ transport }) => transport === 'tcp')
      ? 'Tunnels inside TCP, such as IP-HTTPS, but for the first steps of brokers on their ports.'
      : 'Tunnels inside TCP, such as IP-HTTPS.',
    ...(needs.icmp ? [] : ['ICMP errors about tunnel packets.']),
    needs.dnsPorts.length === 0
      ? 'Name lookups.'
      : `Name lookups over TCP, TLS or HTTPS, or on UDP ports other than ${list(needs.dnsPorts)}.`,
    needs.brokerPorts.length === 0
      ? 'Talk with tunnel brokers.'
      : 'Talk with tunnel brokers on ports that are not named.',
    needs.nativeIpv6
      ? 'Native IPv6 whose addresses are neither Teredo nor 6to4.'
      : 'Native IPv6, but for packets with extension headers.',
    'All other traffic: counters of packets and octets count what passed.',
  );
  if (user !== undefined) {
    hidden.push(
      'Whatever your BPF does not match. It sees the outer packet, never the inner one.',
      'Where your BPF names ports: all fragments but the first, so fragmented tunnels are never whole.',
    );
    if (vlan && form.tags === 'keyword') {
      hidden.push('Beside your BPF: MPLS, frames with three tags or more, and tags of type 0x9200.');
    } else if (mpls || vlan) {
      hidden.push('Where your BPF names addresses or ports: frames that pass whole for their tag or label.');
    }
  }
  return hidden;
}

function list(ports: readonly number[]): string {
  return ports.length === 0 ? 'none' : ports.join(', ');
}
