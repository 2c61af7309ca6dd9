import type { CutShort } from '../../capture/capture-error.js';
import { CaptureError } from '../../capture/capture-error.js';
import { CaptureFile } from '../../capture/capture-file.js';
import type { CaptureInterface } from '../../capture/packet-batch.js';
import { refuseUnknownLinks } from '../known-links.js';
import type { CensusWatchOptions } from './census-watch.js';
import { CensusWatch } from './census-watch.js';

export interface CensusReading {
  readonly watch: CensusWatch;
  /** Faults that ended the reading of a file. */
  readonly faults: readonly CaptureError[];
  readonly cutShort: readonly CutShort[];
}

/**
 * Reads captures one after the other (`-` for standard input) into one census over all of them. A fault of a file is kept
 * and the next one is read. `onProgress` gets the octets that were read so far, as stored.
 */
export async function readCensus(
  files: readonly string[],
  options: Omit<CensusWatchOptions, 'intervalMs' | 'onEntry' | 'sensor'>,
  onProgress: (bytesRead: number) => void = () => undefined,
): Promise<CensusReading> {
  const watch = new CensusWatch({ ...options, intervalMs: Infinity, sensor: '', onEntry: () => undefined });
  const faults: CaptureError[] = [];
  const cutShort: CutShort[] = [];
  let bytesBefore = 0;
  for (const path of files) {
    const interfaces: CaptureInterface[] = [];
    let file: CaptureFile | undefined;
    try {
      const opened = await CaptureFile.open(path, interfaces);
      file = opened;
      let known = 0;
      await opened.read((batch, from, to) => {
        if (interfaces.length !== known) refuseUnknownLinks(interfaces);
        known = interfaces.length;
        watch.process(batch, from, to, interfaces);
        onProgress(bytesBefore + opened.bytesRead);
        return undefined;
      });
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      faults.push(error);
    } finally {
      bytesBefore += file?.bytesRead ?? 0;
      if (file?.cutShort !== undefined) cutShort.push(file.cutShort);
      await file?.close();
    }
  }
  return { watch, faults, cutShort };
}
