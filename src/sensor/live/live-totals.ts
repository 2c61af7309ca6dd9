import type { CaptureStats, LossCount } from '../../capture/live-source.js';
import type { LogName } from '../../model/records.js';
import { LOG_NAMES } from '../../model/records.js';
import type { AnalysisState, InterfaceState } from './worker-messages.js';

const COUNTS = [
  'packets',
  'wireBytes',
  'tunnelPackets',
  'cutBySnapLength',
  'duplicates',
  'timeBackwards',
  'unsupportedLinks',
  'weirds',
  'weirdsSampledOut',
  'alerts',
  'suppressed',
  'evictions',
] as const satisfies readonly (keyof AnalysisState)[];

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
  const counts = Object.fromEntries(COUNTS.map((name) => [name, before[name] + now[name]]));
  return {
    ...now,
    ...counts,
    interfaces: now.interfaces.map((one) => addedInterface(before.interfaces, one)),
    recordsDropped: Object.fromEntries(
      LOG_NAMES.map((log) => [log, before.recordsDropped[log] + now.recordsDropped[log]]),
    ) as Record<LogName, number>,
  };
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
    interruptions: a.interruptions + b.interruptions,
  };
}

function addedLoss(a: LossCount, b: LossCount): LossCount {
  return a === 'unknown' || b === 'unknown' ? 'unknown' : a + b;
}
