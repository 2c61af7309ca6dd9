import { readSync, writeSync } from 'node:fs';

/*
 * A file that always holds the input under way, so that whoever watches has it when the process hangs or dies:
 * sequence number (4), target (4: index), length (4), input.
 */
const HEADER = 12;
const LONGEST = 128 * 1024;

export interface WatchedInput {
  readonly sequence: number;
  readonly target: number;
  readonly data: Buffer;
}

export class InputRecorder {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(HEADER + LONGEST);
  #sequence = 0;

  constructor(file: number) {
    this.#file = file;
  }

  record(target: number, data: Buffer): void {
    const buffer = this.#buffer;
    this.#sequence = (this.#sequence + 1) >>> 0;
    buffer.writeUInt32LE(this.#sequence, 0);
    buffer.writeUInt32LE(target, 4);
    buffer.writeUInt32LE(data.length, 8);
    data.copy(buffer, HEADER);
    writeSync(this.#file, buffer, 0, HEADER + Math.min(data.length, LONGEST), 0);
  }
}

/** The input under way; undefined before the first. */
export function readWatched(file: number): WatchedInput | undefined {
  const buffer = Buffer.alloc(HEADER + LONGEST);
  const have = readSync(file, buffer, 0, buffer.length, 0);
  if (have < HEADER) return undefined;
  const length = buffer.readUInt32LE(8);
  return {
    sequence: buffer.readUInt32LE(0),
    target: buffer.readUInt32LE(4),
    data: buffer.subarray(HEADER, HEADER + length),
  };
}
