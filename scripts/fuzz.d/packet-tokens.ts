import { ETHERTYPE, IP_PROTOCOL, PPP_PROTOCOL } from '../../src/wire/numbers.js';

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

const TUNNEL_PORTS = [3544, 4789, 6081, 5072, 1701, 2152, 3653, 6667, 53];
const ADDRESS_BEGINS = [
  '20010000',
  '3ffe831f',
  '2002',
  'fe80',
  'ff02',
  '00005efe',
  '02005efe',
  '7f000001',
  'e0000001',
];

/** EtherTypes, protocols, ports and begins of addresses; both octets of a first nibble. */
export const PACKET_TOKENS: readonly Uint8Array[] = [
  ...Object.values(ETHERTYPE).map(u16),
  ...Object.values(PPP_PROTOCOL).map(u16),
  ...Object.values(IP_PROTOCOL).map((protocol) => Uint8Array.of(protocol)),
  ...TUNNEL_PORTS.map(u16),
  ...ADDRESS_BEGINS.map((hex) => Buffer.from(hex, 'hex')),
  Uint8Array.of(0x45),
  Uint8Array.of(0x46, 0),
  Uint8Array.of(0x60, 0, 0, 0),
  Uint8Array.of(0, 1, 0, 0),
  Uint8Array.of(0x20, 0),
  Uint8Array.of(0x1f, 0xff),
];
