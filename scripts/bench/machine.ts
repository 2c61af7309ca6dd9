import { cpus, totalmem } from 'node:os';

/** What a figure was measured on; every benchmark prints it first. */
export function describeMachine(): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `date     ${new Date().toISOString().slice(0, 10)}`,
    `machine  ${processors.length} x ${processors[0]?.model ?? 'unknown'}, ${memory} GiB, ${process.platform} ${process.arch}`,
    `versions Node ${process.version}, V8 ${process.versions.v8}`,
  ].join('\n');
}

/** The middle of some measurements. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
