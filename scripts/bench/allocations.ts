import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseArgs } from 'node:util';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { memoryBatch, memoryInterface } from '../../src/capture/memory-batch.js';
import { loadEndpoints, loadRules } from '../../src/sensor/load.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame, teredoAddress } from '../../src/wire/packet-builder.js';
import { benchAnalysis } from './analysis.js';
import { describeMachine } from './machine.js';

/*
 * Octets of heap that a packet takes which raises nothing, with all shipped rules, by kind: packets of flows that were judged
 * before, which come again and again a second later, and with nothing inlined, the worst that V8 may do. Ends with 1 when one
 * takes more than a hundredth of an octet.
 *
 *     node --import tsx scripts/bench/allocations.ts [--smoke]
 */
const { values } = parseArgs({ options: { smoke: { type: 'boolean', default: false } } });
const FRAMES = 256;
const WARM_ROUNDS = values.smoke ? 200 : 1000;
const ROUNDS = 100;
const MOST_TRIES = 20;
const FIRST_SECOND = 1_700_000_000;
/** What a few numbers that V8 keeps on the heap take; one object a packet would be 24 octets or more. */
const MOST_OCTETS = 0.01;

setFlagsFromString('--expose-gc');
// What V8 inlines differs from run to run, and a number that does not fit 32 signed bits becomes an object when it is
// handed to a function that is not inlined: so none is.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=0');
const collectGarbage = runInNewContext('gc') as () => void;

/* Addresses most of whose words do not fit 32 signed bits. */
const CLIENT = '193.187.10.2';
const SERVER = '212.20.40.2';
const HOST = '2a02:470:f0b1:91::a110:10';
const TEREDO = teredoAddress('194.54.227.120', CLIENT, 51631);
const proto41: LayerSpec[] = [
  { layer: 'ipv4', src: CLIENT, dst: SERVER },
  { layer: 'ipv6', src: '2a02:470:aaaa:8001:9000:1:f001:1', dst: '2a02:470:aaaa:8002:9000:2:f001:2' },
];
const KINDS: readonly (readonly [name: string, layers: (n: number) => LayerSpec[]])[] = [
  ['plain TCP', (n) => [{ layer: 'ipv4', src: CLIENT, dst: SERVER }, tcp(n)]],
  [
    'plain UDP',
    (n) => [{ layer: 'ipv4', src: CLIENT, dst: SERVER }, { layer: 'udp', src: 1024 + n, dst: 53 }, body()],
  ],
  [
    'Teredo, TCP',
    (n) => [
      { layer: 'ipv4', src: CLIENT, dst: '213.150.30.2' },
      { layer: 'udp', src: 51631, dst: 3545 },
      { layer: 'ipv6', src: TEREDO, dst: HOST },
      tcp(n),
    ],
  ],
  ['protocol 41, TCP', (n) => [...proto41, tcp(n)]],
  ['protocol 41, destination options', (n) => [...proto41, { layer: 'dstopts' }, tcp(n)]],
  ['GRE, IPv6', (n) => [proto41[0]!, { layer: 'gre' }, proto41[1]!, tcp(n)]],
  [
    '6in4 in 4in4',
    (n) => [proto41[0]!, { layer: 'ipv4', src: '10.0.0.1', dst: '10.0.0.2' }, proto41[1]!, tcp(n)],
  ],
];

function tcp(n: number): LayerSpec {
  return { layer: 'tcp', src: 1024 + n, dst: 443, flags: 'A' };
}

function body(): LayerSpec {
  return { layer: 'payload', bytes: new Uint8Array(100).fill(0x41) };
}

console.log(describeMachine());
console.log(`corpus   ${FRAMES} flows of a kind, ${ROUNDS} packets each, compiled\n`);
const rules = loadRules([]).rules;
const endpoints = loadEndpoints();
const interfaces = [memoryInterface('bench')];
const kept: { n: number }[] = Array.from({ length: FRAMES }, (_, n) => ({ n }));

/* Octets of heap that one packet of `rounds` takes: the least of some runs, because V8 compiles and samples in between. */
function octets(rounds: (count: number) => void): number {
  let least = Infinity;
  for (let run = 0; run < 5; run++) {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    // Asking takes some memory itself.
    const asked = process.memoryUsage().heapUsed - before;
    const start = process.memoryUsage().heapUsed;
    rounds(ROUNDS);
    least = Math.min(least, process.memoryUsage().heapUsed - start - asked);
  }
  return Math.max(0, least) / (ROUNDS * FRAMES);
}

function told(name: string, each: number, note = ''): void {
  console.log(`${name.padEnd(34)} ${each.toFixed(3).padStart(8)} octets a packet${note}`);
}

const one = octets((count) => {
  for (let n = 0; n < count * FRAMES; n++) kept[n % FRAMES] = { n };
});
told('one object for each, to compare', one);
if (one < 16) throw new Error('This Node does not tell what is allocated.');
for (const [name, layers] of KINDS) {
  let records = 0;
  const analysis = benchAnalysis(rules, endpoints, () => {
    records++;
  });
  const frames = Array.from({ length: FRAMES }, (_, n): MemoryFrame => ({
    bytes: buildFrame(layers(n)),
    seconds: FIRST_SECOND,
  }));
  const batch = memoryBatch(frames);
  let second = FIRST_SECOND;
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round++) {
      batch.seconds.fill(++second, 0, batch.count);
      analysis.process(batch, 0, batch.count, interfaces);
    }
  };
  // V8 compiles when it has time: on a busy machine that is later. What does allocate goes on doing so.
  let each = Infinity;
  for (let i = 0; i < MOST_TRIES && each > MOST_OCTETS; i++) {
    rounds(WARM_ROUNDS);
    records = 0;
    each = octets(rounds);
  }
  if (records > 0) throw new Error(`${name} raises ${records} records; it shall raise none.`);
  told(name, each);
  if (each > MOST_OCTETS) process.exitCode = 1;
}
