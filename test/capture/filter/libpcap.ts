import { skip } from '../../support/skip.js';
import { spawnSync } from 'node:child_process';
import { CaptureFile } from '../../../src/capture/capture-file.js';
import { LINK_TYPE } from '../../../src/wire/numbers.js';
import type { PcapForm, WrittenPacket } from '../../support/pcap-writer.js';
import { pcap } from '../../support/pcap-writer.js';

/*
 * The real libpcap, through tcpdump: it compiles the text and runs the program. Packages: tcpdump; for live tests also
 * iproute2 and python3.
 */
const MAX_OUTPUT = 256 * 2 ** 20;
const PCAP_HEADER = 24;
const RECORD_HEADER = 16;

const TCPDUMP_LINK: ReadonlyMap<number, string> = new Map([
  [LINK_TYPE.PPP, 'PPP'],
  [LINK_TYPE.PPP_HDLC, 'PPP_SERIAL'],
  [LINK_TYPE.ETHERNET, 'EN10MB'],
  [LINK_TYPE.LINUX_SLL, 'LINUX_SLL'],
  [LINK_TYPE.LINUX_SLL2, 'LINUX_SLL2'],
  [LINK_TYPE.NULL, 'NULL'],
  [LINK_TYPE.LOOP, 'LOOP'],
  [LINK_TYPE.RAW, 'RAW'],
  [LINK_TYPE.IPV4, 'IPV4'],
  [LINK_TYPE.IPV6, 'IPV6'],
]);

/** Skips all tests of a suite where tcpdump is not installed, and says why. */
export function needsTcpdump(): void {
  before(function () {
    if (spawnSync('tcpdump', ['--version']).error === undefined) return;
    skip(this, 'tcpdump is not installed (apt-get install tcpdump)');
  });
}

function tcpdump(args: readonly string[], input?: Buffer): Buffer {
  const { status, stdout, stderr, error } = spawnSync('tcpdump', args, {
    maxBuffer: MAX_OUTPUT,
    ...(input === undefined ? {} : { input }),
  });
  if (error !== undefined || status !== 0)
    throw new Error(
      `tcpdump ${args.slice(0, 4).join(' ')}: ${error?.message ?? stderr.toString().slice(0, 500)}`,
    );
  return stdout;
}

/** Code, jump when true, jump when false, constant. */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number];

/** The program that libpcap makes of a filter for captures of a link type. */
export function compile(text: string, linkType: number): Instruction[] {
  const link = TCPDUMP_LINK.get(linkType);
  if (link === undefined) throw new Error(`tcpdump knows no name for link type ${linkType}`);
  const [, ...lines] = tcpdump(['-y', link, '-ddd', text]).toString().trim().split('\n');
  return lines.map((line) => line.split(' ').map(Number) as unknown as Instruction);
}

const LOADS_OF_SCRATCH: ReadonlySet<number> = new Set([0x60, 0x61]);
const STORES_TO_SCRATCH: ReadonlySet<number> = new Set([0x02, 0x03]);
const JUMP_ALWAYS = 0x05;
const CLASS = 0x07;
const JUMP = 0x05;
const RETURN = 0x06;
const ALL_SCRATCH = 0xffff;

/**
 * Places where a program loads a scratch register that some way there has not written: the Linux kernel refuses such a
 * program (check_load_and_stores in net/core/filter.c), and then every packet is copied to the process.
 */
export function unwrittenLoads(program: readonly Instruction[]): number[] {
  const written = program.map(() => ALL_SCRATCH);
  const faults: number[] = [];
  let now = 0;
  const joins = (at: number): void => {
    written[at] = written[at]! & now;
  };
  program.forEach(([code, jt, jf, k], at) => {
    now &= written[at]!;
    if (STORES_TO_SCRATCH.has(code)) now |= 1 << k;
    else if (LOADS_OF_SCRATCH.has(code) && (now & (1 << k)) === 0) faults.push(at);
    else if ((code & CLASS) === JUMP) {
      for (const target of code === JUMP_ALWAYS ? [k] : [jt, jf]) joins(at + 1 + target);
      now = ALL_SCRATCH;
    } else if ((code & CLASS) === RETURN) now = ALL_SCRATCH;
  });
  return faults;
}

/** The packets of a capture that pass, as a capture. */
export function passing(capture: string | Buffer, text: string): Buffer {
  const args = ['--nano', '-w', '-', text];
  return typeof capture === 'string'
    ? tcpdump(['-r', capture, ...args])
    : tcpdump(['-r', '-', ...args], capture);
}

/** Link type of a capture with one interface. */
export async function linkTypeOf(path: string): Promise<number> {
  const file = await CaptureFile.open(path);
  try {
    await file.read(() => undefined);
    return file.interfaces[0]!.linkType;
  } finally {
    await file.close();
  }
}

/** A frame for the filter; `wireLength` beyond its octets means that the capture was cut. */
export interface FilterFrame {
  readonly bytes: Uint8Array;
  readonly wireLength?: number;
}

/** Which of the frames pass, by their place. The second of each frame's time is its place. */
export function placesPassing(
  frames: readonly FilterFrame[],
  text: string,
  linkType: number = LINK_TYPE.ETHERNET,
): Set<number> {
  const packets = frames.map(({ bytes, wireLength }, place): WrittenPacket => ({
    seconds: place,
    nanoseconds: 0,
    bytes,
    ...(wireLength === undefined ? {} : { wireLength }),
  }));
  const form: PcapForm = { linkType };
  return new Set(records(passing(pcap(packets, form), text)).map(({ seconds }) => seconds));
}

/** Records of a little-endian pcap file. */
export function records(file: Buffer): { seconds: number; bytes: Buffer }[] {
  const found: { seconds: number; bytes: Buffer }[] = [];
  for (let at = PCAP_HEADER; at + RECORD_HEADER <= file.length;) {
    const length = file.readUInt32LE(at + 8);
    const from = at + RECORD_HEADER;
    found.push({ seconds: file.readUInt32LE(at), bytes: file.subarray(from, from + length) });
    at = from + length;
  }
  return found;
}
