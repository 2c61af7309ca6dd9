import { median } from '../machine.js';

/** What a process took at one moment. */
export interface Sample {
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Takes a sample each so many milliseconds until `stop`. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number, take: () => Sample) {
    this.#timer = setInterval(() => this.samples.push(take()), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The medians of the first and of the last third. */
export function outerThirds(values: readonly number[]): { readonly first: number; readonly last: number } {
  const third = Math.max(1, Math.floor(values.length / 3));
  return { first: median(values.slice(0, third)), last: median(values.slice(-third)) };
}
