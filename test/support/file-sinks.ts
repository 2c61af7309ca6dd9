import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FileSink } from '../../src/sink/files/file-sink.js';
import type { FileSinkEvent, FileSinkOptions } from '../../src/sink/files/file-sink-options.js';
import { LIVE_FILES } from '../../src/sink/files/file-sink-options.js';
import { numberOf } from './log-records.js';

/** 07:13:05 on a day whose file times cannot be mistaken for those of the test run. */
export const MORNING = Date.UTC(2035, 10, 21, 7, 13, 5);

export interface TestSink {
  readonly sink: FileSink;
  readonly events: FileSinkEvent[];
  readonly kinds: () => string[];
  /** The wall clock of the sink. */
  readonly clock: { now: number };
}

/** A sink as in a live sensor, with a clock that stands still; it neither rotates nor compresses unless told to. */
export function testSink(folder: string, options: Partial<FileSinkOptions> = {}): TestSink {
  const events: FileSinkEvent[] = [];
  const clock = { now: MORNING };
  const sink = new FileSink(folder, {
    ...LIVE_FILES,
    rotateBytes: undefined,
    rotateIntervalMs: undefined,
    compress: false,
    minFreeBytes: 0,
    clock: () => clock.now,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { sink, events, kinds: () => events.map(({ kind }) => kind), clock };
}

/** Names in a folder, sorted. */
export function names(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** Numbers of the records of a file, which must consist of whole lines. */
export function numbersIn(path: string): number[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  if (text === '') return [];
  assert.ok(text.endsWith('\n'), `${path} ends in the middle of a line`);
  return text
    .slice(0, -1)
    .split('\n')
    .map((json) => {
      assert.ok(typeof JSON.parse(json) === 'object');
      return numberOf({ json });
    });
}

/** Numbers of all notices of a folder, rotated files first, in the order of their names. */
export function allNumbers(folder: string): number[] {
  const notices = names(folder).filter((name) => name.startsWith('notice'));
  const rotated = notices.filter((name) => name !== 'notice.log');
  const live = notices.filter((name) => name === 'notice.log');
  return [...rotated, ...live].flatMap((name) => numbersIn(join(folder, name)));
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
