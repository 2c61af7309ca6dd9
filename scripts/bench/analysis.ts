import type { EndpointList } from '../../src/intel/endpoint-list.js';
import type { LogRecord } from '../../src/model/records.js';
import type { Rule } from '../../src/rules/rule.js';
import type { AnalysisLimits } from '../../src/sensor/analysis.js';
import { Analysis, DEFAULT_LIMITS } from '../../src/sensor/analysis.js';
import type { ChecksumMode } from '../../src/sensor/checksums.js';
import { DEFAULT_MAX_DEPTH, DEFAULT_VXLAN_PORTS, REPLAY_SEED } from '../../src/sensor/replay.js';

/** An analysis as `replay` makes it without options. `Made` is its class, when it is another than that of the sources. */
export function benchAnalysis(
  rules: readonly Rule[],
  endpoints: EndpointList,
  emit: (record: LogRecord) => void,
  { limits, checksums }: { limits?: Partial<AnalysisLimits>; checksums?: ChecksumMode } = {},
  Made: typeof Analysis = Analysis,
): Analysis {
  return new Made({
    rules,
    endpoints,
    site: { localNetworks: [], vantage: 'auto' },
    sixrd: [],
    profile: 'extended',
    maxDepth: DEFAULT_MAX_DEPTH,
    vxlanPorts: DEFAULT_VXLAN_PORTS,
    ...(checksums !== undefined && { checksums }),
    limits: { ...DEFAULT_LIMITS, ...limits },
    sensor: 'bench',
    seed: REPLAY_SEED,
    emit,
  });
}
