import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { LINK_TYPE } from '../../src/wire/numbers.js';

/*
 * Several packets in one input, so that every input means something:
 *
 *     link type (1: index) | packet*      packet: length (2) | time step (1) | octets that the capture cut off, by 8 (1) | octets
 */
const PACKET_HEADER = 4;
const MOST_PACKETS = 64;
/** Far below what a damaged time is, so that most steps are believed. */
const FIRST_SECOND = 1_700_000_000;
/** Steps of 200 and more, in milliseconds: copies of a mirror, time-outs, times that went back. */
const LONG_STEPS_MS = [1_000, 5_000, 31_000, 61_000, 400_000, 4_000_000, -500, -1_500, -3_000, -100_000];
const FIRST_LONG_STEP = 200;

export const LINK_TYPES: readonly number[] = Object.values(LINK_TYPE);

export interface PacketScript {
  readonly linkType: number;
  readonly frames: readonly MemoryFrame[];
}

/** Reads an input. Never fails: a packet ends where the input ends. */
export function readPacketScript(data: Uint8Array): PacketScript {
  const linkType = linkTypeOf(data[0]);
  const frames: MemoryFrame[] = [];
  let ms = 0;
  for (let at = 1; at + PACKET_HEADER <= data.length && frames.length < MOST_PACKETS;) {
    const length = data[at]! * 256 + data[at + 1]!;
    ms = Math.max(0, ms + stepMs(data[at + 2]!));
    const missing = data[at + 3]! * 8;
    at += PACKET_HEADER;
    const bytes = data.subarray(at, at + length);
    frames.push({
      bytes,
      seconds: FIRST_SECOND + Math.floor(ms / 1000),
      nanoseconds: (ms % 1000) * 1e6,
      wireLength: bytes.length + missing,
    });
    at += length;
  }
  return { linkType, frames };
}

/** An input of these packets, a millisecond apart. */
export function writePacketScript(linkType: number, packets: readonly Uint8Array[]): Buffer {
  return Buffer.concat([
    linkTypeIndex(linkType),
    ...packets.flatMap((bytes) => [Buffer.of(bytes.length >> 8, bytes.length & 0xff, 1, 0), bytes]),
  ]);
}

export function linkTypeOf(octet = 0): number {
  return LINK_TYPES[octet % LINK_TYPES.length]!;
}

export function linkTypeIndex(linkType: number): Buffer {
  return Buffer.of(Math.max(0, LINK_TYPES.indexOf(linkType)));
}

function stepMs(octet: number): number {
  if (octet < FIRST_LONG_STEP) return octet;
  return LONG_STEPS_MS[(octet - FIRST_LONG_STEP) % LONG_STEPS_MS.length]!;
}
