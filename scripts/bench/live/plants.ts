import { formatAddress, formatIpv4 } from '../../../src/wire/address.js';
import { buildFrame, teredoAddress } from '../../../src/wire/packet-builder.js';
import { PcapWriter } from '../pcap-writer.js';

/*
 * Planted positives: the first packets of IRC connections in tunnels, each of another host to another peer, every second
 * one in Teredo, the others in 6in4. Each must raise one alert of the shipped rule about IRC ports.
 */
const NOTE = 'TunnelAbuse::Inner_IRC_Port';
const PORT = 6667;

const hostOf = (number: number): string => formatIpv4(0x52000001 + number);

function frameOf(number: number): Uint8Array {
  const host = hostOf(number);
  const syn = { layer: 'tcp', src: 40_000, dst: PORT, flags: 'S', seq: number, ack: 0 } as const;
  const peer = formatAddress(0x20010470, 0xbbbb0000, 0, number + 1);
  if (number % 2 === 0) {
    return buildFrame([
      { layer: 'ipv4', src: host, dst: '84.20.40.2' },
      { layer: 'ipv6', src: formatAddress(0x20010470, 0xcccc0000, number, 2), dst: peer },
      syn,
    ]);
  }
  const [server, port] = ['65.54.50.120', 50_000];
  return buildFrame([
    { layer: 'ipv4', src: host, dst: '83.150.30.2' },
    { layer: 'udp', src: port, dst: 3545 },
    { layer: 'ipv6', src: teredoAddress(server, host, port), dst: peer },
    syn,
  ]);
}

/** Writes a capture file of so many planted positives. */
export function writePlants(path: string, count: number): void {
  const writer = new PcapWriter(path);
  for (let number = 0; number < count; number++) writer.write(frameOf(number), 0);
  writer.close();
}

/** Compares the planted positives with the lines of notice.log. */
export function judgePlants(
  count: number,
  notices: readonly Record<string, unknown>[],
): { readonly missing: readonly number[]; readonly extra: number } {
  const alerts = new Map<unknown, number>();
  let extra = 0;
  for (const { note, tunnel_outer_orig_h: host } of notices)
    if (note === NOTE) alerts.set(host, (alerts.get(host) ?? 0) + 1);
  const missing: number[] = [];
  for (let number = 0; number < count; number++) {
    const times = alerts.get(hostOf(number)) ?? 0;
    if (times === 0) missing.push(number);
    else extra += times - 1;
    alerts.delete(hostOf(number));
  }
  for (const times of alerts.values()) extra += times;
  return { missing, extra };
}
