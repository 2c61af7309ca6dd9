import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessSnapshot } from './sensor-snapshot.js';

const RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

/** Watches this process and its main thread. Does not keep it running; `close` when it is done. */
export class ProcessWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #startedAtSeconds = Date.now() / 1000 - process.uptime();

  constructor() {
    this.#delay.enable();
  }

  snapshot(): ProcessSnapshot {
    const { rss, heapUsed, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    // The histogram's values hold the timer's own period.
    const late = this.#delay.count === 0 ? 0 : this.#delay.max / NANOSECONDS - RESOLUTION_MS / 1000;
    this.#delay.reset();
    return {
      startedAtSeconds: this.#startedAtSeconds,
      uptimeSeconds: process.uptime(),
      cpuSeconds: (user + system) / 1e6,
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      externalBytes: external,
      eventLoopDelaySeconds: Math.max(0, late),
    };
  }

  close(): void {
    this.#delay.disable();
  }
}
