import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CaptureError } from '../../../src/capture/capture-error.js';
import { CaptureFile } from '../../../src/capture/capture-file.js';
import { refuseUnknownLinks } from '../../../src/sensor/known-links.js';
import { CAPTURE_TOKENS, captureSeeds } from '../capture-seeds.js';

/* A whole file as it lies on disk: pcap, pcapng, gzip or none of them. Only one clear error may come of it. */
const folder = mkdtempSync(join(tmpdir(), 'copperhull-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'fuzz.pcap');
let last = '';

export const maxLength = 6_000;
export const tokens = [...CAPTURE_TOKENS, Uint8Array.of(0x1f, 0x8b, 8, 0)];

export async function fuzz(data: Buffer): Promise<void> {
  writeFileSync(path, data);
  let packets = 0;
  let end = 'whole';
  try {
    const file = await CaptureFile.open(path);
    try {
      await file.read((batch, from, to) => {
        for (let i = from; i < to; i++) {
          packets++;
          assert.ok(
            batch.at[i]! + batch.capturedLength[i]! <= batch.frame.bytes.length,
            'a packet behind the slab',
          );
          assert.ok(batch.interface[i]! < file.interfaces.length, 'a packet of no interface');
        }
        refuseUnknownLinks(file.interfaces);
        return undefined;
      });
      if (file.cutShort !== undefined) {
        assert.ok(file.cutShort.byteOffset >= 0, `cut short at ${file.cutShort.byteOffset}`);
        end = 'cut short';
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    assert.match(error.message, /^[^\n]{10,400}\.$/);
    end = error.message.replace(/\d+/g, '');
  }
  last = `${end} ${Math.min(packets, 4)}`;
}

export function trait(): string {
  return last;
}

export async function seeds(): Promise<Buffer[]> {
  const files = await captureSeeds();
  return [...files, ...files.map((file) => gzipSync(file))];
}
