import type { Profile } from '../model/profile.js';
import type { LogRecord } from '../model/records.js';
import { captureLossBetween, statsBetween } from '../observe/interval-stats.js';
import { LossWatch } from '../observe/loss-watch.js';
import type { SensorSnapshot } from '../observe/sensor-snapshot.js';
import { captureLossRecord } from '../zeek/capture-loss-record.js';
import { OWN_NOTE, ownNotice } from '../zeek/own-notice.js';
import { statsRecord } from '../zeek/stats-record.js';

export interface IntervalRecordsOptions {
  readonly tooMuchLossPercent: number;
  readonly profile?: Profile;
  readonly emit: (record: LogRecord) => void;
}

/**
 * The records of each interval: one in `stats.log`, one an interface in `capture_loss.log`, and a notice when too much is
 * lost or no longer is. Call `take` at the end of each interval, and once more at the end of the run.
 */
export class IntervalRecords {
  readonly #emit: (record: LogRecord) => void;
  readonly #watch: LossWatch;
  readonly #profile: Profile;
  #before: SensorSnapshot | undefined;

  constructor({ tooMuchLossPercent, profile = 'extended', emit }: IntervalRecordsOptions) {
    this.#profile = profile;
    this.#emit = emit;
    this.#watch = new LossWatch(tooMuchLossPercent);
  }

  take(now: SensorSnapshot): void {
    const { time, sensor } = now;
    const losses = captureLossBetween(this.#before, now);
    this.#emit(statsRecord(statsBetween(this.#before, now), this.#profile));
    for (const loss of losses) this.#emit(captureLossRecord(loss, this.#profile));
    for (const { event, message } of this.#watch.judge(losses))
      this.#emit(ownNotice({ note: OWN_NOTE.captureLoss, time, event, message, sensor }, this.#profile));
    this.#before = now;
  }
}
