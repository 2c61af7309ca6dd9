import type { CaptureStats, LossCount } from '../../capture/live-source.js';
import type { AnalysisState, InterfaceState } from './worker-messages.js';

type Analysis = AnalysisState['analysis'];
type Counts = Readonly<Record<string, number>>;

/** Adds up what the analysis threads of one run have done, so that counts never go back when a thread is started anew. */
export class LiveTotals {
  #ended: AnalysisState | undefined;
  #current: AnalysisState | undefined;

  /** Takes the latest state of a thread; `wasEnded` when there will be no other of it. */
  take(state: AnalysisState, wasEnded: boolean): void {
    if (wasEnded) {
      this.#ended = this.#ended === undefined ? state : added(this.#ended, state);
      this.#current = undefined;
    } else {
      this.#current = state;
    }
  }

  /** Counts of the whole run; the rest as it is now, or was last. Undefined before the first state. */
  get state(): AnalysisState | undefined {
    if (this.#ended === undefined || this.#current === undefined) return this.#current ?? this.#ended;
    return added(this.#ended, this.#current);
  }
}

function added(before: AnalysisState, now: AnalysisState): AnalysisState {
  return {
    ...now,
    analysis: addedAnalysis(before.analysis, now.analysis),
    interfaces: now.interfaces.map((one) => addedInterface(before.interfaces, one)),
    recordsDropped: addedCounts(before.recordsDropped, now.recordsDropped),
  };
}

function addedAnalysis(a: Analysis, b: Analysis): Analysis {
  return {
    packets: a.packets + b.packets,
    bytes: a.bytes + b.bytes,
    tunnelPackets: a.tunnelPackets + b.tunnelPackets,
    duplicates: a.duplicates + b.duplicates,
    cutPackets: a.cutPackets + b.cutPackets,
    badChecksums: a.badChecksums + b.badChecksums,
    verdictFamilies: addedCounts(a.verdictFamilies, b.verdictFamilies),
    tunnelsByKind: addedCounts(a.tunnelsByKind, b.tunnelsByKind),
    flows: a.flows + b.flows,
    tables: b.tables.map((table, i) => ({
      ...table,
      evictions: table.evictions + (a.tables[i]?.evictions ?? 0),
    })),
    fragmentBytes: b.fragmentBytes,
    alerts: addedCounts(a.alerts, b.alerts),
    suppressed: a.suppressed + b.suppressed,
    excepted: a.excepted + b.excepted,
    weirds: a.weirds + b.weirds,
    weirdsSampledOut: a.weirdsSampledOut + b.weirdsSampledOut,
    lagSeconds: b.lagSeconds,
    queue: { ...b.queue, dropped: a.queue.dropped + b.queue.dropped },
  };
}

/* Both have the same keys: they are closed lists. */
function addedCounts<C extends Counts>(a: C, b: C): C {
  return Object.fromEntries(Object.entries(b).map(([key, count]) => [key, count + (a[key] ?? 0)])) as C;
}

function addedInterface(before: readonly InterfaceState[], now: InterfaceState): InterfaceState {
  const earlier = before.find(({ label }) => label === now.label)?.stats;
  return earlier === undefined ? now : { ...now, stats: addedStats(earlier, now.stats) };
}

function addedStats(a: CaptureStats, b: CaptureStats): CaptureStats {
  return {
    received: a.received + b.received,
    kernelDrops: addedLoss(a.kernelDrops, b.kernelDrops),
    interfaceDrops: addedLoss(a.interfaceDrops, b.interfaceDrops),
    ringFull: a.ringFull + b.ringFull,
    delivered: a.delivered + b.delivered,
    unread: addedLoss(a.unread, b.unread),
    filteredBy: b.filteredBy,
    interruptions: a.interruptions + b.interruptions,
  };
}

function addedLoss(a: LossCount, b: LossCount): LossCount {
  return a === 'unknown' || b === 'unknown' ? 'unknown' : a + b;
}
