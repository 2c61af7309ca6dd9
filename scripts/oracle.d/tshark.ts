import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { DissectedLayer, DissectedPacket } from './dissected.js';

/** One clear sentence when tshark cannot be used, or undefined. */
export function whyNoTshark(): string | undefined {
  const { error, stdout } = spawnSync('tshark', ['--version'], { encoding: 'utf8' });
  if (error === undefined && stdout.includes('TShark')) return undefined;
  return 'tshark is not installed; scripts/oracle setup installs it on Debian';
}

export function tsharkVersion(): string {
  return spawnSync('tshark', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}

type Reader = (show: string, showname: string) => string | number;
interface Protocol {
  readonly layer: string;
  /** Our field by the name of theirs. */
  readonly fields: Readonly<Record<string, readonly [field: string, read: Reader]>>;
  /** What stands behind it is not compared: a leaf of ours. */
  readonly isLeaf?: true;
}

const text: Reader = (show) => show;
const number: Reader = (show) => Number(show);
const flag: Reader = (show) => (show === '1' || show === 'True' ? 1 : 0);
/* Offsets count in units of 8 octets in some versions; the text behind them always tells octets. */
const octets: Reader = (show, showname) => {
  const said = /Offset: (\d+)(?: \((\d+) bytes\))?/.exec(showname);
  return Number(said?.[2] ?? said?.[1] ?? show);
};

function extension(name: string): Protocol['fields'] {
  return { [`${name}.nxt`]: ['next_header', number], [`${name}.len_oct`]: ['length', number] };
}

const ICMP_FIELDS = (name: string): Protocol['fields'] => ({
  [`${name}.type`]: ['type', number],
  [`${name}.code`]: ['code', number],
});

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  eth: {
    layer: 'eth',
    fields: { 'eth.src': ['src', text], 'eth.dst': ['dst', text], 'eth.type': ['type', number] },
  },
  vlan: { layer: 'vlan', fields: { 'vlan.id': ['id', number] } },
  ieee8021ad: { layer: 'vlan', fields: { 'ieee8021ad.id': ['id', number] } },
  pppoes: { layer: 'pppoe', fields: { 'pppoe.session_id': ['session', number] } },
  sll: { layer: 'sll', fields: {} },
  null: { layer: 'loopback', fields: {} },
  ip: {
    layer: 'ipv4',
    fields: {
      'ip.src': ['src', text],
      'ip.dst': ['dst', text],
      'ip.proto': ['protocol', number],
      'ip.ttl': ['ttl', number],
      'ip.len': ['length', number],
      'ip.id': ['id', number],
      'ip.hdr_len': ['header_length', number],
      'ip.flags.df': ['dont_fragment', flag],
      'ip.flags.mf': ['more_fragments', flag],
      'ip.frag_offset': ['fragment_offset', octets],
    },
  },
  ipv6: {
    layer: 'ipv6',
    fields: {
      'ipv6.src': ['src', text],
      'ipv6.dst': ['dst', text],
      'ipv6.nxt': ['next_header', number],
      'ipv6.hlim': ['hop_limit', number],
      'ipv6.plen': ['length', number],
      'ipv6.tclass': ['traffic_class', number],
      'ipv6.flow': ['flow_label', number],
    },
  },
  'ipv6.hopopts': { layer: 'hopopts', fields: extension('ipv6.hopopts') },
  'ipv6.dstopts': { layer: 'dstopts', fields: extension('ipv6.dstopts') },
  'ipv6.routing': {
    layer: 'routing',
    fields: {
      ...extension('ipv6.routing'),
      'ipv6.routing.type': ['type', number],
      'ipv6.routing.segleft': ['segments_left', number],
    },
  },
  'ipv6.fraghdr': {
    layer: 'fragment',
    fields: {
      'ipv6.fraghdr.nxt': ['next_header', number],
      'ipv6.fraghdr.offset': ['offset', octets],
      'ipv6.fraghdr.more': ['more', flag],
      'ipv6.fraghdr.ident': ['id', number],
    },
  },
  ah: { layer: 'ah', fields: { 'ah.next_header': ['next_header', number] } },
  mipv6: { layer: 'mobility', fields: {} },
  hip: { layer: 'hip', fields: {} },
  'ipv6.shim6': { layer: 'shim6', fields: {} },
  udp: {
    layer: 'udp',
    fields: {
      'udp.srcport': ['src_port', number],
      'udp.dstport': ['dst_port', number],
      'udp.length': ['length', number],
      'udp.checksum': ['checksum', number],
    },
  },
  tcp: {
    layer: 'tcp',
    isLeaf: true,
    fields: {
      'tcp.srcport': ['src_port', number],
      'tcp.dstport': ['dst_port', number],
      'tcp.seq_raw': ['sequence', number],
      'tcp.ack_raw': ['acknowledgement', number],
      'tcp.hdr_len': ['header_length', number],
    },
  },
  icmp: { layer: 'icmp', isLeaf: true, fields: ICMP_FIELDS('icmp') },
  icmpv6: { layer: 'icmpv6', isLeaf: true, fields: ICMP_FIELDS('icmpv6') },
  teredo: {
    layer: 'teredo',
    fields: {
      'teredo.auth.idlen': ['auth_id_length', number],
      'teredo.auth.aulen': ['auth_value_length', number],
      'teredo.auth.nonce': ['auth_nonce', (show) => show.replaceAll(':', '')],
      'teredo.auth.conf': ['auth_confirmation', (show) => parseInt(show, 16)],
      'teredo.orig.port': ['origin_port', number],
      'teredo.orig.addr': ['origin_address', text],
    },
  },
  gre: { layer: 'gre', fields: { 'gre.proto': ['protocol', number], 'gre.key': ['key', number] } },
  vxlan: { layer: 'vxlan', fields: { 'vxlan.vni': ['vni', number] } },
  geneve: { layer: 'geneve', fields: { 'geneve.vni': ['vni', number] } },
  ayiya: {
    layer: 'ayiya',
    fields: { 'ayiya.opcode': ['operation', number], 'ayiya.nextheader': ['next_header', number] },
  },
  gtp: { layer: 'gtp', fields: { 'gtp.message': ['type', number], 'gtp.teid': ['endpoint', number] } },
  l2tp: { layer: 'l2tp', fields: { 'l2tp.tunnel': ['tunnel', number], 'l2tp.session': ['session', number] } },
  mpls: { layer: 'mpls', fields: {} },
  etherip: { layer: 'etherip', fields: {} },
};
/** Protocols that are no layer of ours and lead to one. */
const PASSED = new Set(['geninfo', 'frame', 'raw', 'ppp', 'llc', 'ethertype']);

/** What tshark makes of each packet of a capture. Throws when it fails. */
export async function* tsharkPackets(path: string): AsyncGenerator<DissectedPacket> {
  const child = spawn(
    'tshark',
    [
      '-n',
      '-r',
      path,
      '--enable-heuristic',
      'teredo_udp',
      '-o',
      'ip.defragment:TRUE',
      '-o',
      'ipv6.defragment:TRUE',
      '-T',
      'pdml',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  let number = 0;
  let packet = new PdmlPacket();
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('<packet>')) packet = new PdmlPacket();
    else if (line.startsWith('</packet>')) yield { number: ++number, layers: packet.layers, verdict: '' };
    else packet.read(line);
  }
  const code = await ended;
  // 2: the capture was cut short in the middle of a packet.
  if (code !== 0 && !complaint.includes('cut short'))
    throw new Error(`tshark failed on ${path}: ${complaint.trim()}`);
}

interface OpenLayer extends DissectedLayer {
  readonly fields: Record<string, string | number>;
}

/** Layers of one packet out of the lines of its PDML, which has an element a line. */
class PdmlPacket {
  readonly layers: OpenLayer[] = [];
  #isOver = false;
  #protocol: Protocol | undefined;

  read(line: string): void {
    const start = /^ *<(proto|field) name="([^"]*)"/.exec(line);
    if (start === null) return;
    const [, element, name = ''] = start;
    if (element === 'proto') this.#open(name, Number(/ pos="(\d+)"/.exec(line)?.[1] ?? 0));
    else this.#field(name, line);
  }

  #open(name: string, offset: number): void {
    if (this.#isOver || PASSED.has(name)) return;
    if (this.#protocol?.isLeaf === true || !Object.hasOwn(PROTOCOLS, name)) {
      this.#isOver = true;
      return;
    }
    this.#protocol = PROTOCOLS[name]!;
    // A label each for tshark, the whole stack for us.
    if (name === 'mpls' && this.layers.at(-1)?.layer === 'mpls') return;
    this.layers.push({ layer: this.#protocol.layer, offset, fields: {} });
  }

  #field(name: string, line: string): void {
    if (this.#protocol === undefined || this.#isOver || !Object.hasOwn(this.#protocol.fields, name)) return;
    const [field, read] = this.#protocol.fields[name]!;
    const layer = this.layers.at(-1)!;
    const show = / show="([^"]*)"/.exec(line)?.[1] ?? '';
    // The first of a name is the header's own.
    layer.fields[field] ??= read(show, / showname="([^"]*)"/.exec(line)?.[1] ?? '');
  }
}
