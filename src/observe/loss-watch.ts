import type { CaptureLossEvent } from '../model/records.js';

/** Percent of the packets of an interface that may be lost in an interval before a notice says so. */
export const DEFAULT_TOO_MUCH_LOSS_PERCENT = 1;

export interface LossChange {
  readonly event: 'began' | 'ended';
  readonly interface: string;
  /** One sentence for the notice. */
  readonly message: string;
}

/** Tells when an interface begins to lose too much, and when that is over. Remembers only interfaces of the last interval. */
export class LossWatch {
  readonly #thresholdPercent: number;
  #over: ReadonlySet<string> = new Set();

  constructor(thresholdPercent = DEFAULT_TOO_MUCH_LOSS_PERCENT) {
    this.#thresholdPercent = thresholdPercent;
  }

  /** Takes the losses of an interval, one for each interface. */
  judge(losses: readonly CaptureLossEvent[]): LossChange[] {
    const before = this.#over;
    const over = new Set<string>();
    const changes: LossChange[] = [];
    for (const loss of losses) {
      const { interface: name, percentLost } = loss;
      const isOver = percentLost > this.#thresholdPercent;
      if (isOver) over.add(name);
      if (isOver !== before.has(name))
        changes.push({
          event: isOver ? 'began' : 'ended',
          interface: name,
          message: this.#sentence(loss, isOver),
        });
    }
    for (const name of before) {
      if (losses.some((loss) => loss.interface === name)) continue;
      const message = `Interface ${name}, which lost more than ${this.#thresholdPercent} % of its packets, is no longer captured.`;
      changes.push({ event: 'ended', interface: name, message });
    }
    this.#over = over;
    return changes;
  }

  #sentence(
    { interface: name, lost, expected, percentLost, seconds, drops }: CaptureLossEvent,
    isOver: boolean,
  ): string {
    const share = `${lost} of ${expected} packets (${percentLost.toFixed(3)} %) in ${Math.round(seconds)} seconds`;
    if (!isOver)
      return `Interface ${name} no longer loses more than ${this.#thresholdPercent} % of its packets: ${share}.`;
    const kinds = Object.entries(drops).filter(([, count]) => count > 0);
    const list = kinds.map(([kind, count]) => `${kind} ${count}`).join(', ');
    return `Interface ${name} lost ${share}, more than ${this.#thresholdPercent} %: ${list}.`;
  }
}
