import { DEFAULT_CONFIG } from '../config/load.js';
import type { EndpointList } from '../intel/endpoint-list.js';
import type { FactSheet } from '../model/fact-sheet.js';
import type { Profile } from '../model/profile.js';
import type { Alert, LogRecord } from '../model/records.js';
import type { Rule } from '../rules/rule.js';
import type { SiteOptions } from '../tunnel/site.js';
import type { SixrdDomain } from '../wire/embedded-address.js';
import type { MirrorTransport } from '../wire/mirror-transport.js';
import type { ChecksumMode } from './checksums.js';

/** Upper sizes of everything that grows with the traffic. */
export interface AnalysisLimits {
  readonly tunnels: number;
  readonly flows: number;
  readonly clientMappings: number;
  readonly suppressionKeys: number;
  readonly weirdKeys: number;
  readonly fragmentedDatagrams: number;
  readonly fragmentBytes: number;
}

export const DEFAULT_LIMITS: AnalysisLimits = DEFAULT_CONFIG.limits;

export interface AnalysisOptions {
  readonly rules: readonly Rule[];
  readonly endpoints: EndpointList;
  readonly site: Omit<SiteOptions, 'maxMappings'>;
  readonly sixrd: readonly SixrdDomain[];
  readonly profile: Profile;
  /** Encapsulations that are opened; at most 4 in the strict profile. */
  readonly maxDepth: number;
  readonly vxlanPorts: readonly number[];
  /** What brings a mirror port here; unwrapped, and no tunnel. None unless said. */
  readonly mirrorTransports?: readonly MirrorTransport[];
  /** `auto` unless said. The strict profile verifies none. */
  readonly checksums?: ChecksumMode;
  readonly limits: AnalysisLimits;
  readonly sensor: string;
  /** Seed of uids: fixed for replay, a live sensor's own otherwise. */
  readonly seed: number;
  readonly emit: (record: LogRecord) => void;
  readonly onAlert?: (alert: Alert, facts: FactSheet) => void;
}
