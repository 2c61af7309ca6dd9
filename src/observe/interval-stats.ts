import type { CaptureLossEvent, DropKind, StatsEvent } from '../model/records.js';
import type { AnalysisSnapshot, CaptureSnapshot, KnownCount, SensorSnapshot } from './sensor-snapshot.js';

const DROPS: readonly (readonly [DropKind, (capture: CaptureSnapshot) => KnownCount])[] = [
  ['kernel', (capture) => capture.kernelDrops],
  ['interface', (capture) => capture.interfaceDrops],
  ['ring_full', (capture) => capture.ringFull],
  ['unread', (capture) => capture.unread],
];

/** What a counter grew by. One that went down was started anew, or went round: it counts from zero. */
export function growth(before: number | undefined, now: number): number {
  return before === undefined || now < before ? now : now - before;
}

/** What happened between two snapshots; with none before, since the start. */
export function statsBetween(before: SensorSnapshot | undefined, now: SensorSnapshot): StatsEvent {
  const was = before?.analysis;
  const { analysis } = now;
  const grew = (read: (of: AnalysisSnapshot) => number): number =>
    growth(was === undefined ? undefined : read(was), read(analysis));
  const losses = captureLossBetween(before, now);
  const isLive = losses.length > 0;
  return {
    time: now.time,
    seconds: secondsBetween(before, now),
    residentBytes: now.process.residentBytes,
    packets: grew(({ packets }) => packets),
    bytes: grew(({ bytes }) => bytes),
    droppedPackets: isLive ? sum(losses.map(({ lost }) => lost)) : undefined,
    linkPackets: isLive ? sumOfCaptures(before, now, ({ received }) => received) : undefined,
    lagSeconds: analysis.lagSeconds,
    fragmentBytes: analysis.fragmentBytes,
    tunnelPackets: grew(({ tunnelPackets }) => tunnelPackets),
    duplicatePackets: grew(({ duplicates }) => duplicates),
    activeTunnels: tableSize(analysis, 'tunnels'),
    activeFlows: tableSize(analysis, 'flows'),
    tunnels: sumOfGrowth(was?.tunnelsByKind, analysis.tunnelsByKind),
    flows: grew(({ flows }) => flows),
    evictions: sumOfGrowth(was && evictions(was), evictions(analysis)),
    alerts: sumOfGrowth(was?.alerts, analysis.alerts),
    suppressed: grew(({ suppressed }) => suppressed),
    weirds: grew(({ weirds }) => weirds),
    droppedRecords:
      grew(({ queue }) => queue.dropped) + sumOfGrowth(before && overflowed(before), overflowed(now)),
    sensor: now.sensor,
  };
}

/** Loss of each interface between two snapshots, in the order of the snapshot. */
export function captureLossBetween(
  before: SensorSnapshot | undefined,
  now: SensorSnapshot,
): CaptureLossEvent[] {
  const seconds = secondsBetween(before, now);
  return now.captures.map((capture) => {
    const was = captureOf(before, capture.interface);
    const drops: Partial<Record<DropKind, number>> = {};
    for (const [kind, read] of DROPS) {
      const count = knownGrowth(was && read(was), read(capture));
      if (count !== undefined) drops[kind] = count;
    }
    const lost = sum(Object.values(drops));
    // What the interface dropped was never received; the other kinds were. Counters are not read at one instant.
    const expected = Math.max(lost, growth(was?.received, capture.received) + (drops.interface ?? 0));
    return {
      time: now.time,
      seconds,
      interface: capture.interface,
      lost,
      expected,
      percentLost: expected === 0 ? 0 : (100 * lost) / expected,
      drops,
      sensor: now.sensor,
    };
  });
}

function secondsBetween(before: SensorSnapshot | undefined, now: SensorSnapshot): number {
  return growth(before?.process.uptimeSeconds, now.process.uptimeSeconds);
}

function captureOf(snapshot: SensorSnapshot | undefined, name: string): CaptureSnapshot | undefined {
  return snapshot?.captures.find((capture) => capture.interface === name);
}

function knownGrowth(before: KnownCount | undefined, now: KnownCount): number | undefined {
  if (now === 'unknown') return undefined;
  return growth(before === 'unknown' ? undefined : before, now);
}

function sumOfCaptures(
  before: SensorSnapshot | undefined,
  now: SensorSnapshot,
  read: (capture: CaptureSnapshot) => number,
): number {
  return sum(
    now.captures.map((capture) => {
      const was = captureOf(before, capture.interface);
      return growth(was && read(was), read(capture));
    }),
  );
}

type Counts = Readonly<Record<string, number>>;

function sumOfGrowth(before: Counts | undefined, now: Counts): number {
  return sum(Object.entries(now).map(([key, count]) => growth(before?.[key], count)));
}

function evictions({ tables }: AnalysisSnapshot): Counts {
  return Object.fromEntries(tables.map(({ name, evictions: count }) => [name, count]));
}

function overflowed({ sinks }: SensorSnapshot): Counts {
  return Object.fromEntries(sinks.map(({ name, overflowed: count }) => [name, count]));
}

function tableSize({ tables }: AnalysisSnapshot, wanted: string): number {
  return tables.find(({ name }) => name === wanted)?.size ?? 0;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
