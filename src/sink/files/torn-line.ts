import type { FileHandle } from 'node:fs/promises';

/** A last line without its end, as a killed process leaves it. */
export interface TornLine {
  /** `completed`: only the line end was missing; `cut`: the line was not whole and is gone. */
  readonly end: 'completed' | 'cut';
  readonly bytes: number;
}

const STEP = 64 * 1024;
/** No record is longer; what is, is damage. */
const MAX_LINE = 1024 * 1024;
const LINE_END = 0x0a;

/** Makes a file of JSON lines end with a line end. The handle must read and append. */
export async function mendLastLine(handle: FileHandle): Promise<TornLine | undefined> {
  const { size } = await handle.stat();
  const start = await startOfTail(handle, size);
  const bytes = size - start;
  if (bytes === 0) return undefined;
  if (bytes <= MAX_LINE && isRecord(await readRange(handle, start, size))) {
    await handle.appendFile('\n');
    return { end: 'completed', bytes };
  }
  await handle.truncate(start);
  return { end: 'cut', bytes };
}

/* Offset behind the last line end. */
async function startOfTail(handle: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0; end -= STEP) {
    const start = Math.max(0, end - STEP);
    const found = (await readRange(handle, start, end)).lastIndexOf(LINE_END);
    if (found >= 0) return start + found + 1;
  }
  return 0;
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled);
    if (bytesRead === 0) break; // somebody cut the file meanwhile: the rest is zeros, which no line ends with
    filled += bytesRead;
  }
  return buffer;
}

function isRecord(tail: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(tail.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false; // not whole: the caller cuts and reports it
  }
}
