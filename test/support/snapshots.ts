import type {
  AnalysisSnapshot,
  CaptureSnapshot,
  SensorSnapshot,
  SinkSnapshot,
} from '../../src/observe/sensor-snapshot.js';

export const CAPTURE: CaptureSnapshot = {
  interface: 'eth1',
  isOpen: true,
  reason: undefined,
  received: 1000,
  kernelDrops: 20,
  interfaceDrops: 5,
  ringFull: 10,
  unread: 0,
  delivered: 970,
  bytes: 64_000,
  interruptions: 0,
};

export const ANALYSIS: AnalysisSnapshot = {
  answerAgeSeconds: 0.5,
  packets: 970,
  bytes: 64_000,
  tunnelPackets: 900,
  duplicates: 2,
  cutPackets: 1,
  badChecksums: 4,
  verdictFamilies: { truncated: 3, malformed: 4 },
  tunnelsByKind: { teredo: 2, '6in4': 1 },
  flows: 7,
  tables: [
    { name: 'tunnels', size: 3, capacity: 100, evictions: 1 },
    { name: 'flows', size: 6, capacity: 1000, evictions: 2 },
  ],
  fragmentBytes: 1500,
  alerts: { informational: 0, low: 0, medium: 1, high: 2, critical: 0 },
  suppressed: 11,
  excepted: 1,
  weirds: 6,
  weirdsSampledOut: 3,
  lagSeconds: 0.25,
  queue: { records: 4, capacity: 10_000, dropped: 0 },
};

export const SINK: SinkSnapshot = {
  name: 'kafka',
  type: 'kafka',
  state: 'healthy',
  reason: undefined,
  queued: 1,
  overflowed: 2,
  failed: 3,
  lost: 4,
  spool: {
    accepted: 100,
    acknowledged: 80,
    deadLettered: 1,
    dropped: 2,
    damaged: 3,
    waiting: 14,
    refused: 5,
    resent: 6,
    bytes: 7000,
    ageSeconds: 8.5,
  },
};

/** A running sensor with one interface and one sink. */
export const SNAPSHOT: SensorSnapshot = {
  time: { seconds: 1_700_000_000, nanoseconds: 0 },
  sensor: 'dc1-span',
  version: '0.1.0',
  state: 'running',
  captures: [CAPTURE],
  analysis: ANALYSIS,
  rules: { loaded: 14, reloads: 3, failedReloads: 1, loadedAtSeconds: 1_699_999_000 },
  sinks: [SINK],
  process: {
    startedAtSeconds: 1_699_999_000,
    uptimeSeconds: 1000,
    cpuSeconds: 12.5,
    residentBytes: 100 * 1024 * 1024,
    heapUsedBytes: 30_000_000,
    externalBytes: 2_000_000,
    eventLoopDelaySeconds: 0.01,
  },
  http: { requests: 1, failures: 0, refusedConnections: 0 },
};

/** The snapshot after some time, with parts of it changed. */
export function later(
  seconds: number,
  changes: Partial<Omit<SensorSnapshot, 'analysis'>> & { readonly analysis?: Partial<AnalysisSnapshot> } = {},
): SensorSnapshot {
  return {
    ...SNAPSHOT,
    time: { seconds: SNAPSHOT.time.seconds + seconds, nanoseconds: 0 },
    process: { ...SNAPSHOT.process, uptimeSeconds: SNAPSHOT.process.uptimeSeconds + seconds },
    ...changes,
    analysis: { ...ANALYSIS, ...changes.analysis },
  };
}
