import { CHECK_VALUE } from './vocabulary.js';

/**
 * Consistency checks between layers. Names follow the catalogue of the domain research (T Teredo, S 6to4, I ISATAP,
 * R 6rd, L loops; X are ours); a trailing P is our split of a check into its address part and its port part, because a port alone differs
 * behind a symmetric NAT and an address does not.
 */
type Row = readonly [name: string, meaning: string, source: string];

const TABLE = [
  ['T01', 'the payload is what the Teredo grammar allows, to its last octet', 'RFC 4380 5.1.1, RFC 6081 4'],
  [
    'T02',
    'only router solicitations and advertisements are authenticated, and only servers tell an origin',
    'RFC 4380 5.1.1',
  ],
  [
    'T03',
    'authentication comes before the origin indication, and each is there once at most',
    'RFC 4380 5.1.1',
  ],
  ['T04', 'the lengths in the inner packet agree with the datagram', 'RFC 4380 5.2.3'],
  [
    'T05',
    'a Teredo packet has a Teredo address, or is a router solicitation or advertisement',
    'RFC 4380 5.2-5.4',
  ],
  ['T06', 'the outer addresses can be tunnel endpoints at this vantage point', 'RFC 4380 5.2.4, 5.3.1'],
  [
    'T07',
    'the client address inside the Teredo source is the mapped address of the sender',
    'RFC 4380 5.2.3, 5.3.1, 5.4.2',
  ],
  [
    'T08',
    'the client port inside the Teredo source is the mapped port of the sender',
    'RFC 4380 5.2.3, 5.3.1, 5.4.2',
  ],
  [
    'T09',
    'a packet for a Teredo peer goes to the address inside the Teredo destination',
    'RFC 4380 5.2.4, 5.4.1',
  ],
  [
    'T09P',
    'a packet for a Teredo peer goes to the port inside the Teredo destination',
    'RFC 4380 5.2.4, 5.4.1',
  ],
  [
    'T10',
    'a bubble that a server forwards goes to the address inside the Teredo destination',
    'RFC 4380 5.3.1',
  ],
  [
    'T10P',
    'a bubble that a server forwards goes to the port inside the Teredo destination',
    'RFC 4380 5.3.1',
  ],
  [
    'T11',
    'a bubble to the port of servers goes to the server inside the Teredo destination',
    'RFC 4380 5.2.6, 5.4.1',
  ],
  [
    'T12',
    'an echo request to the port of servers goes to the server inside the Teredo source',
    'RFC 4380 5.2.9',
  ],
  [
    'T13',
    'what a server sends comes from the port of servers, and from the server of the Teredo destination',
    'RFC 4380 5.3.2',
  ],
  [
    'T14',
    'the link-local source of a router advertisement names the server that sent it',
    'RFC 4380 4, 5.3.2',
  ],
  [
    'T15',
    'a router advertisement has one prefix: the Teredo prefix with its server',
    'RFC 4380 5.2.1, 5.3.2',
  ],
  ['T16', 'a router advertisement answers a solicitation that its client sent', 'RFC 4380 5.2.1'],
  ['T17', 'a router advertisement has the nonce of the solicitation', 'RFC 4380 5.2.2'],
  [
    'T18',
    'a server answers from its other address when the cone bit asks for it, and only then',
    'RFC 4380 5.3.2',
  ],
  [
    'T19',
    'the origin in a router advertisement is the endpoint that it goes to, or else that of the advertisement before',
    'RFC 4380 5.2.1, 5.3.2',
  ],
  [
    'T20',
    'a router solicitation or advertisement has hop limit 255, code 0 and a valid checksum',
    'RFC 4861 6.1',
  ],
  [
    'T21',
    'a router advertisement has no options but prefix and MTU, with plausible values',
    'RFC 4861 6.1.2, RFC 8106 5',
  ],
  ['T22', 'the client address inside a Teredo address is a public unicast address', 'RFC 4380 4, 5.2.4'],
  [
    'T23',
    'the server address inside a Teredo address is a public unicast address and not the client',
    'RFC 4380 5.3.1',
  ],
  ['T24', 'the client port inside a Teredo address is no service’s', 'RFC 4380 5.2.6'],
  ['T25', 'the flags of a Teredo address are those of a standard', 'RFC 4380 4, RFC 5991 3.1'],
  ['T26', 'the Teredo prefix is not the one that was given back in 2006', 'RFC 4380 2.6'],
  ['T27', 'a server gets only bubbles and ICMPv6 to forward', 'RFC 4380 5.3.1'],
  ['T28', 'no address makes a node send to itself', 'RFC 4380 5.3.1, RFC 6324 3'],
  ['T29', 'a packet without next header is empty, as a bubble is, and has a usable source', 'RFC 4380 2.8'],
  ['T30', 'bubbles come slowly and end after some tries', 'RFC 4380 5.2.6, RFC 6081 5.7.2'],
  [
    'T31',
    'local discovery goes to its multicast group alone and names the sender’s own address',
    'RFC 4380 5.2.8',
  ],
  ['T32', 'an echo reply through a relay answers an echo request of its client', 'RFC 4380 5.2.3'],
  ['T33', 'the packets of one IPv6 host come to a client through one relay at a time', 'RFC 4380 5.2.3'],
  ['T34', 'a relay sends data after it and the client have met by bubble or otherwise', 'RFC 4380 5.4.1'],
  [
    'T35',
    'what a relay sends comes from an address that the IPv6 Internet can have',
    'RFC 4380 5.4, RFC 6169 2',
  ],
  ['T36', 'multicast is for router solicitation and local discovery', 'RFC 4380 5.2.1, 5.2.8'],
  ['T37', 'trailers are on bubbles of the right kind, known and well-formed', 'RFC 6081 4, 5.6.4'],
  [
    'T38',
    'data comes from or goes to a Teredo address that is right or whose holder was seen to qualify',
    'RFC 4380 5.2.3',
  ],
  [
    'T39',
    'no packet but a bubble has hop limit 0, and none has a source route, router alert or jumbo option',
    'RFC 5095 3, RFC 8200 4.3',
  ],
  ['T40', 'the outer packet may be fragmented and is no longer than Teredo packets are', 'RFC 4380 5.1.2'],
  [
    'T41',
    'the outer header does not claim congestion notification that the inner one has not',
    'RFC 6040 4, RFC 9601 5',
  ],
  ['T42', 'neither UDP port is that of another service', 'RFC 6335 6'],
  ['S01', 'the IPv4 address inside the 6to4 source is the outer source', 'RFC 3964 5.1, 5.2'],
  ['S02', 'the IPv4 address inside the 6to4 destination is the outer destination', 'RFC 3964 5.2'],
  ['S03', 'a packet in a 6to4 tunnel has a 6to4 address', 'RFC 3964 5.1, 5.2'],
  [
    'S04',
    'a packet from a native to a 6to4 address comes from a relay that may be used (decided where relays are named)',
    'RFC 3964 4.1.2, RFC 6343 4.5',
  ],
  [
    'S05',
    'a packet from a 6to4 to a native address goes to a relay that may be used (decided where relays are named)',
    'RFC 3964 4.1, RFC 6343 4.5',
  ],
  [
    'S06',
    'the IPv4 addresses inside 6to4 addresses are public unicast addresses',
    'RFC 3056 9, RFC 3964 5.3.1',
  ],
  [
    'S07',
    'no address in a 6to4 tunnel is in ::/16, link-local, site-local or multicast',
    'RFC 3964 5.3.2, RFC 3056 3.1',
  ],
  ['S08', 'the two 6to4 addresses of a packet are not of the same site', 'RFC 3964 5.3'],
  ['S09', 'no packet between two 6to4 sites passes a 6to4 relay', 'RFC 3964 4.1.2, 4.2.2, RFC 6324 2'],
  [
    'S11',
    'the same packet does not come by three times in 5 seconds with a lower hop limit each time (first packets of flows, and packets of none)',
    'RFC 6324 2',
  ],
  ['S12', 'no packet goes to the deprecated 6to4 relay anycast prefix', 'RFC 7526 4'],
  [
    'S13',
    'a packet from the 6to4 relay anycast prefix is what a relay returns: from 192.88.99.1, native to 6to4',
    'RFC 7526 6, RFC 6343 4.5',
  ],
  [
    'I01',
    'the IPv4 address inside the ISATAP source is the outer source, or the sender is an ISATAP router',
    'RFC 5214 7.3',
  ],
  [
    'I02',
    'the IPv4 address inside the ISATAP destination is the outer destination or a router is, and nothing is multicast',
    'RFC 5214 6.3, 7.1',
  ],
  [
    'I03',
    'an ISATAP router advertisement comes from the link-local ISATAP address of its sender, unforwarded (undetermined when nobody was seen to ask)',
    'RFC 5214 8.3, RFC 4861 6.1.2',
  ],
  ['I04', 'both ends of an ISATAP tunnel are inside the site', 'RFC 5214 4, 10'],
  [
    'I05',
    'the interface identifier of an ISATAP address claims to be unique only with a public IPv4 address',
    'RFC 5214 6.1',
  ],
  ['L01', 'source and destination are not of two automatic tunnels that loop', 'RFC 6324 2, 3.3'],
  [
    'R01',
    'the IPv4 bits inside the 6rd source are those of the outer source, or the relay sends',
    'RFC 5969 8, 9.2',
  ],
  [
    'R02',
    'a packet to a 6rd address goes to the IPv4 address in it or to the relay, and a native one comes from the relay',
    'RFC 5969 7.2, 8, 9.2',
  ],
  ['R03', 'an inner source that looks like 6rd is of a domain that was named', 'RFC 5969 4'],
  ['X01', 'the packet is nested no deeper than this sensor opens', 'RFC 2473 4.1.1'],
  ['X02', 'fragments of the packet do not overlap with different octets', 'RFC 5722 4, RFC 1858'],
  [
    'X03',
    'the first fragment holds all extension headers and the header of the next protocol',
    'RFC 7112 5, RFC 1858',
  ],
  ['X04', 'the packet has no second Fragment header', 'RFC 8200 4.1'],
  ['X05', 'the packet is no atomic fragment', 'RFC 6946, RFC 8021'],
  [
    'X06',
    'fragments with more to follow are not smaller than 640 octets in IPv6 and 288 in IPv4',
    'RFC 8200 5, RFC 1858',
  ],
] as const satisfies readonly Row[];

export type CheckName = (typeof TABLE)[number][0];

export interface CheckInfo {
  readonly name: CheckName;
  readonly meaning: string;
  readonly source: string;
}

export const CHECKS: readonly CheckInfo[] = TABLE.map(([name, meaning, source]) => ({
  name,
  meaning,
  source,
}));

/** Check numbers by name. */
export const CHECK = Object.fromEntries(TABLE.map(([name], index) => [name, index])) as Readonly<
  Record<CheckName, number>
>;

const WORDS = 3;

/**
 * Values of all checks for one packet in one tunnel, as two bit masks: bit 0 of the value in `low`, bit 1 in `high`.
 * A rule that needs a violation is skipped by one test against {@link violated}.
 */
export class CheckResults {
  readonly #low = new Uint32Array(WORDS);
  readonly #high = new Uint32Array(WORDS);

  reset(): void {
    for (let i = 0; i < WORDS; i++) {
      this.#low[i] = 0;
      this.#high[i] = 0;
    }
  }

  set(check: number, value: number): void {
    const word = check >>> 5;
    const bit = 1 << (check & 31);
    this.#low[word] = (value & 1) === 0 ? this.#low[word]! & ~bit : this.#low[word]! | bit;
    this.#high[word] = (value & 2) === 0 ? this.#high[word]! & ~bit : this.#high[word]! | bit;
  }

  /** Sets a check that was decided. */
  decide(check: number, holds: boolean): void {
    this.set(check, holds ? CHECK_VALUE.holds : CHECK_VALUE.violated);
  }

  get(check: number): number {
    const word = check >>> 5;
    const shift = check & 31;
    return ((this.#low[word]! >>> shift) & 1) | (((this.#high[word]! >>> shift) & 1) << 1);
  }

  /** Mask word of violated checks. */
  violated(word: number): number {
    return this.#high[word]! & ~this.#low[word]!;
  }

  get anyViolated(): boolean {
    return (this.violated(0) | this.violated(1) | this.violated(2)) !== 0;
  }
}

/** Words of a mask over all checks. */
export const CHECK_WORDS = WORDS;
