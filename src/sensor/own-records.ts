import type { Profile } from '../model/profile.js';
import type { LogRecord, PacketTime, ReporterEvent } from '../model/records.js';
import type { Outage } from '../sink/delivery/outage.js';
import { OWN_NOTE, ownNotice } from '../zeek/own-notice.js';
import { reporterRecord } from '../zeek/reporter-record.js';

/** One reporter record of a kind in this time; what comes meanwhile is counted in the next. */
const INTERVAL_MS = 10_000;
const MOST_KINDS = 256;

/**
 * What the sensor says of itself in its own logs: outages as notices, troubles of sinks as reporter records. These are the
 * only records that are stamped with the wall clock. Bounded, because a record about a full disk needs room on it too.
 */
export class OwnRecords {
  readonly #sensor: string;
  readonly #emit: (record: LogRecord) => void;
  readonly #profile: Profile;
  readonly #kinds = new Map<string, { lastMs: number; held: number }>();

  constructor(sensor: string, emit: (record: LogRecord) => void, profile: Profile = 'extended') {
    this.#profile = profile;
    this.#sensor = sensor;
    this.#emit = emit;
  }

  outage(sink: string, { event, reason, seconds, waiting }: Outage): void {
    const rest = waiting === 1 ? '1 record waits' : `${waiting} records wait`;
    const message =
      event === 'began'
        ? `Sink ${sink} does not deliver: ${reason} ${rest} in its spool.`
        : `Sink ${sink} delivers again after ${Math.round(seconds)} seconds; ${rest} in its spool. It was: ${reason}`;
    this.#emit(
      ownNotice(
        { note: OWN_NOTE.deliveryOutage, time: wallClock(), event, message, sensor: this.#sensor },
        this.#profile,
      ),
    );
  }

  /** `kind` is what is told at most once in a while, for example the event of one sink. */
  report(kind: string, level: ReporterEvent['level'], location: string, message: string): void {
    const nowMs = performance.now();
    const told = this.#kinds.get(kind);
    if (told !== undefined && nowMs - told.lastMs < INTERVAL_MS) {
      told.held++;
      return;
    }
    if (told === undefined && this.#kinds.size >= MOST_KINDS) this.#kinds.clear();
    const held = told?.held ?? 0;
    this.#kinds.set(kind, { lastMs: nowMs, held: 0 });
    const text = held === 0 ? message : `${message} (${held} like it since the last was told)`;
    const own = { time: wallClock(), level, message: text, location, sensor: this.#sensor };
    this.#emit(reporterRecord(own, this.#profile));
  }
}

/** The wall clock, with which the sensor's records about itself are stamped. */
export function wallClock(): PacketTime {
  const ms = Date.now();
  return { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1_000_000 };
}
