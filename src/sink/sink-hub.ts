import type { LogName, LogRecord } from '../model/records.js';
import type { Severity } from '../model/severity.js';
import { isAtLeast } from '../model/severity.js';
import type { AlertSink, SinkHealth } from './alert-sink.js';
import { SinkError } from './alert-sink.js';
import { SinkQueue } from './sink-queue.js';

/** Which records a sink gets. */
export interface SinkFilter {
  readonly logs: readonly LogName[];
  /** Least severity of notices; other logs have none. */
  readonly minSeverity: Severity;
}

export interface NamedSink {
  readonly name: string;
  readonly type: string;
  readonly sink: AlertSink;
  readonly filter: SinkFilter;
}

export interface NamedHealth extends SinkHealth {
  readonly name: string;
  readonly type: string;
  /** Records in the queue before the sink. */
  readonly queued: number;
  /** Records that did not fit into that queue. */
  readonly overflowed: number;
  /** Records that the sink could not take. */
  readonly failed: number;
}

/** Records that one sink may be behind before `offer` drops. */
const QUEUE_RECORDS = 100_000;
const MOST_EARLY = 100;

/**
 * Several sinks at once, each with its own filter, queue and health: a slow or broken one never stops another. Live, records
 * are offered and never waited for; in a replay `publish` waits for the slowest.
 */
export class SinkHub implements AlertSink {
  readonly #sinks: readonly (NamedSink & { readonly queue: SinkQueue })[];
  /* Sinks that failed in this run; a replay goes on with the others. */
  readonly #broken = new Map<string, Error>();

  /* What was offered before all sinks were open: what they have to say about their recovery. */
  #early: (readonly LogRecord[])[] | undefined = [];

  constructor(sinks: readonly NamedSink[]) {
    this.#sinks = sinks.map((one) => ({ ...one, queue: new SinkQueue(one.sink, QUEUE_RECORDS) }));
  }

  /** Opens all sinks. Rejects with one SinkError that tells everything that is wrong. */
  async open(): Promise<void> {
    const results = await Promise.allSettled(this.#sinks.map(({ sink }) => sink.open()));
    const errors = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Error] : [],
    );
    if (errors.length === 0) {
      this.#early?.forEach((records) => this.#hand(records));
      this.#early = undefined;
      return;
    }
    await Promise.allSettled(this.#sinks.map(({ sink }) => sink.close()));
    throw joined(errors);
  }

  /** Hands records to every sink that wants them, without waiting. Before `open` has ended, a few are kept for then. */
  offer(records: readonly LogRecord[]): void {
    if (this.#early === undefined) this.#hand(records);
    else if (this.#early.length < MOST_EARLY) this.#early.push(records);
  }

  #hand(records: readonly LogRecord[]): void {
    for (const { filter, queue } of this.#sinks) {
      const wanted = select(records, filter);
      if (wanted.length > 0) queue.offer(wanted);
    }
  }

  /**
   * Resolves when every sink has taken the records. A sink that fails is left out from then on and told by `flush`; when
   * the last one fails, rejects.
   */
  async publish(records: readonly LogRecord[]): Promise<void> {
    await Promise.all(
      this.#sinks.map(async ({ name, filter, queue }) => {
        if (this.#broken.has(name)) return;
        const wanted = select(records, filter);
        if (wanted.length === 0) return;
        try {
          await queue.put(wanted);
        } catch (error) {
          this.#broken.set(name, error as Error);
        }
      }),
    );
    if (this.#broken.size === this.#sinks.length) throw joined([...this.#broken.values()]);
  }

  /** Resolves when every sink has done what it can; rejects when one has failed since it was opened, or fails now. */
  async flush(): Promise<void> {
    await Promise.all(
      this.#sinks.map(async ({ name, sink, queue }) => {
        await queue.drained();
        if (this.#broken.has(name)) return;
        try {
          await sink.flush();
        } catch (error) {
          this.#broken.set(name, error as Error);
        }
      }),
    );
    if (this.#broken.size > 0) throw joined([...this.#broken.values()]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#sinks.map(({ queue }) => queue.drained()));
    const results = await Promise.allSettled(this.#sinks.map(({ sink }) => sink.close()));
    const errors = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Error] : [],
    );
    if (errors.length > 0) throw joined(errors);
  }

  async reopen(): Promise<void> {
    for (const { sink } of this.#sinks) await sink.reopen?.();
  }

  /** The worst of its sinks; see {@link healthOf} for each. */
  health(): SinkHealth {
    const healths = this.healths();
    const lost = healths.reduce((sum, one) => sum + one.lost + one.overflowed, 0);
    const bad = healths.find(({ state }) => state !== 'healthy' && state !== 'closed');
    return { state: bad?.state ?? 'healthy', reason: bad?.reason, spool: undefined, lost };
  }

  healths(): NamedHealth[] {
    return this.#sinks.map(({ name, type, sink, queue }) => ({
      name,
      type,
      ...sink.health(),
      queued: queue.length,
      overflowed: queue.overflowed,
      failed: queue.failed,
    }));
  }
}

function select(records: readonly LogRecord[], { logs, minSeverity }: SinkFilter): readonly LogRecord[] {
  const wants = ({ log, severity }: LogRecord): boolean =>
    logs.includes(log) && (log !== 'notice' || isAtLeast(severity, minSeverity));
  return records.every(wants) ? records : records.filter(wants);
}

function joined(errors: readonly Error[]): SinkError {
  const sentences = errors.flatMap((error) => (error instanceof SinkError ? error.sentences : error.message));
  return new SinkError([...new Set(sentences)], { cause: errors[0] });
}
