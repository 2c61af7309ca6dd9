import { skip } from './skip.js';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { CapPackage } from '../../src/capture/cap-package.js';

/** Why the package `cap` cannot be tested here; undefined when it can. */
export function whyNoCap(): string | undefined {
  try {
    createRequire(import.meta.url)('cap');
    return undefined;
  } catch (error) {
    return `the package cap is not built for this Node (${(error as NodeJS.ErrnoException).code ?? 'no code'})`;
  }
}

/** Skips a test, and says why, where the package is not there. */
export function needsCap(test: Mocha.Context): void {
  const reason = whyNoCap();
  if (reason !== undefined) skip(test, reason);
}

/** A package whose packets the test makes. It has the interface `lo`, and takes every filter but `wrong`. */
export class PlantedCap extends EventEmitter {
  static readonly opened: PlantedCap[] = [];
  static readonly package: CapPackage = { Cap: PlantedCap };
  isOpen = false;
  filter = '';
  #buffer: Buffer = Buffer.alloc(0);

  static deviceList(): { name: string }[] {
    return [{ name: 'lo' }];
  }

  open(_device: string, filter: string, _ringBytes: number, buffer: Buffer): string {
    if (filter === 'wrong') throw new Error('syntax error');
    this.isOpen = true;
    this.filter = filter;
    this.#buffer = buffer;
    PlantedCap.opened.push(this);
    return 'ETHERNET';
  }

  close(): boolean {
    this.isOpen = false;
    return true;
  }

  /** A packet comes. */
  bring(octets: Uint8Array): void {
    this.#buffer.set(octets);
    this.emit('packet', octets.length, false);
  }
}
