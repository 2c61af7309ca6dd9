import { closeSync, openSync, writeSync } from 'node:fs';

const FIRST_SECOND = 1_700_000_000;
const RECORD_HEADER = 16;
const BUFFER = 1024 * 1024;

/** Writes a nanosecond pcap. */
export class PcapWriter {
  frames = 0;
  readonly #file: number;
  readonly #buffer = Buffer.alloc(BUFFER);
  #at = 24;
  #nanoseconds = BigInt(FIRST_SECOND) * 1_000_000_000n;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    this.#buffer.writeUInt32LE(0xa1b23c4d, 0);
    this.#buffer.writeUInt16LE(2, 4);
    this.#buffer.writeUInt16LE(4, 6);
    this.#buffer.writeUInt32LE(262_144, 16);
    this.#buffer.writeUInt32LE(1, 20);
  }

  write(frame: Uint8Array, gapNs: number): void {
    if (this.#at + RECORD_HEADER + frame.length > BUFFER) this.#flush();
    this.#nanoseconds += BigInt(gapNs);
    const buffer = this.#buffer;
    buffer.writeUInt32LE(Number(this.#nanoseconds / 1_000_000_000n), this.#at);
    buffer.writeUInt32LE(Number(this.#nanoseconds % 1_000_000_000n), this.#at + 4);
    buffer.writeUInt32LE(frame.length, this.#at + 8);
    buffer.writeUInt32LE(frame.length, this.#at + 12);
    buffer.set(frame, this.#at + RECORD_HEADER);
    this.#at += RECORD_HEADER + frame.length;
    this.frames++;
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#buffer, 0, this.#at);
    this.#at = 0;
  }
}
