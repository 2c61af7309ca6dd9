import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { teredoAddress } from '../../src/wire/packet-builder.js';
import type { TestPacket } from './analysing.js';

/* Endpoints of a Teredo network, as in the lab: public addresses, each where its Teredo address says. */
export const SERVER = '65.54.227.120';
export const SECOND_SERVER = '65.54.227.121';
export const RELAY = '83.150.30.2';
export const RELAY_PORT = 3545;
export const CLIENT = '81.187.10.2';
export const PORT = 51_631;
export const PEER = '84.20.40.2';
export const PEER_PORT = 4001;
export const HOST = '2001:470:1f0b:1::10';
export const CLIENT_V6 = teredoAddress(SERVER, CLIENT, PORT);
export const PEER_V6 = teredoAddress('65.55.158.80', PEER, PEER_PORT);
export const RELAY_V6 = 'fe80::7c26:1a4b:4d5f:812';

export const TCP: LayerSpec = { layer: 'tcp', src: 40_000, dst: 80 };

type Ipv4 = Extract<LayerSpec, { layer: 'ipv4' }>;
type Ipv6 = Extract<LayerSpec, { layer: 'ipv6' }>;
type Teredo = Extract<LayerSpec, { layer: 'teredo' }>;

/** What a test wants other than usual. */
export interface Odd {
  readonly at?: number;
  readonly outer?: Partial<Ipv4>;
  readonly src?: number;
  readonly dst?: number;
  readonly teredo?: Omit<Teredo, 'layer'>;
  readonly inner?: Partial<Ipv6>;
}

/** A Teredo packet from `from` to `to`, each address and port. */
export function teredo(
  from: readonly [string, number],
  to: readonly [string, number],
  inner: readonly [src: string, dst: string],
  rest: readonly LayerSpec[],
  odd: Odd = {},
): TestPacket {
  return {
    at: odd.at ?? 0,
    layers: [
      { layer: 'ipv4', src: from[0], dst: to[0], ...odd.outer },
      { layer: 'udp', src: odd.src ?? from[1], dst: odd.dst ?? to[1] },
      ...(odd.teredo === undefined ? [] : [{ layer: 'teredo' as const, ...odd.teredo }]),
      { layer: 'ipv6', src: inner[0], dst: inner[1], ...odd.inner },
      ...rest,
    ],
  };
}

const SOLICITED_FROM = 'fe80::ffff:ffff:fffe';
export const CONE_SOURCE = 'fe80::8000:ffff:ffff:fffe';
/** Link-local address of the server: its port 3544 and its address, inverted. */
export const SERVER_LINK_LOCAL = 'fe80::8000:f227:bec9:1c87';

/** A client's router solicitation. */
export function solicitation(
  odd: Odd = {},
  source = SOLICITED_FROM,
  icmp: Partial<LayerSpec> = {},
): TestPacket {
  return teredo(
    [CLIENT, PORT],
    [SERVER, 3544],
    [source, 'ff02::2'],
    [{ layer: 'icmpv6', type: 133, ...icmp } as LayerSpec],
    { ...odd, teredo: { auth: {}, ...odd.teredo }, inner: { hopLimit: 255, ...odd.inner } },
  );
}

const FIXED = '40000000' + '0'.repeat(16);
/** Prefix information with the Teredo prefix of {@link SERVER}. */
export const PREFIX_OPTION =
  '030440c0' + 'ffffffff'.repeat(2) + '00000000' + '20010000' + '4136e378' + '0'.repeat(16);
export const MTU_OPTION = '0501000000000500';

/** The server's router advertisement, with options in hexadecimal. */
export function advertisement(
  odd: Odd = {},
  { options = PREFIX_OPTION + MTU_OPTION, source = SERVER_LINK_LOCAL, to = SOLICITED_FROM } = {},
  icmp: Partial<LayerSpec> = {},
): TestPacket {
  const bytes = Uint8Array.from(Buffer.from(FIXED + options, 'hex'));
  return teredo(
    [SERVER, 3544],
    [CLIENT, PORT],
    [source, to],
    [{ layer: 'icmpv6', type: 134, ...icmp } as LayerSpec, { layer: 'payload', bytes }],
    {
      at: 0.1,
      ...odd,
      teredo: { auth: {}, origin: { address: CLIENT, port: PORT }, ...odd.teredo },
      inner: { hopLimit: 255, ...odd.inner },
    },
  );
}

/** A client's packet to an IPv6 host, through the relay. */
export function toHost(odd: Odd = {}, rest: readonly LayerSpec[] = [TCP]): TestPacket {
  return teredo([CLIENT, PORT], [RELAY, RELAY_PORT], [CLIENT_V6, HOST], rest, odd);
}

/** The IPv6 host's packet to the client, through the relay. */
export function fromHost(odd: Odd = {}, rest: readonly LayerSpec[] = [TCP]): TestPacket {
  return teredo([RELAY, RELAY_PORT], [CLIENT, PORT], [HOST, CLIENT_V6], rest, odd);
}

/** A direct bubble of the relay to the client. */
export function directBubble(odd: Odd = {}): TestPacket {
  const inner = { hopLimit: 0, ...odd.inner };
  return teredo([RELAY, RELAY_PORT], [CLIENT, PORT], [RELAY_V6, CLIENT_V6], [], { ...odd, inner });
}

/** The relay's bubble for the client on its way to the client's server. */
export function bubbleToServer(odd: Odd = {}): TestPacket {
  const inner = { hopLimit: 0, ...odd.inner };
  return teredo([RELAY, RELAY_PORT], [SERVER, 3544], [RELAY_V6, CLIENT_V6], [], { ...odd, inner });
}

/** The relay's bubble, forwarded by the client's server. */
export function bubbleFromServer(odd: Odd = {}): TestPacket {
  return teredo([SERVER, 3544], [CLIENT, PORT], [RELAY_V6, CLIENT_V6], [], {
    ...odd,
    teredo: { origin: { address: RELAY, port: RELAY_PORT }, ...odd.teredo },
    inner: { hopLimit: 0, ...odd.inner },
  });
}

/** An ICMPv6 echo with 8 octets of data. */
export function echo(type: 128 | 129, sequence = 1, data = '0102030405060708'): LayerSpec[] {
  const identity = `0007${sequence.toString(16).padStart(4, '0')}`;
  return [
    { layer: 'icmpv6', type },
    { layer: 'payload', bytes: Uint8Array.from(Buffer.from(identity + data, 'hex')) },
  ];
}
