import assert from 'node:assert/strict';
import { CaptureError } from '../../../src/capture/capture-error.js';
import type { CaptureInterface } from '../../../src/capture/packet-batch.js';
import { PacketBatch } from '../../../src/capture/packet-batch.js';
import { isPcapMagic, PCAP_HEADER, pcapParser } from '../../../src/capture/pcap-format.js';
import { isPcapngMagic, PcapngRecords } from '../../../src/capture/pcapng-format.js';
import type { RecordParser } from '../../../src/capture/record-parser.js';
import { frameOf } from '../../../src/wire/frame.js';
import { CAPTURE_TOKENS, captureSeeds } from '../capture-seeds.js';

/*
 * Octets of a pcap or pcapng file, read at once and piece by piece: piece length (1, in octets), file. Both readings must
 * list the same packets and end in the same error.
 */
const batch = new PacketBatch();
let last = '';

export const maxLength = 6_000;
export const share = 0.5;
export const tokens = CAPTURE_TOKENS;

export function fuzz(data: Buffer): void {
  const piece = 1 + (data[0] ?? 0);
  // A copy of its own: what stands behind it is nothing.
  const bytes = Uint8Array.from(data.subarray(1));
  const whole = read(bytes, bytes.length);
  const pieces = read(bytes, piece);
  assert.deepEqual(pieces, whole);
  last = whole.trait;
}

export function trait(): string {
  return last;
}

export async function seeds(): Promise<Buffer[]> {
  const files = await captureSeeds();
  return files.flatMap((file) => [6, 255].map((piece) => Buffer.concat([Buffer.of(piece), file])));
}

interface Reading {
  readonly packets: readonly string[];
  readonly interfaces: readonly CaptureInterface[];
  readonly error: string;
  readonly trait: string;
}

function read(bytes: Uint8Array, step: number): Reading {
  const { view } = frameOf(bytes);
  const interfaces: CaptureInterface[] = [];
  const packets: string[] = [];
  let error: string;
  try {
    const parser = open(view, interfaces);
    let parsed = parser === undefined || bytes.length < PCAP_HEADER || isPcapngMagic(view) ? 0 : PCAP_HEADER;
    for (let have = 0; parser !== undefined && have < bytes.length;) {
      have = Math.min(bytes.length, have + step);
      if (have < parsed) continue;
      batch.count = 0;
      try {
        parsed = parser.parse(bytes, view, parsed, have, 0, batch);
      } finally {
        list(bytes, packets);
      }
      assert.ok(parsed <= have, `parsed ${parsed} of ${have} octets`);
    }
    error = `${bytes.length - parsed} left, unfinished at ${parser?.unfinishedAt ?? 'none'}`;
  } catch (fault) {
    if (!(fault instanceof CaptureError)) throw fault;
    assert.match(fault.message, /^[^\n]{10,300}\.$/);
    error = fault.message;
  }
  const trait = `${error.replace(/\d+/g, '')} ${interfaces.length} ${Math.min(packets.length, 4)}`;
  return { packets, interfaces, error, trait };
}

function open(view: DataView, interfaces: CaptureInterface[]): RecordParser | undefined {
  const addInterface = (one: CaptureInterface): number => interfaces.push(one) - 1;
  const context = { origin: 'fuzz.pcap', addInterface };
  if (view.byteLength >= 4 && isPcapngMagic(view)) return new PcapngRecords(context);
  if (view.byteLength >= PCAP_HEADER && isPcapMagic(view)) return pcapParser(view, context);
  return undefined;
}

function list(bytes: Uint8Array, packets: string[]): void {
  for (let i = 0; i < batch.count; i++) {
    const at = batch.at[i]!;
    const end = at + batch.capturedLength[i]!;
    assert.ok(end <= bytes.length, `packet ${packets.length + 1} ends at ${end} of ${bytes.length}`);
    assert.ok(batch.nanoseconds[i]! < 1e9, `${batch.nanoseconds[i]!} nanoseconds`);
    packets.push(
      [at, end, batch.wireLength[i]!, batch.seconds[i]!, batch.nanoseconds[i]!, batch.interface[i]!].join(),
    );
  }
}
