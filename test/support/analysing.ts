import { CaptureFile } from '../../src/capture/capture-file.js';
import type { MemoryFrame } from '../../src/capture/memory-batch.js';
import { memoryBatch, memoryInterface } from '../../src/capture/memory-batch.js';
import type { Alert, LogRecord } from '../../src/model/records.js';
import type { AnalysisOptions } from '../../src/sensor/analysis.js';
import { Analysis, DEFAULT_LIMITS } from '../../src/sensor/analysis.js';
import { loadEndpoints, loadRules } from '../../src/sensor/load.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS, REPLAY_SEED } from '../../src/sensor/replay.js';
import type { LayerSpec } from '../../src/wire/packet-builder.js';
import { buildFrame } from '../../src/wire/packet-builder.js';

const SHIPPED = loadRules([]).rules;
const ENDPOINTS = loadEndpoints();
export const FIRST_SECOND = 1_700_000_000;

export interface Analysed {
  readonly analysis: Analysis;
  readonly records: LogRecord[];
  readonly alerts: Alert[];
  /** Parsed lines of one log. */
  readonly lines: (log: LogRecord['log']) => Record<string, unknown>[];
  readonly rules: () => string[];
}

/** Options of an analysis with the shipped rules that keeps nothing. */
export function analysisOptions(): AnalysisOptions {
  return {
    rules: SHIPPED,
    endpoints: ENDPOINTS,
    site: { localNetworks: [], vantage: 'auto' },
    sixrd: [],
    profile: 'extended',
    maxDepth: DEFAULT_MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    limits: DEFAULT_LIMITS,
    sensor: 'test',
    seed: REPLAY_SEED,
    emit: () => undefined,
  };
}

/** An analysis with the shipped rules that keeps what it emits. */
export function newAnalysis(options: Partial<AnalysisOptions> = {}): Analysed {
  const records: LogRecord[] = [];
  const alerts: Alert[] = [];
  const analysis = new Analysis({
    ...analysisOptions(),
    emit: (record) => records.push(record),
    onAlert: (alert) => alerts.push(alert),
    ...options,
  });
  return {
    analysis,
    records,
    alerts,
    lines: (log) =>
      records
        .filter((record) => record.log === log)
        .map((record) => JSON.parse(record.json) as Record<string, unknown>),
    rules: () => alerts.map((alert) => alert.rule.id).sort(),
  };
}

/** A packet of layers, some seconds after the first. */
export interface TestPacket {
  readonly at?: number;
  readonly layers: readonly LayerSpec[];
}

/** Analyses frames and ends the input. */
export function analyseFrames(
  frames: readonly MemoryFrame[],
  options: Partial<AnalysisOptions> = {},
): Analysed {
  const result = newAnalysis(options);
  const batch = memoryBatch(frames);
  result.analysis.process(batch, 0, batch.count, [memoryInterface('test.pcap')]);
  result.analysis.finish();
  return result;
}

export function analyse(packets: readonly TestPacket[], options: Partial<AnalysisOptions> = {}): Analysed {
  return analyseFrames(
    packets.map(({ at = 0, layers }) => ({
      bytes: buildFrame(layers),
      seconds: FIRST_SECOND + Math.floor(at),
      nanoseconds: Math.round((at % 1) * 1e9),
    })),
    options,
  );
}

/** Analyses a capture file and ends the input. */
export async function analyseCapture(
  path: string,
  options: Partial<AnalysisOptions> = {},
): Promise<Analysed> {
  const result = newAnalysis(options);
  const file = await CaptureFile.open(path);
  try {
    await file.read((batch, from, to) => {
      result.analysis.process(batch, from, to, file.interfaces);
      return undefined;
    });
  } finally {
    await file.close();
  }
  result.analysis.finish();
  return result;
}
