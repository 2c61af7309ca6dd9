import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CaptureFile } from '../src/capture/capture-file.js';
import { memoryBatch, memoryInterface } from '../src/capture/memory-batch.js';
import type { Profile } from '../src/model/profile.js';
import { PROFILES } from '../src/model/profile.js';
import type { LogRecord } from '../src/model/records.js';
import { Analysis, DEFAULT_LIMITS } from '../src/sensor/analysis.js';
import { loadEndpoints, loadRules } from '../src/sensor/load.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS, REPLAY_SEED } from '../src/sensor/replay.js';
import type { LayerSpec } from '../src/wire/packet-builder.js';
import { buildFrame } from '../src/wire/packet-builder.js';

/* docs/zeek-profiles.md: both profiles over the same traffic, made here and captured in the lab. */

const CAPTURES = fileURLToPath(new URL('../test/captures/', import.meta.url));

const A = '192.0.2.10';
const B = '198.51.100.20';
const v4 = (src = A, dst = B): LayerSpec => ({ layer: 'ipv4', src, dst });
const v6 = (src = '2001:db8::1', dst = '2001:db8::2'): LayerSpec => ({ layer: 'ipv6', src, dst });
const teredo6 = v6('2001:0:c633:6414::1');
const udp = (src: number, dst: number): LayerSpec => ({ layer: 'udp', src, dst });
const tcp = (src = 40_000): LayerSpec => ({ layer: 'tcp', src, dst: 6667, flags: 'S' });
const payload = (bytes: Uint8Array): LayerSpec => ({ layer: 'payload', bytes });
const garbage = payload(new Uint8Array(60).fill(0xff));
const trailer: LayerSpec = { layer: 'teredo', trailer: Uint8Array.of(4, 4, 0, 0, 0, 0) };

interface Made {
  readonly what: string;
  readonly packets: readonly (readonly LayerSpec[])[];
  readonly strict: string;
}

const MADE: readonly Made[] = [
  {
    what: 'Teredo on port 3544',
    packets: [[v4(), udp(5000, 3544), teredo6, tcp()]],
    strict: 'the same',
  },
  {
    what: 'Teredo between peers, on ports of their own',
    packets: [[v4(), udp(5000, 6000), teredo6, tcp()]],
    strict: 'the same',
  },
  {
    what: 'Teredo with a trailer (RFC 6081)',
    packets: [[v4(), udp(5000, 3544), trailer, teredo6, tcp()]],
    strict: 'the length is wrong: the flow is given up',
  },
  {
    what: 'one other datagram before Teredo, same ports',
    packets: [
      [v4(), udp(5000, 3544), garbage],
      [v4(), udp(5000, 3544), teredo6, tcp()],
    ],
    strict: 'one violation ends Teredo for the flow',
  },
  {
    what: 'solicitation to a server on another port, authenticated',
    packets: [
      [
        v4(),
        udp(5000, 6000),
        { layer: 'teredo', auth: {} },
        { layer: 'ipv6', src: 'fe80::ffff:ffff:fffe', dst: 'ff02::2', hopLimit: 255 },
        { layer: 'icmpv6', type: 133 },
      ],
    ],
    strict: 'behind an authentication header an origin indication must follow',
  },
  {
    what: 'IPv6 in UDP without a Teredo address, with a valid inner checksum',
    packets: [[v4(), udp(5000, 6000), v6(), tcp()]],
    strict: 'no address of 2001::/32',
  },
  {
    what: 'a bubble alone',
    packets: [[v4(), udp(5000, 3544), { ...teredo6, nextHeader: 59 } as LayerSpec]],
    strict: 'a tunnel without a connection inside is not written',
  },
  {
    what: '6in4 with octets behind the inner packet',
    packets: [
      [v4(), { ...v6(), payloadLength: 20, nextHeader: 6 } as LayerSpec, tcp(), payload(new Uint8Array(5))],
    ],
    strict: 'the length is wrong: the packet is dropped',
  },
  {
    what: 'a first fragment of 6in4 whose rest never comes',
    packets: [
      [{ ...v4(), fragment: 0x2000, totalLength: 84 } as LayerSpec, v6(), tcp(), payload(new Uint8Array(4))],
    ],
    strict: 'only whole datagrams are read',
  },
  {
    what: '6in6 five deep in 6in4',
    packets: [[v4(), ...[1, 2, 3, 4].map((i) => v6(`2001:db8::${i}1`, `2001:db8::${i}2`)), v6(), tcp()]],
    strict: 'four deep',
  },
  {
    what: 'GRE and 6in4 between the same hosts',
    packets: [
      [v4(), v6(), tcp(1)],
      [v4(), { layer: 'gre' }, v6(), tcp(2)],
    ],
    strict: 'one tunnel, of the type that came first',
  },
];

interface Seen {
  readonly tunnels: number;
  readonly flows: number;
  readonly weirds: string;
  readonly alerts: number;
}

const RULES = loadRules([]).rules;
const ENDPOINTS = loadEndpoints();

function makeAnalysis(profile: Profile): { analysis: Analysis; seen: () => Seen } {
  const records: LogRecord[] = [];
  const analysis = new Analysis({
    rules: RULES,
    endpoints: ENDPOINTS,
    site: { localNetworks: [], vantage: 'auto' },
    sixrd: [],
    profile,
    maxDepth: DEFAULT_MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    limits: DEFAULT_LIMITS,
    sensor: 'docs',
    seed: REPLAY_SEED,
    emit: (record) => records.push(record),
  });
  const of = (log: string): Record<string, unknown>[] =>
    records.filter((one) => one.log === log).map(({ json }) => JSON.parse(json) as Record<string, unknown>);
  return {
    analysis,
    seen: () => ({
      tunnels: of('tunnel').filter(({ action }) => action === 'Tunnel::DISCOVER').length,
      flows: analysis.flows.total,
      weirds: [...new Set(of('weird').map(({ name }) => `\`${String(name)}\``))].join(', '),
      alerts: of('notice').length,
    }),
  };
}

function seenOfMade(profile: Profile, { packets }: Made): Seen {
  const { analysis, seen } = makeAnalysis(profile);
  const batch = memoryBatch(
    packets.map((layers, i) => ({ bytes: buildFrame(layers), seconds: 1_700_000_000 + i, nanoseconds: 0 })),
  );
  analysis.process(batch, 0, batch.count, [memoryInterface('made')]);
  analysis.finish();
  return seen();
}

async function seenOfCapture(profile: Profile, name: string): Promise<Seen> {
  const { analysis, seen } = makeAnalysis(profile);
  const file = await CaptureFile.open(`${CAPTURES}${name}`);
  try {
    await file.read((batch, from, to) => {
      analysis.process(batch, from, to, file.interfaces);
      return undefined;
    });
  } finally {
    await file.close();
  }
  analysis.finish();
  return seen();
}

/* The two of a kind, and one where they agree. */
function pair(seen: readonly Seen[], key: keyof Seen): string {
  const [extended, strict] = seen.map((one) => (one[key] === '' ? '-' : String(one[key])));
  return extended === strict ? extended! : `${extended} / ${strict}`;
}

const KEYS = ['tunnels', 'flows', 'weirds', 'alerts'] as const;

/** The two tables of the page, extended before strict where they differ. */
export async function profileTables(table: (head: string[], rows: string[][]) => string): Promise<string> {
  const made = MADE.map((one) => {
    const seen = PROFILES.map((profile) => seenOfMade(profile, one));
    return [one.what, ...KEYS.map((key) => pair(seen, key)), one.strict];
  });
  const captured: string[][] = [];
  const names = readdirSync(CAPTURES)
    .filter((name) => name.endsWith('.pcap'))
    .sort();
  for (const name of names) {
    const seen = [await seenOfCapture('extended', name), await seenOfCapture('strict', name)];
    if (KEYS.some((key) => seen[0]![key] !== seen[1]![key]))
      captured.push([name, ...KEYS.map((key) => pair(seen, key))]);
  }
  return [
    '## Traffic by traffic\n\n',
    'Two values are those of `extended` and of `strict`; one is that of both. Inner flows count what was opened.\n\n',
    table(['traffic', 'tunnels', 'inner flows', 'weirds', 'alerts', 'strict'], made),
    '\n## Captures of the lab\n\n',
    `${captured.length} of ${names.length} differ. Where \`strict\` has fewer tunnels, some hold nothing but bubbles; where it has fewer flows, one 5-tuple goes through the tunnel of a server and that of a relay. A VXLAN sender picks its port by hash, and each is a tunnel to Zeek.\n\n`,
    table(['capture', 'tunnels', 'inner flows', 'weirds', 'alerts'], captured),
  ].join('');
}
