import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CaptureError } from './capture-error.js';

/** Octets in order, into the caller's buffer. */
export interface ByteSource {
  /** Octets of the input as stored, or undefined when it cannot be known (a pipe). */
  readonly totalBytes: number | undefined;
  /** Octets of the input as stored that were read so far. */
  readonly bytesRead: number;
  /** The input is known to be incomplete: a gzip stream without its end. */
  readonly endedEarly: boolean;
  /** As `read`, at once; undefined where octets may be long in coming (a pipe), and the caller has to wait. */
  readonly readNow: ((into: Uint8Array, at: number, length: number) => number) | undefined;
  /** Reads at most `length` octets to `into[at..]`; 0 at the end. */
  read(into: Uint8Array, at: number, length: number): Promise<number>;
  close(): Promise<void>;
}

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** Opens a file, or standard input for `-`; gzip is seen by its first octets and unpacked. */
export async function openBytes(path: string): Promise<ByteSource> {
  const plain = path === '-' ? new StreamBytes(process.stdin) : await openFile(path);
  try {
    const start = new Uint8Array(2);
    let have = 0;
    while (have < 2) {
      const count = await plain.read(start, have, 2 - have);
      if (count === 0) break;
      have += count;
    }
    const isGzip = have === 2 && start[0] === GZIP_MAGIC[0] && start[1] === GZIP_MAGIC[1];
    const rewound = new PrefixedBytes(start.subarray(0, have), plain);
    return isGzip ? new GunzipBytes(rewound, path) : rewound;
  } catch (error) {
    await plain.close();
    throw error;
  }
}

async function openFile(path: string): Promise<ByteSource> {
  try {
    const handle = await open(path, 'r');
    try {
      const info = await handle.stat();
      if (info.isDirectory()) {
        throw new CaptureError('unreadable', `${path} is a folder; name the capture files in it.`);
      }
      return new FileBytes(path, handle, info.isFile() ? info.size : undefined);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CaptureError('missing', `${path} does not exist.`, { cause: error });
    if (code === 'EACCES') {
      throw new CaptureError(
        'unreadable',
        `${path} may not be read by this user; change its rights or the user.`,
        {
          cause: error,
        },
      );
    }
    throw new CaptureError('unreadable', `${path} cannot be opened: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

class FileBytes implements ByteSource {
  bytesRead = 0;
  readonly endedEarly = false;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly totalBytes: number | undefined;
  readonly readNow: ByteSource['readNow'];

  constructor(path: string, handle: FileHandle, totalBytes: number | undefined) {
    this.readNow =
      totalBytes === undefined ? undefined : (into, at, length) => this.#readNow(into, at, length);
    this.#path = path;
    this.#handle = handle;
    this.totalBytes = totalBytes;
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(into, at, length, null);
      this.bytesRead += bytesRead;
      return bytesRead;
    } catch (error) {
      throw this.#fault(error);
    }
  }

  #readNow(into: Uint8Array, at: number, length: number): number {
    try {
      const bytesRead = readSync(this.#handle.fd, into, at, length, null);
      this.bytesRead += bytesRead;
      return bytesRead;
    } catch (error) {
      throw this.#fault(error);
    }
  }

  #fault(error: unknown): CaptureError {
    return new CaptureError('unreadable', `${this.#path} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

class StreamBytes implements ByteSource {
  readonly totalBytes = undefined;
  readonly readNow = undefined;
  readonly endedEarly = false;
  bytesRead = 0;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return 0;
      this.#chunk = next.value;
    }
    const count = Math.min(length, this.#chunk.length);
    into.set(this.#chunk.subarray(0, count), at);
    this.#chunk = this.#chunk.subarray(count);
    this.bytesRead += count;
    return count;
  }

  close(): Promise<void> {
    this.#stream.destroy();
    return Promise.resolve();
  }
}

/** Hands out octets that were read ahead, then the rest. */
class PrefixedBytes implements ByteSource {
  readonly #rest: ByteSource;
  #prefix: Uint8Array;

  constructor(prefix: Uint8Array, rest: ByteSource) {
    this.#prefix = prefix;
    this.#rest = rest;
  }

  get totalBytes(): number | undefined {
    return this.#rest.totalBytes;
  }

  get bytesRead(): number {
    return this.#rest.bytesRead;
  }

  get endedEarly(): boolean {
    return this.#rest.endedEarly;
  }

  get readNow(): ByteSource['readNow'] {
    return this.#prefix.length === 0 ? this.#rest.readNow : undefined;
  }

  read(into: Uint8Array, at: number, length: number): Promise<number> {
    if (this.#prefix.length === 0) return this.#rest.read(into, at, length);
    const count = Math.min(length, this.#prefix.length);
    into.set(this.#prefix.subarray(0, count), at);
    this.#prefix = this.#prefix.subarray(count);
    return Promise.resolve(count);
  }

  close(): Promise<void> {
    return this.#rest.close();
  }
}

const COMPRESSED_CHUNK = 256 * 1024;

class GunzipBytes implements ByteSource {
  readonly readNow = undefined;
  endedEarly = false;
  readonly #packed: ByteSource;
  readonly #path: string;
  readonly #gunzip = createGunzip({ chunkSize: 1024 * 1024 });
  readonly #unpacked: StreamBytes;
  #feeding: Promise<void> | undefined;
  #feedError: unknown;

  constructor(packed: ByteSource, path: string) {
    this.#packed = packed;
    this.#path = path;
    this.#unpacked = new StreamBytes(this.#gunzip);
  }

  get totalBytes(): number | undefined {
    return this.#packed.totalBytes;
  }

  get bytesRead(): number {
    return this.#packed.bytesRead;
  }

  async read(into: Uint8Array, at: number, length: number): Promise<number> {
    this.#feeding ??= this.#feed();
    try {
      return await this.#unpacked.read(into, at, length);
    } catch (error) {
      if (this.#feedError !== undefined) throw this.#feedError as Error;
      // A gzip file that was cut short ends here; the reader above finds the incomplete packet and names its offset.
      if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') {
        this.endedEarly = true;
        return 0;
      }
      throw new CaptureError(
        'corrupt',
        `${this.#path} is damaged gzip (${(error as Error).message}); unpack it elsewhere or fetch it again.`,
        { cause: error },
      );
    }
  }

  async #feed(): Promise<void> {
    try {
      for (;;) {
        const chunk = new Uint8Array(COMPRESSED_CHUNK);
        const count = await this.#packed.read(chunk, 0, chunk.length);
        if (count === 0) break;
        if (!this.#gunzip.write(chunk.subarray(0, count))) {
          await new Promise<void>((resolve) => {
            const go = (): void => {
              this.#gunzip.off('drain', go).off('close', go);
              resolve();
            };
            this.#gunzip.once('drain', go).once('close', go);
          });
        }
        if (this.#gunzip.destroyed) return;
      }
      this.#gunzip.end();
    } catch (error) {
      this.#feedError = error;
      this.#gunzip.destroy(error as Error);
    }
  }

  async close(): Promise<void> {
    this.#gunzip.destroy();
    await this.#feeding;
    await this.#packed.close();
  }
}
