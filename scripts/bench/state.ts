import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PacketBatch } from '../../src/capture/packet-batch.js';
import type { CaptureInterface } from '../../src/capture/packet-batch.js';
import type { Analysis } from '../../src/sensor/analysis.js';
import { loadEndpoints, loadRules } from '../../src/sensor/load.js';
import { frameOf } from '../../src/wire/frame.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';
import { buildFrame } from '../../src/wire/packet-builder.js';
import { benchAnalysis } from './analysis.js';
import { describeMachine } from './machine.js';
import { Random } from './random.js';

/*
 * What state costs: a flood of new inner flows in ever new tunnels, the same flows again in random order, and Teredo
 * clients that qualify behind a NAT. Octets by entry, nanoseconds by packet, beside a loop that writes and touches the same
 * frames. Checksums are not verified, for numbers written into a template make them wrong:
 * node --import tsx scripts/bench/state.ts [--flows 1000000] [--tunnels 100000] [--clients 100000] [--smoke]
 */
const { values } = parseArgs({
  options: {
    flows: { type: 'string', default: '1000000' },
    tunnels: { type: 'string', default: '100000' },
    clients: { type: 'string', default: '100000' },
    smoke: { type: 'boolean', default: false },
  },
});
const FLOWS = values.smoke ? 20_000 : Number(values.flows);
const TUNNELS = values.smoke ? 2_000 : Number(values.tunnels);
const CLIENTS = values.smoke ? 2_000 : Number(values.clients);
const BATCH = 1024;
const PACKETS_A_SECOND = 200_000;
const INTERFACES: readonly CaptureInterface[] = [{ name: '', linkType: LINK_TYPE.ETHERNET, origin: 'bench' }];

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Frames made by writing numbers into a template, `BATCH` at a time. */
class Frames {
  readonly batch = new PacketBatch();
  readonly view: DataView;
  readonly #length: number;
  #seconds = 1_700_000_000;
  #packets = 0;

  constructor(template: Uint8Array) {
    const bytes = new Uint8Array(template.length * BATCH);
    for (let i = 0; i < BATCH; i++) bytes.set(template, i * template.length);
    this.#length = template.length;
    this.batch.frame = frameOf(bytes);
    this.view = this.batch.frame.view;
    for (let i = 0; i < BATCH; i++) {
      this.batch.at[i] = i * template.length;
      this.batch.capturedLength[i] = template.length;
      this.batch.wireLength[i] = template.length;
    }
  }

  /** Writes `count` frames from number `from` on and hands them over. */
  run(
    from: number,
    count: number,
    write: (view: DataView, at: number, n: number) => void,
    take: () => void,
  ): void {
    const { batch } = this;
    for (let done = 0; done < count; done += batch.count) {
      batch.count = Math.min(BATCH, count - done);
      for (let i = 0; i < batch.count; i++) {
        write(this.view, i * this.#length, from + done + i);
        batch.seconds[i] = this.#seconds;
        batch.nanoseconds[i] = this.#packets * 5000;
        if (++this.#packets === PACKETS_A_SECOND) {
          this.#packets = 0;
          this.#seconds++;
        }
      }
      take();
    }
  }
}

/* Offsets in Ethernet, IPv4, IPv6, TCP; and in Ethernet, IPv4, UDP, IPv6. */
const IPV4_SRC = 26;
const IPV6_AT = 34;
const IPV6_SRC_LAST = IPV6_AT + 8 + 12;
const TCP_PORT = IPV6_AT + 40;
const UDP_PORT = 34;

const flowFrame = buildFrame([
  { layer: 'ipv4', src: '81.0.0.0', dst: '216.66.80.26' },
  { layer: 'ipv6', src: '2001:470:1f0b::', dst: '2a00:1450:4001::5' },
  { layer: 'tcp', src: 1024, dst: 443, flags: 'A' },
  { layer: 'payload', bytes: new Uint8Array(60) },
]);

/* Flow n: in tunnel n mod TUNNELS, by its source address. */
function writeFlow(view: DataView, at: number, n: number): void {
  view.setUint32(at + IPV4_SRC, 0x51000000 + (n % TUNNELS));
  view.setUint32(at + IPV6_SRC_LAST, n);
  view.setUint16(at + TCP_PORT, 1024 + (n % 60_000));
}

function memory(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function nanoseconds(packets: number, work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / packets;
}

let touched = 0;
function touch(batch: PacketBatch): void {
  for (let i = 0; i < batch.count; i++)
    touched += batch.capturedLength[i]! + batch.frame.bytes[batch.at[i]!]!;
}

function row(name: string, packets: number, full: number, floor: number): void {
  console.log(
    `${name.padEnd(44)} ${packets.toString().padStart(8)} packets ${full.toFixed(0).padStart(6)} ns ${floor.toFixed(0).padStart(4)} ns bare ${(full / floor).toFixed(1).padStart(6)} x`,
  );
}

function newAnalysis(): Analysis {
  return benchAnalysis(loadRules([]).rules, loadEndpoints(), () => records++, {
    limits: { tunnels: TUNNELS, flows: FLOWS, clientMappings: CLIENTS },
    checksums: 'ignore',
  });
}

let records = 0;
console.log(describeMachine());
console.log(
  `corpus   ${FLOWS} flows, ${TUNNELS} tunnels, ${CLIENTS} Teredo clients; records are made and dropped\n`,
);

function flood(): void {
  const frames = new Frames(flowFrame);
  const order = new Uint32Array(FLOWS).map((_, i) => i);
  const random = new Random(1);
  for (let i = FLOWS - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const analysis = newAnalysis();
  const take = (): void => analysis.process(frames.batch, 0, frames.batch.count, INTERFACES);
  const before = memory();
  const fresh = nanoseconds(FLOWS, () => frames.run(0, FLOWS, writeFlow, take));
  const held = memory() - before;
  const again = nanoseconds(FLOWS, () =>
    frames.run(0, FLOWS, (view, at, n) => writeFlow(view, at, order[n]!), take),
  );
  const floor = nanoseconds(FLOWS, () => frames.run(0, FLOWS, writeFlow, () => touch(frames.batch)));
  row('each packet a new flow', FLOWS, fresh, floor);
  row('flows that are known, in random order', FLOWS, again, floor);
  console.log(
    `${''.padEnd(44)} ${analysis.flows.size} flows and ${analysis.tunnels.size} tunnels hold ${(held / 2 ** 20).toFixed(0)} MiB: ${(held / analysis.flows.size).toFixed(0)} octets a flow, tunnels included; ${records} records`,
  );
}

function qualification(): void {
  records = 0;
  const server = '65.54.227.120';
  const solicitation = buildFrame([
    { layer: 'ipv4', src: '10.0.0.0', dst: server },
    { layer: 'udp', src: 51_000, dst: 3544 },
    { layer: 'teredo', auth: {} },
    { layer: 'ipv6', src: 'fe80::ffff:ffff:ffff', dst: 'ff02::2', hopLimit: 255 },
    { layer: 'icmpv6', type: 133 },
  ]);
  const advertisement = buildFrame([
    { layer: 'ipv4', src: server, dst: '10.0.0.0' },
    { layer: 'udp', src: 3544, dst: 51_000 },
    { layer: 'teredo', auth: {}, origin: { address: '81.2.3.4', port: 40_000 } },
    { layer: 'ipv6', src: 'fe80::8000:f227:bec9:9c81', dst: 'fe80::ffff:ffff:ffff', hopLimit: 255 },
    { layer: 'icmpv6', type: 134 },
    { layer: 'payload', bytes: new Uint8Array(44) },
  ]);
  const asked = new Frames(solicitation);
  const answered = new Frames(advertisement);
  const analysis = newAnalysis();
  const before = memory();
  const work = (take: (frames: Frames) => void): void => {
    for (let from = 0; from < CLIENTS; from += BATCH) {
      const count = Math.min(BATCH, CLIENTS - from);
      asked.run(
        from,
        count,
        (view, at, n) => {
          view.setUint32(at + IPV4_SRC, 0x0a000000 + n);
          view.setUint16(at + UDP_PORT, 1024 + (n % 60_000));
        },
        () => take(asked),
      );
      answered.run(
        from,
        count,
        (view, at, n) => {
          view.setUint32(at + IPV4_SRC + 4, 0x0a000000 + n);
          view.setUint16(at + UDP_PORT + 2, 1024 + (n % 60_000));
        },
        () => take(answered),
      );
    }
  };
  const packets = 2 * CLIENTS;
  const full = nanoseconds(packets, () =>
    work(({ batch }) => analysis.process(batch, 0, batch.count, INTERFACES)),
  );
  const held = memory() - before;
  const floor = nanoseconds(packets, () => work(({ batch }) => touch(batch)));
  row('Teredo clients that qualify', packets, full, floor);
  console.log(
    `${''.padEnd(44)} ${analysis.site.mappings} mappings, ${analysis.tunnels.size} tunnels, ${analysis.flows.size} flows hold ${(held / 2 ** 20).toFixed(0)} MiB: ${(held / CLIENTS).toFixed(0)} octets a client; ${records} records`,
  );
}
// In functions of their own, so that the memory of one is free before the other measures.
flood();
qualification();
if (touched === 0) throw new Error('the loops touched nothing');
