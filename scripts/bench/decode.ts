import { parseArgs } from 'node:util';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { memoryBatch } from '../../src/capture/memory-batch.js';
import type { PacketBatch } from '../../src/capture/packet-batch.js';
import { PacketDecoder } from '../../src/decode/packet.js';
import { isPlainFrame, watchedPorts } from '../../src/decode/plain-frame.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS } from '../../src/sensor/replay.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { describeMachine } from './machine.js';
import { Random } from './random.js';

/*
 * Nanoseconds to decode one packet, by kind, beside a bare loop over the same frames that adds up their lengths and first
 * octets: node --import tsx scripts/bench/decode.ts [--smoke]
 */
const { values } = parseArgs({ options: { smoke: { type: 'boolean', default: false } } });
const FRAMES = 512;
const ROUNDS = values.smoke ? 20 : 2000;
const RUNS = values.smoke ? 2 : 7;

const random = new Random(1);
const body = (): LayerSpec => ({
  layer: 'payload',
  bytes: new Uint8Array(40 + random.below(1000)).fill(0x41),
});
const v4 = (net: number): string =>
  `${net}.${random.below(256)}.${random.below(256)}.${1 + random.below(250)}`;
const v6 = (): string =>
  `2001:db8:${random.below(65536).toString(16)}::${(1 + random.below(65535)).toString(16)}`;
const port = (): number => 1024 + random.below(60_000);
const ipv4 = (): LayerSpec => ({ layer: 'ipv4', src: v4(81), dst: v4(82) });
const ipv6 = (): LayerSpec => ({ layer: 'ipv6', src: v6(), dst: v6() });
const tcp = (): LayerSpec => ({ layer: 'tcp', src: port(), dst: 443, flags: 'PA' });
const udp = (): LayerSpec => ({ layer: 'udp', src: port(), dst: 53 });

function teredo(...inside: readonly LayerSpec[]): LayerSpec[] {
  const client = v4(81);
  const clientPort = port();
  return [
    { layer: 'ipv4', src: client, dst: v4(82) },
    { layer: 'udp', src: clientPort, dst: 3545 },
    { layer: 'ipv6', src: teredoAddress('65.54.227.120', client, clientPort), dst: v6() },
    ...inside,
  ];
}

const KINDS: readonly (readonly [name: string, layers: () => LayerSpec[]])[] = [
  ['plain TCP', () => [ipv4(), tcp(), body()]],
  ['plain UDP', () => [ipv4(), udp(), body()]],
  ['plain TCP over IPv6', () => [ipv6(), tcp(), body()]],
  ['plain TCP in a VLAN', () => [{ layer: 'eth' }, { layer: 'vlan', id: 7 }, ipv4(), tcp(), body()]],
  ['Teredo, TCP', () => teredo(tcp(), body())],
  ['Teredo bubble', () => teredo()],
  ['protocol 41, TCP', () => [ipv4(), ipv6(), tcp(), body()]],
  ['protocol 41, destination options', () => [ipv4(), ipv6(), { layer: 'dstopts' }, tcp(), body()]],
  ['IPv4 in IPv4', () => [ipv4(), ipv4(), tcp(), body()]],
  ['GRE, IPv6', () => [ipv4(), { layer: 'gre' }, ipv6(), tcp(), body()]],
  [
    'VXLAN, protocol 41',
    () => [
      ipv4(),
      { layer: 'udp', src: port(), dst: 4789 },
      { layer: 'vxlan', vni: 7 },
      { layer: 'eth' },
      ipv4(),
      ipv6(),
      tcp(),
      body(),
    ],
  ],
  ['three tunnels deep', () => [ipv4(), ipv4(), ipv4(), ipv6(), tcp(), body()]],
  ['fragment', () => [{ layer: 'ipv4', src: v4(81), dst: v4(82), fragment: 0x2000 }, udp(), body()]],
  [
    'total length that lies',
    () => [{ layer: 'ipv4', src: v4(81), dst: v4(82), totalLength: 60_000 }, tcp(), body()],
  ],
];

console.log(describeMachine());
console.log(`corpus   ${FRAMES} frames of a kind, each ${ROUNDS} times, best of ${RUNS} runs\n`);
console.log(`${''.padEnd(34)} ${'decode'.padStart(10)} ${'bare loop'.padStart(10)} ${'ratio'.padStart(7)}`);

const decoder = new PacketDecoder({
  maxDepth: DEFAULT_MAX_DEPTH,
  vxlanPorts: DEFAULT_VXLAN_PORTS,
  isKnownTunnel: () => false,
});
const watched = watchedPorts(DEFAULT_VXLAN_PORTS);
const usedPorts = new Uint32Array(65_536);

/* As the analysis does: a look at the first octets, and the decoder for what is not plain. */
function decodeAll(batch: PacketBatch): number {
  let notPlain = 0;
  for (let i = 0; i < batch.count; i++) {
    const at = batch.at[i]!;
    const end = at + batch.capturedLength[i]!;
    if (isPlainFrame(batch.frame, at, end, end, watched, usedPorts)) continue;
    notPlain++;
    decoder.decode(batch.frame, at, end, batch.wireLength[i]!, LINK_TYPE.ETHERNET);
  }
  return notPlain;
}

function bareLoop(batch: PacketBatch): number {
  let touched = 0;
  for (let i = 0; i < batch.count; i++)
    touched += batch.capturedLength[i]! + batch.frame.bytes[batch.at[i]!]!;
  return touched;
}

function nanoseconds(work: (batch: PacketBatch) => number, batch: PacketBatch): number {
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const start = process.hrtime.bigint();
    for (let round = 0; round < ROUNDS; round++) work(batch);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / (ROUNDS * batch.count));
  }
  return best;
}

const batches = KINDS.map(([name, layers]) => {
  const frames = Array.from({ length: FRAMES }, (): MemoryFrame => ({
    bytes: buildFrame(layers()),
    seconds: 1,
  }));
  return [name, memoryBatch(frames)] as const;
});
// All kinds once, so that the code is compiled for all of them and not for the first.
for (const [, batch] of batches) for (let i = 0; i < 20; i++) decodeAll(batch);
for (const [name, batch] of batches) {
  const floor = nanoseconds(bareLoop, batch);
  const full = nanoseconds(decodeAll, batch);
  console.log(
    `${name.padEnd(34)} ${full.toFixed(1).padStart(7)} ns ${floor.toFixed(1).padStart(7)} ns ${(full / floor).toFixed(1).padStart(7)}`,
  );
}
