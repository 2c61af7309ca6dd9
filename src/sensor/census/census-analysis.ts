import type { CaptureInterface, PacketBatch } from '../../capture/packet-batch.js';
import type { Config } from '../../config/definition/configuration.js';
import type { TableSnapshot } from '../../observe/sensor-snapshot.js';
import { teredoRecord } from '../../zeek/teredo-record.js';
import type { AnalysisOptions } from '../analysis.js';
import { Analysis } from '../analysis.js';
import { CensusWatch } from './census-watch.js';

/** What of a configuration concerns the census. */
export interface CensusSettings extends Pick<Config, 'census'> {
  readonly limits: Pick<Config['limits'], 'censusEntries'>;
}

/**
 * An analysis with a census beside it, which writes teredo.log. It is a class of its own, so that the packet path of an
 * analysis without one has nothing to ask.
 */
export class CensusAnalysis extends Analysis {
  readonly watch: CensusWatch;

  constructor(options: AnalysisOptions, { census, limits }: CensusSettings) {
    super(options);
    const { maxDepth, vxlanPorts, mirrorTransports = [], sensor, seed, emit } = options;
    this.watch = new CensusWatch({
      maxDepth,
      vxlanPorts,
      mirrorTransports,
      sensor,
      seed,
      entries: limits.censusEntries,
      intervalMs: census.intervalMs,
      onEntry: (event) => emit(teredoRecord(event)),
    });
  }

  override process(
    batch: PacketBatch,
    from: number,
    to: number,
    interfaces: readonly CaptureInterface[],
  ): void {
    super.process(batch, from, to, interfaces);
    this.watch.process(batch, from, to, interfaces);
  }

  override finish(most = Infinity): boolean {
    const isAll = super.finish(most);
    if (isAll) this.watch.finish();
    return isAll;
  }

  override idleUntil(seconds: number): void {
    super.idleUntil(seconds);
    this.watch.idleUntil(seconds);
  }
}

/** The analysis that a configuration asks for: with a census, or without. */
export function makeAnalysis(options: AnalysisOptions, settings: CensusSettings): Analysis {
  return settings.census.enabled ? new CensusAnalysis(options, settings) : new Analysis(options);
}

/** Sizes of the tables of a census; none without one. */
export function censusTables(analysis: Analysis): TableSnapshot[] {
  if (!(analysis instanceof CensusAnalysis)) return [];
  return analysis.watch.census.tables.map(({ what, size, capacity, evictions }) => ({
    name: `census_${what}`,
    size,
    capacity,
    evictions,
  }));
}
